"""The MTF from a slanted edge (ISO 12233; Samei et al. 1998, Med. Phys. 25:102)."""

from __future__ import annotations

import numpy as np

_FINE = 4  # bins per pixel across the edge


def slanted_edge_mtf(image: np.ndarray, angle: float, pixel_mm: float, reach_pixels: int = 64):
    """Return (frequencies in lp/mm, MTF) across a straight edge through the middle of an image.

    Args:
        image: (rows, columns), one level on each side of the edge.
        angle: of the edge's normal against the columns' direction, radians; small, not zero.
        reach_pixels: how far from the edge the profile goes.
    """
    rows, columns = image.shape
    y = np.arange(rows) - (rows - 1) / 2
    x = np.arange(columns) - (columns - 1) / 2
    distance = x[None, :] * np.cos(angle) + y[:, None] * np.sin(angle)
    bins = np.floor(distance * _FINE + 0.5).astype(int).ravel() + reach_pixels * _FINE
    inside = (bins >= 0) & (bins <= 2 * reach_pixels * _FINE)
    count = np.bincount(bins[inside])
    edge_spread = np.bincount(bins[inside], image.ravel()[inside]) / count
    line_spread = np.diff(edge_spread) * np.hanning(len(edge_spread) - 1)
    frequency = np.fft.rfftfreq(line_spread.size, pixel_mm / _FINE)
    # Binning and differencing act like apertures one bin wide.
    response = np.abs(np.fft.rfft(line_spread) / line_spread.sum()) / np.sinc(frequency * pixel_mm / _FINE) ** 2
    return frequency, response
