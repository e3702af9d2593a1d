"""Step 1 in the panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer
from LowDoseContrastSlicer.comparison import Comparison
from LowDoseContrastSlicer.widgets.laid_out import whenLaidOut
from slicer.i18n import tr as _

from .task_control import TaskControl

if TYPE_CHECKING:
    from ..logic import LowDoseContrastTrainingLogic
    from ..parameters import LowDoseContrastTrainingParameterNode


class SimulateSection:
    """Simulates acquisitions and loads the first pair."""

    paths = {"acquisitionsFolderEdit": "acquisitionsFolder"}

    def __init__(self, ui: Any, logic: LowDoseContrastTrainingLogic, panel: Any) -> None:
        self._ui, self._panel = ui, panel
        self._task = logic.simulation
        self._comparison = Comparison()
        self.control = TaskControl(ui, "simulate", self._task, panel)
        ui.loadPairButton.connect("clicked(bool)", self.onLoadPair)

    def update(self, parameters: LowDoseContrastTrainingParameterNode) -> None:
        self.control.update(parameters)
        hasPair = self._task.firstPair(parameters.acquisitionsFolder) is not None
        self._ui.loadPairButton.enabled = hasPair
        self._ui.loadPairButton.toolTip = (
            _("Show the lowest and the highest dose of the first arrangement side by side")
            if hasPair
            else _("The folder holds no finished arrangement with two doses.")
        )

    def release(self) -> None:
        """Lets go of the pair that is shown."""
        self._comparison.release()

    def onLoadPair(self, checked: bool = False) -> None:
        with slicer.util.tryWithErrorDisplay(_("The pair could not be loaded."), waitCursor=True):
            self._comparison.showPair(*self._task.loadFirstPair(self._panel.parameters.acquisitionsFolder))
            whenLaidOut(self._comparison.fit)
