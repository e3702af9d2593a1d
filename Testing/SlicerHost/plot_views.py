"""Slicer's plot views, drawn off screen.

The nodes are Slicer's own and the charts VTK's, as in Slicer; what stands in is the widget
between them, which reads the nodes as ``qMRMLPlotView`` does.
"""

from __future__ import annotations

import numpy as np
import slicer
import vtk
from vtk.util import numpy_support

_LINES = {"LineStyleNone": vtk.vtkPen.NO_PEN, "LineStyleSolid": vtk.vtkPen.SOLID_LINE,
          "LineStyleDash": vtk.vtkPen.DASH_LINE, "LineStyleDot": vtk.vtkPen.DOT_LINE,
          "LineStyleDashDot": vtk.vtkPen.DASH_DOT_LINE,
          "LineStyleDashDotDot": vtk.vtkPen.DASH_DOT_DOT_LINE}
_MARKERS = {"MarkerStyleNone": vtk.vtkPlotPoints.NONE, "MarkerStyleCross": vtk.vtkPlotPoints.CROSS,
            "MarkerStylePlus": vtk.vtkPlotPoints.PLUS, "MarkerStyleSquare": vtk.vtkPlotPoints.SQUARE,
            "MarkerStyleCircle": vtk.vtkPlotPoints.CIRCLE,
            "MarkerStyleDiamond": vtk.vtkPlotPoints.DIAMOND}


class PlotWidget:
    """``layoutManager().plotWidget(index)``."""

    def __init__(self, node):
        self._node = node

    def mrmlPlotViewNode(self):
        return self._node

    def plotView(self):
        return self


def render(name, size):
    """The pixels of the plot view of that name: uint8 RGB, (height, width, 3), first row on top."""
    node = slicer.mrmlScene.GetSingletonNode(name, "vtkMRMLPlotViewNode")
    identity = node.GetPlotChartNodeID() if node is not None else None
    chart_node = slicer.mrmlScene.GetNodeByID(identity) if identity else None
    view = vtk.vtkContextView()
    view.GetRenderer().SetBackground(1, 1, 1)
    window = view.GetRenderWindow()
    window.SetOffScreenRendering(True)
    window.SetMultiSamples(0)
    window.SetSize(max(16, size[0]), max(16, size[1]))
    if chart_node is not None:
        view.GetScene().AddItem(_chart(chart_node))
    window.Render()
    return window_pixels(window)


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


def _chart(node):
    """The chart of a chart node."""
    chart = vtk.vtkChartXY()
    chart.GetBackgroundBrush().SetColor(255, 253, 246, 255)
    for index in range(node.GetNumberOfPlotSeriesNodes()):
        series = node.GetNthPlotSeriesNode(index)
        plot = _plot(series) if series is not None else None
        if plot is not None:
            chart.AddPlot(plot)
    chart.SetTitle((node.GetTitle() or "") if node.GetTitleVisibility() else "")
    chart.GetTitleProperties().SetFontSize(node.GetTitleFontSize())
    chart.SetShowLegend(node.GetLegendVisibility())
    chart.GetLegend().GetLabelProperties().SetFontSize(node.GetLegendFontSize())
    for place, letter in ((vtk.vtkAxis.BOTTOM, "X"), (vtk.vtkAxis.LEFT, "Y")):
        _set_axis(chart.GetAxis(place), node, letter)
    return chart


def _set_axis(axis, node, letter):
    def setting(name):
        return getattr(node, f"Get{letter}Axis{name}")()

    axis.SetTitle((setting("Title") or "") if setting("TitleVisibility") else "")
    axis.SetLogScale(setting("LogScale"))
    if not setting("RangeAuto"):
        axis.SetBehavior(vtk.vtkAxis.FIXED)
        axis.SetUnscaledRange(*setting("Range"))
    axis.SetGridVisible(node.GetGridVisibility())
    axis.GetTitleProperties().SetBold(False)
    axis.GetTitleProperties().SetFontSize(node.GetAxisTitleFontSize())
    axis.GetLabelProperties().SetFontSize(node.GetAxisLabelFontSize())


def _plot(series):
    """The curve or the bars of a series node; None where a column that it needs is missing."""
    table = series.GetTableNode().GetTable() if series.GetTableNode() is not None else None
    names = (series.GetXColumnName(), series.GetYColumnName())
    needed = names if series.IsXColumnRequired() else names[1:]
    if table is None or not all(name and table.GetColumnByName(name) for name in needed):
        return None
    bars = series.GetPlotType() in (series.PlotTypeBar, series.PlotTypeScatterBar)
    plot = vtk.vtkPlotBar() if bars else vtk.vtkPlotLine()
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
