"""The task transfer function: how much detail of an insert an image preserves, against a reference.

Networks are not linear, so their sharpness depends on contrast and noise. It is therefore measured on
the inserts themselves, by kind and contrast, averaged over realisations (Richard et al. 2012, Med. Phys.
39:4115). The inserts have no straight edges; whole regions are compared with the same regions R of a
reference without noise:

    T(f) = Re sum conj(R) I / sum |R|^2

over the regions and a ring of frequencies, by least squares (Bendat and Piersol 2010, Random Data,
chapter 6). Noise in the images is independent of the reference and averages out, while it would raise
the magnitude of the spectrum of an edge. With the noise-free high dose as reference the MTF of the
detector cancels.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.errors import InputError
from numpy.typing import ArrayLike
from scipy import fft

from .noise_power import detrended, radial_frequency
from .regions import cut_square, fits
from .stacks import checked_stack
from .truth_places import CALCIFICATIONS, FIBRES, MASSES, Truth

_RING = 0.25  # lp/mm
_FLAT = 1e-9  # share of the reference's power that can be due to rounding
_KNOWN = 0.15  # standard error up to which the 50% frequency is trusted


@dataclass(frozen=True)
class TransferTask:
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
    TransferTask("masses", MASSES, 20.0),
    TransferTask("fibres", FIBRES, 12.0),
    TransferTask("faint calcifications", CALCIFICATIONS, 4.8, (0.0, 0.3)),
    TransferTask("dense calcifications", CALCIFICATIONS, 4.8, (0.3, 1.0)),
)


@dataclass(frozen=True)
class TaskTransfer:
    """Transfer of a task; empty arrays and NaN, with a ``reason``, if it cannot be measured.

    Attributes:
        frequency: means of the rings, weighted by the power of the reference, lp/mm.
        transfer: T over ``gain``.
        error: standard error, jackknife over inserts; NaN for a single insert.
        gain: T at frequency 0, from the parabola through the lowest two rings.
        half: where the transfer falls to 0.5, lp/mm; NaN if it does not within the known range.
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


def task_transfers(
    stacks: Sequence[ArrayLike],
    references: Sequence[ArrayLike],
    truths: Sequence[Truth],
    tasks: Iterable[TransferTask] = TASKS,
) -> dict[str, TaskTransfer]:
    """Return name of a task -> its transfer over the inserts of all arrangements.

    Args:
        stacks: (realisations, rows, columns) of the arrangements.
        references: (rows, columns) of the arrangements, such as ``truth.noise_free("high")``.
        truths: of the arrangements, with the same pixel spacing.

    Raises:
        InputError: numbers or sizes that do not agree.
    """
    if not len(stacks) == len(references) == len(truths) or len({truth.pixel_mm for truth in truths}) != 1:
        raise InputError("", "give one stack of images and one reference for each arrangement of one detector")
    images, results = [], {}
    for stack, reference, truth in zip(stacks, references, truths, strict=True):
        mean = checked_stack(stack, 1, truth.mask.shape).mean(axis=0, dtype=np.float64, keepdims=True)
        images.append((mean, checked_stack(reference, 1, truth.mask.shape)[:1], truth))
    for task in tasks:
        side = int(task.side_mm / truths[0].pixel_mm) // 2 * 2
        pairs = [
            [cut_square(image, insert.row, insert.column, side)[0] for image in (mean, ideal)]
            for mean, ideal, truth in images
            for insert in truth.of_kind(task.kinds)
            if task.contrast[0] <= abs(insert.contrast) < task.contrast[1] and fits(insert, side, truth.mask)
        ]
        if pairs:
            regions, ideals = (np.array(part) for part in zip(*pairs, strict=True))
            results[task.name] = transfer(regions, ideals, truths[0].pixel_mm)
        else:
            results[task.name] = _nothing("no insert of this task in free reach")
    return results


def transfer(regions: np.ndarray, reference: np.ndarray, pixel_mm: float) -> TaskTransfer:
    """Return the transfer from reference regions to regions, both (inserts, side, side).

    Planes are subtracted; Hann window.

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

    def over_rings(values: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(ring[kept], part[kept], minlength=len(edges) - 1) for part in values])

    power = over_rings(np.abs(ideals) ** 2)
    if not power.sum(axis=0).all():
        return _nothing("the reference is flat where the inserts are")
    cross = over_rings((ideals.conj() * images).real)
    # Power falls steeply within a ring, so the middle of the ring would be too high a frequency.
    frequency = over_rings(at * np.abs(ideals) ** 2).sum(axis=0) / power.sum(axis=0)
    if np.abs(cross).sum() < _FLAT * power.sum():
        return _nothing("the images are flat where the inserts are")
    found, gain = _normalised(cross.sum(axis=0), power.sum(axis=0), frequency)
    error = _jackknife(cross, power, frequency)
    half, reason = _half_frequency(frequency, found, error)
    return TaskTransfer(frequency, found, error, gain, half, len(regions), reason)


def _normalised(cross: np.ndarray, power: np.ndarray, frequency: np.ndarray) -> tuple[np.ndarray, float]:
    """Return (T over its value at frequency 0, that value)."""
    ratio = cross / power
    square = frequency[:2] ** 2
    gain = ratio[0] + (ratio[0] - ratio[1]) * square[0] / (square[1] - square[0])
    return ratio / gain, float(gain)


def _jackknife(cross: np.ndarray, power: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Return the standard error of the transfer, leaving out the inserts one by one."""
    count = len(cross)
    if count < 2:
        return np.full(cross.shape[1], np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        rests = zip(cross.sum(axis=0) - cross, power.sum(axis=0) - power, strict=True)
        without = np.stack([_normalised(*rest, frequency)[0] for rest in rests])
    return np.sqrt((count - 1) * without.var(axis=0))


def _half_frequency(frequency: np.ndarray, found: np.ndarray, error: np.ndarray) -> tuple[float, str]:
    """Return (first crossing of 0.5 by linear interpolation, why it is missing)."""
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


def _nothing(reason: str) -> TaskTransfer:
    nothing = np.empty(0)
    return TaskTransfer(nothing, nothing, nothing, np.nan, np.nan, 0, reason)
