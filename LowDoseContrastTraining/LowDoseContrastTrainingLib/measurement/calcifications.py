"""Calcification candidates of an image, and which of the true ones they are.

The detector is simple on purpose, and the same for every method: the negative Laplacian of a
Gaussian at two scales (Lindeberg 1998, Int. J. Comput. Vis. 30:79), each divided by the noise of
its own response near by, so that neither gain nor smoothness moves the threshold. It finds what
sticks out of its surroundings; it is no diagnosis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.errors import InputError
from scipy import ndimage, optimize, spatial

from .stacks import checked_mask, checked_stack
from .truth_places import CALCIFICATIONS, Truth

SCALES_MM = (0.1, 0.2)
THRESHOLD = 5.0  # standard deviations of the response's noise
REACH_MM = 0.35  # from a grain to its candidate, about half of the largest grain
_BLOCK = 64  # pixels, in which noise is taken as even
_APART_MM = 0.3
_NORMAL_MAD = 1.4826  # standard deviation over median absolute deviation of a normal distribution


@dataclass(frozen=True)
class CalcificationMatch:
    """Candidates against the true calcifications of one image.

    Attributes:
        kept: bool (grains,), which of the true ones have a candidate.
        size_mm: (grains,).
        missed: number of true ones without.
        added: candidates that are no true calcification, nor on another insert.
        area_cm2: where candidates could be added.
        reason: why ``kept`` says nothing (there are none), else empty.
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
        """True ones that the image does not show (any more), per cm^2 of the same tissue."""
        return self.missed / self.area_cm2 if self.area_cm2 else float("nan")

    @property
    def sensitivity(self) -> float:
        """Part of the true ones that was kept, 0 to 1; NaN without any."""
        return float(self.kept.mean()) if len(self.kept) else float("nan")


def candidates(image: np.ndarray, pixel_mm: float, mask=None, dark: bool = True, threshold: float = THRESHOLD) -> np.ndarray:
    """Return the places of calcification candidates: float (count, 3) of row, column, response, strongest first.

    Args:
        image: (rows, columns).
        pixel_mm: spacing.
        mask: bool (rows, columns), where to look; None looks everywhere.
        dark: whether calcifications are darker than tissue, as For Processing; else brighter.
        threshold: lowest response, in standard deviations of the response's noise.

    Raises:
        InputError: a mask of another size or an empty one.
    """
    from skimage.feature import peak_local_max

    image = np.asarray(image)
    mask = checked_mask(mask, image.shape)
    inside = _interior(mask, pixel_mm)
    values = np.asarray(image, np.float32) - np.float32(np.mean(image[mask]))  # small numbers, for float32's sake
    best = np.full(values.shape, -np.inf, np.float32)
    for scale in SCALES_MM:
        response = ndimage.gaussian_laplace(values, scale / pixel_mm) * np.float32(1 if dark else -1)
        noise = _noise_map(response, inside)
        np.maximum(best, np.divide(response, noise, out=np.zeros_like(response), where=noise > 0), out=best)
    best[~inside] = 0
    places = peak_local_max(best, min_distance=max(1, round(_APART_MM / pixel_mm)), threshold_abs=threshold, exclude_border=False)
    return np.column_stack([places, best[tuple(places.T)]]).astype(np.float64).reshape(-1, 3)


def _interior(mask, pixel_mm):
    """Where the response is not reached by what lies outside of the mask."""
    return ndimage.binary_erosion(mask, iterations=round(4 * SCALES_MM[-1] / pixel_mm))


def _noise_map(response, inside):
    """Local standard deviation of a response, from the median absolute value in blocks, (rows, columns)."""
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
    filled = blocks[tuple(nearest)]
    # Between the middles of the blocks, linearly.
    at = [(np.arange(n, dtype=np.float32) - (_BLOCK - 1) / 2) / _BLOCK for n in response.shape]
    along = _interpolated(filled, at[0])
    return _interpolated(along.T, at[1]).T


def _interpolated(values, at):
    """Rows of ``values`` at fractional places ``at``, held at the ends."""
    at = np.clip(at, 0, len(values) - 1)
    low = np.minimum(at.astype(int), max(len(values) - 2, 0))
    share = (at - low)[:, None].astype(np.float32)
    return values[low] * (1 - share) + values[np.minimum(low + 1, len(values) - 1)] * share


def matched(found: np.ndarray, places: np.ndarray, reach: float) -> np.ndarray:
    """Return for each true place the index of its candidate, -1 without: int (places,).

    One candidate to one place, as many as possible within ``reach``, and those the nearest.

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


def match_calcifications(image: np.ndarray, truth: Truth, dark: bool = True, threshold: float = THRESHOLD, smallest_mm: float = 0.0) -> CalcificationMatch:
    """Return which true calcifications an image shows, and what it shows besides; see :class:`CalcificationSearch`."""
    return CalcificationSearch(truth, smallest_mm).match(image, dark, threshold)


class CalcificationSearch:
    """Looks in images of one arrangement for its true calcifications.

    Args:
        truth: where the calcifications are.
        smallest_mm: smaller ones are neither asked for nor counted as added.

    Raises:
        InputError: the truth holds no phantom.
    """

    def __init__(self, truth: Truth, smallest_mm: float = 0.0):
        if not truth.mask.any():
            raise InputError("", "the truth holds no phantom", "nothing can be measured")
        self.truth, self._reach = truth, REACH_MM / truth.pixel_mm
        grains = [each for each in truth.of_kind(CALCIFICATIONS) if truth.mask[_pixel(each, truth.mask.shape)]]
        self._asked = [each for each in grains if each.size_mm >= smallest_mm]
        self._free = _elsewhere(truth, grains, self._reach)

    def match(self, image: np.ndarray, dark: bool = True, threshold: float = THRESHOLD) -> CalcificationMatch:
        """Return which true calcifications an image shows, and what it shows besides.

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
        return CalcificationMatch(kept, np.array([each.size_mm for each in self._asked]), int((~kept).sum()), added, area, reason)


def _elsewhere(truth, grains, reach):
    """Where a candidate would be added: in the phantom, off every insert and grain by ``reach``."""
    taken = truth.insert_map > 0
    for grain in grains:
        taken[_pixel(grain, taken.shape)] = True
    return (ndimage.distance_transform_edt(~taken) > reach) & _interior(truth.mask, truth.pixel_mm)


def _pixel(insert, shape):
    """The pixel nearest to an insert's centre, within the image."""
    return tuple(int(np.clip(round(middle), 0, side - 1)) for middle, side in zip((insert.row, insert.column), shape))
