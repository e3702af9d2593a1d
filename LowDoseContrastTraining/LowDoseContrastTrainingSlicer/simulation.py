"""The first step: acquisitions at several doses, simulated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slicer
from LowDoseContrastLib.settings import words_of
from slicer.i18n import tr as _

from .parameters import SIMULATION
from .task import Task

if TYPE_CHECKING:
    from .parameters import LowDoseContrastTrainingParameterNode


class Simulation(Task):
    """The command ``simulate``."""

    packages = ("pydicom",)
    rows = (SIMULATION,)

    def doses(self, parameters: LowDoseContrastTrainingParameterNode) -> list[str]:
        """Names of the chosen doses, as the command knows them."""
        chosen = {"low": parameters.lowDose, "automatic": parameters.automaticDose, "high": parameters.highDose}
        return [name for name, wanted in chosen.items() if wanted]

    def reasonNotToStart(self, parameters: LowDoseContrastTrainingParameterNode) -> str:
        if not Path(parameters.acquisitionsFolder).is_absolute():
            return _("Choose a folder for the acquisitions.")
        if not self.doses(parameters):
            return _("Choose at least one dose.")
        return ""

    def arguments(self, parameters: LowDoseContrastTrainingParameterNode) -> list[str]:
        arguments = ["simulate", parameters.acquisitionsFolder]
        arguments += ["--detector", parameters.detector, "--doses", ",".join(self.doses(parameters))]
        arguments += words_of(SIMULATION.chosen(parameters))
        if parameters.jobs:
            arguments += ["--jobs", str(parameters.jobs)]
        return arguments

    def startTexts(self, parameters: LowDoseContrastTrainingParameterNode) -> tuple[str, str]:
        return _("Simulate"), _("Write the images into the folder")

    def doneText(self, result: Any) -> str:
        return _("Done: {images} images of {arrangements} arrangements.").format(
            images=len(result["files"]), arrangements=result["arrangements"]
        )

    def cancelledText(self) -> str:
        return _("Cancelled; nothing half-written was left. Simulate goes on where it stopped.")

    # Looking at it

    def firstPair(self, folder: str | Path) -> tuple[Path, Path] | None:
        """(lowest, highest dose) of the first finished arrangement in ``folder`` as paths; None without one."""
        for place in sorted(Path(folder).glob("arrangement-*")) if folder else ():
            paths = [place / f"{dose}.dcm" for dose in self._dosesIn(folder)]
            if len(paths) > 1 and all(path.is_file() for path in paths):
                return paths[0], paths[-1]
        return None

    def realisationsIn(self, folder: str | Path) -> int:
        """How many realisations of every image a simulation has; 0 without one."""
        try:
            return int(self._settings(folder)["realisations"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def _dosesIn(self, folder: str | Path) -> list[str]:
        """Names of the doses of a simulation, the lowest first; empty without one."""
        try:
            settings = self._settings(folder)
            return sorted(settings["doses"], key=settings["parameters"]["doses_mgy"]["value"].get)
        except (OSError, ValueError, KeyError):
            return []

    def _settings(self, folder: str | Path) -> dict[str, Any]:
        return json.loads(Path(folder, "simulation.json").read_text(encoding="utf-8"))

    def loadFirstPair(self, folder: str | Path) -> list[slicer.vtkMRMLVolumeNode]:
        """Loads the first pair of ``folder``; returns the nodes of the lowest and the highest dose."""
        names = _("Arrangement {number} {dose} dose")
        return [
            slicer.util.loadVolume(
                str(path),
                {
                    "name": names.format(number=int(path.parent.name.split("-")[1]), dose=path.stem),
                    "singleFile": True,
                    "show": False,
                },
            )
            for path in self.firstPair(folder)
        ]
