"""The third step: a network trained on the pairs, in a process that outlives the panel."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from LowDoseContrastLib.settings import words_of
from slicer.i18n import tr as _

from .child import ChildProcess
from .parameters import RECIPE_FILE, RUN, RecipeChanges
from .preparation import reasonNotToRead
from .task import Task
from .training_checks import TrainingChecks
from .training_run import CURVES, TrainingRun

if TYPE_CHECKING:
    from .parameters import LowDoseContrastTrainingParameterNode


class Training(Task):
    """The command ``train``."""

    packages = ("torch", "safetensors", "skimage")
    staysBehind = True
    rows = (RUN,)

    def __init__(self) -> None:
        self._checks = TrainingChecks()

    def run(self, parameters: LowDoseContrastTrainingParameterNode) -> TrainingRun:
        """The chosen folder of a training."""
        return TrainingRun(parameters.runFolder)

    def reasonNotToStart(self, parameters: LowDoseContrastTrainingParameterNode) -> str:
        reason = reasonNotToRead(parameters.dataSetFolder)
        if reason:
            return reason
        if not Path(parameters.runFolder).is_absolute():
            return _("Choose a folder for the training.")
        if Path(parameters.runFolder) == Path(parameters.dataSetFolder):
            return _("Choose another folder for the training than that of the data set.")
        foreign = self.run(parameters).foreignFile()
        if foreign:
            return _("The folder of the training holds {name}, which is of no training; choose an empty one.").format(
                name=foreign
            )
        if self.run(parameters).isComplete():
            return _("The training in this folder is complete; choose another folder for a new one.")
        return self._checks.reason(parameters, self.run(parameters))

    def arguments(self, parameters: LowDoseContrastTrainingParameterNode) -> list[str]:
        """The command line; a training with a checkpoint goes on with the recipe that it began with."""
        run = self.run(parameters)
        arguments = [
            "train",
            parameters.dataSetFolder,
            parameters.runFolder,
            "--recipe",
            str(self._recipe(parameters, run)),
        ]
        if run.begun():
            arguments.append("--resume")
        if parameters.startFrom and not run.canGoOn():
            arguments += ["--from", parameters.startFrom]
        own = {"epochs": None} if run.canGoOn() else {}  # it goes on with the recipe that it began with
        return arguments + words_of(RUN.chosen(parameters, **own))

    def _recipe(self, parameters: LowDoseContrastTrainingParameterNode, run: TrainingRun) -> str | Path:
        """What names the recipe: a built-in name, the user's file, or the file that :meth:`start` writes."""
        changes = RecipeChanges(parameters)
        return run.childFolder / "recipe.json" if run.canGoOn() or changes.values() else changes.base

    def start(self, parameters: LowDoseContrastTrainingParameterNode) -> ChildProcess:
        run = self.run(parameters)
        earlier = run.child()
        if earlier and earlier.running():
            return earlier
        run.childFolder.mkdir(parents=True, exist_ok=True)
        recipe = run.childFolder / "recipe.json"
        if self._recipe(parameters, run) == recipe:
            recipe.write_text(json.dumps(self._recipeValues(parameters, run), indent=1) + "\n", encoding="utf-8")
        return self.startCommand(self.arguments(parameters), run.childFolder)

    def _recipeValues(self, parameters: LowDoseContrastTrainingParameterNode, run: TrainingRun) -> dict[str, Any]:
        from LowDoseContrastTrainingLib.common.settings_file import read_settings

        if run.canGoOn():
            return run.recipe()
        changes = RecipeChanges(parameters)
        if parameters.recipe == RECIPE_FILE:
            return {"name": Path(changes.base).stem, **read_settings(changes.base), **changes.values()}
        return {"base": changes.base, "name": f"{changes.base}, changed", **changes.values()}

    def runningChild(self, parameters: LowDoseContrastTrainingParameterNode) -> ChildProcess | None:
        """The process that trains in the chosen folder, whoever started it; None if none does."""
        child = self.run(parameters).child()
        return child if child and child.running() else None

    def startTexts(self, parameters: LowDoseContrastTrainingParameterNode) -> tuple[str, str]:
        if self.run(parameters).canGoOn():
            return _("Resume"), _("Go on from the last checkpoint, with the recipe of the training")
        return _("Start"), _("Train in a process of its own, which goes on when Slicer is closed")

    def cancelTip(self) -> str:
        return _("Stop; the last checkpoint is kept, and Resume goes on from it")

    def doneText(self, result: Any) -> str:
        text = _("Done: {epochs} epochs; the model of epoch {best_epoch} is kept.").format(**result)
        figures = {row["method"]: row["l1"] for row in result["test"] or result["validation"]}
        if not {"model", "gain"} <= figures.keys():
            return text
        held = _("On held-out patches its mean error is {model:.2f} pixel values, that of the scaled input {gain:.2f}.")
        return f"{text} {held.format(**figures)}"

    def cancelledText(self) -> str:
        return _("Cancelled; the last finished epoch is kept, and the training can go on from there.")

    def subject(self, parameters: LowDoseContrastTrainingParameterNode) -> Any:
        return parameters.runFolder

    def pastOutcome(self, parameters: LowDoseContrastTrainingParameterNode) -> str:
        child = self.run(parameters).child()
        return self.outcome(child) if child else ""

    def finish(self, child: ChildProcess, labelOf: Callable[[str], str] = str) -> str:
        """The output stays in the folder, for a panel that comes later."""
        outcome = self.outcome(child, labelOf)
        logging.info(outcome)
        return outcome

    # Looking at it

    def log(self, run: TrainingRun) -> str:
        """What the process said, and a line for each epoch."""
        said = ChildProcess(run.childFolder, None).messages() if run.exists() else []
        return "\n".join([*said, *map(_epochLine, run.history())])

    def useModel(self, run: TrainingRun) -> str:
        """Gives the model to the module that enhances, and chooses it there; returns its name. Raises InputError."""
        from LowDoseContrastSlicer.logic import LowDoseContrastLogic

        return LowDoseContrastLogic().addTrainedModel(run.model, run.folder.name)


def _epochLine(row: dict[str, float]) -> str:
    losses = ", ".join(f"{name} {row[f'{name}_mean']:.4g}" for name in CURVES if f"{name}_mean" in row)
    line = _("epoch {epoch:.0f}: {losses}").format(epoch=row.get("epoch", 0), losses=losses)
    if "val_l1_model" in row and "val_l1_gain" in row:
        line += _("; validation L1 {model:.4g}, of the scaled input {gain:.4g}").format(
            model=row["val_l1_model"], gain=row["val_l1_gain"]
        )
    return line + f"; {row['seconds']:.0f} s" if "seconds" in row else line
