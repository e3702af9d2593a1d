"""The heel effect of the anode, and the flat-fielding that takes it out again."""

from __future__ import annotations

import numpy as np


def heel(parameters) -> np.ndarray:
    """Return relative exposure along the columns (chest wall to nipple), shape (1, columns).

    Falls linearly by ``heel_fall`` of its maximum; the mean is 1.
    """
    ramp = 1 - parameters.heel_fall * np.linspace(0, 1, parameters.columns, dtype=np.float32)
    return (ramp / ramp.mean())[None, :]


def flat_fielded(image: np.ndarray, relative_exposure: np.ndarray) -> np.ndarray:
    """Return the image divided by the relative exposure: an even mean, but not an even noise."""
    return image / relative_exposure
