"""``slicer.app.layoutManager()``: which views there are, which are shown and how big they are.

The layouts themselves are kept by Slicer's own layout node and layout logic.
"""

from __future__ import annotations

import qt
import slicer
import vtk
from PySide6.QtCore import Property, Signal

from . import plot_views
from .layouts import cells
from .plot_views import PlotWidget
from .slice_views import BAR, NodeSliceView, SliceWidget

WINDOW = (1200, 800)  # of the area that the views share, in pixels


class LayoutManager(qt.QObject):
    """Makes the views of the scene's view nodes and shows those of the current layout.

    As in the desktop the nodes change at once, but a view gets the size of its place in the layout only
    when events are handled next; before that a new view has the size that Slicer gives its node.
    """

    layoutChanged = Signal(int)

    def __init__(self, scene, application_logic):
        super().__init__()
        self._scene = scene
        self._application_logic = application_logic
        self._views = {}  # by slice node
        self._node = self._node_tag = None
        self._description = ""
        self._is_resizing = False
        self.size = WINDOW
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._logic.SetMRMLApplicationLogic(application_logic)
        self._logic.SetMRMLScene(scene)  # before this object, so that it finds the scene in order
        self._observe_scene()
        self._update_from_scene()
        self.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView)
        self.settle()

    def _observe_scene(self):
        for event, function in (
            ("NodeAddedEvent", self._on_node_added),
            ("NodeRemovedEvent", self._on_node_removed),
            ("EndBatchProcessEvent", self._on_batch_ended),
            ("EndRestoreEvent", self._on_restored),
            ("StartCloseEvent", self._on_start_close),
            ("EndCloseEvent", self._on_closed),
        ):
            observer = _observer(function)
            if "Node" in event:
                observer.CallDataType = vtk.VTK_OBJECT
            self._scene.AddObserver(getattr(slicer.vtkMRMLScene, event), observer)

    # --- the layout ---

    def layoutLogic(self):
        return self._logic

    def mrmlScene(self):
        return self._scene

    def setLayout(self, layout):
        """Show a layout; one that is not registered becomes the conventional one."""
        if layout == self._get_layout() or self._node is None:
            return
        if not self._node.IsLayoutDescription(layout):
            layout = slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView
        self._node.RemoveAllMaximizedViewNodes()
        self._node.SetViewArrangement(layout)

    def _get_layout(self):
        node = self._node
        return slicer.vtkMRMLLayoutNode.SlicerLayoutNone if node is None else node.GetViewArrangement()

    layout = Property(int, _get_layout, setLayout)

    def addMaximizedViewNode(self, node):
        self._node.AddMaximizedViewNode(node)

    def removeMaximizedViewNode(self, node):
        self._node.RemoveMaximizedViewNode(node)

    def removeAllMaximizedViewNodes(self):
        self._node.RemoveAllMaximizedViewNodes()

    def cells(self, size=None):
        """The views that are shown and where they lie in an area of ``size`` pixels."""
        return cells(self._description, *(size or self.size))

    def _update_layout(self, *_):
        """Show what the layout node says; while the scene is being changed as a whole it has no say."""
        if self._scene.IsBatchProcessing():
            return
        layout = self._get_layout()
        if layout == slicer.vtkMRMLLayoutNode.SlicerLayoutCustomView:
            return
        self._description = self._describe()
        shown = {(cell.view_class, cell.tag) for cell in self.cells()}
        for node in slicer.util.getNodesByClass("vtkMRMLAbstractViewNode"):
            node.SetMappedInLayout(False)
        for view_class, tag in shown:
            node = self._scene.GetSingletonNode(tag, view_class)
            if node is not None:
                node.SetMappedInLayout(True)
        self._resize_later()
        self.layoutChanged.emit(layout)

    def _describe(self):
        node = self._node
        if node is None:
            return ""
        description = node.GetCurrentLayoutDescription() or ""
        for index in range(node.GetNumberOfMaximizedViewNodes()):
            maximized = node.GetMaximizedViewNode(index)
            if maximized is not None:
                description = self._logic.GetMaximizedViewLayoutDescription(maximized, description)
        return description

    # --- the scene ---

    def _update_from_scene(self):
        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode"):
            self._adopt(node)
        if self._node is not None:
            self._node.RemoveObserver(self._node_tag)
        self._node = self._logic.GetLayoutNode()
        if self._node is not None:
            self._node_tag = self._node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._update_layout)
        self._update_layout()

    def _on_node_added(self, node):
        if not self._scene.IsBatchProcessing():  # what the view needs may not be there yet
            self._adopt(node)

    def _on_node_removed(self, node):
        view = self._views.pop(node, None)
        if view is not None:
            self._application_logic.GetSliceLogics().RemoveItem(view.logic())

    def _on_batch_ended(self, _):
        self._update_from_scene()
        for view in self._views.values():
            view.fit_node_to_window()

    def _on_restored(self, _):
        if self._node is not None:
            self._node.Modified()

    def _on_start_close(self, _):
        self._description = ""

    def _on_closed(self, _):
        if not self._scene.IsBatchProcessing():
            self._update_from_scene()

    # --- sizes ---

    def _resize_later(self):
        if not self._is_resizing:
            self._is_resizing = True
            qt.QTimer.singleShot(0, self.settle)

    def settle(self):
        """Lay the views out now, if the layout has changed since it was done last."""
        if self._is_resizing:
            self.resize()

    def resize(self, size=None):
        """Give each shown slice view the size of its cell; as in Slicer, its field of view follows."""
        self._is_resizing = False
        if size is not None:
            self.size = tuple(size)
        for cell in self.cells():
            view = self._find(cell.tag)
            if view is not None and cell.view_class == "vtkMRMLSliceNode":
                view.set_size(cell.width, cell.height - BAR)

    # --- the views ---

    def _adopt(self, node):
        """Make the view of a slice node, with its logic and its composite node, or of a plot view node."""
        if node is not None and node.IsA("vtkMRMLPlotViewNode"):
            plot_views.adopt(node)
        if (
            node is not None
            and node.IsA("vtkMRMLSliceNode")
            and node not in self._views
            and node.GetParentLayoutNode() is None
            and node.GetLayoutName()
        ):
            self._views[node] = NodeSliceView(self._scene, self._application_logic, node)

    def _find(self, name):
        return next((view for node, view in self._views.items() if node.GetName() == name), None)

    def view(self, name):
        """The SliceView of that name; KeyError when there is none."""
        view = self._find(name)
        if view is None:
            raise KeyError(name)
        return view

    def sliceViewNames(self):
        """The names of the slice views, those of the current layout or not."""
        return tuple(node.GetName() for node in self._views)

    def sliceWidget(self, name):
        view = self._find(name)
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
    plotViewCount = Property(int, lambda self: slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLPlotViewNode"), None)


def _observer(function):
    def observer(caller, event, node=None):
        function(node)

    return observer
