"""What all methods under evaluation have in common, and what a baseline adds to that."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from LowDoseContrastLib.mammogram import Mammogram
from LowDoseContrastLib.steps import Progress, Steps

from ..dataset.manifest import PairedDataSet
from .training_pairs import TrainingPairs

if TYPE_CHECKING:
    from typing_extensions import Self

BASELINE, MODEL, CEILING = "baseline", "model", "ceiling"  # the kinds of methods
_OF_A_MODEL = ("model", "model_sha256", "dataset", "out_of_domain", "notes", "seam_index", "mode")


_Stated = TypeVar("_Stated")


def from_stated(cls: type[_Stated], stated: dict[str, Any], **made: Any) -> _Stated:
    """Return an object of the fields that a file states, lists as tuples; ``made`` are fields that need more work."""
    names = {each.name for each in dataclasses.fields(cls)} - made.keys()  # type: ignore[arg-type]
    known = {name: stated[name] for name in names if stated.get(name) is not None}
    return cls(**{name: tuple(each) if isinstance(each, list) else each for name, each in known.items()}, **made)


@dataclass(frozen=True)
class Run:
    """What a method was run with; a method that is fitted anew in every fold has one run per fold.

    Attributes:
        parameters: of a baseline, by name; None for a model.
        model: file of a model; empty for a baseline.
        model_sha256: hash of that file.
        dataset: fingerprint of the data set that the model was trained on.
        out_of_domain: how the images lie outside of the model's domain, in sentences.
        notes: remarks on the images, in sentences.
        seam_index: mean over the whole images; None if it was not measured.
        mode: the mode of ``enhance``.
        arrangements: the arrangements judged by this run; empty if one run serves all.
    """

    parameters: dict[str, Any] | None = None
    model: str = ""
    model_sha256: str = ""
    dataset: str = ""
    out_of_domain: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seam_index: float | None = None
    mode: str = ""
    arrangements: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the run for ``results.json``."""
        place = {"arrangements": self.arrangements} if self.arrangements else {}
        values = {name: getattr(self, name) for name in _OF_A_MODEL}
        return {**place, **(values if self.model else {"parameters": self.parameters or {}})}

    @classmethod
    def from_json(cls, stated: dict[str, Any]) -> Run:
        """Return the run that ``results.json`` states; what is missing keeps its default."""
        return from_stated(cls, stated)


class Method:
    """Turns a low-dose image into one that should look like the high dose; it becomes a row of the table.

    Attributes:
        name: in the table.
        kind: ``BASELINE``, ``MODEL`` or ``CEILING``.
        is_denoiser: whether it shows what denoising alone can do; models are compared with the best of these.
        recipe: name of the recipe that a model was trained with.
    """

    name: str
    kind: str = BASELINE
    is_denoiser: bool = False
    recipe: str = ""

    @property
    def versions(self) -> tuple[Method, ...]:
        """The methods that :meth:`of` chooses from."""
        return (self,)

    @property
    def runs(self) -> tuple[Run, ...]:
        """What the method was run with."""
        return (Run(),)

    def of(self, group: str) -> Method:
        """Return the version of the method that was not trained on an arrangement."""
        return self

    def steps(self, mammogram: Mammogram) -> Steps[np.ndarray]:
        """Return float32 (patches, rows, columns) pixel values made of a stack of patches."""
        raise NotImplementedError

    def whole_steps(self, mammogram: Mammogram) -> Steps[np.ndarray]:
        """Do the same for a whole image, (1, rows, columns)."""
        return self.steps(mammogram)


@dataclass(frozen=True, eq=False)
class Training:
    """What a baseline may learn from: the training part of a data set.

    Attributes:
        pairs: a sample of its patches, and the noise of the detector.
        data: all of it.
        folder: where a network that is trained here stays, so that another evaluation need not train it again.
        device: see :func:`LowDoseContrastLib.device.choose_placement`.
    """

    pairs: TrainingPairs
    data: PairedDataSet
    folder: Path
    device: str


class Baseline(Method):
    """What any learned model must stand beside: a frozen dataclass whose fields are its parameters.

    A subclass defines ``name``, :meth:`fit` and :meth:`apply`, and has a line in :data:`.names.BASELINES`.

    Attributes:
        is_trained: whether fitting takes minutes; it is then a stage of its own in the progress.
    """

    is_trained: bool = False

    @classmethod
    def objection(cls, data: PairedDataSet) -> str:
        """Return why the baseline cannot be fitted to a data set; empty if it can."""
        return ""

    @classmethod
    def fit(cls, training: TrainingPairs) -> Self:
        """Return the baseline with the parameters that suit some pairs of patches best."""
        raise NotImplementedError

    @classmethod
    def fit_steps(cls, training: Training) -> Steps[Method]:
        """Return the fitted method. A baseline that needs more than pairs overrides it."""
        yield Progress(0.0)
        return cls.fit(training.pairs)

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Return what the baseline makes of low-dose pixel values, float32 (rows, columns)."""
        raise NotImplementedError

    @property
    def runs(self) -> tuple[Run, ...]:
        return (Run(dataclasses.asdict(self)),)  # type: ignore[call-overload]

    def steps(self, mammogram: Mammogram) -> Steps[np.ndarray]:
        made = []
        for number, patch in enumerate(mammogram.pixels):
            yield Progress(number / len(mammogram.pixels))
            made.append(self.apply(patch))
        return np.stack(made)
