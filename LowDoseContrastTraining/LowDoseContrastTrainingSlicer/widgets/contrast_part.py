"""The part of step 4 that measures volumes of the scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import qt
import slicer
from LowDoseContrastSlicer.volume_roles import NOT_MEASURED, HiddenRoles
from slicer.i18n import tr as _

if TYPE_CHECKING:
    from ..parameters import LowDoseContrastTrainingParameterNode


class ContrastPart:
    """Ticks volumes, measures them, and shows the table."""

    def __init__(self, ui: Any, contrast: Any, panel: Any) -> None:
        self._ui, self._contrast, self._panel = ui, contrast, panel
        self._problem, self._updating = "", False
        for widget in (ui.cciVolumesSelector, ui.cciReferenceSelector):
            widget.setMRMLScene(slicer.mrmlScene)
        self._hidden = HiddenRoles(NOT_MEASURED, ui.cciVolumesSelector, ui.cciReferenceSelector)
        ui.cciVolumesSelector.connect("checkedNodesChanged()", self.onTicked)
        ui.measureButton.connect("clicked(bool)", self.onMeasure)

    def close(self) -> None:
        """To be called when the panel goes."""
        self._hidden.close()

    def update(self, parameters: LowDoseContrastTrainingParameterNode) -> None:
        ui = self._ui
        ui.cciWindowLineEdit.visible = parameters.cciScale == "window"
        self._tick(parameters.cciVolumes)
        reason = self._contrast.reasonNotToMeasure(parameters)
        ui.measureButton.enabled = not reason
        ui.measureButton.toolTip = reason or _("Put the CCI of the ticked volumes into a table")
        ui.measureLabel.text = self._problem or reason
        ui.measureLabel.visible = bool(ui.measureLabel.text)
        if ui.cciTableView.mrmlTableNode() != parameters.cciTable:
            ui.cciTableView.setMRMLTableNode(parameters.cciTable)
        ui.cciTableView.visible = parameters.cciTable is not None

    def _tick(self, volumes: Sequence[Any]) -> None:
        """Ticks what is chosen; the selector itself keeps nothing in the scene."""
        selector, wanted = self._ui.cciVolumesSelector, [node.GetID() for node in volumes if node is not None]
        self._updating = True
        for nodes, state in ((selector.uncheckedNodes(), qt.Qt.Checked), (selector.checkedNodes(), qt.Qt.Unchecked)):
            for node in nodes:
                if (node.GetID() in wanted) == (state == qt.Qt.Checked):
                    selector.setCheckState(node, state)
        self._updating = False

    def onTicked(self) -> None:
        if self._panel.parameters and not self._updating:
            self._problem = ""
            self._panel.parameters.cciVolumes = list(self._ui.cciVolumesSelector.checkedNodes())

    def onMeasure(self, checked: bool = False) -> None:
        from LowDoseContrastLib.errors import InputError

        self._problem = ""
        try:
            with slicer.util.tryWithErrorDisplay(_("The volumes could not be measured."), waitCursor=True):
                try:
                    self._contrast.measure(self._panel.parameters)
                    self._ui.cciTableView.resizeColumnsToContents()
                except InputError as error:
                    self._problem = str(error)
        finally:
            self._panel.updateGui()
