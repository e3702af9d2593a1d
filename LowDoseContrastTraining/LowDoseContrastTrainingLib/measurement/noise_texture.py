"""The noise that is left in images of one object: its NNPS, and how far its colour is from another's.

A method that lowers the variance may still turn noise into blotches; the shape of the noise power
spectrum tells. Formulas of :mod:`.noise_power`; NNPS = NPS / mean^2 (IEC 62220-1-2:2007).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.errors import InputError

from .noise_power import blocks_of, periodograms, radial_profile
from .stacks import checked_mask, checked_stack

LOWEST = 0.2  # lp/mm; below, what is left of the trend counts
_RING = 0.2  # lp/mm, width of a ring


@dataclass(frozen=True)
class NoiseTexture:
    """Radially averaged noise power.

    Attributes:
        frequency: middle of every ring, lp/mm.
        nnps: mm^2.
        mean: pixel value above zero that the NPS was divided by, squared.
        blocks: how many were averaged, over all realisations.
    """

    frequency: np.ndarray
    nnps: np.ndarray
    mean: float
    blocks: int


def noise_texture(images, pixel_mm: float, mask=None, truth=None, zero_level: float = 0.0, side: int = 128) -> NoiseTexture:
    """Return the NNPS of the noise of realisations, or of what differs from the truth.

    Blocks of ``side`` pixels overlap by half, a plane is taken out of each, Hann window.

    Args:
        images: (n, rows, columns). Without ``truth`` n is at least 2, and noise is what differs
            from their mean, times sqrt(n / (n - 1)).
        pixel_mm: spacing.
        mask: bool (rows, columns); only blocks wholly inside count.
        truth: (rows, columns), subtracted instead of the mean: bias then counts as noise. On the
            scale of the images.
        zero_level: pixel value of no exposure.
        side: of a block, pixels.

    Raises:
        InputError: too few realisations, sizes that differ, or no block within the mask.
    """
    stack = checked_stack(images, 1 if truth is not None else 2, None if truth is None else np.shape(truth))
    mask = checked_mask(mask, stack.shape[1:])
    centre, factor = (np.asarray(truth), 1.0) if truth is not None else (stack.mean(axis=0, dtype=np.float64), np.sqrt(len(stack) / (len(stack) - 1)))
    level = blocks_of(stack.mean(axis=0, dtype=np.float32), side, mask, side // 2)
    if len(level) == 0:
        raise InputError("", f"no block of {side}x{side} pixels lies wholly inside the mask", "measure noise on smaller blocks or a larger mask")
    power = np.zeros((side, side))
    for image in stack:
        blocks = blocks_of((image - centre) * factor, side, mask, side // 2)
        for start in range(0, len(blocks), 64):  # few at a time, for the memory's sake
            power += periodograms(blocks[start : start + 64], pixel_mm).sum(axis=0)
    count, mean = len(stack) * len(level), float(level.mean(dtype=np.float64)) - zero_level
    edges = np.arange(LOWEST, 0.5 / pixel_mm + 1e-9, max(_RING, 1.5 / (side * pixel_mm)))
    found = radial_profile(power / count / mean**2, pixel_mm, edges)
    return NoiseTexture((edges[1:] + edges[:-1]) / 2, found, mean, count)


def shape_error(texture: NoiseTexture, reference: NoiseTexture) -> float:
    """Return how far the colour of noise is from a reference's; 0 is the same colour.

    The root of the mean squared difference of the two radial NNPS over the root mean square of
    the reference's, each first divided by its sum (unit area), from 0.2 lp/mm to Nyquist. The
    amount of noise does not count.

    Raises:
        InputError: the two were not measured at the same frequencies.
    """
    if texture.frequency.shape != reference.frequency.shape or not np.allclose(texture.frequency, reference.frequency):
        raise InputError("", "the noise spectra have different frequencies", "measure both with one pixel spacing and one size of blocks")
    one, other = (each.nnps / each.nnps.sum() for each in (texture, reference))
    return float(np.sqrt(np.mean((one - other) ** 2) / np.mean(other**2)))
