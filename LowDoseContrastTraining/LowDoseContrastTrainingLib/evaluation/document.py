"""What ``results.json`` holds, as types: a reader asks for attributes, and what a file lacks has its default.

Everything here is read back as it was written: ``Evaluation.from_json(each.to_json())`` equals ``each``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from LowDoseContrastLib.cci import CciVariant

from ..baselines.base import MODEL, Run, from_stated
from ..dose_reduction.noise_model import NoiseModel
from .settings import EvaluationSettings
from .statistics import PairedDifference
from .truth_curves import Curves

Json = dict[str, Any]


def finite(value: object) -> float | None:
    """Return a finite number as it is, and None for everything else: None, ``no truth`` and their like."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if math.isfinite(value) else None


@dataclass(frozen=True)
class Comparison:
    """The differences of a method to an opponent.

    Attributes:
        method: name of the opponent.
        differences: measure -> difference.
        adjusted: measure -> p of the difference, adjusted over the methods; None where nothing was adjusted.
    """

    method: str
    differences: dict[str, PairedDifference]
    adjusted: dict[str, float | None] | None = None

    def to_json(self) -> Json:
        differences = {name: dataclasses.asdict(difference) for name, difference in self.differences.items()}
        if self.adjusted is not None:
            for name, each in differences.items():
                each["p_holm"] = self.adjusted.get(name)
        return {"method": self.method, **differences}

    @classmethod
    def from_json(cls, stated: Json) -> Comparison:
        found = {
            name: value
            for name, value in stated.items()
            if isinstance(value, dict) and finite(value.get("mean")) is not None
        }
        adjusted = {name: each["p_holm"] for name, each in found.items() if "p_holm" in each}
        differences = {name: from_stated(PairedDifference, each) for name, each in found.items()}
        return from_stated(cls, stated, differences=differences, adjusted=adjusted or None)


@dataclass(frozen=True)
class ObserverFigures:
    """What one model observer sees of the calcifications of one size; None where it could not be measured."""

    auc: float | None = None
    auc_error: float | None = None
    dprime: float | None = None
    dprime_noise: float | None = None
    percent_correct: float | None = None


@dataclass(frozen=True)
class SizeClass:
    """Detectability of the calcifications of one size, over all arrangements.

    Attributes:
        size_mm: (least, largest), mm.
        clusters: how many hold such calcifications.
        reason: why there are no figures; empty where there are.
        observers: name of the observer -> figures.
    """

    size_mm: tuple[float, float]
    clusters: int
    reason: str
    observers: dict[str, ObserverFigures]

    def to_json(self) -> Json:
        observers = {name: dataclasses.asdict(each) for name, each in self.observers.items()}
        return {"size_mm": self.size_mm, "clusters": self.clusters, "reason": self.reason, **observers}

    @classmethod
    def from_json(cls, stated: Json) -> SizeClass:
        observers = {
            name: from_stated(ObserverFigures, value) for name, value in stated.items() if isinstance(value, dict)
        }
        return from_stated(cls, stated, observers=observers)


@dataclass(frozen=True)
class OfTruth:
    """What a row states in addition to figures if a truth is known.

    Attributes:
        reasons: why figures are missing, one sentence each.
        by_size: detectability by size class.
        seconds: for a whole image; None where nothing was computed.
    """

    reasons: tuple[str, ...] = ()
    by_size: tuple[SizeClass, ...] = ()
    seconds: float | None = None

    def to_json(self) -> Json:
        sizes = [size_class.to_json() for size_class in self.by_size]
        return {"truth_reasons": self.reasons, "detectability_by_size": sizes, "seconds_per_image": self.seconds}

    @classmethod
    def from_json(cls, stated: Json) -> OfTruth | None:
        """Return what a row states about its truth; None if it states nothing."""
        if not _OF_TRUTH & stated.keys():
            return None
        reasons, sizes = (stated.get(name) or () for name in ("truth_reasons", "detectability_by_size"))
        return cls(tuple(reasons), tuple(map(SizeClass.from_json, sizes)), finite(stated.get("seconds_per_image")))


_OF_TRUTH = {"truth_reasons", "detectability_by_size", "seconds_per_image"}


@dataclass(frozen=True)
class Row:
    """The results of one method.

    Attributes:
        method: its name.
        kind: ``baseline``, ``model`` or ``ceiling``.
        figures: measure -> mean over arrangements of the means over patches; None where one is not defined, and
            ``no truth`` where it needs one.
        arrangements: arrangement -> measure -> its own.
        patches: how many were judged.
        against: title of the opponent -> comparison; empty for a reference.
        verdict: in a word or two.
        reasons: for the verdict, one sentence each.
        runs: what it was run with, one where one serves all arrangements.
        of_truth: None without a truth.
    """

    method: str
    kind: str = ""
    figures: Json = field(default_factory=dict)
    arrangements: dict[str, dict[str, float | None]] = field(default_factory=dict)
    patches: int = 0
    against: dict[str, Comparison] = field(default_factory=dict)
    verdict: str = ""
    reasons: tuple[str, ...] = ()
    runs: tuple[Run, ...] = (Run(),)
    of_truth: OfTruth | None = None

    @property
    def is_model(self) -> bool:
        """Whether the method is a model under judgement, not a baseline or the ceiling."""
        return self.kind == MODEL

    @property
    def seam_index(self) -> float | None:
        """Mean over whole images, and over folds."""
        seams = [run.seam_index for run in self.runs if run.seam_index is not None]
        return sum(seams) / len(seams) if seams else None

    def value(self, measure: str) -> float | None:
        """Return a figure, or None where it is not a finite number."""
        if measure == "seam_index":
            return self.seam_index
        if measure == "seconds_per_image":
            return self.of_truth.seconds if self.of_truth else None
        return finite(self.figures.get(measure))

    def states(self, measure: str) -> bool:
        """Return whether the row states a measure, even if as unknown."""
        has = {"seam_index": any(run.model for run in self.runs), "seconds_per_image": self.of_truth is not None}
        return self.value(measure) is not None or has.get(measure, measure in self.figures)

    def difference(self, opponent: str, measure: str) -> PairedDifference | None:
        """Return the difference to an opponent, named by its title, in one measure; None where it was not taken."""
        return self.against[opponent].differences.get(measure) if opponent in self.against else None

    def to_json(self) -> Json:
        against = {"against": {title: comparison.to_json() for title, comparison in self.against.items()}}
        return {
            "method": self.method,
            "kind": self.kind,
            **self.figures,
            "arrangements": self.arrangements,
            "patches": self.patches,
            **({**against, **self._ran()} if self.against else {**self._ran(), **against}),
            "verdict": self.verdict,
            "reasons": self.reasons,
            **(self.of_truth.to_json() if self.of_truth else {}),
        }

    def _ran(self) -> Json:
        if not self.runs[0].arrangements:
            return self.runs[0].to_json()
        seam = {} if self.seam_index is None else {"seam_index": self.seam_index}
        return {"folds": [run.to_json() for run in self.runs], **seam}

    @classmethod
    def from_json(cls, stated: Json) -> Row:
        runs = tuple(Run.from_json(each) for each in stated.get("folds") or [{**stated, "arrangements": None}])
        against = {title: Comparison.from_json(each) for title, each in (stated.get("against") or {}).items()}
        figures = {name: value for name, value in stated.items() if name not in _NO_FIGURES}
        return from_stated(cls, stated, runs=runs, against=against, figures=figures, of_truth=OfTruth.from_json(stated))


_NO_FIGURES = {each.name for kind in (Row, Run) for each in dataclasses.fields(kind)} | {"folds", *_OF_TRUTH}


@dataclass(frozen=True)
class LeakageSide:
    """A model evaluated on one kind of split.

    Attributes:
        method: name of the model.
        dataset: folder of the data set, of the random split.
        over_gain: measure -> model less gain, the mean over arrangements.
    """

    method: str = ""
    dataset: str = ""
    over_gain: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Leakage:
    """How much better a recipe looks on a random split than on arrangements that it has not seen.

    Attributes:
        recipe: its name.
        held_out, random: the model trained on either kind of split.
        gap: measure -> that of the random split less that of the held-out arrangements.
    """

    recipe: str
    held_out: LeakageSide
    random: LeakageSide
    gap: dict[str, float]

    def to_json(self) -> Json:
        found = dataclasses.asdict(self)
        del found["held_out"]["dataset"]
        return found

    @classmethod
    def from_json(cls, stated: Json) -> Leakage:
        sides = {name: from_stated(LeakageSide, stated[name]) for name in ("held_out", "random")}
        return from_stated(cls, stated, **sides)


@dataclass(frozen=True)
class FoldSummary:
    """One fold: the fingerprint of its data set, and the arrangements it holds out."""

    dataset_fingerprint: str
    held_out: tuple[str, ...]


@dataclass(frozen=True)
class Evaluation:
    """An evaluation: what was judged, how, and the results.

    Attributes:
        rows: one for each method.
        notice, caution: what every reader must know.
        version: of the software.
        datasets: folders; empty for the halves of a simulation.
        fingerprints: of the data sets.
        folds: what was held out.
        settings: how it was judged; None where a file does not state it.
        noise_model: of the detector, of the first fold; None where it is not known.
        dose_ratio: wanted over given entrance dose, of the first fold.
        mask: which pixels were compared, in words.
        data_range: of PSNR and SSIM, pixel values.
        notes: what a reader of the figures must know, one sentence each.
        leakage: one for each recipe that was trained on a random split too.
        seconds: part of the work -> how long it took.
        curves: method -> its curves; None without a truth.
        report: path of the page.
    """

    rows: tuple[Row, ...]
    notice: str = ""
    caution: str = ""
    version: str = ""
    datasets: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    folds: tuple[FoldSummary, ...] = ()
    settings: EvaluationSettings | None = None
    noise_model: NoiseModel | None = None
    dose_ratio: float | None = None
    mask: str = ""
    data_range: float | None = None
    notes: tuple[str, ...] = ()
    leakage: tuple[Leakage, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    curves: dict[str, Curves] | None = None
    report: str = ""

    def of_kind(self, kind: str) -> list[Row]:
        """Return the rows of ``model``, ``baseline`` or ``ceiling``."""
        return [row for row in self.rows if row.kind == kind]

    @property
    def groups(self) -> list[str]:
        """All arrangements, in the order of their first appearance."""
        return list(dict.fromkeys(group for row in self.rows for group in row.arrangements))

    @property
    def sizes(self) -> tuple[SizeClass, ...]:
        """The size classes of the first row that has any."""
        return next((row.of_truth.by_size for row in self.rows if row.of_truth and row.of_truth.by_size), ())

    def to_json(self) -> Json:
        """Return what ``results.json`` holds."""
        found = {
            "notice": self.notice,
            "caution": self.caution,
            "version": self.version,
            "dataset": _one_or_all(self.datasets),
            "dataset_fingerprint": _one_or_all(self.fingerprints),
            "folds": [dataclasses.asdict(fold) for fold in self.folds],
            "settings": self.settings and dataclasses.asdict(self.settings),
            "noise_model": self.noise_model and self.noise_model.as_dict(),
            "dose_ratio": self.dose_ratio,
            "mask": self.mask,
            "data_range": self.data_range,
            "notes": self.notes,
            "rows": [row.to_json() for row in self.rows],
            "leakage": [entry.to_json() for entry in self.leakage],
            "seconds": self.seconds,
            **({"curves": {name: curve.to_json() for name, curve in self.curves.items()}} if self.curves else {}),
            "report": self.report,
        }
        return _plain(found)

    @classmethod
    def from_json(cls, stated: Json) -> Evaluation:
        """Return the evaluation that a ``results.json`` states.

        Raises:
            KeyError, TypeError: it is not that of an evaluation.
        """
        curves = stated.get("curves")
        return from_stated(
            cls,
            stated,
            rows=tuple(Row.from_json(row) for row in stated["rows"]),
            datasets=_several(stated.get("dataset")),
            fingerprints=_several(stated.get("dataset_fingerprint")),
            folds=tuple(from_stated(FoldSummary, each) for each in stated.get("folds") or ()),
            settings=_settings(stated.get("settings")),
            noise_model=_noise_model(stated.get("noise_model")),
            leakage=tuple(Leakage.from_json(each) for each in stated.get("leakage") or ()),
            curves=curves and {name: Curves.from_json(curve) for name, curve in curves.items()},
        )


def _plain(value: Any) -> Any:
    """The same with lists for tuples, as JSON gives it back."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value


def _one_or_all(values: tuple[str, ...]) -> str | list[str]:
    return values[0] if len(values) == 1 else list(values)


def _several(value: str | Iterable[str] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def _settings(stated: Json | None) -> EvaluationSettings | None:
    return stated and from_stated(EvaluationSettings, stated, cci=from_stated(CciVariant, stated.get("cci") or {}))  # type: ignore[return-value]


def _noise_model(stated: Json | None) -> NoiseModel | None:
    return stated and from_stated(NoiseModel, stated)  # type: ignore[return-value]
