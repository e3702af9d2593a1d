"""What the plots of a training and of an evaluation share: series of a chart, and the axes of its views.

A plot view of Slicer keeps the axes that its curves had when they came, so they are fitted here when more has
come. Whoever has set a range by hand, or has zoomed in, keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer
import vtk


def seriesOf(chart: slicer.vtkMRMLPlotChartNode) -> list[Any]:
    """The series nodes of a chart that are in the scene."""
    found = [chart.GetNthPlotSeriesNode(index) for index in range(chart.GetNumberOfPlotSeriesNodes())]
    return [series for series in found if series is not None]  # the user may have removed some


def addSeries(
    chart: slicer.vtkMRMLPlotChartNode,
    table: slicer.vtkMRMLTableNode,
    name: str,
    columns: Sequence[str],
    colour: tuple[float, float, float],
    **style: Any,
) -> None:
    """Shows two columns of a table in the chart, abscissa and ordinate; ``style``: further properties of the series
    node, as MarkerSize=5.

    The node enters the chart when it is complete, for every change of it has all views drawn again.
    """
    series = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", name)
    series.SetAndObserveTableNodeID(table.GetID())
    series.SetXColumnName(columns[0])
    series.SetYColumnName(columns[1])
    series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
    series.SetColor(*colour)
    for key, value in style.items():
        getattr(series, f"Set{key}")(value)
    chart.AddAndObservePlotSeriesNodeID(series.GetID())


def removeSeries(*charts: Any) -> None:
    """Empties charts. To be done before their table loses columns, which VTK would look for."""
    for chart in filter(None, charts):
        shown = seriesOf(chart)
        chart.RemoveAllPlotSeriesNodeIDs()
        for series in shown:
            slicer.mrmlScene.RemoveNode(series)


def showChart(tag: str, chart: slicer.vtkMRMLPlotChartNode) -> None:
    """Puts a chart node, or None, into the plot view of the layouts that is named ``tag``."""
    slicer.mrmlScene.GetSingletonNode(tag, "vtkMRMLPlotViewNode").SetPlotChartNodeID(chart.GetID() if chart else None)


def isWholeShown(chart: slicer.vtkMRMLPlotChartNode) -> bool:
    """Whether all that a chart draws lies within its axes, so that nobody has zoomed in. True of an empty one."""
    for series in seriesOf(chart):
        table = series.GetTableNode().GetTable() if series.GetTableNode() else None
        for name, (low, high) in (
            (series.GetXColumnName(), chart.GetXAxisRange()),
            (series.GetYColumnName(), chart.GetYAxisRange()),
        ):
            column = table.GetColumnByName(name) if table and name else None
            if isinstance(column, vtk.vtkDataArray) and column.GetNumberOfTuples():
                first, last = column.GetRange()
                if first < low or last > high:
                    return False
    return True


def fitViews(*charts: Any) -> None:
    """Fits the axes of the views of these charts to what they draw; a range that was set by hand stays."""
    manager = slicer.app.layoutManager()
    for index in range(manager.plotViewCount if manager is not None else 0):
        widget = manager.plotWidget(index)
        for chart in filter(seriesOf, filter(None, charts)):
            if widget.mrmlPlotViewNode().GetPlotChartNodeID() == chart.GetID():
                _fit(widget.plotView(), chart)


def _fit(view: Any, chart: slicer.vtkMRMLPlotChartNode) -> None:
    fixed = [letter for letter in "XY" if not getattr(chart, f"Get{letter}AxisRangeAuto")()]
    ranges = {letter: getattr(chart, f"Get{letter}AxisRange")() for letter in fixed}
    if len(fixed) < 2:
        view.fitToContent()
    for letter, span in ranges.items():
        getattr(chart, f"Set{letter}AxisRange")(span)
