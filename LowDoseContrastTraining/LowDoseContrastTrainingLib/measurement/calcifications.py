"""Calcification candidates in an image, and their match with the true calcifications.

The detector is simple on purpose, and the same for every method: the negative Laplacian of a
Gaussian at two scales (Lindeberg 1998, Int. J. Comput. Vis. 30:79), divided by the local noise of
that response, so that the threshold depends neither on gain nor on smoothness. It finds spots that
stand out from their surroundings; it does not diagnose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.errors import InputError
from scipy import ndimage, optimize, spatial

from ..simulator.wide_blur import bilinear
from .stacks import checked_mask, checked_stack
from .truth_places import CALCIFICATIONS, PlacedInsert, Truth

SCALES_MM = (0.1, 0.2)
THRESHOLD = 5.0  # standard deviations of the response's noise
REACH_MM = 0.35  # from a grain to its candidate, about half of the largest grain
_BLOCK = 64  # pixels, within which noise is assumed constant
_APART_MM = 0.3
_NORMAL_MAD = 1.4826  # standard deviation over median absolute deviation of a normal distribution


@dataclass(frozen=True)
class CalcificationMatch:
    """Candidates in an image compared with the true calcifications.

    Attributes:
        kept: bool (grains,), which true calcifications have a candidate.
        size_mm: (grains,).
        missed: number of true calcifications without a candidate.
        added: candidates on no true calcification and no other insert.
        area_cm2: where candidates count as added.
        reason: why ``kept`` is empty, else empty.
    """

    kept: np.ndarray
    size_mm: np.ndarray
    missed: int
    added: int
    area_cm2: float
    reason: str = ""

    @property
    def added_per_cm2(self) -> float:
        """Added candidates per cm^2 of tissue on the detector."""
        return self.added / self.area_cm2 if self.area_cm2 else float("nan")

    @property
    def missed_per_cm2(self) -> float:
        """Missed calcifications per cm^2 of tissue on the detector."""
        return self.missed / self.area_cm2 if self.area_cm2 else float("nan")

    @property
    def sensitivity(self) -> float:
        """Share of true calcifications that was kept, 0 to 1; NaN if there are none."""
        return float(self.kept.mean()) if len(self.kept) else float("nan")


def candidates(
    image: np.ndarray,
    pixel_mm: float,
    mask: np.ndarray | None = None,
    dark: bool = True,
    threshold: float = THRESHOLD,
) -> np.ndarray:
    """Return calcification candidates: float (count, 3) of row, column, response, strongest first.

    Args:
        image: (rows, columns).
        pixel_mm: spacing.
        mask: bool (rows, columns), where to look; None looks everywhere.
        dark: whether calcifications are darker than tissue, as in For Processing images.
        threshold: lowest response, in standard deviations of the response's noise.

    Raises:
        InputError: a mask of another size or an empty one.
    """
    from skimage.feature import peak_local_max

    image = np.asarray(image)
    mask = checked_mask(mask, image.shape)
    inside = _interior(mask, pixel_mm)
    values = np.asarray(image, np.float32) - np.float32(np.mean(image[mask]))  # small numbers suit float32
    best = np.full(values.shape, -np.inf, np.float32)
    for scale in SCALES_MM:
        response = ndimage.gaussian_laplace(values, scale / pixel_mm) * np.float32(1 if dark else -1)
        noise = _noise_map(response, inside)
        np.maximum(best, np.divide(response, noise, out=np.zeros_like(response), where=noise > 0), out=best)
    best[~inside] = 0
    apart = max(1, round(_APART_MM / pixel_mm))
    places = peak_local_max(best, min_distance=apart, threshold_abs=threshold, exclude_border=False)
    return np.column_stack([places, best[tuple(places.T)]]).astype(np.float64).reshape(-1, 3)


def _interior(mask: np.ndarray, pixel_mm: float) -> np.ndarray:
    """Return where the response does not depend on pixels outside the mask."""
    return ndimage.binary_erosion(mask, iterations=round(4 * SCALES_MM[-1] / pixel_mm))


def _noise_map(response: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return the local standard deviation of a response, from the median absolute value in blocks."""
    rows, columns = response.shape
    starts = [(r, c) for r in range(0, rows, _BLOCK) for c in range(0, columns, _BLOCK)]
    blocks = np.full((-(-rows // _BLOCK), -(-columns // _BLOCK)), np.nan, np.float32)
    for r, c in starts:
        part = (slice(r, r + _BLOCK), slice(c, c + _BLOCK))
        values = response[part][inside[part]]
        if values.size >= _BLOCK:
            blocks[r // _BLOCK, c // _BLOCK] = _NORMAL_MAD * np.median(np.abs(values))
    if np.isnan(blocks).all():
        return np.zeros_like(response)
    nearest = ndimage.distance_transform_edt(np.isnan(blocks), return_distances=False, return_indices=True)
    at = ((np.arange(side, dtype=np.float32) - (_BLOCK - 1) / 2) / _BLOCK for side in response.shape)
    within = (np.clip(places, 0, count - 1) for places, count in zip(at, blocks.shape, strict=True))
    return bilinear(blocks[tuple(nearest)], *within)


def matched(found: np.ndarray, places: np.ndarray, reach: float) -> np.ndarray:
    """Return the index of the candidate for every true place, -1 without one: int (places,).

    A candidate belongs to one place only. As many as possible within ``reach`` are assigned, with the
    least total distance.

    Args:
        found: (candidates, 2 or more) of row and column.
        places: (places, 2).
        reach: pixels.
    """
    result = np.full(len(places), -1)
    if len(found) == 0 or len(places) == 0:
        return result
    near = spatial.KDTree(places).query(found[:, :2])[0] <= reach
    chosen = np.flatnonzero(near)
    distance = spatial.distance.cdist(places, found[chosen, :2])
    cost = np.where(distance <= reach, distance, 1e6)
    rows, columns = optimize.linear_sum_assignment(cost)
    good = cost[rows, columns] <= reach
    result[rows[good]] = chosen[columns[good]]
    return result


class CalcificationSearch:
    """Looks for the true calcifications of an arrangement in images of it.

    Args:
        truth: where the calcifications are.
        smallest_mm: smaller ones are neither expected nor counted as added.

    Raises:
        InputError: the truth holds no phantom.
    """

    def __init__(self, truth: Truth, smallest_mm: float = 0.0) -> None:
        if not truth.mask.any():
            raise InputError("", "the truth holds no phantom", "nothing can be measured")
        self.truth, self._reach = truth, REACH_MM / truth.pixel_mm
        grains = [each for each in truth.of_kind(CALCIFICATIONS) if truth.mask[_pixel(each, truth.mask.shape)]]
        self._asked = [each for each in grains if each.size_mm >= smallest_mm]
        self._free = _elsewhere(truth, grains, self._reach)

    def match(self, image: np.ndarray, dark: bool = True, threshold: float = THRESHOLD) -> CalcificationMatch:
        """Return which true calcifications an image shows, and how many candidates it adds.

        Args:
            image: (rows, columns) of the arrangement.
            dark, threshold: as :func:`candidates`.

        Raises:
            InputError: the image has another size than the truth.
        """
        truth = self.truth
        image = checked_stack(image, 1, truth.mask.shape)[0]
        found = candidates(image, truth.pixel_mm, truth.mask, dark, threshold)
        places = np.array([(each.row, each.column) for each in self._asked]).reshape(-1, 2)
        kept = matched(found, places, self._reach) >= 0
        added = int(self._free[tuple(found[:, :2].astype(int).T)].sum())
        reason = "" if self._asked else "no calcification of this size in the truth"
        area = float(self._free.sum()) * (truth.pixel_mm / 10) ** 2
        sizes = np.array([each.size_mm for each in self._asked])
        return CalcificationMatch(kept, sizes, int((~kept).sum()), added, area, reason)


def _elsewhere(truth: Truth, grains: Sequence[PlacedInsert], reach: float) -> np.ndarray:
    """Return where a candidate counts as added: in the phantom, more than ``reach`` from every insert and grain."""
    taken = truth.insert_map > 0
    for grain in grains:
        taken[_pixel(grain, taken.shape)] = True
    return (ndimage.distance_transform_edt(~taken) > reach) & _interior(truth.mask, truth.pixel_mm)


def _pixel(insert: PlacedInsert, shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the pixel nearest to an insert's centre, within the image."""
    row, column = round(insert.row), round(insert.column)
    return min(max(row, 0), shape[0] - 1), min(max(column, 0), shape[1] - 1)
