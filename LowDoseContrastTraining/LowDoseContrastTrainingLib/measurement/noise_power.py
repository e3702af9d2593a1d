"""Noise power spectra.

NPS(f) = dx dy / (M N) <|FFT(I - trend)|^2>, here with a Hann window whose mean square is divided out
(IEC 62220-1-2:2007, 6.3.2; Dobbins et al. 2006, Med. Phys. 33:1454). Its integral over frequency is
the variance. NNPS = NPS / mean^2.
"""

from __future__ import annotations

import numpy as np
from scipy import fft


def blocks_of(image: np.ndarray, side: int, mask: np.ndarray | None = None, step: int | None = None) -> np.ndarray:
    """Return the square blocks of an image that lie wholly inside ``mask``: (count, side, side).

    Args:
        image: (rows, columns).
        side: of a block, pixels.
        mask: bool (rows, columns); None takes all of the image.
        step: pixels from block to block, ``side`` if None.
    """
    step = side if step is None else step
    corners = [(r, c) for r in range(0, image.shape[0] - side + 1, step) for c in range(0, image.shape[1] - side + 1, step)]
    if mask is not None:
        corners = [(r, c) for r, c in corners if mask[r : r + side, c : c + side].all()]
    found = [image[r : r + side, c : c + side] for r, c in corners]
    return np.stack(found) if found else np.empty((0, side, side), image.dtype)


def detrended(blocks: np.ndarray) -> np.ndarray:
    """Return the blocks (count, side, side) less the plane that fits each best, float64."""
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
        blocks: (count, side, side), a plane is taken out of each.
        pixel_mm: spacing in mm.
    """
    side = blocks.shape[-1]
    hann = np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 2
    window = np.outer(hann, hann)
    spectra = fft.fft2(detrended(blocks) * window)
    return np.abs(spectra) ** 2 * (pixel_mm**2 / (side * side) / np.mean(window**2))


def noise_power(blocks: np.ndarray, pixel_mm: float) -> np.ndarray:
    """Return the two-dimensional NPS (side, side) averaged over blocks, value^2 mm^2.

    Raises:
        ValueError: there is no block.
    """
    if len(blocks) == 0:
        raise ValueError("no block to measure noise in")
    return periodograms(blocks, pixel_mm).mean(axis=0)


def radial_frequency(side: int, pixel_mm: float) -> np.ndarray:
    """Return the frequency in lp/mm of every point of the FFT grid, (side, side)."""
    f = np.fft.fftfreq(side, pixel_mm)
    return np.hypot(f[:, None], f[None, :])


def radial_profile(power: np.ndarray, pixel_mm: float, edges) -> np.ndarray:
    """Return the mean of a spectrum (side, side) over rings between ``edges`` in lp/mm.

    NaN where a ring holds no point.
    """
    edges = np.asarray(edges)
    which = np.digitize(radial_frequency(power.shape[-1], pixel_mm), edges).ravel() - 1
    inside = (which >= 0) & (which < len(edges) - 1)
    count = np.bincount(which[inside], minlength=len(edges) - 1)
    total = np.bincount(which[inside], power.ravel()[inside], minlength=len(edges) - 1)
    return np.divide(total, count, out=np.full(len(edges) - 1, np.nan), where=count > 0)
