"""The heel effect of the anode, and the flat-fielding that corrects it."""

from __future__ import annotations

import numpy as np

from .parameters import AcquisitionParameters


def heel(parameters: AcquisitionParameters) -> np.ndarray:
    """Return the relative exposure from chest wall to nipple, shape (1, columns).

    It falls linearly by ``heel_fall`` of its maximum; the mean is 1.
    """
    ramp = 1 - parameters.heel_fall * np.linspace(0, 1, parameters.columns, dtype=np.float32)
    return (ramp / ramp.mean())[None, :]


def flat_fielded(image: np.ndarray, relative_exposure: np.ndarray) -> np.ndarray:
    """Return the image divided by the relative exposure, which evens out the mean but not the noise."""
    return image / relative_exposure
