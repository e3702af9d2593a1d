"""The conversion of pixel values to the 8 bits of the paper's patches, or to 16."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .prepare_settings import PrepareSettings, parse_scale


@dataclass(frozen=True)
class StoredScale:
    """The fixed linear scale between pixel values and PNG values of a data set.

    PNG value = round((I - low) / (high - low) x levels), clipped to 0..levels.

    Attributes:
        low, high: pixel values that become 0 and ``levels``.
        levels: 255 (8 bits) or 65535 (16 bits).
    """

    low: float
    high: float
    levels: int

    def encode(self, pixels: np.ndarray) -> np.ndarray:
        """Return PNG values, uint8 or uint16, of pixel values."""
        unit = (np.asarray(pixels, np.float64) - self.low) / (self.high - self.low)
        stored = np.clip(np.rint(unit * self.levels), 0, self.levels)
        return stored.astype(np.uint8 if self.levels == 255 else np.uint16)

    def decode(self, stored: np.ndarray) -> np.ndarray:
        """Return pixel values, float32, of PNG values."""
        factor = (self.high - self.low) / self.levels
        return (stored.astype(np.float64) * factor + self.low).astype(np.float32)


def chosen_scale(settings: PrepareSettings, detector_bits: int, brightest: Sequence[float]) -> StoredScale:
    """Return the scale of a whole data set.

    Args:
        detector_bits: bits of the pixels of the images, which the scale ``full`` covers.
        brightest: 99.5th percentiles in the breast at the high dose, whose mean is the end of ``auto`` in 8 bits.
    """
    levels = 2**settings.bits - 1
    if limits := parse_scale(settings.scale):
        return StoredScale(*limits, levels)
    if settings.scale == "full":
        return StoredScale(0.0, float(2**detector_bits - 1), levels)
    if settings.bits == 16:
        return StoredScale(0.0, 65535.0, levels)
    return StoredScale(0.0, float(np.ceil(np.mean(brightest))), levels)
