"""A training in Slicer's own views: curves in plot views, sample patches in a slice view."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer
from LowDoseContrastSlicer.layouts import showLayout
from LowDoseContrastSlicer.volume_roles import SAMPLES, setRole
from slicer.i18n import tr as _
from slicer.util import NodeModify

from .plots import addSeries, fitViews, isWholeShown, removeSeries, seriesOf, showChart
from .training_run import CURVES

if TYPE_CHECKING:
    from .parameters import LowDoseContrastTrainingParameterNode
    from .training_run import TrainingRun

LAYOUT_ID = 7311
SAMPLE_VIEW, LOSS_VIEW, VALIDATION_VIEW = "TrainingSamples", "TrainingLosses", "TrainingValidation"
VALIDATION = ("val_l1_model", "val_l1_gain")
COLOURS = {
    "G_GAN": (0.85, 0.37, 0.01),
    "G_L1": (0.12, 0.47, 0.71),
    "D_real": (0.20, 0.63, 0.17),
    "D_fake": (0.58, 0.40, 0.74),
    "val_l1_model": (0.12, 0.47, 0.71),
    "val_l1_gain": (0.45, 0.45, 0.45),
}


def _plotView(tag: str, label: str) -> str:
    return f"""
      <item splitSize="500"><view class="vtkMRMLPlotViewNode" singletontag="{tag}">
        <property name="viewlabel" action="default">{label}</property>
      </view></item>"""


# Each item has a size, for Qt would give a plot a fifth of what it gives a slice view.
LAYOUTS = {
    LAYOUT_ID: f"""<layout type="horizontal" split="true">
  <item splitSize="500"><view class="vtkMRMLSliceNode" singletontag="{SAMPLE_VIEW}">
    <property name="orientation" action="default">Axial</property>
    <property name="viewlabel" action="default">S</property>
    <property name="viewcolor" action="default">#2A7F9E</property>
  </view></item>
  <item splitSize="500"><layout type="vertical" split="true">{_plotView(LOSS_VIEW, "L")}
    {_plotView(VALIDATION_VIEW, "V")}
  </layout></item>
</layout>"""
}


class TrainingViews:
    """One set of nodes in the scene, kept in the parameter node and filled anew as the training goes on."""

    def __init__(self) -> None:
        self._shown: Any = None

    def update(self, parameters: LowDoseContrastTrainingParameterNode, run: TrainingRun) -> None:
        """Brings the nodes up to date with the folder of a training; cheap where nothing has changed."""
        state = (str(run.folder), run.state(), self._nodes(parameters))
        if state == self._shown:
            return
        self._updateCurves(parameters, run.history())
        self._updateSamples(parameters, run.newestSample())
        self._shown = (*state[:2], self._nodes(parameters))

    def show(self, parameters: LowDoseContrastTrainingParameterNode, run: TrainingRun) -> None:
        """Arranges the views: the sample patches on the left, the curves on the right."""
        self.update(parameters, run)
        showLayout(LAYOUT_ID, LAYOUTS)
        showChart(LOSS_VIEW, parameters.lossChart)
        showChart(VALIDATION_VIEW, parameters.validationChart)
        fitViews(parameters.lossChart, parameters.validationChart)
        self._showSamples(parameters.sampleVolume)

    def _nodes(self, parameters: LowDoseContrastTrainingParameterNode) -> Any:
        nodes = (parameters.lossTable, parameters.lossChart, parameters.validationChart, parameters.sampleVolume)
        return tuple(node.GetID() if node else None for node in nodes)

    # The curves

    def _updateCurves(self, parameters: LowDoseContrastTrainingParameterNode, history: list[dict[str, float]]) -> None:
        """Fills the table and has the charts show it; axes in which all was seen go on showing all."""
        import numpy as np

        if not parameters.lossTable:
            parameters.lossTable = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", _("Training losses"))
        if not parameters.lossChart:
            parameters.lossChart = self._newChart(_("Losses, means of the epochs"), _("loss"))
        if not parameters.validationChart:
            parameters.validationChart = self._newChart(_("Validation"), _("mean error in pixel values"))
        columns = {"epoch": "epoch", **{name: f"{name}_mean" for name in CURVES}, **{name: name for name in VALIDATION}}
        there = {name: column for name, column in columns.items() if history and all(column in row for row in history)}
        drawn = there if len(history) > 1 else ()  # VTK counts it as an error to draw a line through one point
        legend = {
            **{name: name for name in CURVES},
            **dict(zip(VALIDATION, (_("model"), _("scaled input")), strict=True)),
        }
        wanted = {
            chart: {name: legend[name] for name in names if name in drawn}
            for chart, names in ((parameters.lossChart, CURVES), (parameters.validationChart, VALIDATION))
        }
        stale = [chart for chart, names in wanted.items() if not self._shows(chart, parameters.lossTable, names)]
        followed = [chart for chart in wanted if chart in stale or isWholeShown(chart)]
        removeSeries(*stale)
        with NodeModify(parameters.lossTable):
            slicer.util.updateTableFromArray(
                parameters.lossTable,
                [np.array([row[column] for row in history]) for column in there.values()],
                list(there),
            )
        circle = slicer.vtkMRMLPlotSeriesNode.MarkerStyleCircle
        for chart, names in wanted.items():
            for column, name in names.items() if chart in stale else ():
                addSeries(
                    chart,
                    parameters.lossTable,
                    name,
                    ("epoch", column),
                    COLOURS[column],
                    MarkerStyle=circle,
                    MarkerSize=5,
                )
            chart.Modified()  # as slicer.util.plot does, lest a view of nodes that were there before stays empty
        fitViews(*followed)

    def _newChart(self, title: str, ordinate: str) -> slicer.vtkMRMLPlotChartNode:
        chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", title)
        chart.SetTitle(title)
        chart.SetXAxisTitle(_("epoch"))
        chart.SetYAxisTitle(ordinate)
        return chart

    def _shows(self, chart: slicer.vtkMRMLPlotChartNode, table: slicer.vtkMRMLTableNode, names: Any) -> bool:
        """Whether the chart has a series for each of these columns of the table, and no others."""
        shown = seriesOf(chart)
        return len(shown) == chart.GetNumberOfPlotSeriesNodes() and [
            each.GetYColumnName() for each in shown if each.GetTableNode() is table
        ] == list(names)

    # The sample patches

    def _updateSamples(self, parameters: LowDoseContrastTrainingParameterNode, path: Path) -> None:
        node, pixels = parameters.sampleVolume, _pixels(path)
        if pixels is None and node is None:
            return
        if node is None:
            node = parameters.sampleVolume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
            setRole(node, SAMPLES)
            node.CreateDefaultDisplayNodes()
            node.GetDisplayNode().SetAutoWindowLevel(False)
            node.GetDisplayNode().SetWindowLevel(255, 127.5)
            node.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)  # the first row on top, as in any picture
        if pixels is None:
            node.SetName(_("No samples yet"))
            slicer.util.arrayFromVolume(node)[:] = 0
            slicer.util.arrayFromVolumeModified(node)
            return
        before = node.GetImageData().GetDimensions() if node.GetImageData() else None
        node.SetName(
            _("Samples of epoch {epoch}: scaled input, output, target").format(epoch=int(path.stem.rpartition("-")[2]))
        )
        slicer.util.updateVolumeFromArray(node, pixels[None])
        if node.GetImageData().GetDimensions() != before:
            self._showSamples(node)

    def _showSamples(self, node: slicer.vtkMRMLVolumeNode) -> None:
        """Shows the whole picture in its view, if the layout with that view was ever chosen."""
        widget = _sampleWidget()
        if widget is None or node is None:
            return
        widget.sliceLogic().GetSliceCompositeNode().SetBackgroundVolumeID(node.GetID())
        self.fit()

    def fit(self) -> None:
        """Fits the sample patches into their view; to be called again when Slicer's window has been laid out."""
        widget = _sampleWidget()
        if widget is not None:
            widget.sliceLogic().FitSliceToAll()


def _pixels(path: Path) -> Any:
    """The picture in ``path``; None without one, or if it has just been removed."""
    from LowDoseContrastLib.errors import InputError
    from LowDoseContrastTrainingLib.dataset.png import read_png

    try:
        return read_png(path) if path else None
    except InputError:
        return None


def _sampleWidget() -> Any:
    """The view of the sample patches; None until the layout that has it was chosen, and without a main window."""
    manager = slicer.app.layoutManager()
    return manager.sliceWidget(SAMPLE_VIEW) if manager is not None else None
