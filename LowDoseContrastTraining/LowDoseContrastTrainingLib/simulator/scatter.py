"""Scattered radiation that the grid lets through: a wide, weak blur of the primary."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def scattered(primary: np.ndarray, presence: np.ndarray, parameters) -> np.ndarray:
    """Return the scatter to be added to the primary, in the primary's unit.

    S = SPR * G_sigma (primary * presence). Air scatters nothing, so the source is weighted
    by how much object there is in the beam.

    Args:
        primary: (rows, columns) detected primary energy.
        presence: same shape, 0 (air) to 1 (full thickness).

    Returns:
        float32 of the same shape; computed on a coarse grid, for it is smooth.
    """
    sigma = parameters.scatter_sigma_mm / parameters.pixel_mm
    step = max(1, int(sigma / 12))
    coarse = _block_mean(primary * presence, step)
    wide = ndimage.gaussian_filter(coarse, sigma / step, mode="nearest", truncate=3)
    # Coarse sample k sits at the middle of its block, pixel k * step + (step - 1) / 2.
    rows = (np.arange(primary.shape[0], dtype=np.float32) - (step - 1) / 2) / step
    columns = (np.arange(primary.shape[1], dtype=np.float32) - (step - 1) / 2) / step
    return np.float32(parameters.scatter_to_primary) * _bilinear(wide, rows, columns)


def _block_mean(image: np.ndarray, step: int) -> np.ndarray:
    extra = [(0, -side % step) for side in image.shape]
    padded = np.pad(image, extra, mode="edge")
    rows, columns = padded.shape[0] // step, padded.shape[1] // step
    return padded.reshape(rows, step, columns, step).mean(axis=(1, 3), dtype=np.float32)


def _bilinear(image: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    def along(values, positions):
        low = np.clip(np.floor(positions).astype(int), 0, values.shape[0] - 1)
        high = np.minimum(low + 1, values.shape[0] - 1)
        part = np.clip(positions - low, 0, 1)[:, None].astype(np.float32)
        return values[low] * (1 - part) + values[high] * part

    return along(along(image, rows).T, columns).T
