"""What remains of the detector's unevenness after flat-fielding: fixed pattern and bad pixels."""

from __future__ import annotations

import numpy as np

from ..common.randomness import stream
from .parameters import AcquisitionParameters


def response(parameters: AcquisitionParameters, seed: int) -> np.ndarray:
    """Return the response of the pixels, (rows, columns) float32 around 1.

    It is white with standard deviation ``xi_s``; ``bad_pixels`` respond too little. As a property of the
    detector it is the same in all images of a seed.
    """
    rng = stream(seed, "detector")
    pattern = 1 + np.float32(parameters.xi_s) * rng.standard_normal(parameters.shape, dtype=np.float32)
    for _ in range(parameters.bad_pixels):
        pattern[rng.integers(parameters.rows), rng.integers(parameters.columns)] = rng.uniform(0.0, 0.7)
    return pattern
