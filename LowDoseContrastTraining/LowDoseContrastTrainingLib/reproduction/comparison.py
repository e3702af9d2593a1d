"""Our number beside the paper's for every number in its tables, each with the file of the run that it was read from."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..common.file_names import GROUPS_FILE, LOSSES_FILE, MANIFEST_FILE, PATCHES_FILE, RESULTS_FILE, SIMULATION_FILE
from ..evaluation.document import Evaluation
from ..evaluation.leakage import COMPARED
from . import paper
from .layout import ACQUISITIONS, EVALUATION, HONEST_EVALUATION, PAIRS
from .plan import RUNS, ReproductionPlan

DATA, LOSSES, CCI, GROUPS, FIDELITY, LEAK = "data", "losses", "CCI of patches", "group means", "fidelity", "leakage gap"
CCI_SIDES = {"input": "cci_input", "target": "cci_target", "output": "cci_output"}
FIDELITY_MEASURES = ("cci_ratio_error", "psnr", "psnr_matched", "ssim_matched")
MIDDLE = (5, 95)  # percentiles between which most patches lie


@dataclass(frozen=True)
class Number:
    """One number.

    Attributes:
        table: which of the tables.
        subject: what it is of: a run, a dose, a method.
        quantity: its name.
        paper: the paper's, None where it has none.
        ours: None where it could not be measured.
        file: of the run, relative to its folder.
        beside: further figures by name, such as the mean of the epoch.
    """

    table: str
    subject: str
    quantity: str
    paper: float | None
    ours: float | None
    file: str
    beside: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


def of_table(numbers: Iterable[Number], table: str) -> list[Number]:
    """Return the numbers of one table."""
    return [each for each in numbers if each.table == table]


def comparison(folder: str | Path, plan: ReproductionPlan) -> list[Number]:
    """Return every number of a finished reproduction.

    Args:
        folder: of the reproduction.
    """
    folder = Path(folder)
    file, honest_file = f"{EVALUATION}/{RESULTS_FILE}", f"{HONEST_EVALUATION}/{RESULTS_FILE}"
    judged, honest = (Evaluation.from_json(_json(folder / name)) for name in (file, honest_file))
    return [
        *_data(folder),
        *_losses(folder),
        *_patches(folder, judged, file),
        *_groups(folder),
        *_fidelity(judged, file),
        *_leakage(honest, honest_file),
    ]


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _data(folder: Path) -> Iterator[Number]:
    file, simulated = f"{PAIRS}/{MANIFEST_FILE}", f"{ACQUISITIONS}/{SIMULATION_FILE}"
    manifest = _json(folder / file)
    counts = manifest["counts"]
    found = {
        "DICOM images": (sum(each["file"].endswith(".dcm") for each in manifest["files"]), file),
        "arrangements": (_json(folder / simulated)["arrangements"], simulated),
        "arrangements at low and high dose": (counts["arrangements"], file),
        "images in groups A and B": (counts["images"], file),
        "pairs of patches": (counts["pairs"], file),
        "pairs for training": (counts["train"], file),
        "pairs for testing": (counts["test"], file),
    }
    beside = {"pairs for training": {"watched while training": counts["val"]}}
    for name, value in paper.DATA.items():
        yield Number(DATA, "", name, value, *found[name], beside.get(name, {}))


def _losses(folder: Path) -> Iterator[Number]:
    for run in RUNS:
        last = _lines(folder / run / LOSSES_FILE)[-1]
        for name, value in paper.LOSSES[run].items():
            beside = {"mean of the last epoch": float(last[f"{name}_mean"])}
            yield Number(LOSSES, run, name, value, float(last[name]), f"{run}/{LOSSES_FILE}", beside)


def _patches(folder: Path, judged: Evaluation, file: str) -> Iterator[Number]:
    """The CCI of input, target and output on the held-out patches, with the range of most of them."""
    rows, lines = {row.method: row for row in judged.rows}, _lines(folder / EVALUATION / PATCHES_FILE)
    for run in RUNS:
        for (side, column), value in zip(CCI_SIDES.items(), paper.CCI[run], strict=True):
            values = [float(line[column]) for line in lines if line["method"] == run]
            low, high = np.percentile(values, MIDDLE)
            beside = {"5th percentile": float(low), "95th percentile": float(high)}
            yield Number(CCI, run, side, value, rows[run].value(column), file, beside)


def _groups(folder: Path) -> Iterator[Number]:
    for normalisation, means in _json(folder / GROUPS_FILE).items():
        for dose, value in paper.GROUP_MEANS.items():
            yield Number(GROUPS, normalisation, dose, value, means[dose], GROUPS_FILE)


def _fidelity(judged: Evaluation, file: str) -> Iterator[Number]:
    """What the paper does not tell: how near the outputs come to the target, beside the baselines."""
    for row in judged.rows:
        for measure in FIDELITY_MEASURES:
            yield Number(FIDELITY, row.method, measure, None, row.value(measure), file, {"kind": row.kind})


def _leakage(honest: Evaluation, file: str) -> Iterator[Number]:
    for entry in honest.leakage:
        for measure in COMPARED:
            beside = {side: getattr(entry, side).over_gain[measure] for side in ("random", "held_out")}
            yield Number(LEAK, entry.recipe, measure, None, entry.gap[measure], file, beside)
