"""Step 1 in the panel."""

import slicer
from slicer.i18n import tr as _

from .task_control import TaskControl


class SimulateSection:
    """Simulates acquisitions and loads the first pair."""

    paths = {"acquisitionsFolderEdit": "acquisitionsFolder"}

    def __init__(self, ui, logic, panel):
        self._ui, self._panel = ui, panel
        self._task = logic.simulation
        self.control = TaskControl(ui, "simulate", self._task, panel)
        ui.loadPairButton.connect("clicked(bool)", self.onLoadPair)

    def update(self, parameters):
        self.control.update(parameters)
        hasPair = self._task.firstPair(parameters.acquisitionsFolder) is not None
        self._ui.loadPairButton.enabled = hasPair
        self._ui.loadPairButton.toolTip = (
            _("Show the lowest and the highest dose of the first arrangement side by side") if hasPair else _("The folder holds no finished arrangement with two doses.")
        )

    def onLoadPair(self, checked=False):
        from LowDoseContrastSlicer.comparison import Comparison

        with slicer.util.tryWithErrorDisplay(_("The pair could not be loaded."), waitCursor=True):
            Comparison().showSideBySide(*self._task.loadFirstPair(self._panel.parameters.acquisitionsFolder))
