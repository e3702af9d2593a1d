"""The fields of the recipe, folded away; read when they are opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from ..recipe_fields import RecipeFields, rowsOf

if TYPE_CHECKING:
    from ..parameters import LowDoseContrastTrainingParameterNode
    from ..training_run import TrainingRun


class RecipeTable:
    """A table of field and value; values of the user's own are bold."""

    def __init__(self, ui: Any, panel: Any, runOf: Callable[[Any], TrainingRun]) -> None:
        self._ui, self._panel, self._runOf = ui, panel, runOf
        self._fields: Any = None
        self._shown: Any = None
        self._filling = False
        ui.recipeTable.horizontalHeader().setSectionResizeMode(qt.QHeaderView.Stretch)
        ui.recipeTable.connect("itemChanged(QTableWidgetItem*)", self.onEdited)
        ui.recipeResetButton.connect("clicked(bool)", self.onReset)
        ui.recipeCollapsibleButton.connect("contentsCollapsed(bool)", self.onFolded)

    def onFolded(self, collapsed: bool) -> None:
        if self._panel.parameters:
            self._shown = None
            self.update(self._panel.parameters)

    def update(self, parameters: LowDoseContrastTrainingParameterNode) -> None:
        """Shows the fields of the chosen recipe, if they are unfolded and have changed."""
        run = self._runOf(parameters)
        key = (parameters.recipe, parameters.recipeFile, parameters.recipeChanges, run.folder, run.canGoOn())
        if self._ui.recipeCollapsibleButton.collapsed or key == self._shown:
            return
        self._shown = key
        self._fields, rows, problem = None, [], ""
        try:
            if run.canGoOn():
                rows, problem = (
                    rowsOf(run.recipe()),
                    _("The recipe of the training in the folder; it cannot be changed any more."),
                )
            else:
                self._fields = RecipeFields(parameters)
                rows = self._fields.rows()
        except (ValueError, OSError) as error:
            problem = str(error)
        self._fill(rows)
        self._say(problem)
        self._ui.recipeResetButton.enabled = any(value != own for _name, value, own, _kind in rows)

    def _fill(self, rows: Sequence[tuple[str, str, str, str]]) -> None:
        table = self._ui.recipeTable
        self._filling = True
        table.rowCount = len(rows)
        for row, (name, value, own, kind) in enumerate(rows):
            label, item = qt.QTableWidgetItem(name), qt.QTableWidgetItem(value)
            label.setFlags(qt.Qt.ItemIsEnabled)
            font = item.font()
            font.setBold(value != own)
            for each in (label, item):
                each.setFont(font)
                each.setToolTip(_("{kind}; in the recipe itself: {value}").format(kind=kind, value=own) if kind else "")
            table.setItem(row, 0, label)
            table.setItem(row, 1, item)
        self._filling = False

    def _say(self, text: str) -> None:
        self._ui.recipeMessageLabel.text = text
        self._ui.recipeMessageLabel.visible = bool(text)

    def onEdited(self, item: Any) -> None:
        """A value that the recipe refuses is put back, and its reason shown."""
        if self._filling or self._fields is None:
            return
        self._shown, problem = None, ""
        try:
            self._fields.change(self._ui.recipeTable.item(item.row(), 0).text(), item.text())
        except ValueError as error:
            problem = str(error)
        # Later, for the table is still busy with the edit.
        qt.QTimer.singleShot(0, lambda: self._afterEdit(problem))

    def _afterEdit(self, problem: str) -> None:
        if self._panel.parameters:
            self.update(self._panel.parameters)
            self._say(problem)

    def onReset(self, checked: bool = False) -> None:
        with slicer.util.tryWithErrorDisplay(_("The changes could not be undone.")):
            self._fields.reset()
