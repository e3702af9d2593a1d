"""Slicer's slice views, rendered off screen.

The nodes, the slice logics, the link between views and the pixels are Slicer's own;
what stands in is the window around them.
"""

from __future__ import annotations

import contextlib

import qt
import slicer
import vtk
from trame_slicer.views import AbstractView, SliceView
from trame_slicer.views.render_scheduler import NoScheduleRendering

from .plot_views import window_pixels

BAR = 22  # height in pixels of the bar above each slice view


class NodeSliceView(SliceView):
    """A slice view over a slice node that the scene has already."""

    def __init__(self, scene, application_logic, node):
        self._given_node = node
        self._size = None  # until it is laid out for the first time
        with _no_vtk_warnings():  # about an event of the window that we do without
            super().__init__(
                scene, application_logic, node.GetLayoutName(), scheduled_render_strategy=NoScheduleRendering()
            )

    def set_scene(self, scene):
        AbstractView.set_scene(self, scene)
        self._logic.SetMRMLScene(scene)
        self._logic.SetSliceNode(self._given_node)
        self.set_view_node(self._given_node)

    def set_size(self, width, height):
        """Resize as the window would; the logic keeps what the view shows."""
        width, height = max(16, int(width)), max(16, int(height))
        self._size = width, height
        self.render_window().SetSize(width, height)
        self.fit_node_to_window()

    def fit_node_to_window(self):
        """Give the slice node the window's size: its height in millimetres stays, its width follows."""
        if self._size is not None:
            self._logic.ResizeSliceNode(*self._size)

    def logic(self):
        return self._logic


@contextlib.contextmanager
def _no_vtk_warnings():
    shown = vtk.vtkObject.GetGlobalWarningDisplay()
    vtk.vtkObject.GlobalWarningDisplayOff()
    try:
        yield
    finally:
        vtk.vtkObject.SetGlobalWarningDisplay(shown)


class SliceController(qt.QObject):
    """The few buttons of the bar above a slice view that scripts press."""

    def __init__(self, logic, parent=None):
        super().__init__(parent)
        self._logic = logic
        self._visible = True

    def fitSliceToBackground(self):
        self._logic.FitSliceToBackground()

    def setSliceLink(self, linked):
        nodes = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        for node in nodes:  # as in Slicer, linking one view links all
            node.SetLinkedControl(bool(linked))

    def setSliceOffsetValue(self, offset):
        self._logic.SetSliceOffset(offset)

    def mrmlSliceNode(self):
        return self._logic.GetSliceNode()

    def setVisible(self, visible):
        self._visible = bool(visible)

    def sliceLogic(self):
        return self._logic


class SliceWidget:
    """``layoutManager().sliceWidget(name)``."""

    def __init__(self, view):
        self._view = view
        self._controller = SliceController(view.logic())

    def sliceLogic(self):
        return self._view.logic()

    def mrmlSliceNode(self):
        return self._view.get_view_node()

    def mrmlSliceCompositeNode(self):
        return self._view.logic().GetSliceCompositeNode()

    def sliceController(self):
        return self._controller

    def sliceView(self):
        return self

    def fitSliceToBackground(self):
        self._view.logic().FitSliceToBackground()

    def renderWindow(self):
        return self._view.render_window()

    def interactor(self):
        return self._view.interactor()

    def displayableManagerByClassName(self, name):
        return self._view.get_displayable_manager_by_class(name)

    def forceRender(self):
        self._view.render()

    scheduleRender = forceRender


def render(view, size=None):
    """The pixels of a slice view: uint8, (height, width, 3), first row on top."""
    if size is not None:
        view.set_size(*size)
    window = view.render_window()
    view._update_image_data_connection()
    window.Render()
    return window_pixels(window)
