"""Layers of PVC film: power-law random fields, thresholded into thickness maps.

Mammographic texture has a power spectrum that falls as 1/f^beta, beta 3.2 +- 0.24.
Thresholding a Gaussian field of that spectrum gives pieces of film with ragged edges,
and the sum over layers keeps the exponent.
"""

from __future__ import annotations

import math

import numpy as np

from .spectral import coloured_noise, fast_shape, frequency_grid


def power_law_field(
    rng: np.random.Generator,
    shape: tuple[int, int],
    spacing_mm: float,
    beta: float,
    largest_mm: float,
    stretch: float = 1.0,
    angle: float = 0.0,
    smallest_mm: float = 0.0,
) -> np.ndarray:
    """Return a unit-variance Gaussian field with power spectrum 1/(f^2 + f0^2)^(beta/2).

    Args:
        largest_mm: structures larger than this are damped, f0 = 1 / ``largest_mm``.
        stretch: how much longer structures are along ``angle`` (radians from the rows'
            direction towards the columns') than across.
        smallest_mm: Gaussian smoothing (standard deviation), so that the level lines of
            the field are curves and not dust; a thresholded edge itself falls as 1/f^3.

    Returns:
        float32 of ``shape``.
    """
    fast = fast_shape(shape, 64)
    fy, fx = frequency_grid(fast, spacing_mm)
    along = (fx * math.cos(angle) + fy * math.sin(angle)) * math.sqrt(stretch)
    across = (fy * math.cos(angle) - fx * math.sin(angle)) / math.sqrt(stretch)
    squared = along * along + across * across + np.float32(largest_mm**-2)
    transfer = squared ** np.float32(-beta / 4)
    if smallest_mm:
        transfer *= np.exp(np.float32(-2 * (math.pi * smallest_mm) ** 2) * squared)
    transfer[0, 0] = 0
    return coloured_noise(rng, shape, transfer, fast)


def film_pieces(field: np.ndarray, threshold: np.ndarray, softness: float) -> np.ndarray:
    """Return the film present (0 to 1) where ``field`` exceeds ``threshold``.

    The step is a smooth ramp, ``softness`` standard deviations of the field wide: the film is wrinkled
    and thins towards its edge.
    """
    ramp = np.clip((field - threshold) / np.float32(softness) + np.float32(0.5), 0, 1)
    return ramp * ramp * (3 - 2 * ramp)


def film_creases(field: np.ndarray, width: float) -> np.ndarray:
    """Return thin curved creases (0 to 1): the neighbourhood of the field's zero crossings."""
    ramp = np.clip(1 - np.abs(field) / np.float32(width), 0, 1)
    return ramp * ramp * (3 - 2 * ramp)
