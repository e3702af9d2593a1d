"""The arrangements that verdicts rest on: flat film with many small calcifications, as ``simulate`` writes them."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path

import numpy as np
from LowDoseContrastLib.files import read_mammogram
from LowDoseContrastLib.mammogram import Mammogram
from LowDoseContrastLib.steps import Steps
from scipy import ndimage

from ..evaluation.held_out_views import View
from ..evaluation.simulated_arrangements import SimulatedArrangement
from ..evaluation.truth_measures import judged_pixels
from ..measurement.truth_places import Truth
from ..simulator.simulation import SimulationPlan, simulate
from .settings import HIGH, LOW, ControlSettings

LARGEST_SHIFT = 4  # pixels by which a target may be moved; so far from the edge of the tissue, both are tissue still
# Little anatomy and grains near the limit of what the low dose shows, so that noise and not film limits their
# detection: here a higher dose must be told from a lower one, or no verdict of these scenes would mean anything. Pairs
# of grains, for clusters are the units of the observer's training and test.
SCENE = {
    "clusters": (900, 900), "grains": (2, 2), "grain_mm": (0.1, 0.24), "nodules": (1, 1), "spiculated": (0, 0),
    "fibres": (0, 0), "film_whole": 0.9, "film_creases": 0.0, "film_wrinkle": 0.05,
}  # fmt: skip
_PATCHES = 2  # of each arrangement, one above the other


class Arrangements:
    """Simulated arrangements and the patches of their first realisation.

    Attributes:
        found: :class:`..evaluation.simulated_arrangements.SimulatedArrangement` of each.
        lows: the first low-dose image of each.
        ratio: high over low dose, the median.
        offset: pixel value at no exposure.
    """

    def __init__(self, settings: ControlSettings, found: list[SimulatedArrangement]) -> None:
        self.settings, self.found = settings, found
        self.lows = [each.image(LOW, 0) for each in found]
        self._highs = [each.image(HIGH, 0).pixels[0] for each in found]
        truths = [each.truth() for each in found]
        self.offset = truths[0].zero_level
        self.ratio = float(np.median([truth.doses_mgy[HIGH] / truth.doses_mgy[LOW] for truth in truths]))
        self._masks = [_mask(truth, low.full_scale) for truth, low in zip(truths, self.lows, strict=True)]
        self._corners = [_corners(mask, settings.patch) for mask in self._masks]
        self._views: dict[str, tuple[int, int]] = {}

    def view(self, index: int, shift: int = 0) -> View:
        """Return the patches of an arrangement, the target ``shift`` pixels below where it belongs.

        The patches of the target are always the same; those of the low dose are cut that much further down.
        """
        low, high = self.lows[index], self._cut(self._highs[index], index)
        source = f"patches of {low.source}, target moved by {shift}"
        self._views[source] = index, shift
        low = dataclasses.replace(low, pixels=self._cut(low.pixels[0], index, shift), source=source, header=None)
        names = tuple(f"patch {number + 1}" for number in range(_PATCHES))
        return View(index, self.found[index].group, names, low, high, self._cut(self._masks[index], index))

    def high_of(self, image: Mammogram) -> np.ndarray | None:
        """Return another exposure, at the high dose, of a low-dose image or of a view's patches; None for any other.

        Patches are of the first realisation, so theirs is the second.
        """
        if image.source in self._views:
            index, shift = self._views[image.source]
            return self._cut(self.found[index].image(HIGH, 1).pixels[0], index, shift)
        path = Path(image.source)
        path = path.with_name(path.name.replace(LOW, HIGH))
        return read_mammogram(path).pixels if path.is_file() else None

    def _cut(self, image: np.ndarray, index: int, shift: int = 0) -> np.ndarray:
        side = self.settings.patch
        corners = [(row + shift, column) for row, column in self._corners[index]]
        return np.stack([image[row : row + side, column : column + side] for row, column in corners])


def arrangements(settings: ControlSettings, folder: Path) -> Steps[Arrangements]:
    """Return the arrangements, whose images are made in ``folder``."""
    count, realisations = settings.arrangements, settings.realisations
    plan = SimulationPlan(settings.seed, count, (LOW, HIGH), settings.chain(**SCENE), realisations, compress=False)
    yield from simulate(folder, plan)
    found = [SimulatedArrangement(f"phantom {n + 1}", n, folder, n, LOW, HIGH, realisations) for n in range(count)]
    return Arrangements(settings, found)


def _mask(truth: Truth, full_scale: float) -> np.ndarray:
    reference = truth.noise_free(HIGH)
    return ndimage.binary_erosion(judged_pixels(truth.mask, reference, full_scale), iterations=LARGEST_SHIFT)


def _corners(mask: np.ndarray, side: int) -> list[tuple[int, int]]:
    """(row, column) of the patch with the most tissue in every band that the image is cut into from top to bottom."""
    found, edges = [], np.linspace(0, mask.shape[0], _PATCHES + 1).astype(int)
    sums = np.pad(mask.astype(np.int64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    for top, bottom in itertools.pairwise(edges):
        band = inside[top : bottom - side + 1]
        row, column = np.unravel_index(np.argmax(band), band.shape)
        found.append((int(row) + top, int(column)))
    return found
