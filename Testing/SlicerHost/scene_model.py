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
from PySide6.QtCore import Property, QModelIndex, Signal

UID_ROLE = 257  # Qt.UserRole + 1, as in Slicer: the ID of a node, or what kind of other row it is
ACTION_ROLE = 258

_TOP, _BELOW = 1, 2  # internal IDs of indexes: the row "Scene", and the rows below it
_NODE_FLAGS = (
    qt.Qt.ItemIsSelectable
    | qt.Qt.ItemIsEnabled
    | qt.Qt.ItemIsEditable
    | qt.Qt.ItemIsDragEnabled
    | qt.Qt.ItemIsDropEnabled
)

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


class _Row:
    """One row: its data by role, and its flags."""

    def __init__(self, text, kind, flags, roles=()):
        self.flags = flags
        self.data = {
            int(qt.Qt.DisplayRole): text,
            UID_ROLE: kind,
            **{int(role): value for role, value in dict(roles).items()},
        }


class qMRMLSceneModel(qt.QAbstractItemModel):
    """One row "Scene"; below it rows before the nodes, the nodes of the scene, and rows after them.

    The rows are Python's own: QStandardItem, of which Slicer's model is made, crashes now and then in PySide6
    when rows are removed.
    """

    nodeModified = Signal(object)  # of a node that is followed

    _EVENTS = (
        ("NodeAddedEvent", "_on_added", _EARLY),
        ("NodeAboutToBeRemovedEvent", "_on_about_to_be_removed", _LATE),
        ("EndCloseEvent", "_on_scene_changed", 0.0),
        ("EndImportEvent", "_on_scene_changed", 0.0),
    )

    def __init__(self, parent=None):
        super().__init__(parent)
        self._scene = None
        self._top, self._rows = None, []  # the row "Scene", and those below it
        self._before, self._after = [], []
        self._watched = {}
        self._observers = SceneObservers(self)
        weakref.finalize(self, _stop_watching, self._watched)

    # --- what Qt asks ---

    def _scene_index(self):
        return self.createIndex(0, 0, _TOP) if self._top is not None else QModelIndex()

    def index(self, row, column, parent=QModelIndex()):
        if column or row < 0:
            return QModelIndex()
        if not parent.isValid():
            return self._scene_index() if row == 0 else QModelIndex()
        below = parent.internalId() == _TOP and row < len(self._rows)
        return self.createIndex(row, 0, _BELOW) if below else QModelIndex()

    def parent(self, child=None):
        if child is None:
            return super().parent()
        return self._scene_index() if child.isValid() and child.internalId() == _BELOW else QModelIndex()

    def rowCount(self, parent=QModelIndex()):
        if not parent.isValid():
            return int(self._top is not None)
        return len(self._rows) if parent.internalId() == _TOP else 0

    def columnCount(self, parent=QModelIndex()):
        return 1

    def _row(self, index):
        if not index.isValid():
            return None
        return self._top if index.internalId() == _TOP else self._rows[index.row()]

    def data(self, index, role=qt.Qt.DisplayRole):
        row = self._row(index)
        return row.data.get(int(role)) if row is not None else None

    def setData(self, index, value, role=qt.Qt.EditRole):
        row, role = self._row(index), int(role)
        if row is None:
            return False
        if row.data.get(role) != value:  # where that is the same nothing has changed for Qt
            row.data[role] = value
            self.dataChanged.emit(index, index, [role])
        return True

    def flags(self, index):
        row = self._row(index)
        return row.flags if row is not None else qt.Qt.NoItemFlags

    def _insert_row(self, place, row):
        self.beginInsertRows(self._scene_index(), place, place)
        self._rows.insert(place, row)
        self.endInsertRows()

    def _remove_rows(self, first, count):
        if count > 0:
            self.beginRemoveRows(self._scene_index(), first, first + count - 1)
            del self._rows[first : first + count]
            self.endRemoveRows()

    # --- the scene ---

    def mrmlScene(self):
        return self._scene

    def setMRMLScene(self, scene):
        if scene is self._scene:
            return
        self._observers.setScene(None)
        self._scene = scene
        self._fill()
        self._observers.setScene(scene, self._EVENTS)

    def _fill(self):
        """List the nodes anew. Other rows stay, and so does what is shown of them."""
        _stop_watching(self._watched)
        if self._scene is None:
            self.beginResetModel()
            self._top, self._rows, self._before, self._after = None, [], [], []
            self.endResetModel()
            return
        if self._top is None:
            self.beginInsertRows(QModelIndex(), 0, 0)
            self._top = _Row("Scene", "scene", qt.Qt.ItemIsDropEnabled | qt.Qt.ItemIsEnabled)
            self.endInsertRows()
        self._remove_rows(len(self._before), len(self._rows) - len(self._before) - len(self._after))
        for place, node in enumerate(_nodes(self._scene)):
            self._insert(node, place)

    def _insert(self, node, place):
        last = len(self._rows) - len(self._after)
        row = _Row(
            node.GetName() or "", node.GetID() or "", _NODE_FLAGS, roles={qt.Qt.ToolTipRole: node.GetNodeTagName()}
        )
        self._insert_row(min(len(self._before) + place, last), row)

    # --- the scene's events ---

    def _on_added(self, node):
        if not self._scene.IsImporting():  # the IDs of imported nodes are not yet what they will be
            every = list(_nodes(self._scene))
            self._insert(node, every.index(node) if node in every else len(every))

    def _on_about_to_be_removed(self, node):
        if self._scene.IsClosing():
            return
        self._stop_watching_one(node)
        place = self._place(node)
        if place is not None:
            self._remove_rows(place, 1)

    def _on_scene_changed(self, _):
        self._fill()

    # --- the nodes ---

    def nodeAt(self, place):
        """The node of a row below "Scene"; None where it has none."""
        identity = self._rows[place].data[UID_ROLE] if place < len(self._rows) else None
        if self._scene is None or not identity or identity in ("preItem", "postItem"):
            return None
        return self._scene.GetNodeByID(identity)

    def _place(self, node):
        return next((place for place, row in enumerate(self._rows) if row.data[UID_ROLE] == node.GetID()), None)

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
        place = self._place(node) if node.GetScene() is not None else None
        if place is not None:
            self.setData(self.index(place, 0, self._scene_index()), node.GetName() or "", qt.Qt.DisplayRole)
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
        if self._top is not None and texts != self._before:
            self._remove_rows(0, len(self._before))
            self._before = list(texts)
            for place, text in enumerate(texts):
                self._insert_row(place, _extra_row(text, "preItem", text, qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable))

    def setPostItems(self, rows):
        """Rows after the nodes: ``(text, name of an action)``, a separator without a text."""
        texts = [text for text, _ in rows]
        if self._top is not None and texts != self._after:
            self._remove_rows(len(self._rows) - len(self._after), len(self._after))
            self._after = texts
            for text, action in rows:
                row = _extra_row(text, "postItem", action, qt.Qt.ItemIsEnabled)
                if not text:
                    row.data[int(qt.Qt.AccessibleDescriptionRole)] = "separator"
                self._insert_row(len(self._rows), row)


def _nodes(scene):
    collection = scene.GetNodes()
    return (collection.GetItemAsObject(i) for i in range(collection.GetNumberOfItems()))


def _extra_row(text, kind, action, flags):
    return _Row(text, kind, flags, roles={ACTION_ROLE: action})


def _stop_watching(watched):
    for node, tag in watched.items():
        node.RemoveObserver(tag)
    watched.clear()


class qMRMLSortFilterProxyModel(qt.QSortFilterProxyModel):
    """Which nodes a selector offers: by class, visibility, attribute and ID."""

    def __init__(self, sceneModel, parent=None):
        super().__init__(parent)
        self._model = sceneModel
        self._settings = dict(
            nodeTypes=[],
            showHidden=False,
            showChildNodeTypes=True,
            showHiddenForTypes=[],
            hideChildNodeTypes=[],
            hiddenNodeIDs=[],
            visibleNodeIDs=[],
        )
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
        node = self._model.nodeAt(row) if parent.isValid() else None
        if node is None or node.GetID() is None:
            return True
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
        if (
            node.GetHideFromEditors()
            and not setting["showHidden"]
            and not any(node.IsA(name) for name in setting["showHiddenForTypes"])
        ):
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
    for name, kind in (
        ("nodeTypes", "QStringList"),
        ("showHidden", bool),
        ("showChildNodeTypes", bool),
        ("showHiddenForTypes", "QStringList"),
        ("hideChildNodeTypes", "QStringList"),
        ("hiddenNodeIDs", "QStringList"),
        ("visibleNodeIDs", "QStringList"),
    ):
        convert = bool if kind is bool else list

        def setter(self, value, name=name, convert=convert):
            self._set(name, convert(value))

        setattr(cls, name, Property(kind, lambda self, name=name: self._settings[name], setter))
        setattr(cls, "set" + name[0].upper() + name[1:], setter)


_add_settings(qMRMLSortFilterProxyModel)
