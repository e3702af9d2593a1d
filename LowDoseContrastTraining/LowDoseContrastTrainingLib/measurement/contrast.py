"""Contrast of masses and fibres against the ring around them.

    contrast = (m_s - m_b) / (m_b - zero level)
    SDNR = |m_s - m_b| / s_b
    CNR  = |m_s - m_b| / sqrt((s_s^2 + s_b^2) / 2)

with the spatial standard deviations of signal and ring. In structured tissue they include anatomy;
``sdnr_noise`` takes s_b from the spread over realisations, in which anatomy cancels.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import ndimage

from .stacks import checked_stack
from .truth_places import FIBRES, MASSES, PlacedInsert, Truth

GAP_MM = 1.0  # from this and any other insert to the ring; wider than the blur
RING_MM = 2.0
_CORE = 0.3  # of the size of a mass: the radius within which its thickness changes little
_LEAST_PIXELS = (4, 30)


@dataclass(frozen=True)
class InsertContrast:
    """Contrast of an insert, averaged over realisations; NaN if there is a ``reason``.

    Attributes:
        insert: the :class:`.truth_places.PlacedInsert`.
        contrast: relative, negative if the insert attenuates more than its surroundings.
        sdnr, cnr: with the spatial standard deviations.
        sdnr_noise: with the standard deviation over realisations; NaN for one realisation.
        signal_pixels, ring_pixels: sizes of the regions.
        reason: why it could not be measured, else empty.
    """

    insert: PlacedInsert
    contrast: float
    sdnr: float
    cnr: float
    sdnr_noise: float
    signal_pixels: int
    ring_pixels: int
    reason: str = ""


def insert_contrasts(
    images: ArrayLike, truth: Truth, kinds: Collection[str] = MASSES + FIBRES, zero_level: float = 0.0
) -> list[InsertContrast]:
    """Return the contrast of every insert of some kinds.

    Args:
        images: (realisations, rows, columns) of the arrangement.
        truth: where the inserts are.
        zero_level: pixel value of no exposure.

    Raises:
        InputError: the images have another size than the truth.
    """
    stack = checked_stack(images, 1, truth.mask.shape)
    boxes = ndimage.find_objects(truth.insert_map)
    found = []
    for insert in truth.of_kind(kinds):
        box = boxes[insert.id - 1] if insert.id <= len(boxes) else None
        if box is None:
            found.append(_unmeasured(insert, 0, 0, "hidden by other inserts or outside of the image"))
            continue
        around = _grown(box, round((GAP_MM + RING_MM) / truth.pixel_mm) + 2, truth.mask.shape)
        signal, ring = signal_and_ring(insert, truth, around)
        sizes = int(signal.sum()), int(ring.sum())
        if sizes[0] < _LEAST_PIXELS[0] or sizes[1] < _LEAST_PIXELS[1]:
            found.append(_unmeasured(insert, *sizes, "too few pixels of signal or of free tissue around it"))
            continue
        part = stack[:, around[0], around[1]].astype(np.float64)
        found.append(InsertContrast(insert, *contrast_of(part[:, signal], part[:, ring], zero_level), *sizes))
    return found


def signal_and_ring(insert: PlacedInsert, truth: Truth, around: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray]:
    """Return the masks of signal and background within the slices ``around``.

    The signal of a mass is its core, that of a fibre is all of it. The ring is 1 to 3 mm from the insert
    and more than 1 mm from every other insert.
    """
    there = truth.insert_map[around]
    own = there == insert.id
    from_own, from_any = (ndimage.distance_transform_edt(~taken) * truth.pixel_mm for taken in (own, there > 0))
    ring = (from_own <= GAP_MM + RING_MM) & (from_any > GAP_MM) & truth.mask[around]
    if insert.kind in MASSES:
        rows, columns = np.ogrid[around]
        own &= np.hypot(rows - insert.row, columns - insert.column) * truth.pixel_mm < _CORE * insert.size_mm
    return own, ring


def contrast_of(
    signal: np.ndarray, background: np.ndarray, zero_level: float = 0.0
) -> tuple[float, float, float, float]:
    """Return (contrast, SDNR, CNR, SDNR with the noise over realisations) of two sets of pixels.

    Args:
        signal, background: (realisations, pixels).
    """
    means = signal.mean(axis=1), background.mean(axis=1)
    difference = means[0] - means[1]
    spreads = signal.std(axis=1, ddof=1), background.std(axis=1, ddof=1)
    noise = np.sqrt(background.var(axis=0, ddof=1).mean()) if len(signal) > 1 else np.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        sdnr = np.mean(np.abs(difference) / spreads[1])
        cnr = np.mean(np.abs(difference) / np.sqrt((spreads[0] ** 2 + spreads[1] ** 2) / 2))
        to_noise = np.abs(difference.mean()) / noise
    return float(np.mean(difference / (means[1] - zero_level))), float(sdnr), float(cnr), float(to_noise)


def _grown(box: Sequence[slice], reach: int, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Return a box with ``reach`` pixels more on every side, within the image."""
    starts, stops = [max(0, part.start - reach) for part in box], [part.stop + reach for part in box]
    return slice(starts[0], min(shape[0], stops[0])), slice(starts[1], min(shape[1], stops[1]))


def _unmeasured(insert: PlacedInsert, signal_pixels: int, ring_pixels: int, reason: str) -> InsertContrast:
    return InsertContrast(insert, np.nan, np.nan, np.nan, np.nan, signal_pixels, ring_pixels, reason)
