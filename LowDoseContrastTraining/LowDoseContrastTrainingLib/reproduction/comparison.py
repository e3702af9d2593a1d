"""Our number beside the paper's for every number in its tables, each with the file of the run that it was read from."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from ..common.file_names import GROUPS_FILE, LOSSES_FILE, MANIFEST_FILE, PATCHES_FILE, RESULTS_FILE, SIMULATION_FILE
from ..evaluation.leakage import COMPARED
from . import paper
from .layout import ACQUISITIONS, EVALUATION, HONEST_EVALUATION, PAIRS
from .plan import RUNS

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
    beside: dict = field(default_factory=dict)


def comparison(folder, plan) -> list[dict]:
    """Return every :class:`Number` of a finished reproduction, JSON-able.

    Args:
        folder: of the reproduction.
        plan: :class:`.plan.ReproductionPlan`.
    """
    folder = Path(folder)
    parts = (_data(folder, plan), _losses(folder), _patches(folder), _groups(folder), _fidelity(folder), _leakage(folder))
    return [asdict(number) for part in parts for number in part]


def _json(path):
    return json.loads(path.read_text(encoding="utf-8"))


def _data(folder, plan):
    file = f"{PAIRS}/{MANIFEST_FILE}"
    manifest = _json(folder / file)
    counts = manifest["counts"]
    simulated = f"{ACQUISITIONS}/{SIMULATION_FILE}"
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
    return [Number(DATA, "", name, value, *found[name], beside.get(name, {})) for name, value in paper.DATA.items()]


def _losses(folder):
    for run in RUNS:
        with open(folder / run / LOSSES_FILE, newline="") as stream:
            last = list(csv.DictReader(stream))[-1]
        for name, value in paper.LOSSES[run].items():
            beside = {"mean of the last epoch": float(last[f"{name}_mean"])}
            yield Number(LOSSES, run, name, value, float(last[name]), f"{run}/{LOSSES_FILE}", beside)


def _patches(folder):
    """The CCI of input, target and output on the held-out patches, with the range of most of them."""
    rows = {row["method"]: row for row in _json(folder / EVALUATION / RESULTS_FILE)["rows"]}
    by_method = {}
    with open(folder / EVALUATION / PATCHES_FILE, newline="") as stream:
        for line in csv.DictReader(stream):
            by_method.setdefault(line["method"], []).append(line)
    for run in RUNS:
        for (side, column), value in zip(CCI_SIDES.items(), paper.CCI[run]):
            low, high = np.percentile([float(line[column]) for line in by_method[run]], MIDDLE)
            yield Number(CCI, run, side, value, rows[run][column], f"{EVALUATION}/{RESULTS_FILE}", {"5th percentile": float(low), "95th percentile": float(high)})


def _groups(folder):
    for normalisation, means in _json(folder / GROUPS_FILE).items():
        for dose, value in paper.GROUP_MEANS.items():
            yield Number(GROUPS, normalisation, dose, value, means[dose], GROUPS_FILE)


def _fidelity(folder):
    """What the paper does not tell: how near the outputs come to the target, beside the baselines."""
    for row in _json(folder / EVALUATION / RESULTS_FILE)["rows"]:
        for measure in FIDELITY_MEASURES:
            yield Number(FIDELITY, row["method"], measure, None, row[measure], f"{EVALUATION}/{RESULTS_FILE}", {"kind": row["kind"]})


def _leakage(folder):
    for entry in _json(folder / HONEST_EVALUATION / RESULTS_FILE)["leakage"]:
        for measure in COMPARED:
            beside = {side: entry[side]["over_gain"][measure] for side in ("random", "held_out")}
            yield Number(LEAK, entry["recipe"], measure, None, entry["gap"][measure], f"{HONEST_EVALUATION}/{RESULTS_FILE}", beside)
