"""Weak and strong contrast must be treated alike."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from LowDoseContrastLib.steps import Progress, Steps

from ..measurement.fidelity import line
from .candidates import Candidate
from .planted import WITH, Planted, mass_name
from .presence import KEPT, is_kept
from .rows import ControlRow
from .settings import LOW

NAME = "contrast sweep"
WHAT = (
    "Masses of five contrasts in one phantom. "
    "A method that amplifies the strong and drops the weak leaves the band at one end, and its slope is not 1."
)
# Of the primary in the middle; scatter and film change what the image holds of it by a fifth or less.
CONTRASTS = (0.02, 0.05, 0.10, 0.15, 0.20)
SLOPE = (0.9, 1.1)  # recovered over true contrast, across all; a tenth is half of what one mass may err by
DEVIATION = 0.2  # of the worst mass, as the band of a single one


def contrast_sweep(candidates: Sequence[Candidate], scene: Planted) -> Steps[list[ControlRow]]:
    """Return a row for each candidate and contrast, and one for all contrasts.

    Args:
        scene: with ``masses(CONTRASTS)``.
    """
    rows = []
    for number, candidate in enumerate(candidates):
        yield Progress(number / len(candidates))
        outside, found = candidate.outside(scene.image(WITH, LOW, 0)), []
        for contrast in CONTRASTS:
            place = scene.places[mass_name(contrast)]
            recovered, spread = scene.recovered(candidate.method, mass_name(contrast), WITH)
            found.append((place.contrast, recovered))
            figures = {"true contrast": place.contrast, "recovered": recovered, "spread": spread}
            name, passed = mass_name(contrast), is_kept(recovered)
            rows.append(ControlRow(NAME, name, candidate.name, figures, KEPT, passed, outside))
        rows.append(_all_of(candidate, np.array(found), outside))
    return rows


def _all_of(candidate: Candidate, found: np.ndarray, outside: tuple[str, ...]) -> ControlRow:
    true, recovered = found.T
    slope, _ = line(true, true * recovered)
    deviation = float(np.abs(recovered - 1).max())
    expected = f"slope {SLOPE[0]:g} to {SLOPE[1]:g}, largest deviation at most {DEVIATION:g}"
    passed = SLOPE[0] <= slope <= SLOPE[1] and deviation <= DEVIATION
    figures = {"slope": slope, "largest deviation": deviation}
    return ControlRow(NAME, "2 to 20 %", candidate.name, figures, expected, passed, outside)
