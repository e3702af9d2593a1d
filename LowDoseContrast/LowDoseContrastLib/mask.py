"""The breast and the air around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

_BLOCK = 8  # side of the blocks in which breast and air are told apart, pixels
_SEPARABILITY = 0.75  # a single Gaussian split in two has 0.64, breast against air has over 0.9
FEATHER = 16  # pixels over which the enhancement fades into the air
_TISSUE_FACTOR = 2.0
_AIR_SHARE = 0.85  # of the way from breast to air at which the skin begins
_AIR_CONTRAST = 0.2  # times the spread of the breast that the air may have
_AIR_CLEARER = 0.5  # times the other sign's contrast that the right one has at the most
_CONSTANT_SHARE = 1e-3  # of the image, the least area that is called constant
_CONSTANT_MOST = 0.98  # of the image; beyond that nothing would be left
_BACKGROUND_SHARE = 0.05  # of the image, the least area of one value that may be air blacked out
_STEPS = 3.0  # between pixels 3 apart, that a clipped area may be away
# Scales from 0 to 1 on which a wide and a narrow class are both narrow, with their inverses: one of the two is.
_COMPRESSIONS = ((lambda x: x, lambda y: y), (lambda x: np.log1p(99 * x), lambda y: np.expm1(y) / 99))


def otsu(values: np.ndarray, bins: int = 256) -> tuple[float, float]:
    """Otsu's threshold of ``values`` and its separability in [0, 1].

    Separability is the between-class over the total variance (Otsu 1979, IEEE Trans. SMC 9:62).
    Constant values give (that value, 0).
    """
    values = np.asarray(values, dtype=np.float64).ravel()
    low, high = values.min(), values.max()
    if not low < high:
        return float(low), 0.0
    counts, edges = np.histogram(values, bins=bins, range=(low, high))
    centres = (edges[:-1] + edges[1:]) / 2
    weight = np.cumsum(counts) / values.size
    moment = np.cumsum(counts * centres) / values.size
    mean = moment[-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.nan_to_num((mean * weight - moment) ** 2 / (weight * (1 - weight)))
    # Empty bins between two classes tie; their middle is the fairest threshold.
    best = np.flatnonzero(between >= between.max() * (1 - 1e-12))
    threshold = (edges[best[0] + 1] + edges[best[-1] + 1]) / 2
    total = np.sum(counts * (centres - mean) ** 2) / values.size
    return float(threshold), float(between.max() / total)


def _blocks(image: np.ndarray) -> np.ndarray:
    """The image as (block rows, block columns, 8, 8); the strip that fills no block is left out."""
    rows, columns = (side - side % _BLOCK for side in image.shape)
    blocks = image[:rows, :columns].reshape(rows // _BLOCK, _BLOCK, columns // _BLOCK, _BLOCK)
    return blocks.swapaxes(1, 2)


def constant_areas(image: np.ndarray) -> np.ndarray:
    """Where an image holds one and the same value over a large area: bool (rows, columns).

    A detector never does so where it measures: such areas are padding, collimation, frames, labels, and air that
    was blacked out. Each is connected, holds a block of 8 x 8, and is at least a thousandth of the image. Areas
    that the values around them lead up to are left out: there the image was clipped, or is smooth.
    """
    from scipy import ndimage

    nothing = np.zeros(image.shape, dtype=bool)
    if min(image.shape) < 4 * _BLOCK:
        return nothing
    blocks = _blocks(image)
    flat = blocks.max(axis=(2, 3)) == blocks.min(axis=(2, 3))
    values, counts = np.unique(blocks[flat][:, 0, 0], return_counts=True)
    least = image.size * _CONSTANT_SHARE
    areas = []
    for value in values[counts * _BLOCK**2 >= least / 4]:
        labels, _ = ndimage.label(image == value)
        sizes = np.bincount(labels.ravel())
        seeds = _blocks(labels)[:, :, 0, 0][flat & (blocks[:, :, 0, 0] == value)]
        areas.append(np.isin(labels, np.unique(seeds[sizes[seeds] >= least])))
    every = np.logical_or.reduce(areas, initial=False) if areas else nothing
    found = [area for area in areas if area.any() and not _is_led_up_to(image, area, every)]
    constant = np.logical_or.reduce(found) if found else nothing
    return constant if constant.mean() < _CONSTANT_MOST else nothing


def _is_led_up_to(image: np.ndarray, area: np.ndarray, every: np.ndarray) -> bool:
    """Whether the step from the pixels around ``area`` to its value is no larger than steps among them.

    ``every``: all areas of one value, whose edges are no steps among measured pixels.
    """
    from scipy import ndimage

    rows, columns = np.nonzero(ndimage.binary_dilation(area, iterations=2) & ~every)
    if not rows.size:
        return False
    here, steps = image[rows, columns].astype(np.float64), np.zeros(rows.size)
    for down, right in ((3, 0), (-3, 0), (0, 3), (0, -3)):
        there = np.clip(rows + down, 0, image.shape[0] - 1), np.clip(columns + right, 0, image.shape[1] - 1)
        np.maximum(steps, np.where(every[there], 0, np.abs(image[there] - here)), out=steps)
    return bool(np.median(np.abs(here - float(image[area][0]))) <= _STEPS * np.median(steps))


@dataclass(frozen=True)
class _Sides:
    """Air and breast told apart on values with bright air: ``threshold`` between them on the ``means`` of blocks.

    ``means`` are NaN where a block was not measured. ``contrast`` is the spread of the air over that of the
    breast, by the less favourable of two measures: the air is the evener side. ``holds`` where both are there and
    the air reaches the border.
    """

    threshold: float
    means: np.ndarray
    contrast: float
    holds: bool


def _told_apart(values: np.ndarray, unmeasured: np.ndarray) -> _Sides:
    weights = _blocks(~unmeasured).mean(axis=(2, 3), dtype=np.float64)
    sums = _blocks(np.where(unmeasured, 0, values)).mean(axis=(2, 3), dtype=np.float64)
    means = np.where(weights > 0.5, sums / np.maximum(weights, 0.5), np.nan)
    known = means[np.isfinite(means)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 0.0)
    nothing = _Sides(float(low), means, np.inf, False)
    if not low < high:
        return nothing
    best = 0.0
    for compressed, expand in _COMPRESSIONS:
        split, separability = otsu(compressed((known - low) / (high - low)))
        if separability > best:
            best, threshold = separability, float(low + expand(split) * (high - low))
    if best < _SEPARABILITY:
        return nothing
    is_air = means > threshold
    air, breast = (known[side] for side in (known > threshold, known <= threshold))
    contrast = max(spread(air) / max(spread(breast), 1e-12) for spread in (_width, _width_of_half))
    border = np.concatenate([is_air[0], is_air[-1], is_air[:, 0], is_air[:, -1]])
    reaches = border.any() or bool((is_air & _beside_unmeasured(means)).any())
    return _Sides(threshold, means, contrast, reaches)


def _width(values: np.ndarray) -> float:
    return float(np.subtract(*np.percentile(values, (90, 10)))) if values.size else np.inf


def _width_of_half(values: np.ndarray) -> float:
    """The shortest interval that holds half of the values: a rim that a gain has saturated does not count."""
    if not values.size:
        return np.inf
    ordered, half = np.sort(values), -(-values.size // 2)
    return float((ordered[half - 1 :] - ordered[: values.size - half + 1]).min())


def _beside_unmeasured(means: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    missing = ~np.isfinite(means)
    return ndimage.binary_dilation(missing) & ~missing


class Breast:
    """The breast in one image: found once, and asked by everything that works on the image.

    Args:
        image: pixel values, real, (rows, columns).
        sign: +1 where the air around the breast is bright (more X-rays), -1 where it is dark, None to find out.
        full_scale: the value that mirrors the image's values, so that an image and its negative have the same
            masks to the pixel; the largest value if None.
        padding: bool (rows, columns), where the header says that nothing was measured; None without any.

    Without air in the picture (a patch, a constant image) everything is breast, but for what was not measured.

    >>> image = np.full((128, 128), 4000)  # air lets all X-rays through
    >>> image[32:96, :64] = 400 + 2 * np.arange(64)
    >>> breast = Breast(image)
    >>> breast.sign, int(breast.mask.sum()) == 64 * 64
    (1, True)
    """

    def __init__(
        self,
        image: np.ndarray,
        sign: int | None = None,
        full_scale: float | None = None,
        padding: np.ndarray | None = None,
    ) -> None:
        self._image = np.asarray(image)
        self._given, self._full_scale, self._padding = sign, full_scale, padding

    def taking(self, sign: int | None) -> Breast:
        """The same breast with the sign of the air taken as ``sign``; what is known of the image is kept."""
        other = Breast(self._image, sign, self._full_scale, self._padding)
        kept = ("unmeasured", "_found_sides", "_background_sign")
        other.__dict__.update({name: self.__dict__[name] for name in kept if name in self.__dict__})
        return other

    @cached_property
    def unmeasured(self) -> np.ndarray:
        """Where nothing was measured: padding by the header, and areas of one value; bool (rows, columns)."""
        constant = constant_areas(self._image)
        return constant if self._padding is None else constant | self._padding

    @property
    def sign(self) -> int | None:
        """Sign of the air: as given or, of an image that shows air, as found; else None."""
        return self.seen_sign if self._given is None else self._given

    @cached_property
    def seen_sign(self) -> int | None:
        """Sign of the air that the pixels show; None where they show none, or both signs would do.

        Air is what reaches the border and varies less than the breast does.
        """
        if min(self._image.shape) < 4 * _BLOCK:
            return None
        bright, dark = self._sides(1), self._sides(-1)
        found = [(sides.contrast, sign) for sides, sign in ((bright, 1), (dark, -1)) if sides.holds]
        found = sorted(each for each in found if each[0] < _AIR_CONTRAST)
        if not found:
            return self._background_sign
        if len(found) > 1 and found[0][0] > _AIR_CLEARER * found[1][0]:
            return None
        return found[0][1]

    @cached_property
    def _background_sign(self) -> int | None:
        """Sign of the air where it was blacked out: that of the largest area of one value, if it reaches the border."""
        from scipy import ndimage

        labels, count = ndimage.label(self.unmeasured)
        if not count:
            return None
        largest = labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
        reaches = largest[0].any() or largest[-1].any() or largest[:, 0].any() or largest[:, -1].any()
        if not reaches or largest.mean() < _BACKGROUND_SHARE:
            return None
        value, rest = float(np.median(self._image[largest])), self._image[~self.unmeasured]
        below, above = np.percentile(rest, (1, 99))
        return -1 if value < below else 1 if value > above else None

    @cached_property
    def mask(self) -> np.ndarray:
        """Where the breast is, up to the edge of the skin: bool (rows, columns).

        The breast is the largest connected region that differs from the air, holes filled. Its region is found on
        blocks of 8 x 8, its border is exact to the pixel.
        """
        return self._region(_skin)

    @cached_property
    def tissue(self) -> np.ndarray:
        """The part of :attr:`mask` in which contrast is measured: bool (rows, columns).

        It leaves out the thin edge, where falling thickness makes a gradient that says nothing of tissue and that a
        gain drives out of range: values further towards the air than a factor of 2 from the median of the tissue.
        Being relative, it is the same for all doses of a linear image.
        """
        return self._region(_edge_of_tissue)

    def _upright(self, sign: int) -> np.ndarray:
        """The values with bright air."""
        if sign > 0:
            return self._image
        top = self._image.max() if self._full_scale is None else self._full_scale
        return np.asarray(top, dtype=np.float64) - self._image

    def _sides(self, sign: int) -> _Sides:
        if sign not in self._found_sides:
            self._found_sides[sign] = _told_apart(self._upright(sign), self.unmeasured)
        return self._found_sides[sign]

    @cached_property
    def _found_sides(self) -> dict[int, _Sides]:
        return {}

    def _region(self, limit: Callable[[np.ndarray, float], float]) -> np.ndarray:
        from scipy import ndimage

        everything, sign = ~self.unmeasured, self.sign
        if sign is None or min(self._image.shape) < 4 * _BLOCK:
            return everything
        sides = self._sides(sign)
        if np.isfinite(sides.contrast) and (self._given or (sides.holds and sides.contrast < _AIR_CONTRAST)):
            threshold = limit(sides.means, sides.threshold)
        elif self._background_sign == sign:
            threshold = np.inf if limit is _skin else _edge_of_tissue(sides.means, np.inf)
        else:
            return everything
        labels, _ = ndimage.label(sides.means < threshold)
        region = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
        region = ndimage.binary_fill_holes(region)
        inner = _enlarge(ndimage.binary_erosion(region, border_value=1), self._image.shape)
        if not inner.any():
            return everything  # scattered blocks are no breast
        outer = _enlarge(ndimage.binary_dilation(region), self._image.shape)
        return (inner | (outer & (self._upright(sign) < threshold))) & everything


def _skin(means: np.ndarray, threshold: float) -> float:
    """The value at which the breast ends: most of the way from the tissue to the air."""
    breast_level, air_level = (float(np.median(means[side])) for side in (means < threshold, means >= threshold))
    return breast_level + _AIR_SHARE * (air_level - breast_level)


def _edge_of_tissue(means: np.ndarray, threshold: float) -> float:
    """The value at which the thin edge of the breast begins, never beyond Otsu's ``threshold``."""
    for _ in range(3):  # the median settles as the edge leaves its sample
        median = float(np.median(means[means < threshold]))
        if median <= 0:
            break
        threshold = min(threshold, _TISSUE_FACTOR * median)
    return threshold


def _enlarge(blocks: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Blocks back to pixels; the strip that no block covers repeats the last one."""
    pixels = np.repeat(np.repeat(blocks, _BLOCK, axis=0), _BLOCK, axis=1)
    missing = [(0, max(0, side - have)) for side, have in zip(shape, pixels.shape, strict=True)]
    return np.pad(pixels, missing, mode="edge")[: shape[0], : shape[1]]


def extent(mask: np.ndarray, margin: int = 0) -> tuple[slice, slice]:
    """The smallest rectangle that holds ``mask``, ``margin`` pixels wider: (slice of rows, slice of columns).

    An empty mask gives the whole image.
    """
    slices = []
    for axis in (0, 1):
        found = np.flatnonzero(mask.any(axis=1 - axis))
        first, last = (found[0], found[-1] + 1) if found.size else (0, mask.shape[axis])
        slices.append(slice(max(int(first) - margin, 0), min(int(last) + margin, mask.shape[axis])))
    return slices[0], slices[1]


def feather(mask: np.ndarray, width: int = FEATHER, rows: slice | None = None) -> np.ndarray:
    """Weights in [0, 1], float32: 1 inside of ``mask``, falling to 0 within ``width`` pixels outside of it.

    It fades outside so that no pixel of the breast is half enhanced. ``rows``: a slice of the rows
    that are wanted; all of them if None.
    """
    from scipy import ndimage

    rows = slice(0, len(mask)) if rows is None else rows
    above, below = max(0, rows.start - width), min(len(mask), rows.stop + width)
    near, wanted = mask[above:below], slice(rows.start - above, rows.stop - above)
    if near.all():
        return np.ones(mask[rows].shape, dtype=np.float32)
    share = ndimage.uniform_filter(near.astype(np.float32), size=2 * width + 1, mode="nearest")[wanted]
    weights = np.clip(2 * share, 0, 1, out=share)
    # Running sums leave traces of rounding far away, where nothing may change.
    weights[weights < 1e-3] = 0
    weights[mask[rows]] = 1
    return weights
