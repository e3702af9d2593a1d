"""The folder of a training: what is in it, read while a training may be writing it."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

from .child import ChildError, ChildProcess

CURVES = ("G_GAN", "G_L1", "D_real", "D_fake")


class TrainingRun:
    """A training's folder; any of its files may be missing.

    Attributes:
        folder: a Path.
        childFolder: hidden, for the output and the record of the process that trains.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.childFolder = self.folder / ".child"

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    @property
    def model(self) -> Path:
        return self.folder / "model.safetensors"

    @property
    def losses(self) -> Path:
        return self.folder / "losses.csv"

    def exists(self) -> bool:
        """Whether the folder can be one: absolute, and there."""
        return self.folder.is_absolute() and os.path.isdir(self.folder)  # unlike Path.is_dir never raises

    def child(self) -> ChildProcess | None:
        """The ChildProcess that trains or trained here; None where none was started by a panel."""
        return ChildProcess.find(self.childFolder) if self.exists() else None

    def begun(self) -> bool:
        """Whether a training was started here, even if no epoch of it was finished."""
        try:
            return self.exists() and "data" in self._stated()  # a recipe of the user's own names no data set
        except (OSError, ValueError, TypeError):
            return False

    def canGoOn(self) -> bool:
        """Whether there is a checkpoint to go on from."""
        return self.begun() and os.path.isfile(self.checkpoint)

    def isComplete(self) -> bool:
        """Whether a training that a panel started has come to its end."""
        child = self.child()
        try:
            return bool(child and not child.running() and child.result())
        except (ChildError, ValueError, OSError):
            return False

    def foreignFile(self) -> str:
        """The name of something in the folder that is of no training; empty if it is free or holds a training."""
        if not self.exists() or self.begun():
            return ""
        try:
            return next((entry.name for entry in sorted(self.folder.iterdir()) if not entry.name.startswith(".")), "")
        except OSError:
            return ""  # the command says why it cannot be used

    def recipe(self) -> dict[str, Any]:
        """The fields of the recipe that is trained here. Raises OSError, ValueError."""
        return {name: value for name, value in self._stated().items() if name not in ("data", "from")}

    def dataFingerprint(self) -> str | None:
        """What tells the data set that is trained on here from others. Raises OSError, ValueError."""
        return self._stated().get("data")

    def startedFrom(self) -> str | None:
        """The name of the model that the training started from, None for fresh weights. Raises OSError, ValueError."""
        record = self._stated().get("from")
        return record.get("name") if record else None

    def _stated(self) -> dict[str, Any]:
        return json.loads((self.folder / "recipe.json").read_text(encoding="utf-8"))

    def history(self) -> list[dict[str, float]]:
        """One dictionary of floats for each finished epoch, as in losses.csv."""
        try:
            with open(self.losses, newline="", encoding="utf-8") as stream:
                return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)]
        except (OSError, ValueError, TypeError):
            return []

    def newestSample(self) -> Path | None:
        """The latest picture of sample patches; None without one."""
        return max((self.folder / "samples").glob("epoch-*.png"), default=None) if self.exists() else None

    def state(self) -> tuple[int, ...]:
        """Something that differs when an epoch or a picture has been added."""
        sample = self.newestSample()
        return tuple(path.stat().st_mtime_ns if path and os.path.isfile(path) else 0 for path in (self.losses, sample))
