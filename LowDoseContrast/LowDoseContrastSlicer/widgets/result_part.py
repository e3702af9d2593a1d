"""The part of the panel that tells what an enhancement did, and saves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from . import fitted_label

if TYPE_CHECKING:
    from ..logic import LowDoseContrastLogic
    from ..parameters import LowDoseContrastParameterNode


class ResultPart:
    """The section Result: notes, table, and the button that saves."""

    def __init__(self, ui: Any, logic: LowDoseContrastLogic, panel: Any) -> None:
        self._ui, self._logic, self._panel = ui, logic, panel
        self._shown: Any = None
        ui.exportButton.connect("clicked(bool)", self.onExport)
        header = ui.resultTable.horizontalHeader()
        for column, sizing in enumerate(
            (qt.QHeaderView.ResizeToContents, qt.QHeaderView.Stretch, qt.QHeaderView.Stretch)
        ):
            header.setSectionResizeMode(column, sizing)

    def update(self, parameters: LowDoseContrastParameterNode) -> None:
        """Shows the report of the output volume."""
        rows, notes = shown = self._logic.resultRows(parameters.outputVolume)
        if shown == self._shown:
            return
        self._shown = shown
        table = self._ui.resultTable
        table.rowCount = len(rows)
        for row, cells in enumerate(rows):
            for column, text in enumerate(cells):
                table.setItem(row, column, qt.QTableWidgetItem(text))
        self._ui.resultCollapsibleButton.visible = bool(rows)
        fitted_label.show(self._ui.notesLabel, "\n".join(notes))

    def forget(self) -> None:
        """No longer says what was saved last."""
        fitted_label.show(self._ui.exportLabel, "")

    def onExport(self, checked: bool = False) -> None:
        filters = _("DICOM (*.dcm);;NRRD (*.nrrd);;NIfTI (*.nii.gz);;PNG (*.png);;TIFF (*.tif)")
        path = qt.QFileDialog.getSaveFileName(None, _("Save the result"), "enhanced.dcm", filters)
        if not path:
            return
        fitted_label.show(self._ui.exportLabel, _("Saving"))
        self._ui.exportLabel.repaint()
        said = _("Nothing was saved.")
        try:
            with slicer.util.tryWithErrorDisplay(_("The result could not be saved."), waitCursor=True):
                said = self._logic.exportResult(self._panel.parameters.outputVolume, path)
        finally:
            fitted_label.show(self._ui.exportLabel, said)
