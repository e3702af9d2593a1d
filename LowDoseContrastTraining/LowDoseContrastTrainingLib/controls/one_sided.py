"""A lesion that only one image of a pair shows: the output must follow its input, and measures see the mismatch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from LowDoseContrastLib.steps import Progress, Steps

from ..baselines.base import Method
from ..evaluation.judging import range_of
from ..measurement.fidelity import fidelity
from .candidates import Candidate, output_of
from .planted import WITH, WITHOUT, Planted
from .presence import CLEAR, KEPT, is_clear, is_kept
from .rows import ControlRow
from .settings import HIGH, LOW

NAME = "lesion in one dose only"
WHAT = (
    "Pairs of which one image lacks the lesion. "
    "The output must show what the low dose shows, "
    "and PSNR after the affine match at the place must be lower than in the pair that agrees."
)
# dB at the place. The mean over three realisations of a pair that agrees is known to 0.1 dB.
NOTICED_DB = 0.5
_CASES = (
    ("only in the low dose", WITH, WITHOUT, KEPT, is_kept),
    ("only in the high dose", WITHOUT, WITH, CLEAR, is_clear),
)


def one_sided(candidates: Sequence[Candidate], scene: Planted) -> Steps[list[ControlRow]]:
    """Return a row for each candidate, case and place."""
    span, rows = range_of(scene.image(WITHOUT, HIGH, 0).pixels[0][scene.tissue]), []
    for number, candidate in enumerate(candidates):
        outside = candidate.outside(scene.image(WITH, LOW, 0))
        for case, source, target, follows, holds in _CASES:
            for name in scene.places:
                yield Progress(number / len(candidates))
                recovered, _ = scene.recovered(candidate.method, name, source)
                both = (_psnr(scene, candidate.method, name, source, other, span) for other in (source, target))
                agreeing, mismatched = both
                figures = {
                    "recovered": recovered,
                    "PSNR of the pair that agrees": agreeing,
                    "PSNR of this pair": mismatched,
                }
                expected = f"{follows}, PSNR lower by {NOTICED_DB:g} dB or more"
                passed = holds(recovered) and agreeing - mismatched >= NOTICED_DB
                rows.append(ControlRow(NAME, f"{name} {case}", candidate.name, figures, expected, passed, outside))
    return rows


def _psnr(scene: Planted, method: Method, name: str, source: str, target: str, span: float) -> float:
    """PSNR after the affine match around a place, dB, the mean over realisations."""
    box, found = scene.places[name].box, []
    for number in scene.realisations:
        low = scene.image(source, LOW, number)
        high, made = scene.image(target, HIGH, number).pixels[0], output_of(method, low)
        images = low.pixels[0][box], made[box], high[box], scene.tissue[box]
        found.append(fidelity(*images, scene.full_scale, span).psnr_matched)
    return float(np.mean(found))
