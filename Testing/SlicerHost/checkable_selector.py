"""Stand-in for the widget that ticks several nodes of the scene."""

from __future__ import annotations

import qt
from PySide6.QtCore import QPersistentModelIndex, Signal

from .node_selectors import qMRMLNodeComboBox

_CHECKED, _UNCHECKED = qt.Qt.Checked.value, qt.Qt.Unchecked.value


class ctkCheckableComboBox(qt.QComboBox):
    """A combo box whose rows can be ticked; every row that comes is unticked, be it an old one."""

    checkedIndexesChanged = Signal()

    def __init__(self, model, parent=None):
        super().__init__(parent)
        self._checked = []
        self.setModel(model)
        model.dataChanged.connect(self._on_data_changed)
        model.rowsInserted.connect(self._on_rows_inserted)

    def _on_rows_inserted(self, parent, first, last):
        for row in range(first, last + 1):
            self.setCheckState(self.model().index(row, 0, parent), _UNCHECKED)

    def _on_data_changed(self, *_):
        """As in CTK the ticks are compared only when a row changes, so a row that goes is not told of."""
        checked = [QPersistentModelIndex(index) for index in self._indexes(_CHECKED)]
        if checked != self._checked:
            self._checked = checked
            self.checkedIndexesChanged.emit()
            self.update()

    def _indexes(self, state):
        first = self.model().index(0, 0, self.rootModelIndex())
        flags = qt.Qt.MatchFlag(qt.Qt.MatchExactly)
        return self.model().match(first, qt.Qt.CheckStateRole, state, -1, flags) if first.isValid() else []

    def checkedIndexes(self):
        return [self.model().index(index.row(), index.column(), index.parent())
                for index in self._checked if index.isValid()]

    def checkState(self, index):
        return self.model().data(index, qt.Qt.CheckStateRole)

    def setCheckState(self, index, state):
        self.model().setData(index, state, qt.Qt.CheckStateRole)

    def allChecked(self):
        return len(self._indexes(_CHECKED)) == self.count

    def noneChecked(self):
        return len(self._indexes(_UNCHECKED)) == self.count

    def shownText(self):
        """What stands in the closed box."""
        if self.count == 0 or self.noneChecked():
            return "None"
        return "All" if self.allChecked() else ", ".join(index.data() for index in self.checkedIndexes())

    def paintEvent(self, event):
        painter, option = qt.QStylePainter(self), qt.QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = self.shownText()
        painter.drawComplexControl(qt.QStyle.CC_ComboBox, option)
        painter.drawControl(qt.QStyle.CE_ComboBoxLabel, option)
        painter.end()


class qMRMLCheckableNodeComboBox(qMRMLNodeComboBox):
    """Tick several nodes of the scene."""

    checkedNodesChanged = Signal()

    def __init__(self, parent=None):
        super().__init__(parent)
        self._combo.checkedIndexesChanged.connect(self.checkedNodesChanged)
        for name in self._flags:
            setattr(self, name, False)

    def _make_combo(self):
        return ctkCheckableComboBox(self._proxy, self)

    def _index(self, node):
        row = next((row for row in range(self._combo.count) if self._row_node(row) is node), None)
        return None if node is None or row is None else \
            self._proxy.index(row, 0, self._combo.rootModelIndex())

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
