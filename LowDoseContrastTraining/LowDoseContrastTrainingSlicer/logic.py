"""What the module does, without its panel."""

import json
import logging
import re
import tempfile
from pathlib import Path
from typing import Annotated

import slicer
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from .child import ChildError, ChildProcess


@parameterNodeWrapper
class LowDoseContrastTrainingParameterNode:
    """The choices of the panel.

    acquisitionsFolder: where the simulated images go. lowDose, automaticDose, highDose: which doses
    to simulate. jobs: arrangements made at a time, 0 for as many as the computer can. The other
    fields are the options of the command 'simulate'.
    """

    acquisitionsFolder: str = ""
    arrangements: Annotated[int, WithinRange(1, 999)] = 12
    detector: Annotated[str, Choice(["essential", "essential-large", "selenium", "small"])] = "essential"
    seed: Annotated[int, WithinRange(0, 2**31 - 1)] = 0
    lowDose: bool = True
    automaticDose: bool = True
    highDose: bool = True
    realisations: Annotated[int, WithinRange(1, 99)] = 1
    presentation: bool = False
    jobs: Annotated[int, WithinRange(0, 64)] = 0


class LowDoseContrastTrainingLogic(ScriptedLoadableModuleLogic):
    """The steps of a training; usable without the panel."""

    def getParameterNode(self):
        return LowDoseContrastTrainingParameterNode(super().getParameterNode())

    def commands(self):
        """(what it does, command line) of every step that has no section in the panel, in order."""
        python = "PythonSlicer -m LowDoseContrastTrainingLib"
        return [
            (_("Cut pairs of patches, whole arrangements kept apart"), f"{python} prepare acquisitions pairs --split arrangement"),
            (_("Train; started again with --resume it goes on where it stopped"), f"{python} train pairs run --recipe starter"),
            (_("Use the model: add it in the Low-Dose Contrast module"), "run/model.safetensors"),
        ]

    # Simulating

    def doses(self, parameters):
        """Names of the chosen doses, as the command knows them."""
        chosen = {"low": parameters.lowDose, "automatic": parameters.automaticDose, "high": parameters.highDose}
        return [name for name, wanted in chosen.items() if wanted]

    def reasonNotToSimulate(self, parameters):
        """Why Simulate cannot be pressed, in a sentence; empty if it can."""
        if not Path(parameters.acquisitionsFolder).is_absolute():
            return _("Choose a folder for the acquisitions.")
        if not self.doses(parameters):
            return _("Choose at least one dose.")
        return ""

    def simulateArguments(self, parameters):
        """The command line of the simulation, without the program."""
        arguments = ["simulate", parameters.acquisitionsFolder]
        arguments += ["--arrangements", str(parameters.arrangements), "--detector", parameters.detector, "--seed", str(parameters.seed)]
        arguments += ["--doses", ",".join(self.doses(parameters)), "--realisations", str(parameters.realisations)]
        if parameters.presentation:
            arguments.append("--presentation")
        if parameters.jobs:
            arguments += ["--jobs", str(parameters.jobs)]
        return arguments

    def startSimulation(self, parameters):
        """Starts the simulation and returns its ChildProcess. Raises RuntimeError without PythonSlicer."""
        folder = tempfile.mkdtemp(prefix="LowDoseContrastTraining-", dir=slicer.app.temporaryPath)
        return self._startCommand(self.simulateArguments(parameters), folder)

    def finishSimulation(self, child):
        """What became of a simulation that has ended, in a sentence; forgets its output."""
        try:
            if child.cancelled:
                return _("Cancelled; nothing half-written was left. Simulate goes on where it stopped.")
            result = child.result()
            return _("Done: {images} images of {arrangements} arrangements.").format(images=len(result["files"]), arrangements=result["arrangements"])
        except ChildError as error:
            logging.error("\n".join(child.messages()))
            return _("Failed: {reason}").format(reason=self._plainReason(str(error)))
        finally:
            child.discard()

    def _startCommand(self, arguments, folder):
        """A command of the training library in a process that reports its progress."""
        import LowDoseContrastLib

        modules = [Path(path).resolve().parents[1] for path in (LowDoseContrastLib.__file__, __file__)]
        return ChildProcess(["-m", "LowDoseContrastTrainingLib", *arguments, "--progress", "lines", "--json"], folder, modules)

    def _plainReason(self, said):
        missing = re.search(r"No module named '([\w.]+)'", said)
        if not missing:
            return said
        return _("Slicer's Python lacks the package {name}; install it with slicer.util.pip_install in the Python console.").format(name=missing[1])

    def progressText(self, child):
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
        return _("{message}: {minutes:.0f} min left").format(message=progress.message, minutes=progress.remaining / 60)

    # Looking at it

    def firstPair(self, folder):
        """(lowest, highest dose) of the first finished arrangement in ``folder`` as paths; None without one."""
        for place in sorted(Path(folder).glob("arrangement-*")) if folder else ():
            paths = [place / f"{dose}.dcm" for dose in self._dosesIn(folder)]
            if len(paths) > 1 and all(path.is_file() for path in paths):
                return paths[0], paths[-1]
        return None

    def _dosesIn(self, folder):
        """Names of the doses of a simulation, the lowest first; empty without one."""
        try:
            settings = json.loads(Path(folder, "simulation.json").read_text(encoding="utf-8"))
            return sorted(settings["doses"], key=settings["parameters"]["doses_mgy"]["value"].get)
        except (OSError, ValueError, KeyError):
            return []

    def loadFirstPair(self, folder):
        """Loads the first pair of ``folder``; returns the nodes of the lowest and the highest dose."""
        names = _("Arrangement {number} {dose} dose")
        return [
            slicer.util.loadVolume(
                str(path), {"name": names.format(number=int(path.parent.name.split("-")[1]), dose=path.stem), "singleFile": True, "show": False}
            )
            for path in self.firstPair(folder)
        ]
