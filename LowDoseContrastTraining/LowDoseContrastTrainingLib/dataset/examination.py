"""A first look at the pixels of a pair: do they fit, how bright are they, where are the patches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.errors import InputError

from ..common.picture_sheet import reduced
from .alignment import TOLERANCE, Overlap, measured_shift, overlap
from .background import outside_background
from .cutting_patches import grid
from .pairing import Pair, read_pair

_PICTURE = 300  # columns, about


@dataclass(frozen=True)
class Examined:
    """What is known of a pair once its pixels were seen.

    Attributes:
        shift: (rows, columns) by which the high dose lies from the low dose, pixels.
        overlap: what is used of both images.
        signal: 0.5th, 50th and 99.5th percentile of the pixel values in the breast, by dose.
        places: (row, column, part within the breast) of the patches, in the overlap.
        excluded: patches that are mostly air.
        pictures: both images of the overlap, reduced.
    """

    pair: Pair
    shift: tuple[float, float]
    overlap: Overlap
    signal: dict
    places: tuple
    excluded: int
    pictures: tuple

    @property
    def remaining_shift(self) -> float:
        """What is left of the shift in the overlap, pixels along the worse axis."""
        corrected = [high - low for low, high in zip(self.overlap.low, self.overlap.high)]
        return max(abs(each - by) for each, by in zip(self.shift, corrected))

    @property
    def warning(self) -> str:
        """One line where the images lie noticeably apart, else ''."""
        if self.remaining_shift <= TOLERANCE:
            return ""
        return f"arrangement {self.pair.number}: the images lie {_described(self.shift)} apart; --align corrects whole pixels"


def examine(pair: Pair, settings) -> Examined | str:
    """Look at a pair; return what was found, or why it cannot be used."""
    from LowDoseContrastLib.mask import tissue_mask

    try:
        low, high = read_pair(pair)
    except InputError as error:
        return f"cannot be used: {error}"
    if low.shape != high.shape:
        return f"the two images differ in size: {low.shape} and {high.shape}"
    mask = tissue_mask(low, pair.low.sign)
    shift = measured_shift(low, high, mask)
    if max(map(abs, shift)) > settings.max_shift:
        return f"the two images lie further apart than --max-shift: {_described(shift)}"
    common = overlap(low.shape, shift if settings.align else (0, 0))
    low, high = common.crop(low, high)
    mask, _ = common.crop(mask, mask)
    size = settings.patch_size
    places = grid(low.shape, size, settings.stride)
    kept = outside_background(mask, places, size, settings.breast_part)
    signal = {name: [float(v) for v in np.percentile(image[mask], (0.5, 50, 99.5))] for name, image in (("low", low), ("high", high))}
    return Examined(pair, shift, common, signal, kept, len(places) - len(kept), (reduced(low, _PICTURE), reduced(high, _PICTURE)))


def _described(shift):
    return f"{shift[0]:+.1f} rows and {shift[1]:+.1f} columns"
