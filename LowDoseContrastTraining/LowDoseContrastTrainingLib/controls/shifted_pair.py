"""A target that does not lie on its input must be noticed, and must not flatter anyone.

An improvement rests on the truth alone today, so that no shift can make one; the check guards that rule.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from LowDoseContrastLib.cci import CciVariant
from LowDoseContrastLib.mammogram import Mammogram
from LowDoseContrastLib.mask import Breast
from LowDoseContrastLib.steps import Progress, Steps, run_to_end

from ..dataset.alignment import TOLERANCE, measured_shift
from ..evaluation.document import Row
from ..evaluation.judging import judged, span_of
from ..evaluation.results import rows_of
from ..evaluation.verdict import IMPROVEMENT
from .arrangements import LARGEST_SHIFT, Arrangements
from .candidates import Candidate
from .cheats import Judgement
from .planted import WITHOUT, Planted
from .rows import ControlRow
from .settings import HIGH, LOW

NAME = "shifted pair"
WHAT = (
    "The target moved by 1, 2 and 4 pixels. "
    "PSNR after the affine match must fall with each step, and no verdict become an improvement. "
    "'prepare' is the shift that preparing a data set measures, "
    "here on the phantom without lesions, the worst over the realisations."
)
SHIFTS = (1, 2, LARGEST_SHIFT)  # pixels
# dB at each step. What shows the film falls by more than 1, what shows nothing not at all.
FALL_DB = 0.5
PREPARE = "prepare"


def shifted_pair(
    candidates: Sequence[Candidate], scenes: Arrangements, judgement: Judgement, scene: Planted
) -> Steps[list[ControlRow]]:
    """Return a row for each candidate and shift, and those of ``prepare``.

    Args:
        judgement: of these candidates, the target in its place.
        scene: a phantom with ordinary film, whose shift is measured as ``prepare`` does.
    """
    every = [*judgement.opponents, *(candidate.method for candidate in candidates)]
    methods = list({each.name: each for each in every}.values())
    numbers, found = range(len(scenes.found)), {}
    span = span_of([scenes.view(index) for index in numbers])
    for place, shift in enumerate((0, *SHIFTS)):
        yield Progress(place / (len(SHIFTS) + 1))
        results = run_to_end(judged(methods, [scenes.view(index, shift) for index in numbers], span, CciVariant()))
        rows = rows_of(results, methods, scenes.settings.seed, judgement.truth)
        found[shift] = {row.method: row for row in rows}
    return [*_followed(candidates, found, scenes.lows), *measured_shifts(scene)]


def _followed(
    candidates: Sequence[Candidate], found: dict[int, dict[str, Row]], lows: Sequence[Mammogram]
) -> Iterator[ControlRow]:
    for candidate in candidates:
        by_shift = {shift: rows[candidate.name] for shift, rows in found.items()}
        for before, shift in zip((0, *SHIFTS), SHIFTS, strict=False):
            nearer, own, unmoved = by_shift[before], by_shift[shift], by_shift[0]
            figures = {
                "PSNR before": nearer.value("psnr_matched"),
                "PSNR at": own.value("psnr_matched"),
                "verdict without": unmoved.verdict,
                "verdict at": own.verdict,
            }
            became = own.verdict == IMPROVEMENT != unmoved.verdict
            expected = f"PSNR {FALL_DB:g} dB or more below that at {_pixels(before)}, no {IMPROVEMENT} by the shift"
            passed = _decibels(nearer) - _decibels(own) >= FALL_DB and not became
            yield ControlRow(NAME, _pixels(shift), candidate.name, figures, expected, passed, candidate.outside(*lows))


def _pixels(shift: int) -> str:
    return f"{shift} pixel" + "s" * (shift != 1)


def _decibels(row: Row) -> float:
    """PSNR; infinite where the row states none, as for equal images."""
    psnr = row.value("psnr_matched")
    return math.inf if psnr is None else psnr


def measured_shifts(scene: Planted) -> list[ControlRow]:
    """Return the rows of what ``prepare`` would measure of a phantom's pairs, see :mod:`..dataset.examination`."""
    return [_measured(scene, shift) for shift in SHIFTS]


def _measured(scene: Planted, shift: int) -> ControlRow:
    found = []
    for number in scene.realisations:
        low, high = (scene.image(WITHOUT, dose, number).pixels[0] for dose in (LOW, HIGH))
        found.append(measured_shift(low, np.roll(high, shift, axis=0), Breast(low, sign=1).tissue))
    errors = [float(np.hypot(rows - shift, columns)) for rows, columns in found]
    rows, columns = found[int(np.argmax(errors))]
    figures = {"rows measured": rows, "columns measured": columns}
    expected = f"measured to {TOLERANCE:g} pixels"
    return ControlRow(NAME, _pixels(shift), PREPARE, figures, expected, max(errors) <= TOLERANCE)
