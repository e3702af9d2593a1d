"""Slicer's plot views, drawn off screen.

The nodes are Slicer's own and the charts VTK's, as in Slicer; what stands in is the widget
between them. As in ``qMRMLPlotView`` a view keeps one chart for its life: a curve stays the same
object as long as its series node is shown, so the axes stay as they were when the last curve
came, until ``fitToContent`` is called.
"""

from __future__ import annotations

import math

import numpy as np
import qt
import slicer
import vtk
from vtk.util import numpy_support

_LINES = {
    "LineStyleNone": vtk.vtkPen.NO_PEN,
    "LineStyleSolid": vtk.vtkPen.SOLID_LINE,
    "LineStyleDash": vtk.vtkPen.DASH_LINE,
    "LineStyleDot": vtk.vtkPen.DOT_LINE,
    "LineStyleDashDot": vtk.vtkPen.DASH_DOT_LINE,
    "LineStyleDashDotDot": vtk.vtkPen.DASH_DOT_DOT_LINE,
}
_MARKERS = {
    "MarkerStyleNone": vtk.vtkPlotPoints.NONE,
    "MarkerStyleCross": vtk.vtkPlotPoints.CROSS,
    "MarkerStylePlus": vtk.vtkPlotPoints.PLUS,
    "MarkerStyleSquare": vtk.vtkPlotPoints.SQUARE,
    "MarkerStyleCircle": vtk.vtkPlotPoints.CIRCLE,
    "MarkerStyleDiamond": vtk.vtkPlotPoints.DIAMOND,
}
_AXES = ((vtk.vtkAxis.BOTTOM, "X"), (vtk.vtkAxis.TOP, "X"), (vtk.vtkAxis.LEFT, "Y"), (vtk.vtkAxis.RIGHT, "Y"))
_SIZE = (320, 240)  # of a view that no picture was taken of yet

_views = {}  # by the name that the view has in layouts


def adopt(node):
    """The view of a plot view node, made when the node first comes."""
    view = _views.get(node.GetLayoutName())
    if view is None or view.mrmlPlotViewNode() is not node:
        view = _views[node.GetLayoutName()] = PlotView(node)
    return view


class PlotWidget:
    """``layoutManager().plotWidget(index)``."""

    def __init__(self, node):
        self._view = adopt(node)

    def mrmlPlotViewNode(self):
        return self._view.mrmlPlotViewNode()

    def plotView(self):
        return self._view


class PlotView:
    """``plotWidget.plotView()``: the chart of a view node."""

    def __init__(self, node):
        self._node, self._chart_node, self._chart_tag = node, None, None
        self._series = {}  # plot -> ID of its series node
        self._updating = self._is_due = False
        self._chart = vtk.vtkChartXY()
        self._chart.GetBackgroundBrush().SetColor(255, 253, 246, 255)
        self._context = vtk.vtkContextView()
        self._context.GetRenderer().SetBackground(1, 1, 1)
        self._context.GetScene().AddItem(self._chart)
        window = self._context.GetRenderWindow()
        window.SetOffScreenRendering(True)
        window.SetMultiSamples(0)
        window.SetSize(*_SIZE)
        node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._on_view)
        node.AddObserver(slicer.vtkMRMLPlotViewNode.PlotChartNodeChangedEvent, self._on_view)
        slicer.mrmlScene.AddObserver(slicer.vtkMRMLScene.EndBatchProcessEvent, self._update)
        self._on_view()

    def mrmlPlotViewNode(self):
        return self._node

    def chart(self):
        return self._chart

    def fitToContent(self):
        """Gives every axis the range of the curves, and the chart node those ranges."""
        for place, span in self._spans().items():
            axis = self._chart.GetAxis(place)
            span, limit = _for_log_scale(*span) if axis.GetLogScale() else (span, (-math.inf, math.inf))
            _set_range(axis, span, limit)
            axis.AutoScale()
        if self._chart_node is not None:
            with slicer.util.NodeModify(self._chart_node):
                self._chart_node.SetXAxisRange(*_range(self._chart.GetAxis(vtk.vtkAxis.BOTTOM)))
                self._chart_node.SetYAxisRange(*_range(self._chart.GetAxis(vtk.vtkAxis.LEFT)))
        self._paint_soon()

    def render(self, size=None):
        """The pixels: uint8 RGB, (height, width, 3), first row on top."""
        window = self._context.GetRenderWindow()
        if size is not None:
            window.SetSize(max(16, size[0]), max(16, size[1]))
        window.Render()
        return window_pixels(window)

    # --- from the nodes ---

    def _on_view(self, *_):
        identity = self._node.GetPlotChartNodeID()
        chart_node = slicer.mrmlScene.GetNodeByID(identity) if identity else None
        if chart_node is not self._chart_node:
            if self._chart_node is not None:
                self._chart_node.RemoveObserver(self._chart_tag)
            self._chart_node = chart_node
            if chart_node is not None:
                self._chart_tag = chart_node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._update)
        self._update()

    def _update(self, *_):
        if self._updating:
            return
        self._updating = True
        try:
            self._update_plots()
            if self._chart_node is not None and self._chart_node.GetScene() is not None:
                self._update_texts()
                for place, letter in _AXES:
                    _update_axis(self._chart.GetAxis(place), self._chart_node, letter)
        finally:
            self._updating = False
        self._paint_soon()

    def _update_plots(self):
        """Keeps the plots whose series are still shown and complete, removes the others, adds the new ones."""
        node = self._chart_node if self._chart_node is not None and self._chart_node.GetScene() else None
        shown = [node.GetNthPlotSeriesNode(i) for i in range(node.GetNumberOfPlotSeriesNodes())] if node else []
        shown = [series for series in shown if series is not None]
        known = []
        for plot in [self._chart.GetPlot(i) for i in reversed(range(self._chart.GetNumberOfPlots()))]:
            series = slicer.mrmlScene.GetNodeByID(self._series.get(plot, ""))
            known.append(series)
            found = _filled(series, plot) if series in shown else None
            if found is not plot:
                if found is not None:
                    self._add(found, series)
                self._remove(plot)
        for series in shown:
            plot = _filled(series, None) if series not in known else None
            if plot is not None:
                self._add(plot, series)

    def _add(self, plot, series):
        self._series[plot] = series.GetID()
        self._chart.AddPlot(plot)
        self._spans()

    def _remove(self, plot):
        self._series.pop(plot, None)
        self._chart.RemovePlot(next(i for i in range(self._chart.GetNumberOfPlots()) if self._chart.GetPlot(i) is plot))
        self._spans()

    def _spans(self):
        """Axis -> range of the plots. CTK's view also asks for it whenever a plot comes or goes, and VTK then
        complains of plots that have lost their columns."""
        spans = {place: (0.0, 0.0) for place, _letter in _AXES}
        found = []
        for plot in [self._chart.GetPlot(i) for i in range(self._chart.GetNumberOfPlots())]:
            bounds = [0.0] * 4
            plot.GetUnscaledInputBounds(bounds)
            if bounds[1] >= bounds[0]:
                found.append(bounds)
        if found:
            low_x, high_x, low_y, high_y = (pick(each) for pick, each in zip((min, max, min, max), zip(*found)))
            spans[vtk.vtkAxis.BOTTOM], spans[vtk.vtkAxis.LEFT] = (low_x, high_x), (low_y, high_y)
        return spans

    def _update_texts(self):
        chart, node = self._chart, self._chart_node
        chart.SetTitle((node.GetTitle() or "") if node.GetTitleVisibility() else "")
        chart.GetTitleProperties().SetFontSize(node.GetTitleFontSize())
        chart.SetShowLegend(node.GetLegendVisibility())
        chart.GetLegend().GetLabelProperties().SetFontSize(node.GetLegendFontSize())

    # --- drawing ---

    def _paint_soon(self):
        """A view that is on screen is drawn when the events of the moment are over.

        Drawing gives axes their first range.
        """
        self._context.GetScene().SetDirty(True)
        if not self._is_due and self._node.IsMappedInLayout():
            self._is_due = True
            qt.QTimer.singleShot(0, self._paint)

    def _paint(self):
        self._is_due = False
        self._context.GetRenderWindow().Render()


def render(name, size):
    """The pixels of the plot view of that name: uint8 RGB, (height, width, 3), first row on top."""
    return adopt(slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLPlotViewNode")).render(size)


def window_pixels(window):
    """The pixels of a render window that has been drawn: uint8 RGB, first row on top."""
    grabber = vtk.vtkWindowToImageFilter()
    grabber.SetInput(window)
    grabber.SetInputBufferTypeToRGB()
    grabber.ReadFrontBufferOff()
    grabber.Update()
    image = grabber.GetOutput()
    width, height, _ = image.GetDimensions()
    pixels = numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
    return np.flipud(pixels.reshape(height, width, 3)).copy()


def _update_axis(axis, node, letter):
    def setting(name):
        return getattr(node, f"Get{letter}Axis{name}")()

    axis.SetTitle((setting("Title") or "") if setting("TitleVisibility") else "")
    is_log = bool(setting("LogScale"))
    if setting("RangeAuto"):
        if bool(axis.GetLogScale()) != is_log:
            span = _range(axis)
            axis.SetLogScale(is_log)
            _set_range(axis, *(_for_log_scale(*span) if is_log else (span, (-math.inf, math.inf))))
            axis.Update()
        axis.SetBehavior(vtk.vtkAxis.AUTO)
    else:
        axis.SetBehavior(vtk.vtkAxis.FIXED)
        axis.SetLogScale(is_log)
        span = setting("Range")
        _set_range(axis, *(_for_log_scale(*span) if is_log else (span, (-math.inf, math.inf))))
        axis.Update()
    axis.SetGridVisible(node.GetGridVisibility())
    axis.GetTitleProperties().SetBold(False)
    axis.GetTitleProperties().SetFontSize(node.GetAxisTitleFontSize())
    axis.GetLabelProperties().SetFontSize(node.GetAxisLabelFontSize())


def _range(axis):
    return axis.GetUnscaledMinimum(), axis.GetUnscaledMaximum()


def _set_range(axis, span, limit):
    axis.SetUnscaledMinimumLimit(limit[0])
    axis.SetUnscaledMaximumLimit(limit[1])
    axis.SetUnscaledRange(*span)


def _for_log_scale(low, high):
    """(range, limits) that a logarithmic axis can have."""
    if high <= 0:
        return (0.1, 1.0), (0.1, 1.0)
    if low <= 0:
        low = high / 1e4 if high < 1e4 else 1.0
    return (low, high), (0.0, math.inf)


def _filled(series, plot):
    """``plot``, or a new one, with what the series node says; None where a column that it needs is missing."""
    table = series.GetTableNode().GetTable() if series.GetTableNode() is not None else None
    names = (series.GetXColumnName(), series.GetYColumnName())
    needed = names if series.IsXColumnRequired() else names[1:]
    if table is None or not all(name and table.GetColumnByName(name) for name in needed):
        return None
    bars = series.GetPlotType() in (series.PlotTypeBar, series.PlotTypeScatterBar)
    kind = vtk.vtkPlotBar if bars else vtk.vtkPlotLine
    plot = plot if isinstance(plot, kind) else kind()
    plot.SetWidth(series.GetLineWidth())
    plot.SetColorF(*series.GetColor())
    plot.SetOpacity(series.GetOpacity())
    if not bars:
        plot.GetPen().SetLineType(_named(_LINES, series, series.GetLineStyle()))
        plot.SetMarkerSize(series.GetMarkerSize())
        plot.SetMarkerStyle(_named(_MARKERS, series, series.GetMarkerStyle()))
    plot.SetUseIndexForXSeries(not series.IsXColumnRequired())
    plot.SetInputData(table, names[0] if series.IsXColumnRequired() else names[1], names[1])
    plot.SetLabel(series.GetName() or names[1])
    return plot


def _named(values, series, number):
    """The value under the name that ``number`` has in the node's class."""
    return next(value for name, value in values.items() if getattr(series, name) == number)
