"""Stabilising the variance of quanta and electronics: the generalised Anscombe transform and its inverse."""

from __future__ import annotations

import numpy as np
from LowDoseContrastLib.errors import InputError

from ..dose_reduction.noise_model import NoiseModel


def stabilised(pixels: np.ndarray, noise: NoiseModel) -> np.ndarray:
    """Return ``f(z) = 2/a sqrt(a z + 3/8 a^2 + s^2)``, 0 where the root has none; its noise has a variance near 1.

    z is the pixel value above the offset, a = xi_q and s = xi_e (Starck, Murtagh, Bijaoui 1998, Image
    Processing and Data Analysis, chapter 2).

    Args:
        pixels: (rows, columns) pixel values.

    Raises:
        InputError: a noise model without quantum noise.
    """
    if not noise.xi_q > 0:
        problem = "a noise model without quantum noise (xi_q) has no Anscombe transform"
        raise InputError("", problem, "give xi_q with {noise}")
    a, s = noise.xi_q, noise.xi_e
    above = np.asarray(pixels, np.float64) - noise.offset
    return 2 / a * np.sqrt(np.maximum(a * above + 0.375 * a**2 + s**2, 0))


def unstabilised(values: np.ndarray, noise: NoiseModel) -> np.ndarray:
    """Return the pixel values whose stabilised noisy observations have the means ``values``.

    It is the exact unbiased inverse, in the closed form of Makitalo and Foi 2013 (IEEE Trans. Image
    Process. 22:91): D^2/4 + sqrt(3/2)/(4 D) - 11/(8 D^2) + 5 sqrt(3/2)/(8 D^3) - 1/8 - (s/a)^2 in
    quanta, not below 0. The algebraic inverse would be too low by about a quarter of a quantum.
    """
    d = np.maximum(values, 2 * np.sqrt(0.375 + (noise.xi_e / noise.xi_q) ** 2))  # what no quanta give
    root = np.sqrt(1.5)
    electronic = (noise.xi_e / noise.xi_q) ** 2
    quanta = d**2 / 4 + root / (4 * d) - 11 / (8 * d**2) + 5 * root / (8 * d**3) - 0.125 - electronic
    return noise.xi_q * np.maximum(quanta, 0) + noise.offset
