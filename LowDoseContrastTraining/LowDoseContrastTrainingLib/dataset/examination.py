"""A first look at the pixels of a pair: whether they fit, how bright they are, where the patches lie."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.errors import InputError

from ..common.picture_sheet import thumbnail
from .alignment import TOLERANCE, measured_shift
from .background import outside_background
from .content import Exposure
from .content_check import check_content
from .cutting_patches import patch_grid
from .overlap import Overlap, overlap
from .pairing import Pair, read_pair
from .prepare_settings import PrepareSettings

_PICTURE = 300  # columns, approximately


@dataclass(frozen=True)
class Examined:
    """What the pixels of a pair show.

    Attributes:
        shift: (rows, columns) by which the high dose is shifted against the low dose, pixels.
        overlap: what is used of both images.
        signal: dose -> 0.5th, 50th and 99.5th percentile of the pixel values in the breast.
        places: (row, column, share in the breast) of the patches, in the overlap.
        excluded: number of patches that are mostly air.
        pictures: both images of the overlap, reduced.
        note: what headers and pixels leave open, and what was decided by; empty where both are clear.
        low_dose: the image at the low dose, to tell repetitions by; None where the headers tell its view.
    """

    pair: Pair
    shift: tuple[float, float]
    overlap: Overlap
    signal: dict[str, tuple[float, ...]]
    places: list[tuple[int, int, float]]
    excluded: int
    pictures: tuple[np.ndarray, np.ndarray]
    note: str = ""
    low_dose: Exposure | None = None

    @property
    def remaining_shift(self) -> float:
        """The shift that remains within the overlap, pixels along the worse axis."""
        axes = zip(self.shift, self.overlap.low, self.overlap.high, strict=True)
        return max(abs(shift - (high - low)) for shift, low, high in axes)

    @property
    def warnings(self) -> list[str]:
        """A line where the images are noticeably shifted, and one where it is not certain that they are a pair."""
        lines = [f"arrangement {self.pair.number}: {self.note}"] if self.note else []
        if self.remaining_shift > TOLERANCE:
            apart = _described(self.shift)
            told = f"arrangement {self.pair.number}: the images lie {apart} apart; --align corrects whole pixels"
            lines.append(told)
        return lines


def examine(pair: Pair, settings: PrepareSettings) -> Examined | str:
    """Look at a pair; return what was found, or why it cannot be used."""
    try:
        images = read_pair(pair)
    except InputError as error:
        return f"cannot be used: {error}"
    low, high = (image.pixels[0] for image in images)
    if low.shape != high.shape:
        return f"the two images differ in size: {low.shape} and {high.shape}"
    exposures = Exposure(low, images[0].breasts[0].tissue), Exposure(high, images[1].breasts[0].tissue)
    mask = exposures[0].mask & ~images[1].breasts[0].unmeasured
    shift = measured_shift(low, high, mask)
    checked = check_content(pair, exposures, shift)
    if checked.refused:
        return checked.refused
    if max(map(abs, shift)) > settings.max_shift:
        return f"the two images lie further apart than --max-shift: {_described(shift)}"
    common = overlap(low.shape, shift if settings.align else (0, 0))
    low, high = common.crop(low, high)
    mask, _ = common.crop(mask, mask)
    if not mask.any():
        return "the two images have no part of the breast in common"
    size = settings.patch_size
    places = patch_grid(low.shape, size, settings.step)
    kept = outside_background(mask, places, size, settings.breast_part)
    signal = {name: _percentiles(image[mask]) for name, image in (("low", low), ("high", high))}
    pictures = thumbnail(low, _PICTURE), thumbnail(high, _PICTURE)
    low_dose = exposures[0] if pair.unknown else None
    found = pair, shift, common, signal, kept, len(places) - len(kept), pictures
    return Examined(*found, checked.note, low_dose)


def _percentiles(values: np.ndarray) -> tuple[float, ...]:
    return tuple(map(float, np.percentile(values, (0.5, 50, 99.5))))


def _described(shift: tuple[float, float]) -> str:
    return f"{shift[0]:+.1f} rows and {shift[1]:+.1f} columns"
