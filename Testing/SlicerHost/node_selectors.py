"""Stand-ins for the widgets that choose nodes of the scene."""

from __future__ import annotations

import qt
from PySide6.QtCore import Property, Signal

from .ctk_widgets import ctkComboBox, ctkSliderWidget
from .mrml_widgets import NodeFilter, NodeWatcher, SceneWidgetMixin

_ID_ROLE = 256  # Qt.UserRole
_ACTION_ROLE = 257


def _flag(name):
    """An on/off setting of the selector: its Qt property and its setter."""
    def setter(self, value):
        self._flags[name] = bool(value)
        self._refresh()
    return Property(bool, lambda self: self._flags[name], setter), setter


class qMRMLNodeComboBox(SceneWidgetMixin, qt.QWidget):
    """Choose one node; offers to create, rename and delete as Slicer's does."""

    mrmlSceneChanged = Signal(object)
    currentNodeChanged = Signal(object)
    currentNodeChanged_bool = Signal(bool)  # the overload that tells only whether there is one
    currentNodeIDChanged = Signal(str)
    nodeActivated = Signal(object)
    nodeAdded = Signal(object)
    nodeAddedByUser = Signal(object)
    nodeAddedByUserAction = Signal(object)
    nodeAboutToBeRemoved = Signal(object)
    nodeAboutToBeEdited = Signal(object)
    currentNodeRenamed = Signal(str)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._filter = NodeFilter()
        self._current = None
        self._requested = None
        self._labels = {}
        self._base_names = {}
        self._flags = dict(addEnabled=True, removeEnabled=True, renameEnabled=False,
                           editEnabled=False, noneEnabled=False, selectNodeUponCreation=True)
        self._none_display = "None"
        self._user_actions = []
        self._combo = ctkComboBox(self)
        self._combo.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self._combo.setMinimumContentsLength(12)
        layout = qt.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo)
        self._watcher = NodeWatcher(self._on_scene)
        self._combo.activated.connect(self._on_activated)
        self.setEnabled(False)  # until it has a scene

    # --- the scene ---

    def setMRMLScene(self, scene):
        if scene is self._scene:
            return
        self._scene = scene
        self._watcher.setScene(scene)
        wanted = self._requested if self._requested is not None else self._current
        self._requested = None
        if isinstance(wanted, str):
            wanted = scene.GetNodeByID(wanted) if scene is not None else None
        self._refresh()
        self._select(wanted if wanted in self.nodes() else None)
        self.setEnabled(scene is not None)
        self.mrmlSceneChanged.emit(scene)

    def _on_scene(self, event, node):
        if event == "added" and self._filter.accepts(node):
            self._refresh()
            self.nodeAdded.emit(node)
        elif event == "removing" and self._filter.accepts(node):
            self.nodeAboutToBeRemoved.emit(node)
        elif event == "renamed":
            self._on_modified(node)
        elif event in ("removed", "reset"):
            self._refresh()
            self._leave_missing()

    def _on_modified(self, node):
        listed = self._combo.findData(node.GetID(), _ID_ROLE)
        accepted = self._filter.accepts(node)
        if accepted == (listed >= 0) and (
                not accepted or self._combo.itemText(listed) == (node.GetName() or "")):
            return
        self._refresh()
        self._leave_missing()
        if node is self._current:
            self.currentNodeRenamed.emit(node.GetName() or "")

    def _leave_missing(self):
        """After the current node went away: none where that is allowed, else the last one."""
        nodes = self.nodes()
        if self._current is None or self._current in nodes:
            return
        self._select(nodes[-1] if nodes and not self._flags["noneEnabled"] else None)

    # --- the list ---

    def nodes(self):
        return self._filter.nodes(self._scene)

    def nodeCount(self):
        return len(self.nodes())

    def nodeFromIndex(self, index):
        nodes = self.nodes()
        return nodes[index] if 0 <= index < len(nodes) else None

    def nodeTypeLabel(self, nodeType):
        """What to call a node of this type, such as "Volume"."""
        if nodeType in self._labels:
            return self._labels[nodeType]
        label = self._scene.GetTypeDisplayNameByClassName(nodeType) if self._scene else ""
        return label or "node"

    def setNodeTypeLabel(self, label, nodeType):
        self._labels[nodeType] = label
        self._refresh()

    def _refresh(self):
        """List the nodes anew; the choice stays what it is."""
        combo = self._combo
        combo.blockSignals(True)
        combo.clear()
        if self._scene is not None:
            if self._flags["noneEnabled"]:
                self._add_row(self._none_display, _ID_ROLE, "")
            for node in self.nodes():
                self._add_row(node.GetName() or "", _ID_ROLE, node.GetID())
            self._add_actions()
        types = self._filter.types
        combo.defaultText = f"Select a {self.nodeTypeLabel(types[0] if types else '')}"
        self._show_current()
        combo.blockSignals(False)

    def _add_row(self, text, role, data):
        self._combo.addItem(text)
        self._combo.setItemData(self._combo.count - 1, data, role)

    def _add_actions(self):
        flags, types = self._flags, self._filter.types
        label = self.nodeTypeLabel(types[0] if len(types) == 1 else "")
        rows = []
        if flags["renameEnabled"]:
            rows.append((f"Rename current {label}", self.renameCurrentNode))
        if flags["editEnabled"]:
            rows.append((f"Edit current {label}", self.editCurrentNode))
        if flags["addEnabled"]:
            for name in types:
                rows.append((f"Create new {self.nodeTypeLabel(name)}",
                             lambda name=name: self.addNode(name)))
                if flags["renameEnabled"]:
                    rows.append((f"Create new {self.nodeTypeLabel(name)} as...",
                                 lambda name=name: self._create_as(name)))
        if flags["removeEnabled"]:
            rows.append((f"Delete current {label}", self.removeCurrentNode))
        rows += [(action.text, action.trigger) for action in self._user_actions]
        self._actions = [function for _, function in rows]
        if rows:
            self._combo.insertSeparator(self._combo.count)
        for index, (text, _) in enumerate(rows):
            self._add_row(text, _ACTION_ROLE, index)

    def _show_current(self):
        identity = self._current.GetID() if self._current is not None else ""
        self._combo.setCurrentIndex(self._combo.findData(identity, _ID_ROLE))

    def _on_activated(self, row):
        action = self._combo.itemData(row, _ACTION_ROLE)
        if action is not None:
            self._show_current()  # an action is not a choice
            self._actions[action]()
            return
        identity = self._combo.itemData(row, _ID_ROLE)
        self._select(self._scene.GetNodeByID(identity) if identity else None)
        self.nodeActivated.emit(self._current)

    # --- the choice ---

    def currentNode(self):
        return self._current

    def setCurrentNode(self, node):
        """Choose a node (or its ID); one that is not listed leaves none chosen."""
        if isinstance(node, str):
            self.setCurrentNodeID(node)
        elif self._scene is None:
            self._requested = node
        else:
            self._select(node if node is not None and node in self.nodes() else None)

    def setCurrentNodeID(self, identity):
        if self._scene is None:
            self._requested = identity or None
        else:
            self.setCurrentNode(self._scene.GetNodeByID(identity) if identity else None)

    def setCurrentNodeIndex(self, index):
        self.setCurrentNode(self.nodeFromIndex(index))

    def _select(self, node):
        changed = node is not self._current
        self._current = node
        self._show_current()
        if changed:
            self.currentNodeChanged.emit(node)
            self.currentNodeChanged_bool.emit(node is not None)
            self.currentNodeIDChanged.emit(self._get_id())

    def _get_id(self):
        return (self._current.GetID() or "") if self._current is not None else ""

    # --- what the action rows do ---

    def addNode(self, nodeType=None):
        """Create a node of ``nodeType`` (the first type when not given), as its row does."""
        nodeType = nodeType or self._filter.types[0]
        name = self._base_names.get(nodeType) or self._base_names.get("") or self.nodeTypeLabel(nodeType)
        node = self._scene.CreateNodeByClass(nodeType)
        if node is None:
            return None
        node.UnRegister(None)
        node.SetName(self._scene.GenerateUniqueName(name))
        for attribute, value in self._filter.attributes.get(nodeType, {}).items():
            node.SetAttribute(attribute, "" if value is None else str(value))
        node = self._scene.AddNode(node)
        if self._flags["selectNodeUponCreation"]:
            self._select(node)
        self.nodeAddedByUser.emit(node)
        self.nodeAddedByUserAction.emit(node)
        return node

    def _create_as(self, nodeType):
        name = qt.QInputDialog.getText(self, "Create", "New name:")
        if name:
            self.addNode(nodeType).SetName(name)

    def renameCurrentNode(self):
        if self._current is not None:
            name = qt.QInputDialog.getText(self, "Rename", "New name:", qt.QLineEdit.Normal,
                                           self._current.GetName())
            if name:
                self._current.SetName(name)

    def editCurrentNode(self):
        if self._current is not None:
            self.nodeAboutToBeEdited.emit(self._current)

    def removeCurrentNode(self):
        if self._current is not None:
            self._scene.RemoveNode(self._current)

    def addMenuAction(self, action):
        self._user_actions.append(action)
        self._refresh()

    # --- properties ---

    def setNodeTypes(self, types):
        """Offer nodes of these classes."""
        self._filter.types = list(types)
        self._refresh()
        self._leave_missing()

    def addAttribute(self, nodeType, name, value=None):
        self._filter.attributes.setdefault(nodeType, {})[name] = value
        self._refresh()
        self._leave_missing()

    def removeAttribute(self, nodeType, name):
        self._filter.attributes.get(nodeType, {}).pop(name, None)
        self._refresh()

    def setBaseName(self, name, nodeType=""):
        self._base_names[nodeType] = name

    def _set_filter(self, name, value):
        setattr(self._filter, name, value)
        self._refresh()
        self._leave_missing()

    def _set_none_display(self, text):
        self._none_display = text
        self._refresh()

    addEnabled, setAddEnabled = _flag("addEnabled")
    removeEnabled, setRemoveEnabled = _flag("removeEnabled")
    renameEnabled, setRenameEnabled = _flag("renameEnabled")
    editEnabled, setEditEnabled = _flag("editEnabled")
    noneEnabled, setNoneEnabled = _flag("noneEnabled")
    selectNodeUponCreation, setSelectNodeUponCreation = _flag("selectNodeUponCreation")
    currentNodeID = Property(str, _get_id, setCurrentNodeID)
    currentNodeId = Property(str, _get_id, setCurrentNodeID)
    nodeTypes = Property("QStringList", lambda self: list(self._filter.types), setNodeTypes)
    showHidden = Property(bool, lambda self: self._filter.show_hidden,
                          lambda self, value: self._set_filter("show_hidden", value))
    showChildNodeTypes = Property(bool, lambda self: self._filter.show_children,
                                  lambda self, value: self._set_filter("show_children", value))
    hideChildNodeTypes = Property("QStringList", lambda self: self._filter.hidden_children,
                                  lambda self, value: self._set_filter("hidden_children", list(value)))
    baseName = Property(str, lambda self: self._base_names.get("", ""), setBaseName)
    noneDisplay = Property(str, lambda self: self._none_display, _set_none_display)
    interactionNodeSingletonTag = Property(str, lambda self: "", lambda self, value: None)


class qMRMLCheckableNodeComboBox(SceneWidgetMixin, qt.QComboBox):
    """Tick several nodes of the scene."""

    mrmlSceneChanged = Signal(object)
    checkedNodesChanged = Signal()

    def __init__(self, parent=None):
        super().__init__(parent)
        self._filter = NodeFilter()
        self._checked = []
        self._watcher = NodeWatcher(self._on_scene)
        self.model().itemChanged.connect(self._on_item)

    def setMRMLScene(self, scene):
        if scene is not self._scene:
            self._scene = scene
            self._watcher.setScene(scene)
            self._refresh()
            self.mrmlSceneChanged.emit(scene)

    def _on_scene(self, event, node):
        if event != "removing":
            before = len(self._checked)
            self._refresh()
            if len(self._checked) != before:
                self.checkedNodesChanged.emit()

    def _refresh(self):
        nodes = self._filter.nodes(self._scene)
        self._checked = [node for node in self._checked if node in nodes]
        self.model().blockSignals(True)
        self.clear()
        for node in nodes:
            item = qt.QStandardItem(node.GetName() or "")
            item.setData(node.GetID(), _ID_ROLE)
            item.setCheckable(True)
            item.setCheckState(self.checkState(node))
            self.model().appendRow(item)
        self.model().blockSignals(False)
        self.setCurrentIndex(-1)
        self.setPlaceholderText(", ".join(node.GetName() for node in self._checked) or "None")

    def _on_item(self, item):
        node = self._scene.GetNodeByID(item.data(_ID_ROLE)) if self._scene else None
        if node is not None:
            self.setCheckState(node, item.checkState())

    def checkedNodes(self):
        return [node for node in self._filter.nodes(self._scene) if node in self._checked]

    def uncheckedNodes(self):
        return [node for node in self._filter.nodes(self._scene) if node not in self._checked]

    def allChecked(self):
        return not self.uncheckedNodes()

    def noneChecked(self):
        return not self.checkedNodes()

    def checkState(self, node):
        return qt.Qt.Checked if node in self._checked else qt.Qt.Unchecked

    def setCheckState(self, node, state):
        checked = state in (qt.Qt.Checked, True, 2)
        if checked != (node in self._checked):
            self._checked = [n for n in self._checked if n is not node] + [node] * checked
            self._refresh()
            self.checkedNodesChanged.emit()

    def nodeCount(self):
        return len(self._filter.nodes(self._scene))

    def setNodeTypes(self, types):
        self._filter.types = list(types)
        self._refresh()

    nodeTypes = Property("QStringList", lambda self: list(self._filter.types), setNodeTypes)
    def _set_filter(self, name, value):
        setattr(self._filter, name, value)
        self._refresh()

    showHidden = Property(bool, lambda self: self._filter.show_hidden,
                          lambda self, value: self._set_filter("show_hidden", value))
    showChildNodeTypes = Property(bool, lambda self: self._filter.show_children,
                                  lambda self, value: self._set_filter("show_children", value))
    # It has no entries but the nodes, whatever these say.
    addEnabled = Property(bool, lambda self: False, lambda self, value: None)
    removeEnabled = Property(bool, lambda self: False, lambda self, value: None)
    noneEnabled = Property(bool, lambda self: False, lambda self, value: None)


class qMRMLSliderWidget(SceneWidgetMixin, ctkSliderWidget):
    """CTK's slider that also knows the units of the scene; here without units."""

    mrmlSceneChanged = Signal(object)
    quantity = Property(str, lambda self: "", lambda self, value: None)

