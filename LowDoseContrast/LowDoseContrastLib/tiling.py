"""Which windows of an image a network looks at, and how its answers are blended."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .mask import extent

TILE = 256
PAPER_PATCH = 150
_SIGMA = 0.125  # of the window's side; the width of MONAI's Gaussian importance map


@dataclass(frozen=True)
class Plan:
    """The windows of one image.

    Attributes:
        origins: (row, column) of each window's first pixel; may lie outside of the image.
        shape: (rows, columns) of every window.
        network_shape: the size at which the network sees a window.
        blended: whether windows overlap and fade into one another.
    """

    origins: tuple
    shape: tuple
    network_shape: tuple
    blended: bool

    @property
    def is_whole(self) -> bool:
        """Whether one large window holds everything."""
        return len(self.origins) == 1 and max(self.shape) > TILE

    def weights(self) -> np.ndarray:
        """Blending weights of one window, float32 (rows, columns), above 0."""
        if not self.blended:
            return np.ones(self.shape, dtype=np.float32)
        rows, columns = (_gaussian(side) for side in self.shape)
        return np.maximum(np.outer(rows, columns), 1e-3).astype(np.float32)


def _gaussian(side: int) -> np.ndarray:
    position = np.arange(side) - (side - 1) / 2
    return np.exp(-0.5 * (position / (_SIGMA * side)) ** 2)


def tile_plan(mask: np.ndarray, overlap: float, multiple: int = TILE) -> Plan:
    """Overlapping square windows over the breast, in rows or in columns, whichever needs fewer.

    Args:
        mask: bool (rows, columns); air outside of it costs no window.
        overlap: least share of a window's side shared with its neighbour, in [0, 0.9].
        multiple: the network takes sides that are a multiple of this.

    >>> plan = tile_plan(np.ones((256, 480), dtype=bool), overlap=0.1)
    >>> plan.shape, plan.origins
    ((256, 256), ((0, 0), (0, 224)))
    """
    side = multiple * math.ceil(TILE / multiple)
    stride = max(1, round(side * (1 - overlap)))
    in_rows = _bands(mask, side, stride)
    in_columns = [(row, column) for column, row in _bands(mask.T, side, stride)]
    origins = in_rows if len(in_rows) <= len(in_columns) else in_columns
    return Plan(tuple(origins), (side, side), (side, side), blended=overlap > 0)


def _bands(mask: np.ndarray, side: int, stride: int) -> list[tuple[int, int]]:
    """Origins of windows in bands along the second axis, each band as long as the breast is there."""
    origins = []
    for start in _positions(extent(mask)[0], side, stride, mask.shape[0]):
        band = mask[start : start + side]
        if band.any():
            origins += [(start, along) for along in _positions(extent(band)[1], side, stride, mask.shape[1])]
    return origins


def whole_plan(mask: np.ndarray, multiple: int = TILE) -> Plan:
    """One window around the breast, its sides rounded up to what the network takes."""
    origin, shape = [], []
    for span, length in zip(extent(mask), mask.shape, strict=True):
        side = multiple * math.ceil((span.stop - span.start) / multiple)
        origin.append(_inside(span.start, side, length))
        shape.append(side)
    return Plan((tuple(origin),), tuple(shape), tuple(shape), blended=False)


def paper_plan(mask: np.ndarray, multiple: int = TILE) -> Plan:
    """The paper's grid of 150 x 150 patches, edge to edge, seen by the network at 256 x 256."""
    side, seen = PAPER_PATCH, multiple * math.ceil(TILE / multiple)
    rows, columns = (range(0, length, side) for length in mask.shape)
    origins = tuple((r, c) for r in rows for c in columns if mask[r : r + side, c : c + side].any())
    return Plan(origins, (side, side), (seen, seen), blended=False)


def _inside(start: int, side: int, length: int) -> int:
    """``start`` moved so that the window lies in the image where it fits there."""
    return max(0, min(start, length - side))


def _positions(span: slice, side: int, stride: int, length: int) -> list[int]:
    """Evenly spread starts of windows that cover ``span`` with steps of at most ``stride``."""
    start = _inside(span.start, side, length)
    last = _inside(max(start, span.stop - side), side, length)
    count = 1 + math.ceil((last - start) / stride)
    return [int(p) for p in np.rint(np.linspace(start, last, count))]


def cut(image: np.ndarray, origin: tuple[int, int], shape: tuple[int, int]) -> np.ndarray:
    """The window of ``image`` (rows, columns) at ``origin``; beyond the edge the image is mirrored."""
    (row, column), (rows, columns) = origin, shape
    inside = image[max(row, 0) : row + rows, max(column, 0) : column + columns]
    missing = [
        (max(-start, 0), side - have - max(-start, 0))
        for start, side, have in zip(origin, shape, inside.shape, strict=True)
    ]
    return np.pad(inside, missing, mode="symmetric") if np.any(missing) else inside


class Blender:
    """Collects the answers for the windows of a plan into one image.

    Adding window after window in the order of the plan makes the sum independent of how many
    windows the network saw at a time.
    """

    def __init__(self, image_shape: tuple[int, int], plan: Plan) -> None:
        self._plan, self._shape = plan, image_shape
        self._weights = plan.weights()
        self._sum = np.zeros(image_shape, dtype=np.float32)
        self._weight = np.zeros(image_shape, dtype=np.float32) if len(plan.origins) > 1 else None

    def add(self, origin: tuple[int, int], answer: np.ndarray) -> None:
        """Adds ``answer`` (rows, columns) of the window at ``origin``."""
        target = tuple(
            slice(max(o, 0), min(o + s, n)) for o, s, n in zip(origin, self._plan.shape, self._shape, strict=True)
        )
        source = tuple(slice(t.start - o, t.stop - o) for t, o in zip(target, origin, strict=True))
        if self._weight is None:
            self._sum[target] = answer[source]
            return
        self._sum[target] += answer[source] * self._weights[source]
        self._weight[target] += self._weights[source]

    def result(self) -> np.ndarray:
        """The blended answer, float32; 0 where no window lies."""
        if self._weight is not None:
            np.maximum(self._weight, 1e-6, out=self._weight)
            self._sum /= self._weight
        return self._sum


def seam_index(before: np.ndarray, after: np.ndarray, gain: float, plan: Plan, mask: np.ndarray) -> float:
    """How much rougher the change is across window borders than inside windows.

    Mean absolute second difference of ``after - gain x before`` across the borders of the windows
    over the same away from borders, within the breast. 1 means that no border can be told; NaN
    where there is no border inside the breast.
    """
    rows_marked, columns_marked = _border_maps(plan, mask.shape)
    sums = np.zeros(4)
    for axis, marked in ((0, rows_marked), (1, columns_marked)):
        for start in range(0, mask.shape[0], TILE):
            stripe = slice(max(start - 1, 0), min(start + TILE + 1, mask.shape[0]))
            change = after[stripe].astype(np.float32) - np.float32(gain) * before[stripe]
            sums += _roughness(change, mask[stripe], marked[stripe], axis)
    across, count_across, inside, count_inside = sums
    if not count_across or not count_inside:
        return float("nan")
    if inside == 0:
        return 1.0 if across == 0 else float("inf")
    return float((across / count_across) / (inside / count_inside))


def _border_maps(plan: Plan, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Two bool images: pixels next to a horizontal border of a window, and next to a vertical one."""
    horizontal, vertical = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    for row, column in plan.origins:
        rows = slice(max(row, 0), min(row + plan.shape[0], shape[0]))
        columns = slice(max(column, 0), min(column + plan.shape[1], shape[1]))
        for edge in (row, row + plan.shape[0]):
            if 0 < edge < shape[0]:
                horizontal[edge - 1 : edge + 1, columns] = True
        for edge in (column, column + plan.shape[1]):
            if 0 < edge < shape[1]:
                vertical[rows, edge - 1 : edge + 1] = True
    return horizontal, vertical


def _roughness(change: np.ndarray, mask: np.ndarray, marked: np.ndarray, axis: int) -> float:
    """[sum, count] of the absolute second difference along ``axis`` at marked pixels, then elsewhere."""
    if axis == 0:
        before, centre, after = (slice(0, -2), slice(None)), (slice(1, -1), slice(None)), (slice(2, None), slice(None))
    else:
        rows = slice(1, -1) if change.shape[0] > 2 else slice(None)
        before, centre, after = (rows, slice(0, -2)), (rows, slice(1, -1)), (rows, slice(2, None))
    second = np.abs(change[before] - 2 * change[centre] + change[after])
    inside = mask[before] & mask[centre] & mask[after]
    second *= inside
    across = marked[centre] & inside
    total, total_count = second.sum(dtype=np.float64), np.count_nonzero(inside)
    at_border, border_count = second[across].sum(dtype=np.float64), np.count_nonzero(across)
    return np.array([at_border, border_count, total - at_border, total_count - border_count], dtype=np.float64)
