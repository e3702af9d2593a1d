"""Slicer's slice views and layouts, rendered off screen.

The nodes, the slice logics, the link between views and the pixels are Slicer's own;
what stands in is the window around them: which views there are and how big.
"""

from __future__ import annotations

import contextlib

import qt
import slicer
import vtk
from PySide6.QtCore import Property, Signal
from trame_slicer.views import AbstractView, SliceView
from trame_slicer.views.render_scheduler import NoScheduleRendering

from . import plot_views
from .layouts import cells
from .plot_views import PlotWidget, window_pixels

BAR = 22  # height in pixels of the bar above each slice view


class NodeSliceView(SliceView):
    """A slice view over a slice node that the scene has already."""

    def __init__(self, scene, application_logic, node):
        self._given_node = node
        with _no_vtk_warnings():  # about an event of the window that we do without
            super().__init__(scene, application_logic, node.GetLayoutName(),
                             scheduled_render_strategy=NoScheduleRendering())

    def set_scene(self, scene):
        AbstractView.set_scene(self, scene)
        self._logic.SetMRMLScene(scene)
        self._logic.SetSliceNode(self._given_node)
        self.set_view_node(self._given_node)

    def set_size(self, width, height):
        """Resize as the window would; the logic keeps what the view shows."""
        width, height = max(16, int(width)), max(16, int(height))
        self.render_window().SetSize(width, height)
        self._logic.ResizeSliceNode(width, height)

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


class LayoutManager(qt.QObject):
    """``slicer.app.layoutManager()`` over Slicer's own layout logic."""

    layoutChanged = Signal(int)

    def __init__(self, scene, application_logic):
        super().__init__()
        self._scene = scene
        self._application_logic = application_logic
        self._views = {}
        self._shown = None
        self.size = (1200, 800)  # of the area that the views share
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._observe_new_views()
        self._logic.SetMRMLApplicationLogic(application_logic)
        self._logic.SetMRMLScene(scene)
        self._logic.GetLayoutNode().AddObserver(vtk.vtkCommand.ModifiedEvent, self._on_layout)
        self.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView)

    # --- the layout ---

    def layoutLogic(self):
        return self._logic

    def mrmlScene(self):
        return self._scene

    def setLayout(self, layout):
        self._logic.GetLayoutNode().SetViewArrangement(layout)

    def _get_layout(self):
        return self._logic.GetLayoutNode().GetViewArrangement()

    layout = Property(int, _get_layout, setLayout)

    def cells(self, size=None):
        """The views of the current layout and where they lie in an area of ``size`` pixels."""
        node = self._logic.GetLayoutNode()
        return cells(node.GetCurrentLayoutDescription(), *(size or self.size))

    def _on_layout(self, *_):
        node = self._logic.GetLayoutNode()
        state = (node.GetViewArrangement(), node.GetCurrentLayoutDescription())
        if state == self._shown:
            return
        self._shown = state
        self._adopt_slice_nodes()
        self._mark_shown()
        self.resize()
        self.layoutChanged.emit(state[0])

    def _mark_shown(self):
        shown = {cell.tag for cell in self.cells()}
        for node in slicer.util.getNodesByClass("vtkMRMLAbstractViewNode"):
            node.SetMappedInLayout(node.GetLayoutName() in shown)

    def resize(self, size=None):
        """Give each shown slice view the size of its cell; as in Slicer, its zoom follows."""
        if size is not None:
            self.size = tuple(size)
        for cell in self.cells():
            if cell.tag in self._views and cell.view_class == "vtkMRMLSliceNode":
                self._views[cell.tag].set_size(cell.width, cell.height - BAR)

    # --- the views ---

    def _observe_new_views(self):
        def on_added(caller, event, node):
            if node is not None and node.IsA("vtkMRMLSliceNode"):
                self._adopt(node)
            elif node is not None and node.IsA("vtkMRMLPlotViewNode"):
                plot_views.adopt(node)
        on_added.CallDataType = vtk.VTK_OBJECT
        self._scene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, on_added)

    def _adopt_slice_nodes(self):
        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            self._adopt(node)

    def _adopt(self, node):
        """Make the view of a slice node, with its logic and its composite node."""
        name = node.GetLayoutName()
        if not name or name in self._views:
            return
        view = NodeSliceView(self._scene, self._application_logic, node)
        view.set_size(256, 256)
        self._views[name] = view

    def view(self, name):
        """The SliceView of that name; KeyError when there is none."""
        return self._views[name]

    def sliceViewNames(self):
        """The names of the slice views, those of the current layout or not."""
        return tuple(self._views)

    def sliceWidget(self, name):
        view = self._views.get(name)
        return SliceWidget(view) if view is not None else None

    def mrmlSliceLogics(self):
        return self._application_logic.GetSliceLogics()

    def mrmlViewLogics(self):
        return self._application_logic.GetViewLogics()

    def resetSliceViews(self):
        for view in self._views.values():
            view.logic().FitSliceToBackground()

    def resetThreeDViews(self):
        """There are no 3D views here."""

    def threeDWidget(self, index):
        return None

    tableWidget = threeDWidget

    def plotWidget(self, index):
        nodes = slicer.util.getNodesByClass("vtkMRMLPlotViewNode")
        return PlotWidget(nodes[index]) if 0 <= index < len(nodes) else None

    threeDViewCount = Property(int, lambda self: 0, None)
    tableViewCount = Property(int, lambda self: 0, None)
    plotViewCount = Property(
        int, lambda self: slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLPlotViewNode"), None)


def render(view, size=None):
    """The pixels of a slice view: uint8, (height, width, 3), first row on top."""
    if size is not None:
        view.set_size(*size)
    window = view.render_window()
    view._update_image_data_connection()
    window.Render()
    return window_pixels(window)
