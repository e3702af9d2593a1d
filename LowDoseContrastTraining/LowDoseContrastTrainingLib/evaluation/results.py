"""The table of an evaluation: from the measures of patches to rows, and to files."""

from __future__ import annotations

import csv
import dataclasses
import json
import math

import numpy as np
from LowDoseContrastLib.atomic import atomic_output

from ..baselines.all_baselines import DENOISERS
from ..baselines.intensity import Gain
from ..common.file_names import PATCHES_FILE, RESULTS_FILE, TRUTH_FILE
from ..measurement.fidelity import Fidelity
from .ceiling import CEILING
from .statistics import PairedDifference, holm, number_or_none, paired_difference
from .truth_measures import FIGURES, TruthResult
from .verdict import DENOISER, GAIN, NO_TRUTH, TRUTH_MEASURES, verdict

MEASURES = tuple(each.name for each in dataclasses.fields(Fidelity))
_COMPARED = ("cci_ratio_error", "psnr", "ssim", "psnr_matched", "ssim_matched")
REFERENCE = "reference"
_ROUNDING = 1e-5
_REFERENCES = {"baseline": "what the others are compared with", CEILING: "a second realisation of the high dose: what no method can be expected to exceed"}


@dataclasses.dataclass(frozen=True)
class PatchResult:
    """The measures of one method on one patch."""

    method: str
    arrangement: str
    patch: str
    measures: Fidelity


def rows_of(results: list[PatchResult], methods, seed: int = 0, truth: dict[str, TruthResult] | None = None) -> list[dict]:
    """Return one JSON-able row a method: its means over arrangements, differences to the gain and to the best denoising baseline, verdict.

    A measure that is not defined is None. The measures that need a truth are ``no truth`` without it. The p-values of a measure against the gain are
    adjusted together over the methods (``p_holm``). The best denoising baseline is the one with the highest PSNR after the affine
    match on these very patches, which favours the baselines.

    Args:
        methods: in the order of the rows, with the gain among them.
        truth: name of the method -> its figures against the truth, which become part of the row.
    """
    tables = {method.name: _by_arrangement(results, method.name, truth) for method in methods}
    means = {name: _means(table, truth and truth[name]) for name, table in tables.items()}
    denoisers = [kind.name for kind in DENOISERS if kind.name in means]
    opponents = {GAIN: Gain.name, **({DENOISER: max(denoisers, key=lambda name: means[name]["psnr_matched"])} if denoisers else {})}
    compared = [method.name for method in methods if method.name != Gain.name and method.kind != CEILING]
    against = {name: {title: _differences(name, other, tables, truth, seed) for title, other in opponents.items()} for name in compared}
    adjusted = _adjusted(against)
    rows = [_row(method, tables[method.name], means[method.name], against.get(method.name), adjusted, opponents) for method in methods]
    for row in rows if truth else ():
        found = truth[row["method"]]
        row |= {"truth_reasons": list(found.reasons), "detectability_by_size": list(found.by_size), "seconds_per_image": number_or_none(found.seconds)}
    return rows


def _by_arrangement(results, method, truth):
    """Arrangement -> measure -> values of its patches; one value of a figure against the truth."""
    found = {}
    for each in results:
        if each.method == method:
            found.setdefault(each.arrangement, []).append(each.measures)
    table = {group: {name: np.array([getattr(one, name) for one in measures], float) for name in MEASURES} for group, measures in found.items()}
    if truth:
        for group, figures in truth[method].by_arrangement.items():
            table[group] |= {name: np.array([getattr(figures, name)]) for name in FIGURES}
    return table


def _means(table, truth):
    """The means over arrangements of the means over their patches, and the figures against the truth."""
    means = {name: float(np.mean([measures[name].mean() for measures in table.values()])) for name in MEASURES}
    return means | ({name: truth.value(name) for name in FIGURES} if truth else {})


def _differences(name, opponent, tables, truth, seed):
    found, table, other = {}, tables[name], tables[opponent]
    for measure in _COMPARED if truth is None else _COMPARED + TRUTH_MEASURES:
        if truth and measure in {**truth[name].pooled, **truth[opponent].pooled}:
            found |= _pooled_difference(measure, truth[name], truth[opponent])
            continue
        differences = {group: _difference(table[group][measure], other[group][measure]) for group in table}
        if any(np.isfinite(each).any() for each in differences.values()):
            found[measure] = paired_difference(differences, seed)
    return found


def _difference(values, others):
    """Of patches; what is no more than rounding of float32 pixels is none, or the signs of rounding would pass for an effect."""
    return np.where(np.isclose(values, others, rtol=_ROUNDING, atol=0), 0.0, values - others)


def _pooled_difference(measure, one, other):
    """The difference of two pooled figures, which has no interval; nothing where they are not known."""
    difference, count = one.pooled.get(measure, math.nan) - other.pooled.get(measure, math.nan), len(one.by_arrangement)
    note = f"{measure} is pooled over {count} arrangements, one alone has too few clusters: no interval and no test"
    return {measure: PairedDifference(difference, None, None, None, count, count, note)} if math.isfinite(difference) else {}


def _adjusted(against):
    """(method, measure) -> p of the difference to the gain, adjusted over the methods."""
    found = {}
    for measure in _COMPARED + TRUTH_MEASURES:
        tested = {name: each[GAIN][measure].p for name, each in against.items() if measure in each[GAIN] and each[GAIN][measure].p is not None}
        found |= {(name, measure): p for name, p in zip(tested, holm(list(tested.values())))}
    return found


def _row(method, table, means, against, adjusted, opponents):
    row = {"method": method.name, "kind": method.kind, **{name: number_or_none(value) for name, value in means.items()}}
    row |= {name: NO_TRUTH for name in TRUTH_MEASURES if name not in row}
    row["arrangements"] = {group: {name: number_or_none(values.mean()) for name, values in measures.items()} for group, measures in table.items()}
    row["patches"] = sum(len(measures["cci_output"]) for measures in table.values())
    if against is None:
        return {**row, **method.described, "against": {}, "verdict": REFERENCE, "reasons": [_REFERENCES[method.kind]]}
    row["against"] = {title: _described(title, opponents[title], method.name, found, adjusted) for title, found in against.items()}
    judged = verdict(against)
    return {**row, **method.described, "verdict": judged.word, "reasons": list(judged.reasons)}


def _described(title, opponent, method, differences, adjusted):
    found = {"method": opponent}
    for measure, difference in differences.items():
        found[measure] = {**dataclasses.asdict(difference), **({"p_holm": adjusted.get((method, measure))} if title == GAIN else {})}
    return found


def write_results(folder, results: list[PatchResult], document: dict, overwrite: bool = False, truth: dict[str, TruthResult] | None = None) -> None:
    """Write the results, each file whole or not at all; a cell is empty where a measure is not defined.

    ``results.csv`` has one line a method and patch, ``results-truth.csv`` (only with ``truth``) one line a method
    and arrangement, ``results.json`` everything else.
    """
    unknown = () if truth else TRUTH_MEASURES
    lines = ([each.method, each.arrangement, each.patch, *_cells(each.measures, MEASURES), *[NO_TRUTH] * len(unknown)] for each in results)
    _write_csv(folder / PATCHES_FILE, ["method", "arrangement", "patch", *MEASURES, *unknown], lines, overwrite)
    if truth:
        of_all = ((name, *each) for name, result in truth.items() for each in result.by_arrangement.items())
        lines = ([name, group, *_cells(figures, FIGURES), "; ".join(figures.reasons)] for name, group, figures in of_all)
        _write_csv(folder / TRUTH_FILE, ["method", "arrangement", *FIGURES, "reasons"], lines, overwrite)
    else:
        (folder / TRUTH_FILE).unlink(missing_ok=True)  # of the run that is replaced
    with atomic_output(folder / RESULTS_FILE, overwrite) as temporary:
        temporary.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _cells(measures, names):
    return [number_or_none(getattr(measures, name)) for name in names]


def _write_csv(path, header, lines, overwrite):
    with atomic_output(path, overwrite) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header, *lines])
