"""What flat-fielding leaves of the detector's unevenness: fixed pattern and bad pixels."""

from __future__ import annotations

import numpy as np

from ..common.randomness import stream


def response(parameters, seed: int) -> np.ndarray:
    """Return each pixel's response, (rows, columns) float32 around 1.

    White of standard deviation ``xi_s``, and ``bad_pixels`` of too little response. It belongs to
    the detector, so it is the same in every image of one seed.
    """
    rng = stream(seed, "detector")
    pattern = 1 + np.float32(parameters.xi_s) * rng.standard_normal(parameters.shape, dtype=np.float32)
    for _ in range(parameters.bad_pixels):
        pattern[rng.integers(parameters.rows), rng.integers(parameters.columns)] = rng.uniform(0.0, 0.7)
    return pattern
