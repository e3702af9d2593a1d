"""Step 2 in the panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from .task_control import TaskControl

if TYPE_CHECKING:
    from ..logic import LowDoseContrastTrainingLogic
    from ..parameters import LowDoseContrastTrainingParameterNode


class PrepareSection:
    """Prepares a data set and shows what it holds."""

    paths = {"prepareInputEdit": "acquisitionsFolder", "dataSetFolderEdit": "dataSetFolder"}

    def __init__(self, ui: Any, logic: LowDoseContrastTrainingLogic, panel: Any) -> None:
        self._ui = ui
        self._task = logic.preparation
        self._shown: Any = None
        self.control = TaskControl(ui, "prepare", self._task, panel)
        header = ui.pairsTable.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        header.setSectionResizeMode(0, qt.QHeaderView.Interactive)  # the identifier of a study is long

    def update(self, parameters: LowDoseContrastTrainingParameterNode) -> None:
        ui = self._ui
        self.control.update(parameters)
        ui.splitLabel.text = "\n".join(
            filter(None, [self._task.splitText(parameters.split), self._task.sizeText(parameters)])
        )
        for shown, widgets in (
            (parameters.split == "loo", (ui.foldLabel, ui.foldSpinBox)),
            (parameters.split != "loo", (ui.testLabel, ui.testSpinBox)),
        ):
            for widget in widgets:
                widget.visible = shown
        if self._task.takesLong(parameters.dataSetFolder):
            self._say(_("Reading the data set"))
            ui.pairsLabel.repaint()  # at once, for the reading keeps everything else waiting
        self._showPairs(*self._task.found(parameters.dataSetFolder))

    def _showPairs(self, rows: Sequence[Sequence[str]], notes: Sequence[str]) -> None:
        self._say("\n".join(notes))
        if (rows, notes) == self._shown:
            return
        self._shown = (rows, notes)
        table = self._ui.pairsTable
        table.rowCount = len(rows)
        for row, cells in enumerate(rows):
            for column, text in enumerate(cells):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(text)
                table.setItem(row, column, item)
        table.visible = bool(rows)

    def _say(self, text: str) -> None:
        self._ui.pairsLabel.text = text
        self._ui.pairsLabel.visible = bool(text)
