"""Gaussian blur that is much wider than a pixel, computed on a coarse grid."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

_COARSE_SIGMA = 12  # blocks of the coarse grid in one standard deviation


def wide_gaussian(image: np.ndarray, sigma_pixels: float) -> np.ndarray:
    """Return the image (rows, columns) blurred, float32; values are continued beyond the edges.

    Args:
        sigma_pixels: standard deviation; from about 12 the result is close to scipy's.
    """
    step = max(1, int(sigma_pixels / _COARSE_SIGMA))
    coarse = ndimage.gaussian_filter(_block_mean(image, step), sigma_pixels / step, mode="nearest", truncate=3)
    # Coarse sample k is the middle of its block, pixel k * step + (step - 1) / 2.
    rows, columns = ((np.arange(side, dtype=np.float32) - (step - 1) / 2) / step for side in image.shape)
    return bilinear(coarse, rows, columns)


def _block_mean(image: np.ndarray, step: int) -> np.ndarray:
    extra = [(0, -side % step) for side in image.shape]
    padded = np.pad(image, extra, mode="edge")
    rows, columns = padded.shape[0] // step, padded.shape[1] // step
    return padded.reshape(rows, step, columns, step).mean(axis=(1, 3), dtype=np.float32)


def bilinear(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return ``image`` at fractional rows and columns, constant beyond its edges, by bilinear interpolation."""

    def along(values: np.ndarray, positions: np.ndarray) -> np.ndarray:
        low = np.clip(np.floor(positions).astype(int), 0, values.shape[0] - 1)
        high = np.minimum(low + 1, values.shape[0] - 1)
        part = np.clip(positions - low, 0, 1)[:, None].astype(np.float32)
        return values[low] * (1 - part) + values[high] * part

    return along(along(image, rows).T, columns).T
