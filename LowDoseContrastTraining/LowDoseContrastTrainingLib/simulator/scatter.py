"""Scattered radiation behind the grid: a wide, weak blur of the primary."""

from __future__ import annotations

import numpy as np

from .parameters import AcquisitionParameters
from .wide_blur import wide_gaussian


def scattered(primary: np.ndarray, presence: np.ndarray, parameters: AcquisitionParameters) -> np.ndarray:
    """Return the scatter to be added to the primary, in the primary's unit, float32.

    S = SPR * G_sigma (primary * presence). Air does not scatter, so the primary is weighted by the
    relative thickness of the object.

    Args:
        primary: (rows, columns) detected primary energy.
        presence: same shape, 0 (air) to 1 (full thickness).
    """
    wide = wide_gaussian(primary * presence, parameters.scatter_sigma_mm / parameters.pixel_mm)
    return np.float32(parameters.scatter_to_primary) * wide
