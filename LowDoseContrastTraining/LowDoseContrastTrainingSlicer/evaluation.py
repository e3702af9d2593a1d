"""The fourth step: models judged beside baselines."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from .evaluation_results import EvaluationResults
from .preparation import reasonNotToRead
from .simulation import Simulation
from .task import Task
from .training_run import TrainingRun

if TYPE_CHECKING:
    from .parameters import LowDoseContrastTrainingParameterNode


@dataclass(frozen=True)
class ModelChoice:
    """A model that can be judged.

    Attributes:
        model: its name or file.
        label: what the list calls it.
        problem: why it cannot be judged; empty if it can.
        names: every name and file that it has, with ``model``.
    """

    model: str
    label: str
    problem: str = ""
    names: tuple = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", self.names or (self.model,))


class Evaluation(Task):
    """The command ``evaluate``."""

    packages = ("torch", "safetensors", "pydicom", "skimage")

    def __init__(self) -> None:
        self._contents: dict[Any, Any] = {}  # (file, time, size) -> what tells its content from others

    def results(self, parameters: LowDoseContrastTrainingParameterNode) -> EvaluationResults:
        """What the chosen folder holds."""
        return EvaluationResults(parameters.evaluationFolder)

    def models(self, parameters: LowDoseContrastTrainingParameterNode, files: Sequence[str] = ()) -> list[ModelChoice]:
        """A :class:`ModelChoice` for each model at hand, that of the chosen training, ``files`` and what is chosen
        already.
        """
        from LowDoseContrastLib.catalogue import list_models

        entries = list_models()
        choices = [ModelChoice(entry.name, entry.name, entry.problem) for entry in entries]
        trained = TrainingRun(parameters.runFolder)
        others = [str(trained.model)] if trained.exists() and os.path.isfile(trained.model) else []
        known = [choice.model for choice in choices]
        others = [model for model in dict.fromkeys([*others, *files, *parameters.models]) if model not in known]
        contents = [self._content(entry.path) or entry.name for entry in entries] + [
            self._content(model) or model for model in others
        ]
        return _eachOnce(choices + [self._choice(model) for model in others], contents, parameters.models)

    def _content(self, path: str | Path) -> Any:
        """Something that files of the same model share; None where there is no model."""
        from LowDoseContrastLib.errors import InputError
        from LowDoseContrastLib.model import stated_hash

        try:
            found = os.stat(path)
            key = (str(path), found.st_mtime_ns, found.st_size)
            if key not in self._contents:
                self._contents[key] = stated_hash(path)
            return self._contents[key]
        except (OSError, InputError):
            return None

    def _choice(self, model: str) -> ModelChoice:
        """Of a file, or of a name that is in no catalogue."""
        path = Path(model)
        if not path.is_absolute():
            return ModelChoice(model, model, _("There is no model named {name}; untick it.").format(name=model))
        missing = "" if os.path.isfile(path) else _("The file {name} does not exist; untick it.").format(name=path)
        return ModelChoice(model, f"{path.parent.name}/{path.name}", missing)

    def reasonNotToStart(self, parameters: LowDoseContrastTrainingParameterNode) -> str:
        return self._reasonInData(parameters) or self._reasonInMethods(parameters) or self._reasonInOutput(parameters)

    def _reasonInData(self, parameters: LowDoseContrastTrainingParameterNode) -> str:
        if not (parameters.judgeDataSet or parameters.judgeTruth):
            return _("Choose a data set, a simulation, or both.")
        reason = reasonNotToRead(parameters.dataSetFolder) if parameters.judgeDataSet else ""
        if reason or not parameters.judgeTruth:
            return reason
        if not Path(parameters.acquisitionsFolder).is_absolute():
            return _("Choose the folder of the simulation.")
        realisations = Simulation().realisationsIn(parameters.acquisitionsFolder)
        if not realisations:
            return _("The folder of the simulation holds none; simulate some acquisitions, or choose another.")
        if realisations < 2:
            return _("The simulation has one realisation of every image; the truth can be compared with two or more.")
        return ""

    def _reasonInMethods(self, parameters: LowDoseContrastTrainingParameterNode) -> str:
        from LowDoseContrastLib.cci import CciVariant
        from LowDoseContrastLib.errors import InputError
        from LowDoseContrastTrainingLib.baselines.names import chosen_names

        problem = next(
            (
                each.problem
                for each in self.models(parameters)
                if each.problem and set(each.names) & set(parameters.models)
            ),
            "",
        )
        try:
            CciVariant(parameters.evaluationScale)
            chosen_names(parameters.baselines.strip() or "all")
        except InputError as error:
            return problem or str(error)
        return problem

    def _reasonInOutput(self, parameters: LowDoseContrastTrainingParameterNode) -> str:
        if not Path(parameters.evaluationFolder).is_absolute():
            return _("Choose a folder for the results.")
        if Path(parameters.evaluationFolder) in (Path(parameters.dataSetFolder), Path(parameters.acquisitionsFolder)):
            return _("Choose another folder for the results than that of the data set or the simulation.")
        if self.results(parameters).exist() and not parameters.replaceResults:
            return _("The folder holds the results of an earlier evaluation; choose another, or tick Replace.")
        return ""

    def arguments(self, parameters: LowDoseContrastTrainingParameterNode) -> list[str]:
        arguments = ["evaluate"]
        if parameters.judgeDataSet:
            arguments += ["--dataset", parameters.dataSetFolder]
        if parameters.judgeTruth:
            arguments += ["--simulation", parameters.acquisitionsFolder]
        chosen = [choice.model for choice in self.models(parameters) if set(choice.names) & set(parameters.models)]
        for model in filter(chosen.__contains__, parameters.models):
            arguments += ["--model", model]
        arguments += [
            "--output",
            parameters.evaluationFolder,
            "--baselines",
            parameters.baselines.strip() or "all",
            "--split",
            parameters.judgedSplit,
        ]
        arguments += [
            "--cci-scale",
            parameters.evaluationScale,
            "--seed",
            str(parameters.bootstrapSeed),
            "--device",
            parameters.evaluationDevice,
        ]
        if parameters.noise.strip():
            arguments += ["--noise", parameters.noise.strip()]
        if parameters.allowOutOfDomain:
            arguments.append("--allow-out-of-domain")
        if parameters.replaceResults:
            arguments.append("--overwrite")
        return arguments

    def startTexts(self, parameters: LowDoseContrastTrainingParameterNode) -> tuple[str, str]:
        if not parameters.models:
            return _("Evaluate"), _("Judge the baselines alone: no model is ticked")
        return _("Evaluate"), _("Judge the ticked models beside the baselines")

    def cancelTip(self) -> str:
        return _("Stop; nothing is written")

    def doneText(self, result: dict[str, Any]) -> str:
        rows = result["rows"]
        text = _("Done: {methods} methods on {arrangements} arrangements.").format(
            methods=len(rows), arrangements=len(rows[0].get("arrangements", ()))
        )
        return " ".join([text, *(f"{row['method']}: {row['verdict']}." for row in rows if row["kind"] == "model")])

    def cancelledText(self) -> str:
        return _("Cancelled; nothing was written.")

    def subject(self, parameters: LowDoseContrastTrainingParameterNode) -> Any:
        """The results are for a folder, whatever is chosen next."""
        return parameters.evaluationFolder


def _eachOnce(choices: Sequence[ModelChoice], contents: Sequence[Any], ticked: Sequence[str]) -> list[ModelChoice]:
    """The choices, those of the same content joined.

    Of its names a joined one goes by a ticked one, or else by its first.
    """
    joined: dict[Any, list[ModelChoice]] = {}
    for choice, content in zip(choices, contents, strict=True):
        joined.setdefault(content, []).append(choice)
    return [_joined(same, ticked) for same in joined.values()]


def _joined(same: Sequence[ModelChoice], ticked: Sequence[str]) -> ModelChoice:
    names = tuple(choice.model for choice in same)
    return replace(same[0], model=next((name for name in names if name in ticked), names[0]), names=names)
