"""One long work of the panel: a command of the training library, from the choices to what became of it."""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer
from LowDoseContrastSlicer.setting_rows import SettingRows
from slicer.i18n import tr as _

from .child import ChildCancelled, ChildError, ChildProcess

if TYPE_CHECKING:
    from .parameters import LowDoseContrastTrainingParameterNode


class Task:
    """What the works have in common; they differ in what is below "the work itself".

    Attributes:
        packages: of Python that the command needs beside those of Slicer.
        staysBehind: whether it goes on when the panel is closed.
        rows: the SettingRows of its settings.
    """

    packages: tuple[str, ...] = ()
    staysBehind = False
    rows: tuple[SettingRows, ...] = ()

    # The work itself

    def reasonNotToStart(self, parameters: LowDoseContrastTrainingParameterNode) -> str:
        """Why it cannot be started, in a sentence; empty if it can. Raises InputError where a setting is wrong."""
        raise NotImplementedError

    def arguments(self, parameters: LowDoseContrastTrainingParameterNode) -> list[str]:
        """The command line, without the program."""
        raise NotImplementedError

    def startTexts(self, parameters: LowDoseContrastTrainingParameterNode) -> tuple[str, str]:
        """(text, tooltip) of the button that starts it."""
        raise NotImplementedError

    def cancelTip(self) -> str:
        """Tooltip of the button that cancels it."""
        return _("Stop; what is finished is kept")

    def doneText(self, result: Any) -> str:
        """What the command has done, in a sentence, from what it printed."""
        raise NotImplementedError

    def cancelledText(self) -> str:
        """What a cancelled work leaves, in a sentence."""
        raise NotImplementedError

    def subject(self, parameters: LowDoseContrastTrainingParameterNode) -> Any:
        """What an outcome is about: it is shown as long as this stays the same."""
        from LowDoseContrastLib.errors import InputError

        try:
            return self.arguments(parameters)
        except InputError as error:
            return str(error)

    def pastOutcome(self, parameters: LowDoseContrastTrainingParameterNode) -> str:
        """What became of an earlier work that these parameters name; empty if nothing is known."""
        return ""

    # What they share

    def ensurePackages(self) -> bool:
        """True if the packages are there or, with the user's consent, could be installed."""
        from LowDoseContrastSlicer.installation import ensure_packages

        return ensure_packages((*self.packages, "psutil"))  # by which a running command is found again

    def start(self, parameters: LowDoseContrastTrainingParameterNode) -> ChildProcess:
        """Starts it and returns its ChildProcess. Raises RuntimeError without PythonSlicer."""
        return self.startCommand(
            self.arguments(parameters),
            tempfile.mkdtemp(prefix="LowDoseContrastTraining-", dir=slicer.app.temporaryPath),
        )

    def startCommand(self, arguments: Sequence[str], folder: str | Path) -> ChildProcess:
        """A command of the training library in a process that reports its progress."""
        import LowDoseContrastLib

        modules = [Path(path).resolve().parents[1] for path in (LowDoseContrastLib.__file__, __file__)]
        return ChildProcess.start(
            ["-m", "LowDoseContrastTrainingLib", *arguments, "--progress", "lines", "--json"], folder, modules
        )

    def outcome(self, child: ChildProcess, labelOf: Callable[[str], str] = str) -> str:
        """What became of a child that has ended, in a sentence.

        ``labelOf`` turns the name of a setting into its label.
        """
        try:
            return self.doneText(child.result())
        except ChildCancelled:
            return self.cancelledText()
        except (ChildError, ValueError, KeyError, OSError) as error:
            met = getattr(error, "input", None)
            return _("Failed: {reason}").format(reason=met.told(labelOf) if met else _plainReason(str(error)))

    def finish(self, child: ChildProcess, labelOf: Callable[[str], str] = str) -> str:
        """:meth:`outcome` of a child that has just ended; forgets its output."""
        outcome = self.outcome(child, labelOf)
        for line in child.messages():
            logging.info(line)
        child.discard()
        return outcome

    def progressText(self, child: ChildProcess) -> str:
        """How far a running child is and how long it will take, for people."""
        if child.cancelled:
            return _("Cancelling")
        progress = child.progress()
        if progress is None:
            return _("Starting")
        if progress.remaining is None:
            return progress.message
        if progress.remaining < 100:
            return _("{message}: {seconds:.0f} s left").format(message=progress.message, seconds=progress.remaining)
        if progress.remaining < 6000:
            return _("{message}: {minutes:.0f} min left").format(
                message=progress.message, minutes=progress.remaining / 60
            )
        return _("{message}: {hours:.1f} h left").format(message=progress.message, hours=progress.remaining / 3600)


def _plainReason(said: str) -> str:
    missing = re.search(r"(?:the Python package |No module named ')([\w-]+)", said)
    if not missing:
        return said
    return _(
        "Slicer's Python lacks the package {name}; install it with slicer.util.pip_install in the Python console."
    ).format(name=missing[1])
