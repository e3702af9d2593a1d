"""Stand-ins for the widgets that choose nodes of the scene."""

from __future__ import annotations

import qt
from PySide6.QtCore import Property, Signal

from .ctk_combo_boxes import ctkComboBox
from .ctk_widgets import ctkSliderWidget
from .mrml_widgets import SceneWidgetMixin
from .scene_model import ACTION_ROLE, UID_ROLE, qMRMLSceneModel, qMRMLSortFilterProxyModel


def _flag(name):
    """An on/off setting that adds or takes rows: its Qt property and its setter."""

    def setter(self, value):
        if self._flags[name] != bool(value):
            self._flags[name] = bool(value)
            self._update_actions()

    return Property(bool, lambda self: self._flags[name], setter), setter


def _filter_setting(name, kind):
    """A setting that the filter keeps: its Qt property and its setter."""

    def setter(self, value):
        self._proxy._set(name, bool(value) if kind is bool else [item for item in value if item])

    return Property(kind, lambda self: getattr(self._proxy, name), setter), setter


class qMRMLNodeComboBox(qt.QWidget):
    """Choose one node; offers to create, rename and delete as Slicer's does."""

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
        self._requested = None
        self._switching = False
        self._labels, self._base_names, self._new_attributes = {}, {}, {}
        self._flags = dict(addEnabled=True, removeEnabled=True, renameEnabled=False, editEnabled=False)
        self._none_enabled, self._none_display = False, "None"
        self._select_new = True
        self._interaction_tag = "Singleton"
        self._user_actions = []
        self._model = qMRMLSceneModel(self)
        self._proxy = qMRMLSortFilterProxyModel(self._model, self)
        self._combo = self._make_combo()
        self._connect_model()
        layout = qt.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._combo)
        self.setSizePolicy(qt.QSizePolicy(qt.QSizePolicy.Preferred, qt.QSizePolicy.Fixed, qt.QSizePolicy.ComboBox))
        self._update_default_text()
        self.setEnabled(False)  # until it has a scene

    def _make_combo(self):
        combo = ctkComboBox(self)
        combo.setModel(self._proxy)
        return combo

    def _connect_model(self):
        # Qt 5, with which Slicer comes, tells of every new row and every change of the current one; Qt 6 of a new text.
        self._combo.currentIndexChanged.connect(self._on_current_changed)
        self._proxy.dataChanged.connect(self._on_data_changed)
        self._combo.activated.connect(self._on_activated)
        self._combo.view().clicked.connect(self._on_clicked)
        self._proxy.rowsInserted.connect(self._on_rows_inserted)
        self._proxy.rowsAboutToBeRemoved.connect(self._on_rows_leaving)
        for signal in (self._proxy.rowsRemoved, self._proxy.modelReset, self._proxy.layoutChanged):
            signal.connect(self._leave_hidden)

    # --- the scene ---

    def mrmlScene(self):
        return self._model.mrmlScene()

    def setMRMLScene(self, scene):
        if scene is self.mrmlScene():
            return
        combo = self._combo
        before = combo.itemData(combo.currentIndex, UID_ROLE) or ""
        had_nodes = self.nodeCount() > 0
        self._switching = True
        self._model.setMRMLScene(scene)
        self._switching = False
        self._update_none()
        self._update_actions()
        combo.setRootModelIndex(self._proxy.index(0, 0))
        if had_nodes:
            self.setCurrentNodeID(before)
        else:
            # The first row counts as chosen here, so a selector without "None" takes the first node.
            self.setCurrentNodeID(self._requested_id() or self.currentNodeID)
        self._requested = None
        self._update_default_text()
        self.setEnabled(scene is not None)

    def _requested_id(self):
        wanted = self._requested
        return wanted if wanted is None or isinstance(wanted, str) else wanted.GetID()

    def _on_rows_inserted(self, parent, first, last):
        for row in range(first, last + 1):
            node = self._node_at(self._proxy.index(row, 0, parent))
            if node is not None:
                self.nodeAdded.emit(node)

    def _on_rows_leaving(self, parent, first, last):
        for row in range(first, last + 1):
            node = self._node_at(self._proxy.index(row, 0, parent))
            if node is not None:
                self.nodeAboutToBeRemoved.emit(node)

    def _leave_hidden(self, *_):
        if self.currentNode() is None:
            self.setCurrentNode(None)

    # --- the list ---

    def comboBox(self):
        return self._combo

    def model(self):
        return self._proxy

    def sortFilterProxyModel(self):
        """Which nodes are offered: ``hiddenNodeIDs``, ``visibleNodeIDs`` and the conditions."""
        return self._proxy

    def sceneModel(self):
        return self._model

    def _node_at(self, index):
        identity = self._proxy.data(index, UID_ROLE)
        scene = self.mrmlScene()
        return scene.GetNodeByID(identity) if scene is not None and identity else None

    def _row_node(self, row):
        combo = self._combo
        return self._node_at(self._proxy.index(row, combo.modelColumn, combo.rootModelIndex()))

    def nodes(self):
        return [self.nodeFromIndex(index) for index in range(self.nodeCount())]

    def nodeCount(self):
        if self.mrmlScene() is None:
            return 0
        return self._combo.count - len(self._model.preItems()) - len(self._model.postItems())

    def nodeFromIndex(self, index):
        return self._row_node(index + 1 if self._none_enabled else index)

    def nodeTypeLabel(self, nodeType):
        """What to call a node of this type, such as "Volume"."""
        if nodeType in self._labels:
            return self._labels[nodeType]
        scene = self.mrmlScene()
        return (scene.GetTypeDisplayNameByClassName(nodeType) if scene is not None else "") or "node"

    def setNodeTypeLabel(self, label, nodeType):
        self._labels[nodeType] = label
        if not label:
            del self._labels[nodeType]
        self._update_default_text()
        self._update_actions()

    def _update_default_text(self):
        if isinstance(self._combo, ctkComboBox):
            types = self.nodeTypes
            self._combo.defaultText = f"Select a {self.nodeTypeLabel(types[0] if types else '')}"

    def _update_none(self):
        self._model.setPreItems([self._none_display] if self._none_enabled else [])

    def _update_actions(self):
        current = self._combo.currentIndex
        self._model.setPostItems(self._action_rows() if self.mrmlScene() is not None else [])
        self._combo.setCurrentIndex(current)  # Qt chooses the first row that comes, even an action

    def _action_rows(self):
        """The texts of the rows and what they do: ``(text, (method name, argument...))``."""
        flags, types = self._flags, self.nodeTypes
        label = self.nodeTypeLabel(types[0] if len(types) == 1 else "")
        rows = [("", ())] if any(flags.values()) or self._user_actions else []
        if flags["renameEnabled"]:
            rows.append((f"Rename current {label}", ("renameCurrentNode",)))
        if flags["editEnabled"]:
            rows.append((f"Edit current {label}", ("editCurrentNode",)))
        if flags["addEnabled"]:
            for name in types:
                rows.append((f"Create new {self.nodeTypeLabel(name)}", ("_create", name)))
                if flags["renameEnabled"]:
                    rows.append((f"Create new {self.nodeTypeLabel(name)} as...", ("_create_as", name)))
        if flags["removeEnabled"]:
            rows.append((f"Delete current {label}", ("removeCurrentNode",)))
        return rows + [(action.text, ("_trigger", action.text)) for action in self._user_actions]

    # --- the choice ---

    def currentNode(self):
        return self._row_node(self._combo.currentIndex)

    def setCurrentNode(self, node):
        """Choose a node (or its ID); one that is not listed leaves none chosen."""
        if self.mrmlScene() is None:
            self._requested = node
        self._choose(node if isinstance(node, str) else node.GetID() if node is not None else "")

    def setCurrentNodeID(self, identity):
        if self.mrmlScene() is None:
            self._requested = identity
        self._choose(identity)

    def setCurrentNodeIndex(self, index):
        index = -1 if index >= self.nodeCount() else index
        self._combo.setCurrentIndex(index + 1 if self._none_enabled else index)

    def _choose(self, identity):
        combo, root = self._combo, self._proxy.index(0, 0)
        found = (
            self._proxy.match(
                root,
                UID_ROLE,
                identity,
                1,
                qt.Qt.MatchFlag(qt.Qt.MatchRecursive | qt.Qt.MatchExactly | qt.Qt.MatchWrap),
            )
            if identity
            else []
        )
        if not found:
            combo.setRootModelIndex(root)
            none = self._proxy.index(0, combo.modelColumn, root)
            combo.view().setCurrentIndex(none if self._none_enabled else root)
            combo.setCurrentIndex(0 if self._none_enabled else -1)
        elif combo.view().currentIndex() != found[0]:
            self._press_enter(found[0])

    def _press_enter(self, index):
        """Choose a row in the list as a person does, who is told by nodeActivated, too."""
        self._combo.view().setCurrentIndex(index)
        event = qt.QKeyEvent(qt.QEvent.ShortcutOverride, qt.Qt.Key_Enter, qt.Qt.NoModifier)
        qt.QApplication.sendEvent(self._combo.view(), event)

    def chooseRow(self, text):
        """For tests: click on the row of the open list that has this text, be it a node or an action."""
        combo = self._combo
        row = combo.findText(text)
        if row < 0:
            raise ValueError(f"no row {text!r}, only {[combo.itemText(i) for i in range(combo.count)]}")
        index = self._proxy.index(row, combo.modelColumn, combo.rootModelIndex())
        if self._proxy.flags(index) & qt.Qt.ItemIsSelectable:
            self._press_enter(index)
        else:
            combo.view().clicked.emit(index)

    def _on_current_changed(self, *_):
        if self._switching:
            return
        row, node = self._combo.currentIndex, self.currentNode()
        if node is None and row != (0 if self._none_enabled else -1):
            last = self.nodeFromIndex(self.nodeCount() - 1)  # a row that is no node is no choice
            if last is not None:
                self.setCurrentNode(last)
            return
        self.currentNodeChanged.emit(node)
        self.currentNodeChanged_bool.emit(node is not None)
        self.currentNodeIDChanged.emit(node.GetID() if node is not None else "")

    def _on_data_changed(self, first, last, *_):
        if first.parent() == self._combo.rootModelIndex() and first.row() <= self._combo.currentIndex <= last.row():
            self._on_current_changed()

    def _on_activated(self, row):
        node = self._row_node(row)
        if node is not None or (self._none_enabled and row == 0):
            self.nodeActivated.emit(node)

    # --- what the action rows do ---

    def _on_clicked(self, index):
        action = self._proxy.data(index, ACTION_ROLE)
        if isinstance(action, (list, tuple)) and action:
            self._combo.hidePopup()
            getattr(self, action[0])(*action[1:])

    def addNode(self, nodeType=None):
        """Create a node of ``nodeType`` (the first type when not given)."""
        nodeType = nodeType or next(iter(self.nodeTypes), None)
        node = self.mrmlScene().CreateNodeByClass(nodeType) if nodeType in self.nodeTypes else None
        if node is None:
            return None
        node.UnRegister(None)
        name = self._base_names.get(nodeType) or (node.GetName() is None and node.GetDefaultNodeNamePrefix())
        if name:
            node.SetName(self.mrmlScene().GetUniqueNameByString(name))
        for attribute, value in self._new_attributes.items():
            node.SetAttribute(attribute, "" if value is None else str(value))
        node = self.mrmlScene().AddNode(node)
        if self._select_new:
            self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node

    def _create(self, nodeType, name=None):
        node = self.addNode(nodeType)
        if name:
            node.SetName(name)
        self.setCurrentNode(node)
        self.nodeAddedByUserAction.emit(node)

    def _create_as(self, nodeType):
        title = f"Create new {self.nodeTypeLabel(nodeType)}"
        name = qt.QInputDialog.getText(self, title, "New name:")
        if name:
            self._create(nodeType, name)

    def renameCurrentNode(self):
        node = self.currentNode()
        if node is not None:
            title = f"Rename {self.nodeTypeLabel(node.GetClassName())}"
            name = qt.QInputDialog.getText(self, title, "New name:", qt.QLineEdit.Normal, node.GetName())
            if name:
                node.SetName(name)
                self.currentNodeRenamed.emit(name)

    def editCurrentNode(self):
        self.nodeAboutToBeEdited.emit(self.currentNode())

    def removeCurrentNode(self):
        self.mrmlScene().RemoveNode(self.currentNode())

    def addMenuAction(self, action):
        if all(action.text != known.text for known in self._user_actions):
            self._user_actions.append(action)
            self._update_actions()

    def _trigger(self, text):
        next(action for action in self._user_actions if action.text == text).trigger()

    # --- properties ---

    def setNodeTypes(self, types):
        """Offer nodes of these classes."""
        self._proxy.setNodeTypes([name for name in types if name])
        self._update_default_text()
        self._update_actions()

    def addAttribute(self, nodeType, name, value=None):
        self._new_attributes[name] = value
        self._proxy.addAttribute(nodeType, name, value)

    def removeAttribute(self, nodeType, name):
        self._new_attributes.pop(name, None)
        self._proxy.removeAttribute(nodeType, name)

    def setBaseName(self, name, nodeType=""):
        """How nodes of a type are called that are created here; of all types set so far when none is given."""
        for each in [nodeType] if nodeType else self.nodeTypes:
            self._base_names[each] = name

    def setNoneEnabled(self, enabled):
        if bool(enabled) != self._none_enabled:
            self._none_enabled = bool(enabled)
            self._update_none()

    def setNoneDisplay(self, text):
        self._none_display = text
        self._update_none()

    def _set(self, name, value):
        setattr(self, name, value)

    def _get_id(self):
        node = self.currentNode()
        return node.GetID() if node is not None else ""

    addEnabled, setAddEnabled = _flag("addEnabled")
    removeEnabled, setRemoveEnabled = _flag("removeEnabled")
    renameEnabled, setRenameEnabled = _flag("renameEnabled")
    editEnabled, setEditEnabled = _flag("editEnabled")
    noneEnabled = Property(bool, lambda self: self._none_enabled, setNoneEnabled)
    noneDisplay = Property(str, lambda self: self._none_display, setNoneDisplay)
    selectNodeUponCreation = Property(
        bool, lambda self: self._select_new, lambda self, value: self._set("_select_new", value)
    )
    currentNodeID = Property(str, _get_id, setCurrentNodeID)
    currentNodeId = Property(str, _get_id, setCurrentNodeID)
    nodeTypes = Property("QStringList", lambda self: self._proxy.nodeTypes, setNodeTypes)
    showHidden, setShowHidden = _filter_setting("showHidden", bool)
    showChildNodeTypes, setShowChildNodeTypes = _filter_setting("showChildNodeTypes", bool)
    hideChildNodeTypes, setHideChildNodeTypes = _filter_setting("hideChildNodeTypes", "QStringList")
    baseName = Property(str, lambda self: self._base_names.get(next(iter(self.nodeTypes), ""), ""), setBaseName)
    interactionNodeSingletonTag = Property(
        str, lambda self: self._interaction_tag, lambda self, value: self._set("_interaction_tag", value)
    )


class qMRMLSliderWidget(SceneWidgetMixin, ctkSliderWidget):
    """CTK's slider that also knows the units of the scene; here without units."""

    mrmlSceneChanged = Signal(object)
    quantity = Property(str, lambda self: "", lambda self, value: None)
