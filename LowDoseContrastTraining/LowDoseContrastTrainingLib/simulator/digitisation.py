"""From the detector's signal to the pixel values of a raw image."""

from __future__ import annotations

import numpy as np


def full_scale(bits: int) -> int:
    """Return the highest pixel value."""
    return 2**bits - 1


def digitised(image: np.ndarray, bits: int) -> np.ndarray:
    """Return whole pixel values, uint16, saturated at 0 and at 2^bits - 1."""
    return np.clip(np.rint(image), 0, full_scale(bits)).astype(np.uint16)
