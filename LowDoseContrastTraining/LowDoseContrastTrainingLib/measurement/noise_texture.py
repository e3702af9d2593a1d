"""The remaining noise in images of an object: its NNPS, and how much its shape differs from a reference.

A method that lowers the variance may still turn noise into blotches, which the shape of the noise power
spectrum shows. Formulas of :mod:`.noise_power`; NNPS = NPS / mean^2 (IEC 62220-1-2:2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.errors import InputError
from numpy.typing import ArrayLike

from .noise_power import blocks_of, periodograms, radial_profile
from .stacks import checked_mask, checked_stack

LOWEST = 0.2  # lp/mm; below it the trend is not fully removed
_RING = 0.2  # lp/mm, width of a ring


@dataclass(frozen=True)
class NoiseTexture:
    """Radially averaged noise power.

    Attributes:
        frequency: middles of the rings, lp/mm.
        nnps: mm^2.
        mean: pixel value above zero, by whose square the NPS was divided.
        blocks: how many were averaged, over all realisations.
    """

    frequency: np.ndarray
    nnps: np.ndarray
    mean: float
    blocks: int


def noise_texture(
    images: ArrayLike,
    pixel_mm: float,
    mask: np.ndarray | None = None,
    truth: np.ndarray | None = None,
    zero_level: float = 0.0,
    side: int = 128,
) -> NoiseTexture:
    """Return the NNPS of the noise of realisations, or of their difference from the truth.

    Blocks overlap by half; their planes are subtracted; Hann window.

    Args:
        images: (n, rows, columns). Without ``truth`` n is at least 2, and the noise is the difference
            from their mean, times sqrt(n / (n - 1)).
        pixel_mm: spacing.
        mask: bool (rows, columns); only blocks inside it count.
        truth: (rows, columns) on the scale of the images, subtracted instead of the mean, so that bias
            counts as noise.
        zero_level: pixel value of no exposure.
        side: of a block, pixels.

    Raises:
        InputError: too few realisations, sizes that differ, or no block within the mask.
    """
    if truth is None:
        stack = checked_stack(images, 2)
        centre, factor = stack.mean(axis=0, dtype=np.float64), np.sqrt(len(stack) / (len(stack) - 1))
    else:
        centre, factor = np.asarray(truth), 1.0
        stack = checked_stack(images, 1, centre.shape)
    mask = checked_mask(mask, stack.shape[1:])
    level = blocks_of(stack.mean(axis=0, dtype=np.float32), side, mask, side // 2)
    if len(level) == 0:
        problem = f"no block of {side}x{side} pixels lies wholly inside the mask"
        raise InputError("", problem, "measure noise on smaller blocks or a larger mask")
    power = np.zeros((side, side))
    for image in stack:
        blocks = blocks_of((image - centre) * factor, side, mask, side // 2)
        for start in range(0, len(blocks), 64):  # a few at a time to save memory
            power += periodograms(blocks[start : start + 64], pixel_mm).sum(axis=0)
    count, mean = len(stack) * len(level), float(level.mean(dtype=np.float64)) - zero_level
    edges = np.arange(LOWEST, 0.5 / pixel_mm + 1e-9, max(_RING, 1.5 / (side * pixel_mm)))
    found = radial_profile(power / count / mean**2, pixel_mm, edges)
    return NoiseTexture((edges[1:] + edges[:-1]) / 2, found, mean, count)


def shape_error(texture: NoiseTexture, reference: NoiseTexture) -> float:
    """Return how much the shape of the noise spectrum differs from a reference; 0 is the same shape.

    This is the root mean square difference of the two radial NNPS over the root mean square of the
    reference, both divided by their sums (unit area), from 0.2 lp/mm to Nyquist. The amount of noise
    does not count.

    Raises:
        InputError: the two were not measured at the same frequencies.
    """
    frequencies = texture.frequency, reference.frequency
    if frequencies[0].shape != frequencies[1].shape or not np.allclose(*frequencies):
        problem = "the noise spectra have different frequencies"
        raise InputError("", problem, "measure both with one pixel spacing and one size of blocks")
    one, other = (each.nnps / each.nnps.sum() for each in (texture, reference))
    return float(np.sqrt(np.mean((one - other) ** 2) / np.mean(other**2)))
