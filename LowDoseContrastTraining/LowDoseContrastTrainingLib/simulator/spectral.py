"""Filtering in the spatial-frequency domain, for texture, blur and noise.

Images are float32, frequencies are line pairs per mm (lp/mm).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import fft

# The number of threads is fixed, because the last bit of a result may depend on how the transform is split.
WORKERS = 2


def fast_shape(shape: tuple[int, int], margin: int = 0) -> tuple[int, int]:
    """Return the next sizes at which the FFT is fast, after adding ``margin`` pixels."""
    rows, columns = (fft.next_fast_len(side + margin, real=True) for side in shape)
    return rows, columns


def frequency_grid(shape: tuple[int, int], spacing_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Return (fy, fx) in lp/mm of a real FFT: shapes (rows, 1) and (1, columns//2+1)."""
    fy = np.fft.fftfreq(shape[0], spacing_mm).astype(np.float32)[:, None]
    fx = np.fft.rfftfreq(shape[1], spacing_mm).astype(np.float32)[None, :]
    return fy, fx


def coloured_noise(
    rng: np.random.Generator, shape: tuple[int, int], transfer: np.ndarray, fast: tuple[int, int]
) -> np.ndarray:
    """Return zero-mean, unit-variance Gaussian noise whose spectrum is ``transfer`` squared.

    Args:
        shape: (rows, columns) of the result, at most ``fast``.
        transfer: amplitude over the real-FFT grid of ``fast``, any scale.

    Returns:
        float32 array of ``shape``; the variance is 1 in expectation.
    """
    white = rng.standard_normal(fast, dtype=np.float32)
    spectrum = fft.rfft2(white, workers=WORKERS)
    spectrum *= transfer / np.float32(np.sqrt(mean_square(transfer, fast)))
    return fft.irfft2(spectrum, s=fast, workers=WORKERS)[: shape[0], : shape[1]]


def mean_square(transfer: np.ndarray, shape: tuple[int, int]) -> float:
    """Return the mean of ``transfer`` squared over the full (two-sided) FFT grid of ``shape``."""
    weights = np.full(transfer.shape[1], 2.0)
    weights[0] = 1.0
    if shape[1] % 2 == 0:
        weights[-1] = 1.0
    total = float(np.sum(np.square(transfer, dtype=np.float64) * weights[None, :]))
    return total / (shape[0] * shape[1])


def filtered(
    image: np.ndarray, spacing_mm: float, transfer_of: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> np.ndarray:
    """Return ``image`` multiplied in frequency by ``transfer_of(fy, fx)``, frequencies in lp/mm.

    The image is mirrored at its borders, so that a bright side does not leak into the opposite one.
    """
    margin = 32
    fast = fast_shape(image.shape, 2 * margin)
    extra = [(margin, fast[axis] - image.shape[axis] - margin) for axis in (0, 1)]
    padded = np.pad(image.astype(np.float32, copy=False), extra, mode="symmetric")
    spectrum = fft.rfft2(padded, workers=WORKERS)
    spectrum *= transfer_of(*frequency_grid(fast, spacing_mm)).astype(np.float32)
    result = fft.irfft2(spectrum, s=fast, workers=WORKERS)
    return result[margin : margin + image.shape[0], margin : margin + image.shape[1]]
