"""A mammogram as the rest of the library sees it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from .errors import InputError
from .mask import Breast

STANDARD_DEPTHS = (8, 10, 12, 14, 16)


@dataclass(frozen=True)
class Geometry:
    """Where a volume lies in space, in ITK's order (x, y, z) and LPS millimetres."""

    spacing: tuple = (1.0, 1.0, 1.0)
    origin: tuple = (0.0, 0.0, 0.0)
    direction: tuple = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    @property
    def pixel_spacing(self) -> tuple[float, float] | None:
        """(row, column) spacing in mm; None for 1 x 1 mm, which ITK and Slicer say where nothing is stated."""
        column, row, _ = self.spacing
        return None if row == column == 1 else (row, column)


@dataclass(frozen=True)
class Polarity:
    """Whether air is bright in an image.

    Attributes:
        sign: +1 bright, -1 dark, None unknown.
        known_from: ``pixels``, ``header``, ``both``, or empty where it is unknown.
        note: a sentence where header and pixels contradict each other; else empty.
    """

    sign: int | None
    known_from: str = ""
    note: str = ""


@dataclass(frozen=True)
class Mammogram:
    """Pixels and what they mean. What the source does not state is ``None``, never a guess.

    Attributes:
        pixels: (slices, rows, columns), the stored values, any real numeric type.
        spacing: (row, column) distance of pixel centres in mm at the detector.
        bits: stored bits (the values end at 2^bits - 1), as DICOM states them.
        modality: DICOM modality, ``MG`` for mammograms.
        intent: ``FOR PROCESSING`` or ``FOR PRESENTATION``.
        relationship: ``LIN`` or ``LOG``, pixel value against X-ray intensity.
        photometric: ``MONOCHROME1`` or ``MONOCHROME2``: how the values are displayed.
        sign: +1 where a higher value means more X-rays (air bright), -1 where less, as stated; None unknown. What
            the pixels show is in :attr:`polarity`.
        dose_mgy: entrance dose in mGy.
        geometry: placement in space for volume formats.
        padding: (lowest, highest) value that stands for pixels that were not measured; None without any.
        stored_offset: what must be added to the pixels to have the values that the source stores: below 0 where
            it stores signed ones.
        scale_top: full scale that is taken where the bits are not stated, for images that are to be compared; None to
            guess it from the image alone.
        notes: what was found out or assumed when it was read, a sentence each.
        source: the file or node, for messages and provenance.
        uid: SOP Instance UID of a DICOM source.
        header: the DICOM data set without its pixels, for writing a derived image.
    """

    pixels: np.ndarray
    spacing: tuple | None = None
    bits: int | None = None
    modality: str | None = None
    intent: str | None = None
    relationship: str | None = None
    photometric: str | None = None
    sign: int | None = None
    dose_mgy: float | None = None
    padding: tuple[float, float] | None = None
    stored_offset: int = 0
    scale_top: float | None = None
    notes: tuple[str, ...] = ()
    geometry: Geometry = field(default_factory=Geometry)
    source: str = ""
    uid: str | None = None
    header: Any = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        pixels = self.pixels
        if pixels.ndim != 3:
            raise InputError(self.source, f"expected a grey image or a stack of them, not {pixels.ndim} dimensions")
        if pixels.size == 0:
            raise InputError(self.source, "the image has no pixels")
        if pixels.dtype.kind not in "iuf":
            raise InputError(
                self.source, f"pixels of type {pixels.dtype} are not supported", "convert to integers or floats"
            )
        if pixels.dtype.kind == "f":
            bad = int(np.count_nonzero(~np.isfinite(pixels)))
            if bad:
                raise InputError(self.source, f"{bad} pixels are NaN or infinite", "replace them and try again")

    @cached_property
    def breasts(self) -> tuple[Breast, ...]:
        """The breast in each slice, found once."""
        sign = self.polarity.sign
        others = (Breast(image, sign, self.full_scale, self._padding_in(image)) for image in self.pixels[1:])
        return self._first_as_seen.taking(sign), *others

    @cached_property
    def _first_as_seen(self) -> Breast:
        return Breast(self.pixels[0], None, self.full_scale, self._padding_in(self.pixels[0]))

    @cached_property
    def polarity(self) -> Polarity:
        """Whether air is bright: as the pixels show it; as it is stated where they show no air."""
        seen = self._first_as_seen.seen_sign
        if seen is None or self.sign is None or seen == self.sign:
            known = (
                "pixels" if seen and not self.sign else "header" if self.sign and not seen else "both" if seen else ""
            )
            return Polarity(seen or self.sign, known)
        words = {1: "bright", -1: "dark"}
        note = (
            f"the header says that air is {words[self.sign]}, the pixels show it {words[seen]}: the pixels are believed"
        )
        return Polarity(seen, "pixels", note)

    def _padding_in(self, image: np.ndarray) -> np.ndarray | None:
        """Where padding is, bool (rows, columns); None without any."""
        if self.padding is None:
            return None
        found = (image >= self.padding[0]) & (image <= self.padding[1])
        return found if found.any() else None

    @property
    def full_scale(self) -> float:
        """The pixel value that counts as full scale.

        2^bits - 1 where the bits are stated. Else 1 if the image stays within [0, 1], the top of the
        smallest of 8, 10, 12, 14, 16 bits that holds its maximum, or the maximum itself.
        """
        if self.bits is not None:
            return float(2**self.bits - 1)
        if self.scale_top is not None:
            return self.scale_top
        top = float(self.pixels.max())
        if top <= 1:
            return 1.0
        return next((float(2**b - 1) for b in STANDARD_DEPTHS if top <= 2**b - 1), top)

    @property
    def scale_note(self) -> str:
        """A sentence where full scale is a guess; else empty."""
        if self.bits is not None:
            return ""
        whose = "its largest value" if self.scale_top is None else "the largest value of all inputs"
        return f"the image does not state its bits: full scale is taken as {self.full_scale:g}, from {whose}"

    @property
    def value_range(self) -> tuple[float, float]:
        """(lowest, highest) value that the type of the pixels can hold; infinite for floats."""
        dtype = self.pixels.dtype
        if dtype.kind == "f":
            return -np.inf, np.inf
        limits = np.iinfo(dtype)
        top = limits.max if self.bits is None else min(limits.max, 2**self.bits - 1)
        return float(limits.min), float(top)

    @property
    def facts(self) -> dict[str, str | None]:
        """What is stated of the image, for people: a dictionary of short texts by name, None where it is not stated."""
        depth = None if self.bits is None else f"{self.bits} bits"
        spacing = None if self.spacing is None else " x ".join(f"{s:g}" for s in dict.fromkeys(self.spacing)) + " mm"
        return {
            "modality": self.modality,
            "presentation intent": self.intent and self.intent.title(),
            "pixel intensity relationship": self.relationship,
            "polarity": self.photometric,
            "bit depth": depth,
            "pixel spacing": spacing,
            "entrance dose": None if self.dose_mgy is None else f"{self.dose_mgy:g} mGy",
        }

    def with_pixels(self, pixels: np.ndarray) -> Mammogram:
        """The same mammogram with other pixels of the same shape."""
        if pixels.shape != self.pixels.shape:
            raise ValueError(f"pixels of shape {pixels.shape} cannot replace {self.pixels.shape}")
        return replace(self, pixels=pixels)
