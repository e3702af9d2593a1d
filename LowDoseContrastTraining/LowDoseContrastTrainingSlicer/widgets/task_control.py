"""The button that starts a task and then cancels it, with its progress and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from .labels import labelBeside, sentence

if TYPE_CHECKING:
    from ..child import ChildProcess
    from ..parameters import LowDoseContrastTrainingParameterNode
    from ..task import Task

POLL_MS = 200  # how often the panel asks a running command how far it is
LAST_SECONDS = 3  # how long a closing panel waits for a work that it cancels


class TaskControl:
    """Drives one task through the widgets ``<prefix>Button``, ``...ProgressBar``, ``...StatusLabel``,
    ``...SettingsWidget``.

    Attributes:
        child: the running process, or None.
    """

    def __init__(
        self,
        ui: Any,
        prefix: str,
        task: Task,
        panel: Any,
        onStarted: Callable[[], None] | None = None,
        onPoll: Callable[[ChildProcess], None] | None = None,
        onFinished: Callable[[], None] | None = None,
    ) -> None:
        self.child: Any = None
        self._ui, self._task, self._panel = ui, task, panel
        self._onStarted, self._onPoll, self._onFinished = onStarted, onPoll, onFinished
        self._button, self._bar, self._label, self._settings = (
            getattr(ui, prefix + name) for name in ("Button", "ProgressBar", "StatusLabel", "SettingsWidget")
        )
        self._outcome = ""
        self._subject: Any = None
        self._timer = qt.QTimer()
        self._timer.interval = POLL_MS
        self._timer.connect("timeout()", self.onTimer)
        self._button.connect("clicked(bool)", self.onClicked)

    def update(self, parameters: LowDoseContrastTrainingParameterNode) -> None:
        """Shows the state of the task."""
        running = self.child is not None
        self._settings.enabled = not running
        self._bar.visible = running
        if running:
            self._showProgress()
            return
        reason = self._reasonNotToStart(parameters)
        text, tip = self._task.startTexts(parameters)
        self._button.text = text
        self._button.enabled = not reason
        self._button.toolTip = reason or tip
        self._say(self._outcomeFor(parameters) or self._task.pastOutcome(parameters) or reason)

    def _reasonNotToStart(self, parameters: LowDoseContrastTrainingParameterNode) -> str:
        from LowDoseContrastLib.errors import InputError

        try:
            return self._task.reasonNotToStart(parameters)
        except InputError as error:
            return sentence(error.told(self._labelOf))

    def _labelOf(self, field: str) -> str:
        """What the panel calls a setting: the label beside its widget."""
        names = [rows.parameterOf(field) for rows in self._task.rows]
        return next(filter(None, (labelBeside(self._ui, name) for name in names if name)), field)

    def _showProgress(self) -> None:
        progress = self.child.progress()
        self._button.text = _("Cancel")
        self._button.enabled = not self.child.cancelled
        self._button.toolTip = self._task.cancelTip()
        self._bar.value = int(100 * progress.done) if progress else 0
        self._say(self._task.progressText(self.child))

    def _say(self, text: str) -> None:
        self._label.text = text
        self._label.visible = bool(text)

    def _outcomeFor(self, parameters: LowDoseContrastTrainingParameterNode) -> str:
        """The last outcome, until what it is about has changed."""
        subject = self._task.subject(parameters)
        if self._outcome and self._subject is None:
            self._subject = subject
        return self._outcome if subject == self._subject else ""

    def onClicked(self, checked: bool = False) -> None:
        try:
            if self.child:
                self.child.cancel()
            else:
                with slicer.util.tryWithErrorDisplay(_("It could not be started.")):
                    self._start()
        finally:
            self._panel.updateGui()

    def _start(self) -> None:
        if not self._task.ensurePackages():
            return
        self.adopt(self._task.start(self._panel.parameters))
        if self._onStarted:
            self._onStarted()

    def adopt(self, child: ChildProcess) -> None:
        """Follows a running child, started here or elsewhere."""
        self.child = child
        self._outcome, self._subject = "", None
        self._timer.start()

    def onTimer(self) -> None:
        """Looks how far the work is; the user may have gone to another module meanwhile."""
        running = self.child.running()
        if self._onPoll:
            self._onPoll(self.child)
        if running:
            self._showProgress()
            return
        self._timer.stop()
        child, self.child = self.child, None
        self._outcome = self._task.finish(child, self._labelOf)
        self._panel.updateGui()
        if self._onFinished:
            self._onFinished()

    def close(self) -> None:
        """With its panel a work is cancelled and can go on later, unless it stays behind."""
        self._timer.stop()
        if self.child and not self._task.staysBehind:
            self.child.cancel(LAST_SECONDS)
            self.child.wait()
            self.child.discard()
        self.child = None
