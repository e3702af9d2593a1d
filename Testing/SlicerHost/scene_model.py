"""The Qt models behind Slicer's node selectors: a scene's nodes as rows, and which of them are shown.

Qt itself decides what a combo box does when rows come and go, so the selectors choose, keep and lose
nodes at the same moments as in the desktop.
"""

from __future__ import annotations

import weakref

import qt
import shiboken6
import slicer
import vtk
from PySide6.QtCore import Property, Signal

UID_ROLE = 257  # Qt.UserRole + 1, as in Slicer: the ID of a node, or what kind of other row it is
ACTION_ROLE = 258

_EARLY, _LATE = 10.0, -10.0  # priorities: rows come before scripts hear of a node, and go after


class SceneObservers:
    """Observers of a scene that call methods of an object and vanish with it."""

    def __init__(self, owner):
        self._owner = weakref.ref(owner)
        self._scene, self._tags = None, []
        self._end = weakref.finalize(owner, self.setScene, None)

    def setScene(self, scene, events=()):
        """Observe ``(event, method name, priority)``; a method takes the node, or None."""
        if self._scene is not None:
            for tag in self._tags:
                self._scene.RemoveObserver(tag)
        self._scene = scene
        self._tags = [self._observe(*event) for event in events] if scene is not None else []

    def _observe(self, event, method, priority):
        def observer(caller, name, node=None):
            owner = self._owner()
            if owner is not None and shiboken6.isValid(owner):
                getattr(owner, method)(node)

        if "Node" in event:
            observer.CallDataType = vtk.VTK_OBJECT
        return self._scene.AddObserver(getattr(slicer.vtkMRMLScene, event), observer, priority)


class qMRMLSceneModel(qt.QStandardItemModel):
    """One row "Scene"; below it rows before the nodes, the nodes of the scene, and rows after them."""

    nodeModified = Signal(object)  # of a node that is followed

    _EVENTS = (("NodeAddedEvent", "_on_added", _EARLY),
               ("NodeAboutToBeRemovedEvent", "_on_about_to_be_removed", _LATE),
               ("EndCloseEvent", "_on_scene_changed", 0.0),
               ("EndImportEvent", "_on_scene_changed", 0.0))

    def __init__(self, parent=None):
        super().__init__(parent)
        self._scene = None
        self._before, self._after = [], []
        self._watched = {}
        self._observers = SceneObservers(self)
        weakref.finalize(self, _stop_watching, self._watched)

    def mrmlScene(self):
        return self._scene

    def setMRMLScene(self, scene):
        if scene is self._scene:
            return
        self._observers.setScene(None)
        self._scene = scene
        self._fill()
        self._observers.setScene(scene, self._EVENTS)

    def sceneItem(self):
        """The row "Scene"; None while there is no scene."""
        return self.item(0) if self._scene is not None and self.rowCount() else None

    def _fill(self):
        """List the nodes anew. Other rows stay, and so does what is shown of them."""
        _stop_watching(self._watched)
        if self._scene is None:
            self.removeRows(0, self.rowCount())
            self._before, self._after = [], []
            return
        if self.sceneItem() is None:
            item = qt.QStandardItem("Scene")
            item.setFlags(qt.Qt.ItemIsDropEnabled | qt.Qt.ItemIsEnabled)
            item.setData("scene", UID_ROLE)
            item.setColumnCount(1)
            self.appendRow(item)
        item = self.sceneItem()
        item.removeRows(len(self._before), item.rowCount() - len(self._before) - len(self._after))
        for index, node in enumerate(_nodes(self._scene)):
            self._insert(node, index)

    def _insert(self, node, index):
        parent = self.sceneItem()
        item = qt.QStandardItem()
        item.setData(node.GetID() or "", UID_ROLE)
        _show(item, node)
        last = parent.rowCount() - len(self._after)
        parent.insertRow(min(len(self._before) + index, last), [item])  # a list, or PySide6 loses the item

    # --- the scene's events ---

    def _on_added(self, node):
        if not self._scene.IsImporting():  # the IDs of imported nodes are not yet what they will be
            every = list(_nodes(self._scene))
            self._insert(node, every.index(node) if node in every else len(every))

    def _on_about_to_be_removed(self, node):
        if self._scene.IsClosing():
            return
        self._stop_watching_one(node)
        item = self._item(node)
        if item is not None:
            self.sceneItem().removeRow(item.row())

    def _on_scene_changed(self, _):
        self._fill()

    # --- the nodes ---

    def nodeFromItem(self, item):
        identity = item.data(UID_ROLE) if item is not None else None
        if self._scene is None or not identity or identity in ("scene", "preItem", "postItem"):
            return None
        return self._scene.GetNodeByID(identity)

    def _item(self, node):
        parent = self.sceneItem()
        items = (parent.child(row) for row in range(parent.rowCount()))
        return next((item for item in items if item.data(UID_ROLE) == node.GetID()), None)

    def itemFromNode(self, node):
        """The row of a node, None when it has none."""
        return self._item(node) if node is not None and self.sceneItem() is not None else None

    def observeNode(self, node):
        """Follow the node's name from now on."""
        if node in self._watched:
            return
        this = weakref.ref(self)

        def on_modified(caller, event):
            model = this()
            if model is not None and shiboken6.isValid(model):
                model._on_modified(caller)

        self._watched[node] = node.AddObserver(vtk.vtkCommand.ModifiedEvent, on_modified)

    def _on_modified(self, node):
        if self._scene is None or self._scene.IsClosing() or self._scene.IsImporting():
            return
        item = self._item(node) if node.GetScene() is not None else None
        if item is not None:
            _show(item, node)
            self.nodeModified.emit(node)

    def _stop_watching_one(self, node):
        tag = self._watched.pop(node, None)
        if tag is not None:
            node.RemoveObserver(tag)

    # --- rows that are no nodes ---

    def preItems(self):
        return list(self._before)

    def postItems(self):
        return list(self._after)

    def setPreItems(self, texts):
        """Rows before the nodes, such as "None"."""
        if self.sceneItem() is not None and texts != self._before:
            self._take_rows("preItem")
            self._before = list(texts)
            for row, text in enumerate(texts):
                item = _extra_item(text, "preItem", text)
                item.setFlags(qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
                self.sceneItem().insertRow(row, [item])

    def setPostItems(self, rows):
        """Rows after the nodes: ``(text, name of an action)``, a separator without a text."""
        parent, texts = self.sceneItem(), [text for text, _ in rows]
        if parent is not None and texts != self._after:
            self._take_rows("postItem")
            self._after = texts
            for text, action in rows:
                item = _extra_item(text, "postItem", action)
                item.setFlags(qt.Qt.ItemIsEnabled)
                if not text:
                    item.setData("separator", qt.Qt.AccessibleDescriptionRole)
                parent.insertRow(parent.rowCount(), [item])

    def _take_rows(self, kind):
        parent = self.sceneItem()
        rows = [row for row in range(parent.rowCount()) if parent.child(row).data(UID_ROLE) == kind]
        for taken, row in enumerate(rows):
            parent.removeRow(row - taken)


def _nodes(scene):
    collection = scene.GetNodes()
    return (collection.GetItemAsObject(i) for i in range(collection.GetNumberOfItems()))


def _extra_item(text, kind, action):
    item = qt.QStandardItem(text)
    item.setData(kind, UID_ROLE)
    item.setData(action, ACTION_ROLE)
    return item


def _show(item, node):
    """Give a row its node's name; where that is the same nothing has changed for Qt."""
    item.setText(node.GetName() or "")
    item.setToolTip(node.GetNodeTagName())


def _stop_watching(watched):
    for node, tag in watched.items():
        node.RemoveObserver(tag)
    watched.clear()


class qMRMLSortFilterProxyModel(qt.QSortFilterProxyModel):
    """Which nodes a selector offers: by class, visibility, attribute and ID."""

    def __init__(self, sceneModel, parent=None):
        super().__init__(parent)
        self._model = sceneModel
        self._settings = dict(nodeTypes=[], showHidden=False, showChildNodeTypes=True, showHiddenForTypes=[],
                              hideChildNodeTypes=[], hiddenNodeIDs=[], visibleNodeIDs=[])
        self._attributes = {}
        self.setDynamicSortFilter(True)
        self.setSourceModel(sceneModel)
        sceneModel.nodeModified.connect(self._on_modified)

    def _on_modified(self, node):
        if any(node.IsA(name) for name in self._attributes):
            self.invalidate()

    def sceneModel(self):
        return self._model

    def mrmlScene(self):
        return self._model.mrmlScene()

    def filterAcceptsRow(self, row, parent):
        item = self._model.itemFromIndex(parent).child(row) if parent.isValid() else self._model.item(row)
        node = self._model.nodeFromItem(item)
        if node is None or node.GetID() is None:
            return item is not None
        accepted, final = self.judge(node)
        if accepted or not final:  # a node that is refused for good is not followed
            self._model.observeNode(node)
        return accepted and (final or super().filterAcceptsRow(row, parent))

    def judge(self, node):
        """``(accepted, final)``: whether a node is offered, and whether nothing can change that but a setting."""
        setting = self._settings
        if node.GetID() in setting["hiddenNodeIDs"]:
            return False, True
        if node.GetID() in setting["visibleNodeIDs"]:
            return True, True
        if node.GetHideFromEditors() and not setting["showHidden"] \
                and not any(node.IsA(name) for name in setting["showHiddenForTypes"]):
            return False, True
        if not setting["nodeTypes"]:
            return True, False
        for name in setting["nodeTypes"]:
            if not node.IsA(name) or not (setting["showChildNodeTypes"] or node.GetClassName() == name):
                continue
            if setting["showChildNodeTypes"] and any(node.IsA(child) for child in setting["hideChildNodeTypes"]):
                return False, True
            return self._has_attribute(node, name), False
        return False, True

    def _has_attribute(self, node, node_type):
        if node_type not in self._attributes:
            return True
        name, wanted = self._attributes[node_type]
        value = node.GetAttribute(name)
        return value is not None and (wanted is None or value == str(wanted))

    def addAttribute(self, nodeType, name, value=None):
        """Offer nodes of a type only if they have this attribute; a type has one such condition."""
        if nodeType in self._settings["nodeTypes"] and self._attributes.get(nodeType) != (name, value):
            self.beginFilterChange()
            self._attributes[nodeType] = (name, value)
            self.endFilterChange()

    def removeAttribute(self, nodeType, name):
        if self._attributes.get(nodeType, ("",))[0] == name:
            self.beginFilterChange()
            del self._attributes[nodeType]
            self.endFilterChange()

    def _set(self, name, value):
        if self._settings[name] != value:
            self.beginFilterChange()
            self._settings[name] = value
            self.endFilterChange()


def _add_settings(cls):
    """Each setting as a property and as its setter."""
    for name, kind in (("nodeTypes", "QStringList"), ("showHidden", bool), ("showChildNodeTypes", bool),
                       ("showHiddenForTypes", "QStringList"), ("hideChildNodeTypes", "QStringList"),
                       ("hiddenNodeIDs", "QStringList"), ("visibleNodeIDs", "QStringList")):
        convert = bool if kind is bool else list

        def setter(self, value, name=name, convert=convert):
            self._set(name, convert(value))

        setattr(cls, name, Property(kind, lambda self, name=name: self._settings[name], setter))
        setattr(cls, "set" + name[0].upper() + name[1:], setter)


_add_settings(qMRMLSortFilterProxyModel)
