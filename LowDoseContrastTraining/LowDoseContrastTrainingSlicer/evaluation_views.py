"""An evaluation in Slicer's own views: charts of the differences to the gain, with intervals, above the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import slicer
import vtk
from LowDoseContrastSlicer.layouts import showLayout
from slicer.i18n import tr as _
from slicer.util import NodeModify

from .plots import addSeries, removeSeries, showChart
from .table_nodes import fillTable

if TYPE_CHECKING:
    import numpy as np

    from .evaluation_results import EvaluationTable
    from .parameters import LowDoseContrastTrainingParameterNode

LAYOUT_IDS = {2: 7312, 3: 7313}  # number of charts -> layout
TABLE_VIEW = "EvaluationTable"
CHART_VIEWS = ("EvaluationContrast", "EvaluationLikeness", "EvaluationDetectability")
MODEL_COLOUR, BASELINE_COLOUR, ZERO_COLOUR = (0.85, 0.37, 0.01), (0.12, 0.47, 0.71), (0.45, 0.45, 0.45)
ROOM = 0.6  # of a row, beside the first and the last


def _layout(count: int) -> str:
    views = "".join(
        f"""<item splitSize="500"><view class="vtkMRMLPlotViewNode" singletontag="{tag}">
        <property name="viewlabel" action="default">{tag[10]}</property>
      </view></item>"""
        for tag in CHART_VIEWS[:count]
    )
    return f"""<layout type="vertical" split="true">
  <item splitSize="600"><layout type="horizontal" split="true">{views}</layout></item>
  <item splitSize="400"><view class="vtkMRMLTableViewNode" singletontag="{TABLE_VIEW}">
    <property name="viewlabel" action="default">T</property>
  </view></item>
</layout>"""


LAYOUTS = {layout: _layout(count) for count, layout in LAYOUT_IDS.items()}


class EvaluationViews:
    """One set of nodes in the scene, kept in the parameter node and filled anew with each evaluation that is shown."""

    def show(self, parameters: LowDoseContrastTrainingParameterNode, table: EvaluationTable) -> None:
        """Fills the nodes with an EvaluationTable and arranges the views."""
        self._updateTable(parameters, table)
        self._updateCharts(parameters, table)
        charts = [
            chart
            for chart in (parameters.contrastChart, parameters.likenessChart, parameters.detectabilityChart)
            if chart
        ]
        showLayout(LAYOUT_IDS[len(charts)], LAYOUTS)
        for tag, chart in zip(CHART_VIEWS, charts, strict=False):
            showChart(tag, chart)
        slicer.mrmlScene.GetSingletonNode(TABLE_VIEW, "vtkMRMLTableViewNode").SetTableNodeID(
            parameters.resultTable.GetID()
        )

    def _updateTable(self, parameters: LowDoseContrastTrainingParameterNode, table: EvaluationTable) -> None:
        if not parameters.resultTable:
            parameters.resultTable = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", _("Evaluation"))
        columns = [*table.columns(), _("Reasons")]
        fillTable(
            parameters.resultTable,
            columns,
            [[*cells, why] for cells, why in zip(table.cells(), table.reasons(), strict=True)],
        )

    # The charts

    def _updateCharts(self, parameters: LowDoseContrastTrainingParameterNode, table: EvaluationTable) -> None:
        charts = {
            "contrastChart": (
                "cci_ratio_error",
                _("CCI error less that of the gain"),
                _("below 0: nearer to the high dose"),
            ),
            "likenessChart": (
                "psnr_matched",
                _("PSNR matched less that of the gain"),
                _("dB; above 0: nearer to the high dose"),
            ),
            "detectabilityChart": (
                "detectability",
                _("Detectability less that of the gain"),
                _("above 0: more is found"),
            ),
        }
        removeSeries(*(getattr(parameters, field) for field in charts))
        if not table.hasTruth:
            self._remove(parameters, "detectabilityChart")
            del charts["detectabilityChart"]
        if not parameters.intervalTable:
            parameters.intervalTable = slicer.mrmlScene.AddNewNodeByClass(
                "vtkMRMLTableNode", _("Evaluation, intervals")
            )
        found = {measure: table.intervals(measure) for measure, _title, _axis in charts.values()}
        self._fillIntervals(parameters.intervalTable, table, found)
        for field, (measure, title, axis) in charts.items():
            if not getattr(parameters, field):
                setattr(parameters, field, slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", title))
            with NodeModify(getattr(parameters, field)):
                self._draw(
                    getattr(parameters, field), parameters.intervalTable, table, (measure, title, axis), found[measure]
                )

    def _fillIntervals(self, node: slicer.vtkMRMLVolumeNode, table: slicer.vtkMRMLTableNode, found: Any) -> None:
        """Columns of three values, for a chart has no error bars and VTK draws no line through one point.

        Mean, and ends of the interval.
        """
        count = len(table.rows)
        columns = {"ends": (1 - ROOM, (count + 1) / 2, count + ROOM), "zero": (0, 0, 0)}
        for measure, intervals in found.items():
            for place, each in intervals.items():
                columns[f"row {place + 1}"] = (place + 1,) * 3
                columns[_mean(measure, place)] = (each.mean,) * 3
                if each.low is not None:
                    columns[_interval(measure, place)] = (each.low, each.mean, each.high)
        with NodeModify(node):
            node.RemoveAllColumns()
            for name, values in columns.items():
                node.AddColumn(_array(name, values))

    def _draw(
        self,
        chart: slicer.vtkMRMLPlotChartNode,
        node: slicer.vtkMRMLVolumeNode,
        table: slicer.vtkMRMLTableNode,
        texts: Sequence[str],
        intervals: Any,
    ) -> None:
        measure, title, axis = texts
        self._addSeries(chart, node, (_("gain"), "ends", "zero"), ZERO_COLOUR, isDashed=True)
        for place, each in intervals.items():
            name, colour = table.methods[place], MODEL_COLOUR if table.isModel(place) else BASELINE_COLOUR
            if each.low is not None:
                self._addSeries(
                    chart,
                    node,
                    (_("{method}, 95% interval").format(method=name), f"row {place + 1}", _interval(measure, place)),
                    colour,
                )
            self._addSeries(chart, node, (name, f"row {place + 1}", _mean(measure, place)), colour, isMarked=True)
        chart.SetTitle(title)
        chart.SetXAxisTitle(_("row of the table; mean and 95% interval"))
        chart.SetYAxisTitle(axis)
        chart.SetXAxisRangeAuto(False)
        chart.SetXAxisRange(1 - ROOM, len(table.rows) + ROOM)
        chart.SetYAxisRangeAuto(False)
        chart.SetYAxisRange(*_span(intervals.values()))
        chart.SetLegendVisibility(False)
        chart.Modified()  # as slicer.util.plot does, lest a view of nodes that were there before stays empty

    def _addSeries(
        self,
        chart: slicer.vtkMRMLPlotChartNode,
        node: slicer.vtkMRMLVolumeNode,
        columns: Sequence[str],
        colour: tuple[float, float, float],
        isMarked: bool = False,
        isDashed: bool = False,
    ) -> None:
        """``columns``: name of the series, columns of its abscissa and its ordinate. A line, or a marker."""
        kind = slicer.vtkMRMLPlotSeriesNode
        marker = kind.MarkerStyleCircle if isMarked else kind.MarkerStyleNone
        line = kind.LineStyleNone if isMarked else kind.LineStyleDash if isDashed else kind.LineStyleSolid
        addSeries(
            chart,
            node,
            columns[0],
            columns[1:],
            colour,
            MarkerStyle=marker,
            LineStyle=line,
            MarkerSize=9,
            LineWidth=1 if isDashed else 2,
        )

    def _remove(self, parameters: LowDoseContrastTrainingParameterNode, field: str) -> None:
        """The chart of an earlier evaluation, for which this one has no figures."""
        chart = getattr(parameters, field)
        if chart:
            setattr(parameters, field, None)
            slicer.mrmlScene.RemoveNode(chart)


def _span(intervals: Any) -> tuple[float, float]:
    """(low, high) of an axis with all of the intervals, zero, and some room."""
    ends = [end for each in intervals for end in (each.mean, each.low, each.high) if end is not None]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    room = 0.08 * (high - low) or 1.0
    return low - room, high + room


def _mean(measure: str, place: int) -> str:
    return f"{measure} of row {place + 1}"


def _interval(measure: str, place: int) -> str:
    return f"{measure} of row {place + 1}, interval"


def _array(name: str, values: np.ndarray) -> Any:
    array = vtk.vtkDoubleArray()
    array.SetName(name)
    for value in values:
        array.InsertNextValue(value)
    return array
