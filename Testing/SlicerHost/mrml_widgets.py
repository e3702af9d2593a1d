"""Stand-ins for Slicer's base widgets that know the scene."""

from __future__ import annotations

import qt
import slicer
import vtk
from PySide6.QtCore import Property, Signal


class SceneWidgetMixin:
    """``mrmlScene()``, ``setMRMLScene()`` and the signal that tells of it."""

    _scene = None

    def mrmlScene(self):
        return self._scene

    def setMRMLScene(self, scene):
        if scene is self._scene:
            return
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)


class qMRMLWidget(SceneWidgetMixin, qt.QWidget):
    """The base of module panels; passes its scene to the widgets of the .ui file."""

    mrmlSceneChanged = Signal(object)

    def __init__(self, parent=None, flags=None):
        super().__init__(parent)


class qSlicerWidget(qMRMLWidget):
    """Slicer's name for the same thing in the application library."""


class NodeWatcher:
    """Follow which nodes a scene has, and what they are called.

    ``changed(event, node)`` is called with "added", "removing", "removed",
    "renamed" or "reset" (the scene was closed, or changed as a whole).
    """

    def __init__(self, changed):
        self._changed = changed
        self._scene = None
        self._scene_tags = []
        self._node_tags = {}

    def setScene(self, scene):
        if self._scene is not None:
            for tag in self._scene_tags:
                self._scene.RemoveObserver(tag)
            for node in list(self._node_tags):
                self._forget(node)
        self._scene, self._scene_tags = scene, []
        if scene is None:
            return
        self._observe("NodeAddedEvent", self._on_added)
        self._observe("NodeAboutToBeRemovedEvent", self._on_removing)
        self._observe("NodeRemovedEvent", self._on_removed)
        for event in ("EndCloseEvent", "EndImportEvent", "EndRestoreEvent", "EndBatchProcessEvent"):
            self._scene_tags.append(scene.AddObserver(
                getattr(slicer.vtkMRMLScene, event), lambda caller, name: self._changed("reset", None)))
        nodes = scene.GetNodes()
        for index in range(nodes.GetNumberOfItems()):
            self._watch(nodes.GetItemAsObject(index))

    def _observe(self, event, function):
        function = _with_node(function)
        self._scene_tags.append(
            self._scene.AddObserver(getattr(slicer.vtkMRMLScene, event), function))

    def _watch(self, node):
        if node is not None and node not in self._node_tags:
            self._node_tags[node] = node.AddObserver(
                vtk.vtkCommand.ModifiedEvent, lambda caller, name: self._changed("renamed", caller))

    def _forget(self, node):
        tag = self._node_tags.pop(node, None)
        if tag is not None:
            node.RemoveObserver(tag)

    def _on_added(self, node):
        self._watch(node)
        self._changed("added", node)

    def _on_removing(self, node):
        self._changed("removing", node)

    def _on_removed(self, node):
        self._forget(node)
        self._changed("removed", node)


def _with_node(function):
    """An observer that hands its node on; VTK passes it as call data."""
    def observer(caller, event, node):
        function(node)
    observer.CallDataType = vtk.VTK_OBJECT
    return observer


class NodeFilter:
    """Which nodes a selector offers: by class, visibility and attribute."""

    def __init__(self):
        self.types = []
        self.show_hidden = False
        self.show_children = True
        self.hidden_children = []
        self.attributes = {}

    def accepts(self, node):
        if node is None or (node.GetHideFromEditors() and not self.show_hidden):
            return False
        return any(self._matches(node, name) for name in self.types)

    def _matches(self, node, name):
        if self.show_children:
            if not node.IsA(name) or any(node.IsA(child) for child in self.hidden_children):
                return False
        elif node.GetClassName() != name:
            return False
        for attribute, wanted in self.attributes.get(name, {}).items():
            value = node.GetAttribute(attribute)
            if value is None or (wanted not in (None, "") and value != str(wanted)):
                return False
        return True

    def nodes(self, scene):
        """The accepted nodes, in the order of the scene."""
        if scene is None:
            return []
        collection = scene.GetNodes()
        every = (collection.GetItemAsObject(i) for i in range(collection.GetNumberOfItems()))
        return [node for node in every if self.accepts(node)]


class qMRMLTableView(SceneWidgetMixin, qt.QTableView):
    """The cells of a vtkMRMLTableNode, read only."""

    mrmlSceneChanged = Signal(object)
    selectionChangedByUser = Signal()

    def __init__(self, parent=None):
        super().__init__(parent)
        self._node = None
        self._tag = None
        self.setModel(qt.QStandardItemModel(self))
        self.verticalHeader().setVisible(False)
        self.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)

    def mrmlTableNode(self):
        return self._node

    def setMRMLTableNode(self, node):
        if self._node is not None:
            self._node.RemoveObserver(self._tag)
        self._node = node
        if node is not None:
            self._tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._fill())
        self._fill()

    def _fill(self):
        model = self.model()
        model.clear()
        table = self._node.GetTable() if self._node is not None else None
        if table is None:
            return
        columns = range(table.GetNumberOfColumns())
        rows = range(table.GetNumberOfRows())
        if self._node.GetUseColumnTitleAsColumnHeader() or not rows:
            titles = [self._node.GetColumnName(i) or "" for i in columns]
        else:
            titles = [chr(ord("A") + i % 26) for i in columns]
            if self._node.GetUseFirstColumnAsRowHeader():
                titles[0] = ""
        model.setHorizontalHeaderLabels(titles)
        for row in rows:
            model.appendRow([qt.QStandardItem(str(table.GetValue(row, i).ToString()))
                             for i in columns])
        self.resizeColumnsToContents()

    transposed = Property(bool, lambda self: False, lambda self, value: None)
    firstRowLocked = Property(bool, lambda self: False, lambda self, value: None)
    firstColumnLocked = Property(bool, lambda self: False, lambda self, value: None)
