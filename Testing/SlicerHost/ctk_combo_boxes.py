"""Stand-ins for CTK's combo boxes."""

from __future__ import annotations

import qt
from PySide6.QtCore import Property, QPersistentModelIndex, Signal

_CHECKED, _UNCHECKED = qt.Qt.Checked.value, qt.Qt.Unchecked.value


class _OwnTextComboBox(qt.QComboBox):
    """A combo box that says what stands in the closed box (``shownText``)."""

    def paintEvent(self, event):
        painter, option = qt.QStylePainter(self), qt.QStyleOptionComboBox()
        self.initStyleOption(option)
        option.currentText = self.shownText()
        painter.drawComplexControl(qt.QStyle.CC_ComboBox, option)
        painter.drawControl(qt.QStyle.CE_ComboBoxLabel, option)
        painter.end()


class ctkComboBox(_OwnTextComboBox):
    """A combo box that shows a hint while nothing is chosen.

    It is not Qt's placeholder, with which Qt would no longer choose the first row by itself.
    """

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._default_text = ""

    def shownText(self):
        """What stands in the closed box."""
        return self._default_text if self.currentIndex == -1 else self.currentText

    def _set_default_text(self, text):
        self._default_text = text
        self.update()

    defaultText = Property(str, lambda self: self._default_text, _set_default_text)


class ctkCheckableComboBox(_OwnTextComboBox):
    """A combo box whose rows can be ticked; every row that comes is unticked, be it an old one."""

    checkedIndexesChanged = Signal()

    def __init__(self, parent=None):
        super().__init__(parent)
        self._checked = []
        self._follow(self.model())

    def setCheckableModel(self, model):
        for signal, slot in self._signals(self.model()):
            signal.disconnect(slot)
        self.setModel(model)
        self._follow(model)

    def checkableModel(self):
        return self.model()

    def _signals(self, model):
        return (model.dataChanged, self._on_data_changed), (model.rowsInserted, self._on_rows_inserted)

    def _follow(self, model):
        for signal, slot in self._signals(model):
            signal.connect(slot)
        self._on_data_changed()

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
        return [
            self.model().index(index.row(), index.column(), index.parent())
            for index in self._checked
            if index.isValid()
        ]

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
