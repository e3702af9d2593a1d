"""The task transfer function: which detail of an insert an image keeps, against a reference.

Networks are not linear, so that sharpness depends on contrast and noise; it is measured on the
inserts themselves, kind by kind and contrast by contrast, averaged over realisations (Richard et
al. 2012, Med. Phys. 39:4115). The inserts have no straight edges; instead of an edge's profile,
whole regions are compared with the same regions R of a reference without noise:

    T(f) = Re sum conj(R) I / sum |R|^2

over the regions and a ring of frequencies: least squares (Bendat and Piersol 2010, Random Data,
chapter 6). Noise in the images is independent of the reference and averages out, where the magnitude
of a noisy edge's spectrum would rise. Against the noise-free high dose the detector's own MTF
divides out. Against inserts drawn sharply (``Truth.sharp_contrast``) it is part of the result, but for
the aperture of the pixels over which the drawing is averaged; there the anatomy around the inserts
counts as noise, and the error tells how much is left to say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.errors import InputError
from scipy import fft

from .noise_power import detrended, radial_frequency
from .regions import cut, fits
from .stacks import checked_stack
from .truth_places import CALCIFICATIONS, FIBRES, MASSES, Truth

_RING = 0.25  # lp/mm
_FLAT = 1e-9  # part of the reference's power that rounding alone may give
_KNOWN = 0.15  # standard error up to which the 50% frequency is trusted


@dataclass(frozen=True)
class Task:
    """Inserts that are measured together.

    Attributes:
        name: of the task.
        kinds: of inserts.
        side_mm: of the regions, wider than the inserts.
        contrast: lowest and highest absolute primary contrast.
    """

    name: str
    kinds: tuple[str, ...]
    side_mm: float
    contrast: tuple[float, float] = (0.0, 1.0)


TASKS = (
    Task("masses", MASSES, 20.0),
    Task("fibres", FIBRES, 12.0),
    Task("faint calcifications", CALCIFICATIONS, 4.8, (0.0, 0.3)),
    Task("dense calcifications", CALCIFICATIONS, 4.8, (0.3, 1.0)),
)


@dataclass(frozen=True)
class TaskTransfer:
    """Transfer of one task; empty arrays and NaN, with the reason, where it cannot be measured.

    Attributes:
        frequency: mean of every ring, weighted by the power of the reference, lp/mm.
        transfer: T over ``gain``.
        error: standard error, jackknife over inserts; NaN for a single insert.
        gain: T at frequency 0, from the parabola through the lowest two rings: images over reference.
        half: where the transfer falls to 0.5, lp/mm; NaN where it does not as far as it is known.
        inserts: how many were averaged.
        reason: why a figure is missing, else empty.
    """

    frequency: np.ndarray
    transfer: np.ndarray
    error: np.ndarray
    gain: float
    half: float
    inserts: int
    reason: str = ""


def task_transfers(stacks, references, truths: list[Truth], tasks=TASKS) -> dict[str, TaskTransfer]:
    """Return name -> :class:`TaskTransfer` of every task, over the inserts of all arrangements.

    Args:
        stacks: (realisations, rows, columns) for each arrangement.
        references: (rows, columns) for each: ``truth.noise_free("high")``, or
            ``truth.sharp_contrast(kinds)`` to keep the detector's MTF in the result.
        truths: one for each, with one pixel spacing.

    Raises:
        InputError: numbers or sizes that do not agree.
    """
    if not len(stacks) == len(references) == len(truths) or len({truth.pixel_mm for truth in truths}) != 1:
        raise InputError("", "give one stack of images and one reference for each arrangement of one detector")
    means = [checked_stack(s, 1, t.mask.shape).mean(axis=0, dtype=np.float64) for s, t in zip(stacks, truths)]
    ideals = [checked_stack(r, 1, t.mask.shape)[0] for r, t in zip(references, truths)]
    results = {}
    for task in tasks:
        side = int(task.side_mm / truths[0].pixel_mm) // 2 * 2
        pairs = [
            (cut(mean[None], insert.row, insert.column, side)[0], cut(ideal[None], insert.row, insert.column, side)[0])
            for mean, ideal, truth in zip(means, ideals, truths)
            for insert in truth.of_kind(task.kinds)
            if task.contrast[0] <= abs(insert.contrast) < task.contrast[1] and fits(insert, side, truth.mask)
        ]
        results[task.name] = transfer(*map(np.array, zip(*pairs)), truths[0].pixel_mm) if pairs else _nothing("no insert of this task in free reach")
    return results


def transfer(regions: np.ndarray, reference: np.ndarray, pixel_mm: float) -> TaskTransfer:
    """Return the transfer from reference regions to regions, both (inserts, side, side).

    A plane is taken out of each, Hann window.

    Raises:
        InputError: the shapes differ.
    """
    if regions.shape != reference.shape:
        raise InputError("", f"regions of {regions.shape} and references of {reference.shape} must be pairs")
    side = regions.shape[-1]
    hann = np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 2
    images, ideals = (fft.rfft2(detrended(part) * np.outer(hann, hann)) for part in (regions, reference))
    at = radial_frequency(side, pixel_mm)[:, : side // 2 + 1]
    edges = np.arange(0.5 / (side * pixel_mm), 0.5 / pixel_mm + 1e-9, max(_RING, 1.5 / (side * pixel_mm)))
    ring = np.digitize(at, edges) - 1
    kept = (ring >= 0) & (ring < len(edges) - 1)

    def over_rings(values):
        return np.stack([np.bincount(ring[kept], each[kept], minlength=len(edges) - 1) for each in values])

    power = over_rings(np.abs(ideals) ** 2)
    if not power.sum(axis=0).all():
        return _nothing("the reference is flat where the inserts are")
    cross = over_rings((ideals.conj() * images).real)
    # Power falls steeply within a ring, so that its middle would be too high a frequency.
    frequency = over_rings(at * np.abs(ideals) ** 2).sum(axis=0) / power.sum(axis=0)
    if np.abs(cross).sum() < _FLAT * power.sum():
        return _nothing("the images are flat where the inserts are")
    found, gain = _normalised(cross.sum(axis=0), power.sum(axis=0), frequency)
    error = _jackknife(cross, power, frequency)
    half, reason = _half_frequency(frequency, found, error)
    return TaskTransfer(frequency, found, error, gain, half, len(regions), reason)


def _normalised(cross, power, frequency):
    """(T over its value at frequency 0, that value)."""
    ratio = cross / power
    square = frequency[:2] ** 2
    gain = ratio[0] + (ratio[0] - ratio[1]) * square[0] / (square[1] - square[0])
    return ratio / gain, float(gain)


def _jackknife(cross, power, frequency):
    """Standard error of the transfer when each insert is left out in turn."""
    count = len(cross)
    if count < 2:
        return np.full(cross.shape[1], np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        without = np.stack([_normalised(cross.sum(axis=0) - c, power.sum(axis=0) - p, frequency)[0] for c, p in zip(cross, power)])
    return np.sqrt((count - 1) * without.var(axis=0))


def _half_frequency(frequency, found, error):
    """(first crossing of 0.5 by linear interpolation, why there is none)."""
    below = np.flatnonzero(found < 0.5)
    uncertain = np.flatnonzero(error > _KNOWN)
    end = uncertain[0] if len(uncertain) else len(found)
    if end < len(found) and (len(below) == 0 or below[0] >= end):
        return np.nan, f"too uncertain from {frequency[end]:.2f} lp/mm on: standard error above {_KNOWN}"
    if len(below) == 0:
        return np.nan, f"stays above 0.5 up to {frequency[-1]:.2f} lp/mm"
    falling = slice(0, below[0] + 1)
    frequency, found = np.append(0.0, frequency[falling])[-2:], np.append(1.0, found[falling])[-2:]
    return float(np.interp(-0.5, -found, frequency)), ""


def _nothing(reason):
    nothing = np.empty(0)
    return TaskTransfer(nothing, nothing, nothing, np.nan, np.nan, 0, reason)
