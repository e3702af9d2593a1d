"""Whether two exposures show the same breast in the same projection, by their pixels alone.

Both images are averaged over square blocks. What is smooth over several blocks is subtracted, and what is the same at
one depth below the skin: outlines and thickness are alike in all breasts. Structure is left. Two exposures of one
projection are related by a gain and an offset, whatever the detector's, and the correlation of their structure falls
short of 1 by their noise alone.
If the share r of an image's variance is structure and 1 - r is noise, and the noise of both is independent, it is

    expected = sqrt(r_low x r_high),    r = 1 - N / V

V is the variance of the blocks. N is the noise in it, from high-pass differences: (a - b - c + d) / 4 of the means
of a block's four quadrants has the variance of white noise in the block's mean and shows next to nothing of structure
that is larger than a quadrant. Noise that reaches over quadrants cancels in it in part, so the same is done with four
blocks, as (a - b - c + d) / 2, and the larger is taken. Medians are used, which details do not move. Fine structure is
counted as noise in part, so ``expected`` is the least that a right pair reaches.

A pair of different projections correlates by chance. How far chance reaches is measured: the standard deviation of the
correlation over all displacements other than that of its peak. So images are the same from

    threshold = max(0.7 x expected, the lesser of 6 x chance and 0.85)

on, and different below 0.7 x expected. (Among 600 wrong pairs of made-up breasts of one outline the highest was 0.44.)
Where ``expected`` is below 0.4, or the correlation lies between the two, the pixels cannot decide: the images have no
structure or too much noise. Then larger blocks are tried, in which noise matters less.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage

_BLOCKS = (8, 16, 32)  # pixels; the first that decides is used
_SMOOTH = 3.0  # blocks, standard deviation of the average that is subtracted
_RIM, _SKIN = 2, 8  # blocks along the edge of the breast: left out; freed of what is the same at one depth
_SPOT = 4.0  # standard deviations at which structure is cut off
_PART, _CHANCES, _CERTAIN, _TELLING = 0.7, 6.0, 0.85, 0.4
_PEAK = 4  # blocks around the peak that say nothing of chance
_COMMON = 0.5  # share of the smaller breast that must overlap
_LEAST = 60  # blocks of breast
_STRUCTURED = 4.0  # times the noise's variance that a variance must be, to tell a gain from it

MIRRORED = {
    "is mirrored (left and right)": (1, -1),
    "is mirrored (top and bottom)": (-1, 1),
    "is turned by 180 degrees": (-1, -1),
}


@dataclass(frozen=True)
class Exposure:
    """Pixels (rows, columns) of an image, and where its breast is (bool)."""

    pixels: np.ndarray
    mask: np.ndarray

    def turned(self, steps: tuple[int, int]) -> Exposure:
        """Return it with rows and columns in the given directions, 1 or -1."""
        down, right = steps
        return Exposure(self.pixels[::down, ::right], self.mask[::down, ::right])

    def cut(self, rows: int, columns: int) -> Exposure:
        """Return it without its first rows and columns."""
        return Exposure(self.pixels[rows:, columns:], self.mask[rows:, columns:])


@dataclass(frozen=True)
class Comparison:
    """How alike two exposures are.

    Attributes:
        same: whether they show the same; None where the pixels cannot decide.
        correlation: of their structure where it is highest.
        expected: the least correlation of a right pair with the noise of these images.
        threshold: correlation from which they count as the same.
        shift: (rows, columns) by which the high dose is shifted there, pixels, to a block.
        gain: signal of the high dose over that of the low dose, free of the detector's offset; None if not known.
    """

    same: bool | None
    correlation: float = 0.0
    expected: float = 0.0
    threshold: float = 0.0
    shift: tuple[int, int] = (0, 0)
    gain: float | None = None

    def __str__(self) -> str:
        return f"correlation {self.correlation:.2f}, at least {self.expected:.2f} expected from the noise"


def compare_content(low: Exposure, high: Exposure) -> Comparison:
    """Compare the structure of two exposures of one size, wherever they fit best."""
    found = Comparison(None)
    for size in _BLOCKS:
        blocks = _blocks(low, size), _blocks(high, size)
        if any(each.inside.sum() < _LEAST for each in blocks):
            break
        tried = _compared(*blocks, size)
        if tried.same is not None:
            return tried
        found = max(found, tried, key=lambda each: each.expected)
    return found


def compare_shifted(low: Exposure, high: Exposure, shift: tuple[float, float]) -> Comparison:
    """Compare as :func:`compare_content`; again with the blocks of both in step where that fails.

    Structure finer than a block agrees only where the blocks of both images lie alike.

    Args:
        shift: (rows, columns) by which the high dose seems to be shifted, pixels.
    """
    found = compare_content(low, high)
    down, right = (round(each) % _BLOCKS[0] for each in shift)
    if found.same or not (down or right):
        return found
    again = compare_content(low, high.cut(down, right))
    return again if again.same else found


def mirrored(low: Exposure, high: Exposure) -> str:
    """Return how the high dose is mirrored or turned against the low dose, or ''."""
    for words, steps in MIRRORED.items():
        if compare_content(low, high.turned(steps)).same:
            return words
    return ""


@dataclass(frozen=True)
class _Blocks:
    """An image in blocks: ``means``, ``structure`` (0 outside), where they are ``inside`` the breast, and their noise.

    ``noise``, a variance, is the larger of its two estimates, ``white_noise`` that within blocks.
    """

    means: np.ndarray
    structure: np.ndarray
    inside: np.ndarray
    noise: float
    white_noise: float

    @property
    def reliability(self) -> float:
        """Share of the variance that is structure."""
        variance = float(self.structure[self.inside].var())
        return max(0.0, 1 - self.noise / variance) if variance > 0 else 0.0


def _blocks(image: Exposure, size: int) -> _Blocks:
    half = size // 2
    rows, columns = (side // size for side in image.pixels.shape)
    where = slice(0, rows * size), slice(0, columns * size)
    sums = image.pixels[where].reshape(2 * rows, half, -1).sum(axis=1, dtype=np.float64)
    quarters = sums.reshape(rows, 2, columns, 2, half).sum(axis=4) / half**2
    means = quarters.mean(axis=(1, 3))
    inside = image.mask[where].reshape(rows, size, -1).all(axis=1).reshape(rows, columns, size).all(axis=2)
    if not inside.any():
        return _Blocks(means, np.zeros_like(means), inside, 0.0, 0.0)
    within, between = _noise(quarters, means, inside)
    weight = ndimage.gaussian_filter(inside.astype(np.float64), _SMOOTH)
    smooth = ndimage.gaussian_filter(np.where(inside, means, 0), _SMOOTH) / np.maximum(weight, 1e-9)
    structure = np.where(inside, means - smooth, 0)
    # Towards the skin the thickness falls too fast to be smooth, in all breasts alike.
    depth = np.minimum(ndimage.distance_transform_edt(inside), _SKIN).astype(int)
    count, total = (np.bincount(depth[inside], values, _SKIN + 1) for values in (None, structure[inside]))
    inner = ndimage.binary_erosion(inside, iterations=_RIM, border_value=1)
    inside = inner if inner.sum() >= _LEAST else inside
    structure = np.where(inside, structure - (total / np.maximum(count, 1))[depth], 0)
    # Single bright spots (clips, calcifications, bad blocks) would decide alone.
    limit = _SPOT * 1.4826 * float(np.median(np.abs(structure[inside])))
    return _Blocks(means, np.clip(structure, -limit, limit), inside, max(within, between), within)


def _noise(quarters: np.ndarray, means: np.ndarray, inside: np.ndarray) -> tuple[float, float]:
    """Return the variance of the noise in the means of blocks, from differences within blocks and between them."""
    a, b, c, d = quarters[:, 0, :, 0], quarters[:, 0, :, 1], quarters[:, 1, :, 0], quarters[:, 1, :, 1]
    within = ((a - b - c + d) / 4)[inside]
    four = inside[:-1, :-1] & inside[1:, :-1] & inside[:-1, 1:] & inside[1:, 1:]
    between = ((means[:-1, :-1] - means[1:, :-1] - means[:-1, 1:] + means[1:, 1:]) / 2)[four]
    # The median of the squares of a normal distribution is its variance divided by 1.4826 squared.
    one, other = ((1.4826 * float(np.median(np.abs(each)))) ** 2 if each.size else 0.0 for each in (within, between))
    return one, other


def _compared(low: _Blocks, high: _Blocks, size: int) -> Comparison:
    correlations = _correlations(low, high)
    if not np.isfinite(correlations).any():
        return Comparison(None)
    peak = np.unravel_index(np.nanargmax(correlations), correlations.shape)
    rows, columns = np.ogrid[: correlations.shape[0], : correlations.shape[1]]
    far = (np.abs(rows - peak[0]) > _PEAK) | (np.abs(columns - peak[1]) > _PEAK)
    others = correlations[far & np.isfinite(correlations)]
    if others.size < _LEAST:
        return Comparison(None)
    chance, correlation = _CHANCES * float(np.sqrt(np.mean(others**2))), float(correlations[peak])
    expected = float(np.sqrt(low.reliability * high.reliability))
    right = _PART * expected
    threshold = max(right, min(chance, _CERTAIN))
    same = True if correlation >= threshold else False if correlation < right and expected >= _TELLING else None
    down, right = (int(at) - (side - 1) for at, side in zip(peak, low.means.shape, strict=True))
    gain = _gain(low, high, (down, right)) if same else None
    shift = down * size, right * size
    return Comparison(same, correlation, expected, threshold, shift, gain)


def _correlations(low: _Blocks, high: _Blocks) -> np.ndarray:
    """Return the correlation coefficient over the common breast for all displacements of ``high``, NaN where too small.

    Displacement (0, 0) is at (rows - 1, columns - 1) of ``low``. (Padfield 2012, IEEE Trans. Image Process. 21:2706.)
    """
    size = [one + other - 1 for one, other in zip(low.means.shape, high.means.shape, strict=True)]
    padded = [fft.next_fast_len(side, real=True) for side in size]
    weights = [each.inside.astype(np.float64) for each in (low, high)]
    values = [each.structure / max(float(each.structure.std()), 1e-9) for each in (low, high)]
    # The correlation with an image is the convolution with the image turned by 180 degrees.
    own = [fft.rfft2(each[::-1, ::-1], padded) for each in (weights[0], values[0], values[0] ** 2)]
    other = [fft.rfft2(each, padded) for each in (weights[1], values[1], values[1] ** 2)]

    def summed(one: np.ndarray, another: np.ndarray) -> np.ndarray:
        return fft.irfft2(one * another, padded)[: size[0], : size[1]]

    count = np.maximum(np.rint(summed(own[0], other[0])), 0)
    enough = count >= _COMMON * min(weight.sum() for weight in weights)
    count = np.maximum(count, 1)
    first, second = summed(own[1], other[0]), summed(own[0], other[1])
    products = summed(own[1], other[1]) - first * second / count
    spreads = [summed(own[2], other[0]) - first**2 / count, summed(own[0], other[2]) - second**2 / count]
    scale = np.sqrt(np.maximum(spreads[0], 0) * np.maximum(spreads[1], 0))
    return np.where(enough & (scale > 1e-6 * count), products / np.maximum(scale, 1e-9), np.nan)


def _gain(low: _Blocks, high: _Blocks, shift: tuple[int, int]) -> float | None:
    """Return the slope of the high dose over the low dose, which no offset changes.

    It is the covariance over the variance of the low dose less that of its noise, so noise does not flatten it.
    """
    starts = [(max(0, -by), max(0, by)) for by in shift]
    sizes = [
        min(one - first, other - second)
        for one, other, (first, second) in zip(low.means.shape, high.means.shape, starts, strict=True)
    ]
    one, other = (tuple(slice(at[i], at[i] + side) for at, side in zip(starts, sizes, strict=True)) for i in (0, 1))
    common = low.inside[one] & high.inside[other]
    if common.sum() < _LEAST // 2:
        return None
    x, y = low.means[one][common], high.means[other][common]
    variance = float(x.var())
    if variance < _STRUCTURED * low.noise or variance == 0:
        return None
    # Here structure that is taken for noise would make the gain too high; fine noise is what flattens it.
    return float(np.mean((x - x.mean()) * (y - y.mean()))) / (variance - low.white_noise)
