"""A target that does not lie on its input must be noticed, and must not flatter anyone."""

from __future__ import annotations

import numpy as np
from LowDoseContrastLib.cci import CciVariant
from LowDoseContrastLib.steps import run_to_end

from ..alignment import TOLERANCE, measured_shift
from ..evaluation.judging import judged, span_of
from ..evaluation.results import rows_of
from ..evaluation.verdict import IMPROVEMENT
from .arrangements import LARGEST_SHIFT, Arrangements
from .cheats import Judgement
from .rows import ControlRow

NAME = "shifted pair"
WHAT = "The target moved by 1, 2 and 4 pixels. PSNR after the affine match must fall with each step and no verdict become an improvement. 'prepare' is the shift that preparing a data set measures, the worst over the arrangements."
SHIFTS = (1, 2, LARGEST_SHIFT)
PREPARE = "prepare"


def shifted_pair(candidates, scenes: Arrangements, judgement: Judgement):
    """Generator: yields the share done, returns a :class:`.rows.ControlRow` for each candidate and shift, and those of ``prepare``."""
    methods = list({each.name: each for each in [*judgement.opponents, *(each.method for each in candidates)]}.values())
    numbers, found = range(len(scenes.found)), {}
    span = span_of([scenes.view(index) for index in numbers])
    for place, shift in enumerate((0, *SHIFTS)):
        yield place / (len(SHIFTS) + 1)
        results = run_to_end(judged(methods, [scenes.view(index, shift) for index in numbers], span, CciVariant()))
        rows = rows_of(results, methods, scenes.settings.seed, {each.name: judgement.truth[each.name] for each in methods})
        found[shift] = {row["method"]: row for row in rows}
    return [*_followed(candidates, found, scenes.lows[0]), *(_measured(scenes, shift) for shift in SHIFTS)]


def _followed(candidates, found, low):
    for candidate in candidates:
        for before, shift in zip((0, *SHIFTS), SHIFTS):
            nearer, own = found[before][candidate.name], found[shift][candidate.name]
            figures = {f"PSNR {'at' if each is own else 'before'}": each["psnr_matched"] for each in (nearer, own)}
            figures |= {"verdict without": found[0][candidate.name]["verdict"], "verdict at": own["verdict"]}
            became = own["verdict"] == IMPROVEMENT != found[0][candidate.name]["verdict"]
            expected = f"PSNR is below that at {before} pixels, and the shift makes no {IMPROVEMENT}"
            passed = _number(own["psnr_matched"]) < _number(nearer["psnr_matched"]) and not became
            yield ControlRow(NAME, f"{shift} pixels", candidate.name, figures, expected, passed, candidate.outside(low))


def _number(value):
    """A PSNR that no finite number tells is of equal images."""
    return np.inf if value is None else value


def _measured(scenes, shift):
    found = [measured_shift(low.pixels[0], scenes.shifted(index, shift), scenes.masks[index]) for index, low in enumerate(scenes.lows)]
    worst = max(found, key=lambda each: np.hypot(each[0] - shift, each[1]))
    error = float(np.hypot(worst[0] - shift, worst[1]))
    figures = {"rows measured": float(worst[0]), "columns measured": float(worst[1])}
    return ControlRow(NAME, f"{shift} pixels", PREPARE, figures, f"measured to {TOLERANCE:g} pixels", error <= TOLERANCE)
