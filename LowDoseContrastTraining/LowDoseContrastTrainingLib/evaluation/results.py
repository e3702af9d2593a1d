"""The table of an evaluation: from the measures of patches to rows, and to files."""

from __future__ import annotations

import csv
import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from LowDoseContrastLib.atomic import atomic_output

from ..baselines.base import CEILING, Method
from ..baselines.intensity import Gain
from ..common.file_names import PATCHES_FILE, RESULTS_FILE, TRUTH_FILE
from ..measurement.fidelity import Fidelity
from .document import Comparison, Evaluation, Row
from .statistics import PairedDifference, holm, number_or_none, paired_difference
from .truth_measures import FIGURES, TruthResult
from .verdict import DENOISER, GAIN, NO_TRUTH, TRUTH_MEASURES, verdict

MEASURES = tuple(each.name for each in dataclasses.fields(Fidelity))
_COMPARED = ("cci_ratio_error", "psnr", "ssim", "psnr_matched", "ssim_matched")
REFERENCE = "reference"
_WHAT_OTHERS_MEET = "what the others are compared with"
_WHAT_NONE_EXCEEDS = "a second realisation of the high dose: what no method can be expected to exceed"
_ROUNDING = 1e-5

Differences = dict[str, PairedDifference]


@dataclasses.dataclass(frozen=True)
class PatchResult:
    """The measures of one method on one patch."""

    method: str
    arrangement: str
    patch: str
    measures: Fidelity


class _MethodOnPatches:
    """One method: its values by arrangement and their means.

    Attributes:
        values: arrangement -> measure -> values of its patches; one value of a figure against the truth.
        means: measure -> mean over arrangements of the means over patches, and the figures against the truth.
        truth: None where none is known.
    """

    def __init__(self, method: Method, results: Iterable[PatchResult], truth: TruthResult | None) -> None:
        self.method, self.truth = method, truth
        patches: dict[str, list[Fidelity]] = {}
        for result in results:
            if result.method == method.name:
                patches.setdefault(result.arrangement, []).append(result.measures)
        self.values = {
            group: {name: np.array([getattr(one, name) for one in measures], float) for name in MEASURES}
            for group, measures in patches.items()
        }
        self.means = {name: float(np.mean([of[name].mean() for of in self.values.values()])) for name in MEASURES}
        if truth:
            for group, figures in truth.by_arrangement.items():
                self.values[group] |= {name: np.array([getattr(figures, name)]) for name in FIGURES}
            self.means |= {name: truth.value(name) for name in FIGURES}

    def less(self, other: _MethodOnPatches, seed: int) -> Differences:
        """Return the differences to another method, of the measures that both have."""
        found: Differences = {}
        for measure in _COMPARED + (TRUTH_MEASURES if self.truth else ()):
            if self.truth and other.truth and measure in {**self.truth.pooled, **other.truth.pooled}:
                found |= _pooled_difference(measure, self.truth, other.truth)
                continue
            pairs = {group: _difference(of[measure], other.values[group][measure]) for group, of in self.values.items()}
            if any(np.isfinite(pair).any() for pair in pairs.values()):
                found[measure] = paired_difference(pairs, seed)
        return found

    def row(self, against: dict[str, Comparison]) -> Row:
        """Return the row of the table; without an opponent it is a reference."""
        figures = {name: number_or_none(value) for name, value in self.means.items()}
        judged = verdict({title: comparison.differences for title, comparison in against.items()}) if against else None
        is_ceiling = self.method.kind == CEILING
        return Row(
            self.method.name,
            self.method.kind,
            figures | {name: NO_TRUTH for name in TRUTH_MEASURES if name not in figures},
            {
                group: {name: number_or_none(each.mean()) for name, each in of.items()}
                for group, of in self.values.items()
            },
            sum(len(of["cci_output"]) for of in self.values.values()),
            against,
            judged.word if judged else REFERENCE,
            judged.reasons if judged else (_WHAT_NONE_EXCEEDS if is_ceiling else _WHAT_OTHERS_MEET,),
            self.method.runs,
            self.truth.of_truth if self.truth else None,
        )


def rows_of(
    results: Sequence[PatchResult],
    methods: Iterable[Method],
    seed: int = 0,
    truth: dict[str, TruthResult] | None = None,
) -> tuple[Row, ...]:
    """Return a row for each method: means over arrangements, differences to its opponents, verdict.

    The opponents are the gain and the best denoising baseline, which is the one with the highest PSNR after the affine
    match on these very patches; that favours the baselines. The p-values of a measure against the gain are adjusted
    together over the methods.

    Args:
        methods: in the order of the rows, with the gain among them.
        truth: name of the method -> its figures against the truth, which become part of the row.
    """
    measured = {
        method.name: _MethodOnPatches(method, results, truth[method.name] if truth else None) for method in methods
    }
    denoisers = [each for each in measured.values() if each.method.is_denoiser]
    opponents = {GAIN: measured[Gain.name]}
    if denoisers:
        opponents[DENOISER] = max(denoisers, key=lambda each: each.means["psnr_matched"])
    compared = {name: each for name, each in measured.items() if name != Gain.name and each.method.kind != CEILING}
    differences = {
        name: {title: each.less(opponent, seed) for title, opponent in opponents.items()}
        for name, each in compared.items()
    }
    adjusted = _adjusted({name: of[GAIN] for name, of in differences.items()})
    rows = []
    for name, each in measured.items():
        against = {
            title: Comparison(opponents[title].method.name, found, adjusted[name] if title == GAIN else None)
            for title, found in differences.get(name, {}).items()
        }
        rows.append(each.row(against))
    return tuple(rows)


def _difference(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Differences within the rounding of float32 pixels count as 0, or their signs would pass for an effect."""
    return np.where(np.isclose(values, others, rtol=_ROUNDING, atol=0), 0.0, values - others)


def _pooled_difference(measure: str, one: TruthResult, other: TruthResult) -> Differences:
    """The difference of two pooled figures, which has no interval; nothing where they are not known."""
    difference = one.pooled.get(measure, math.nan) - other.pooled.get(measure, math.nan)
    count = len(one.by_arrangement)
    few = f"{measure} is pooled over {count} arrangements, one alone has too few clusters"
    found = PairedDifference(difference, None, None, None, count, count, f"{few}: no interval and no test")
    return {measure: found} if math.isfinite(difference) else {}


def _adjusted(against: dict[str, Differences]) -> dict[str, dict[str, float | None]]:
    """Method -> measure -> p of the difference to the gain, adjusted over the methods."""
    found: dict[str, dict[str, float | None]] = {name: {} for name in against}
    for measure in _COMPARED + TRUTH_MEASURES:
        tested = {name: of[measure].p for name, of in against.items() if measure in of and of[measure].p is not None}
        for name, p in zip(tested, holm(list(tested.values())), strict=True):  # type: ignore[arg-type]
            found[name][measure] = p
    return found


def write_results(
    folder: Path,
    results: Iterable[PatchResult],
    evaluation: Evaluation,
    overwrite: bool = False,
    truth: dict[str, TruthResult] | None = None,
) -> None:
    """Write the results, each file whole or not at all; a cell is empty where a measure is not defined.

    ``results.csv`` has a line for each method and patch, ``results-truth.csv`` (only with ``truth``) a line for each
    method and arrangement, ``results.json`` everything else.
    """
    unknown = () if truth else TRUTH_MEASURES
    _write_csv(
        folder / PATCHES_FILE,
        ["method", "arrangement", "patch", *MEASURES, *unknown],
        (
            [
                result.method,
                result.arrangement,
                result.patch,
                *_cells(result.measures, MEASURES),
                *[NO_TRUTH] * len(unknown),
            ]
            for result in results
        ),
        overwrite,
    )
    if truth:
        of_all = ((name, *each) for name, result in truth.items() for each in result.by_arrangement.items())
        lines = (
            [name, group, *_cells(figures, FIGURES), "; ".join(figures.reasons)] for name, group, figures in of_all
        )
        _write_csv(folder / TRUTH_FILE, ["method", "arrangement", *FIGURES, "reasons"], lines, overwrite)
    else:
        (folder / TRUTH_FILE).unlink(missing_ok=True)  # of the run that is replaced
    with atomic_output(folder / RESULTS_FILE, overwrite) as temporary:
        temporary.write_text(json.dumps(evaluation.to_json(), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _cells(measures: object, names: Iterable[str]) -> list[float | None]:
    return [number_or_none(getattr(measures, name)) for name in names]


def _write_csv(path: Path, header: list[str], lines: Iterable[list], overwrite: bool) -> None:
    with atomic_output(path, overwrite) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *lines])
