"""A lesion must be preserved, and none may appear where there is none."""

from __future__ import annotations

from collections.abc import Sequence

from LowDoseContrastLib.steps import Progress, Steps

from .candidates import Candidate
from .planted import WITH, WITHOUT, Planted
from .rows import ControlRow
from .settings import LOW

NAME = "lesion absent and present"
WHAT = (
    "One phantom with and without a mass and a cluster of calcifications, with the same noise. "
    "Recovered: the part of the true high dose's contrast that the output holds, the mean over realisations."
)
CONTRAST = 0.08  # of the mass; seen at the low dose, and less than the simulator's own nodules have
# A fifth of a lesion's contrast: the noise of three low-dose realisations moves the mean by 0.02 or less, so a method
# that leaves the band does so by what it does to the lesion.
RECOVERED = (0.8, 1.2)
# Half of that where nothing is: still several times what noise makes of these places.
APPEARS = 0.1
KEPT, CLEAR = f"recovered is {RECOVERED[0]:g} to {RECOVERED[1]:g}", f"recovered is within {APPEARS:g} of 0"


def is_kept(recovered: float) -> bool:
    """Return whether a lesion has its contrast."""
    return RECOVERED[0] <= recovered <= RECOVERED[1]


def is_clear(recovered: float) -> bool:
    """Return whether nothing has appeared."""
    return abs(recovered) <= APPEARS


def presence(candidates: Sequence[Candidate], scene: Planted) -> Steps[list[ControlRow]]:
    """Return a row for each candidate, content and place."""
    rows = []
    for number, candidate in enumerate(candidates):
        for content, expected, holds in ((WITH, KEPT, is_kept), (WITHOUT, CLEAR, is_clear)):
            yield Progress((number + 0.5 * (content == WITHOUT)) / len(candidates))
            outside = candidate.outside(scene.image(content, LOW, 0))
            for name, place in scene.places.items():
                recovered, spread = scene.recovered(candidate.method, name, content)
                true = place.contrast if content == WITH else 0.0
                figures = {"true contrast": true, "recovered": recovered, "spread": spread}
                condition, passed = f"{content} {name}", holds(recovered)
                rows.append(ControlRow(NAME, condition, candidate.name, figures, expected, passed, outside))
    return rows
