"""Stand-ins for Slicer's base widgets that know the scene."""

from __future__ import annotations

import qt
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
            model.appendRow([qt.QStandardItem(str(table.GetValue(row, i).ToString())) for i in columns])
        self.resizeColumnsToContents()

    transposed = Property(bool, lambda self: False, lambda self, value: None)
    firstRowLocked = Property(bool, lambda self: False, lambda self, value: None)
    firstColumnLocked = Property(bool, lambda self: False, lambda self, value: None)
