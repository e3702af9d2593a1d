"""Stand-in for the widget that ticks several nodes of the scene."""

from __future__ import annotations

import qt
from PySide6.QtCore import Signal

from .ctk_combo_boxes import ctkCheckableComboBox
from .node_selectors import qMRMLNodeComboBox


class qMRMLCheckableNodeComboBox(qMRMLNodeComboBox):
    """Tick several nodes of the scene."""

    checkedNodesChanged = Signal()

    def __init__(self, parent=None):
        super().__init__(parent)
        self._combo.checkedIndexesChanged.connect(self.checkedNodesChanged)
        for name in self._flags:
            setattr(self, name, False)

    def _make_combo(self):
        combo = ctkCheckableComboBox(self)
        combo.setCheckableModel(self._proxy)
        return combo

    def _index(self, node):
        row = next((row for row in range(self._combo.count) if self._row_node(row) is node), None)
        return None if node is None or row is None else self._proxy.index(row, 0, self._combo.rootModelIndex())

    def checkedNodes(self):
        nodes = (self._node_at(index) for index in self._combo.checkedIndexes())
        return [node for node in nodes if node is not None]

    def uncheckedNodes(self):
        checked = self.checkedNodes()
        return [node for node in self.nodes() if node not in checked]

    def allChecked(self):
        return self._combo.allChecked()

    def noneChecked(self):
        return self._combo.noneChecked()

    def checkState(self, node):
        index = self._index(node)
        return qt.Qt.CheckState(self._combo.checkState(index)) if index is not None else qt.Qt.Unchecked

    def setCheckState(self, node, state):
        index = self._index(node)
        if index is not None:
            self._combo.setCheckState(index, qt.Qt.CheckState(int(getattr(state, "value", state))).value)

    def check(self, node):
        self.setCheckState(node, qt.Qt.Checked)

    def uncheck(self, node):
        self.setCheckState(node, qt.Qt.Unchecked)
