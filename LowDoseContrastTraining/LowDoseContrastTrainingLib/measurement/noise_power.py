"""Noise power spectra.

NPS(f) = dx dy / (M N) <|FFT(I - trend)|^2>, here divided by the mean square of a Hann window
(IEC 62220-1-2:2007, 6.3.2; Dobbins et al. 2006, Med. Phys. 33:1454). Its integral over frequency is
the variance. NNPS = NPS / mean^2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import fft


def blocks_of(image: np.ndarray, side: int, mask: np.ndarray | None = None, step: int | None = None) -> np.ndarray:
    """Return the square blocks of an image inside ``mask``: (count, side, side).

    Args:
        image: (rows, columns).
        side: of a block, pixels.
        mask: bool (rows, columns); None means everywhere.
        step: pixels from block to block; None means ``side``.
    """
    step = side if step is None else step
    rows, columns = (range(0, length - side + 1, step) for length in image.shape)
    parts = [np.s_[r : r + side, c : c + side] for r in rows for c in columns]
    found = [image[part] for part in parts if mask is None or mask[part].all()]
    return np.stack(found) if found else np.empty((0, side, side), image.dtype)


def detrended(blocks: np.ndarray) -> np.ndarray:
    """Return the blocks (count, side, side) less their best-fitting planes, float64."""
    side = blocks.shape[-1]
    ramp = np.arange(side) - (side - 1) / 2
    square = (ramp**2).sum() * side
    result = blocks - blocks.mean(axis=(1, 2), keepdims=True, dtype=np.float64)
    along_rows = (result * ramp[:, None]).sum(axis=(1, 2)) / square
    along_columns = (result * ramp[None, :]).sum(axis=(1, 2)) / square
    return result - along_rows[:, None, None] * ramp[:, None] - along_columns[:, None, None] * ramp[None, :]


def periodograms(blocks: np.ndarray, pixel_mm: float) -> np.ndarray:
    """Return the power of every block over the full FFT grid: (count, side, side), value^2 mm^2.

    Args:
        blocks: (count, side, side), from which planes are subtracted.
        pixel_mm: spacing in mm.
    """
    side = blocks.shape[-1]
    hann = np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 2
    window = np.outer(hann, hann)
    return np.abs(fft.fft2(detrended(blocks) * window)) ** 2 * (pixel_mm**2 / (side * side) / np.mean(window**2))


def radial_frequency(side: int, pixel_mm: float) -> np.ndarray:
    """Return the frequencies of the FFT grid in lp/mm, (side, side)."""
    f = np.fft.fftfreq(side, pixel_mm)
    return np.hypot(f[:, None], f[None, :])


def radial_profile(power: np.ndarray, pixel_mm: float, edges: ArrayLike) -> np.ndarray:
    """Return the mean of a spectrum (side, side) in rings between ``edges`` in lp/mm, NaN for empty rings."""
    edges = np.asarray(edges)
    which = np.digitize(radial_frequency(power.shape[-1], pixel_mm), edges).ravel() - 1
    inside = (which >= 0) & (which < len(edges) - 1)
    count = np.bincount(which[inside], minlength=len(edges) - 1)
    total = np.bincount(which[inside], power.ravel()[inside], minlength=len(edges) - 1)
    return np.divide(total, count, out=np.full(len(edges) - 1, np.nan), where=count > 0)
