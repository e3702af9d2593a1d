"""Mean normalised squared error, split into residual noise and bias.

Borges et al. 2018, Meas. Sci. Technol. 29:064003, and Shan et al. 2023, Artif. Intell. Med.
142:102555. For images Z after an affine fit to a reference Y without noise,

    MNSE = < (Y - Z)^2 / Y > = R_N + B^2,
    R_N  = < Var_r(Z) / Y >,
    B^2  = < (Y - mean_r Z)^2 / Y > - R_N / n

averaged over pixels and n realisations. Blur lowers R_N and raises B^2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.errors import InputError
from numpy.typing import ArrayLike

from .stacks import checked_mask, checked_stack


@dataclass(frozen=True)
class NoiseAndBias:
    """Error of a method against the reference.

    Attributes:
        mnse: mean normalised squared error after the affine fit, pixel values of the reference.
        residual_noise: R_N, its part that differs between realisations.
        bias_squared: B^2, its part that does not; without bias it may be slightly below 0.
        slope, offset: of the images before the fit, mean image = slope Y + offset.
        mnse_unmatched: the error without the fit, which a wrong gain raises.
        realisations, pixels: how many were averaged.
    """

    mnse: float
    residual_noise: float
    bias_squared: float
    slope: float
    offset: float
    mnse_unmatched: float
    realisations: int
    pixels: int


def noise_and_bias(
    images: ArrayLike, reference: np.ndarray, mask: np.ndarray | None = None, zero_level: float = 0.0
) -> NoiseAndBias:
    """Return residual noise and bias of realisations against an image without noise.

    Args:
        images: (n, rows, columns), n at least 2, preferably 5 or more.
        reference: (rows, columns), the high dose without noise, pixel values.
        mask: bool (rows, columns), where to measure; None means everywhere.
        zero_level: pixel value of no exposure in ``reference``; the error is divided by the signal above it.

    Raises:
        InputError: fewer than 2 realisations, sizes that differ, a reference that is constant or not
            above ``zero_level`` within the mask, or images that do not rise with the reference.
    """
    reference = np.asarray(reference)
    stack = checked_stack(images, 2, reference.shape)
    mask = checked_mask(mask, reference.shape)
    y = reference[mask].astype(np.float64)
    above = y - zero_level
    if above.min() <= 0 or np.ptp(y) == 0:
        problem = "the reference must vary and lie above the zero level within the mask"
        raise InputError("", problem, "leave air and black pixels out of the mask")
    z = [image[mask].astype(np.float64) for image in stack]
    mean = np.mean(z, axis=0)
    variance = sum((each - mean) ** 2 for each in z) / (len(z) - 1)
    slope, offset = _line(y, mean)
    rounding = 1e-12 * abs(mean.mean())
    if not slope * y.std() > 1e-6 * mean.std() + rounding:
        problem = f"the images do not rise with the reference (slope {slope:.3g})"
        raise InputError("", problem, "they cannot be matched to it")
    noise, square = _split((mean - offset) / slope, variance / slope**2, y, above, len(z))
    unmatched = sum(_split(mean, variance, y, above, len(z)))
    return NoiseAndBias(noise + square, noise, square, slope, offset, unmatched, len(z), y.size)


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return (slope, offset) of the least-squares line; with BLAS, as there are many pixels."""
    away = x - x.mean()
    slope = float(away @ y / (away @ away))
    return slope, float(y.mean() - slope * x.mean())


def _split(mean: np.ndarray, variance: np.ndarray, y: np.ndarray, above: np.ndarray, count: int) -> tuple[float, float]:
    """Return (R_N, B^2)."""
    noise = float(np.mean(variance / above))
    return noise, float(np.mean((y - mean) ** 2 / above)) - noise / count
