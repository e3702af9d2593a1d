"""The breast and the air around it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

_BLOCK = 8  # side of the blocks in which breast and air are told apart, pixels
_SEPARABILITY = 0.75  # a single Gaussian split in two has 0.64, breast against air has over 0.9
FEATHER = 16  # pixels over which the enhancement fades into the air
_TISSUE_FACTOR = 2.0
_AIR_SHARE = 0.85  # of the way from breast to air at which the skin begins


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


def _block_means(image: np.ndarray) -> np.ndarray:
    rows, columns = (side - side % _BLOCK for side in image.shape)
    blocks = image[:rows, :columns].reshape(rows // _BLOCK, _BLOCK, columns // _BLOCK, _BLOCK)
    return blocks.mean(axis=(1, 3), dtype=np.float64)


def _compressed(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values on a scale on which breast and air are both narrow, whichever of them is bright."""
    return np.log1p(99 * (values - low) / (high - low))


class Breast:
    """The breast in one image: found once, and asked by everything that works on the image.

    Args:
        image: pixel values, real, (rows, columns).
        sign: +1 where the air around the breast is bright (more X-rays), -1 where it is dark, None to find out.

    Without air in the picture (a patch, a constant image) everything is breast.

    >>> image = np.full((128, 128), 4000)  # air lets all X-rays through
    >>> image[32:96, :64] = 400 + 2 * np.arange(64)
    >>> breast = Breast(image)
    >>> breast.sign, int(breast.mask.sum()) == 64 * 64
    (1, True)
    """

    def __init__(self, image: np.ndarray, sign: int | None = None) -> None:
        self._image = np.asarray(image)
        self._given = sign

    @cached_property
    def sign(self) -> int | None:
        """Sign of the air: as given or, of an image that shows air, as found; else None.

        Air is the side of Otsu's threshold whose values vary less, relative to the range, and which touches the
        border of the image.
        """
        return self._seen_sign() if self._given is None else self._given

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

    @cached_property
    def _split(self) -> tuple[float, float, np.ndarray]:
        """(pixel threshold, separability, block means); air and breast lie on its two sides."""
        means = _block_means(self._image)
        low, high = means.min(), means.max()
        if not low < high:
            return low, 0.0, means
        threshold, separability = otsu(_compressed(means, low, high))
        return low + np.expm1(threshold) / 99 * (high - low), separability, means

    @property
    def _has_air(self) -> bool:
        return min(self._image.shape) >= 4 * _BLOCK and self._split[1] >= _SEPARABILITY

    def _seen_sign(self) -> int | None:
        if not self._has_air:
            return None
        threshold, _, means = self._split
        bright = means > threshold
        border = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
        sides = (~bright, bright)
        spreads = [np.subtract(*np.percentile(means[side], (90, 10))) if side.any() else np.inf for side in sides]
        sign = 1 if spreads[1] < spreads[0] else -1
        touches = border.any() if sign > 0 else (~border).any()
        return sign if touches else None

    def _region(self, limit: Callable[[np.ndarray, float, int], float]) -> np.ndarray:
        from scipy import ndimage

        everything = np.ones(self._image.shape, dtype=bool)
        if self.sign is None or not self._has_air:
            return everything
        threshold, _, means = self._split
        threshold = limit(means, threshold, self.sign)
        labels, _ = ndimage.label(_breast_side(means, threshold, self.sign))
        region = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
        region = ndimage.binary_fill_holes(region)
        inner = _enlarge(ndimage.binary_erosion(region, border_value=1), self._image.shape)
        if not inner.any():
            return everything  # scattered blocks are no breast
        outer = _enlarge(ndimage.binary_dilation(region), self._image.shape)
        return inner | (outer & _breast_side(self._image, threshold, self.sign))


def breast_mask(image: np.ndarray, sign: int | None = None) -> np.ndarray:
    """:attr:`Breast.mask` of pixel values (rows, columns)."""
    return Breast(image, sign).mask


def tissue_mask(image: np.ndarray, sign: int | None = None) -> np.ndarray:
    """:attr:`Breast.tissue` of pixel values (rows, columns)."""
    return Breast(image, sign).tissue


def _breast_side(values: np.ndarray, threshold: float, sign: int) -> np.ndarray:
    return values < threshold if sign > 0 else values > threshold


def _skin(means: np.ndarray, threshold: float, sign: int) -> float:
    """The value at which the breast ends: most of the way from the tissue to the air."""
    breast = _breast_side(means, threshold, sign)
    breast_level, air_level = np.median(means[breast]), np.median(means[~breast])
    return breast_level + _AIR_SHARE * (air_level - breast_level)


def _edge_of_tissue(means: np.ndarray, threshold: float, sign: int) -> float:
    """The value at which the thin edge of the breast begins, never beyond Otsu's ``threshold``."""
    factor = _TISSUE_FACTOR if sign > 0 else 1 / _TISSUE_FACTOR
    for _ in range(3):  # the median settles as the edge leaves its sample
        median = np.median(means[_breast_side(means, threshold, sign)])
        if median <= 0:
            break
        threshold = min(threshold, factor * median) if sign > 0 else max(threshold, factor * median)
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
