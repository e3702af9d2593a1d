"""Noise of an exposure: quantum noise, coloured by the detector's blur, and white electronic noise.

On a uniform field of mean mu above the offset, Var = xi_q mu + xi_e^2 (quantum and electronic); the
fixed pattern of :mod:`.defects` adds (xi_s mu)^2.
"""

from __future__ import annotations

import numpy as np

from .blur import mtf
from .spectral import coloured_noise, fast_shape, frequency_grid


def quantum_noise(
    incident: np.ndarray, pixel_mm: float, xi_q: float, noise_f2: float, rng: np.random.Generator
) -> np.ndarray:
    """Return zero-mean noise of variance ``xi_q`` x ``incident``; its NPS falls as MTF squared.

    Args:
        incident: (rows, columns) mean pixel value above the offset, before flat-fielding.
        noise_f2: (lp/mm)^2, as in :func:`.blur.mtf`.
        rng: of this exposure.

    Returns:
        float32 of the same shape.
    """
    fast = fast_shape(incident.shape, 32)
    fy, fx = frequency_grid(fast, pixel_mm)
    noise = coloured_noise(rng, incident.shape, mtf(np.hypot(fy, fx), noise_f2), fast)
    noise *= np.sqrt(np.float32(xi_q) * np.clip(incident, 0, None))
    return noise


def electronic_noise(shape: tuple[int, int], xi_e: float, rng: np.random.Generator) -> np.ndarray:
    """Return white noise of standard deviation ``xi_e`` pixel values, float32 (rows, columns)."""
    return np.float32(xi_e) * rng.standard_normal(shape, dtype=np.float32)
