"""One phantom with and without lesions planted in it: the same film, the same noise, the only difference known.

A place's *recovered* contrast is the part of the lesion's own signal that an image holds, by least squares
on that signal (a matched filter): with r an image over the mean of the ring around the place, above the
zero level, less 1,

    signal = r(true high dose with) - r(true high dose without)
    recovered = <r(image) - r(true high dose without), signal> / <signal, signal>

so 1 is the contrast of the true high dose, 0 none, and neither gain nor anatomy counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.mammogram import Mammogram
from scipy.optimize import brentq

from ..baselines.base import Method
from ..common.randomness import stream
from ..evaluation.truth_measures import judged_pixels
from ..measurement.contrast import GAP_MM, RING_MM
from ..simulator import beam
from ..simulator.acquisition import Arrangement, arrangement_of
from ..simulator.digitisation import full_scale
from ..simulator.inserts import Insert
from ..simulator.outline import Outline
from ..simulator.parameters import AcquisitionParameters
from ..simulator.phantom import make_phantom, with_inserts
from .candidates import output_of
from .settings import HIGH, LOW, ControlSettings, with_doses

NUMBER = 1000  # of the phantom, which no arrangement that verdicts rest on has
WITH, WITHOUT = "with", "without"
_NOTHING = {"nodules": (0, 0), "spiculated": (0, 0), "fibres": (0, 0), "clusters": (0, 0)}
_MASS_SIZE = 0.11  # of the height of the field
_CLUSTER_MM, _GRAINS, _GRAIN_MM = 5.0, 12, (0.3, 0.45)  # sizes that the low dose shows too


@dataclass(frozen=True)
class Lesion:
    """What is planted where.

    Attributes:
        name: of its place.
        row_mm, column_mm: centre.
        size_mm: diameter, of a cluster that of its circle.
        parts: the inserts that make it.
    """

    name: str
    row_mm: float
    column_mm: float
    size_mm: float
    parts: tuple[Insert, ...]


# (outline of the phantom, parameters, seed) -> what is planted in it
Planting = Callable[[Outline, AcquisitionParameters, int], list[Lesion]]
Spot = tuple[float, float]  # in parts of the outline's half width and depth


@dataclass(frozen=True, eq=False)
class Place:
    """Where a lesion is or could be, see the module.

    Attributes:
        box: slices of the square around it.
        ring: bool over the square, the tissue around.
        signal: over the square, relative, 0 outside of the lesion.
        without: the true high dose without it over the square, relative.
        zero_level: pixel value at no exposure.
        contrast: of the true high dose in its strongest pixel, (without - with) / without.
    """

    box: tuple[slice, ...]
    ring: np.ndarray
    signal: np.ndarray
    without: np.ndarray
    zero_level: float
    contrast: float

    def recovered(self, image: np.ndarray) -> float:
        """Return the part of the lesion's signal that an image (rows, columns) of pixel values holds."""
        rest = relative(image[self.box], self.ring, self.zero_level) - self.without
        return float((rest * self.signal).sum() / (self.signal**2).sum())


def relative(part: np.ndarray, ring: np.ndarray, zero_level: float) -> np.ndarray:
    """Return pixel values above the zero level over their mean in the ring, less 1."""
    above = np.asarray(part, np.float64) - zero_level
    return above / above[ring].mean() - 1


class Planted:
    """A phantom with lesions and the same without, exposed with the same noise.

    Args:
        settings: size, seed and realisations.
        lesions: outline of the phantom -> list of :class:`Lesion`, see :func:`mass_and_cluster` and :func:`masses`.
        fractions: doses besides low and high, as parts of the high one.

    Attributes:
        parameters: of the acquisition.
        places: name of a lesion -> :class:`Place`.
        tissue: bool (rows, columns), where figures of whole images are taken.
        offset: pixel value at no exposure.
        full_scale: highest pixel value.
    """

    def __init__(self, settings: ControlSettings, lesions: Planting, fractions: Iterable[float] = ()) -> None:
        self.settings = settings
        doses = with_doses(fractions)
        self.parameters = settings.chain(**_NOTHING, doses_mgy=doses, dose_spread=0.0, exposure_spread=0.0)
        empty = make_phantom(self.parameters, settings.seed, NUMBER)
        planted = lesions(empty.outline, self.parameters, settings.seed)
        full = with_inserts(empty, [part for lesion in planted for part in lesion.parts], self.parameters.pixel_mm)
        self._made: dict[str, Arrangement] = {
            name: arrangement_of(phantom, self.parameters, settings.seed, NUMBER)
            for name, phantom in ((WITH, full), (WITHOUT, empty))
        }
        self._images: dict[tuple[str, str, int], Mammogram] = {}
        self._of_source: dict[str, tuple[str, str, int]] = {}
        self.offset, self.full_scale = self.parameters.offset, float(full_scale(self.parameters.bits))
        self.tissue = judged_pixels(empty.mask, self.noise_free(WITHOUT), self.full_scale)
        self.places = {lesion.name: self._place(lesion) for lesion in planted}

    def _place(self, lesion: Lesion) -> Place:
        pixel = self.parameters.pixel_mm
        middle = [each / pixel - 0.5 for each in (lesion.row_mm, lesion.column_mm)]
        reach = (lesion.size_mm / 2 + GAP_MM + RING_MM) / pixel
        ends = ((max(0, round(each - reach)), round(each + reach) + 1) for each in middle)
        box = tuple(
            slice(start, min(side, end)) for (start, end), side in zip(ends, self.parameters.shape, strict=True)
        )
        rows, columns = np.ogrid[box]
        beyond = np.hypot(rows - middle[0], columns - middle[1]) * pixel - lesion.size_mm / 2  # mm
        ring = (beyond > GAP_MM) & (beyond <= GAP_MM + RING_MM) & self.tissue[box]
        there, without = (self.noise_free(content)[box] for content in (WITH, WITHOUT))
        own = beyond <= GAP_MM
        contrast = np.max((without - there)[own] / (without[own] - self.offset))
        there, without = (relative(part, ring, self.offset) for part in (there, without))
        return Place(box, ring, np.where(own, there - without, 0), without, self.offset, float(contrast))

    @property
    def realisations(self) -> range:
        return range(self.settings.realisations)

    @property
    def ratio(self) -> float:
        """The high dose over the low one."""
        return self.ratio_to(LOW)

    def ratio_to(self, dose: str) -> float:
        """Return the high dose over another."""
        made = self._made[WITHOUT]
        return made.dose_mgy(HIGH) / made.dose_mgy(dose)

    def noise_free(self, content: str, dose: str = HIGH) -> np.ndarray:
        """Return an image without noise, (rows, columns) pixel values.

        Args:
            content: ``WITH`` or ``WITHOUT`` the lesions.
        """
        return self._made[content].noise_free(dose)

    def image(self, content: str, dose: str, realisation: int) -> Mammogram:
        """Return an exposure, float32 pixel values; its noise is that of the other content."""
        key = content, dose, realisation
        if key not in self._images:
            exposure, pixel = self._made[content].exposure(dose, realisation), self.parameters.pixel_mm
            scene = f"control scene {content} {' and '.join(self.places)}"
            self._images[key] = Mammogram(
                exposure.pixels[None].astype(np.float32),
                (pixel, pixel),
                self.parameters.bits,
                "MG",
                "FOR PROCESSING",
                "LIN",
                "MONOCHROME1",
                sign=1,
                dose_mgy=exposure.dose_mgy,
                source=f"{scene}, {dose} dose, realisation {realisation + 1}",
            )
            self._of_source[self._images[key].source] = key
        return self._images[key]

    def high_of(self, image: Mammogram) -> np.ndarray | None:
        """Return another exposure, at the high dose, of what :meth:`image` returned; None for any other image."""
        key = self._of_source.get(image.source)
        return self.image(key[0], HIGH, key[2] + self.settings.realisations).pixels if key else None

    def recovered(self, method: Method, name: str, content: str, dose: str = LOW) -> tuple[float, float]:
        """Return what a method recovers at a place: (mean over realisations, standard deviation over them)."""
        outputs = (output_of(method, self.image(content, dose, number)) for number in self.realisations)
        found = [self.places[name].recovered(output) for output in outputs]
        return float(np.mean(found)), float(np.std(found, ddof=1))


def mass_and_cluster(contrast: float) -> Planting:
    """Return what plants one mass of a contrast and one cluster of calcifications, see :class:`Planted`."""

    def lesions(outline: Outline, parameters: AcquisitionParameters, seed: int) -> list[Lesion]:
        return [_mass("mass", contrast, outline, parameters, (-0.45, 0.42)), _cluster(outline, (0.45, 0.42), seed)]

    return lesions


def masses(contrasts: Sequence[float]) -> Planting:
    """Return what plants masses of some contrasts, at most five, by the names that :func:`mass_name` gives."""
    spots = ((-0.62, 0.28), (-0.32, 0.56), (0.0, 0.28), (0.32, 0.56), (0.62, 0.28))

    def lesions(outline: Outline, parameters: AcquisitionParameters, seed: int) -> list[Lesion]:
        return [
            _mass(mass_name(contrast), contrast, outline, parameters, spot)
            for contrast, spot in zip(contrasts, spots, strict=False)
        ]

    return lesions


def mass_name(contrast: float) -> str:
    """Return the name of the mass of a contrast: ``mass of 5 %``."""
    return f"mass of {100 * contrast:g} %"


def _mass(name: str, contrast: float, outline: Outline, parameters: AcquisitionParameters, spot: Spot) -> Lesion:
    """A circumscribed mass of PLA, thick enough for the wanted contrast of the primary in its middle."""
    spectrum = beam.spectrum(parameters.beam, parameters.absorber)
    most = parameters.thickness_mm / 2
    thickness = brentq(lambda mm: beam.insert_contrast("pla", mm, spectrum) + contrast, 1e-3, most)
    row, column = _spot(outline, spot)
    size = _MASS_SIZE * parameters.field_mm[0]
    return Lesion(name, row, column, size, (Insert("circumscribed", "pla", row, column, size, thickness),))


def _cluster(outline: Outline, spot: Spot, seed: int) -> Lesion:
    """Grains of hydroxyapatite, drawn within a circle."""
    rng, (row, column) = stream(seed, "controls", "cluster"), _spot(outline, spot)
    grains = []
    for number in range(_GRAINS):
        angle, distance = rng.uniform(0, 2 * np.pi), _CLUSTER_MM / 2 * np.sqrt(rng.uniform(0, 0.8))
        size = rng.uniform(*_GRAIN_MM)
        middle = row + distance * np.sin(angle), column + distance * np.cos(angle)
        grains.append(Insert("grain", "hydroxyapatite", *middle, size, 0.75 * size, 0, number))
    return Lesion("cluster", row, column, _CLUSTER_MM, tuple(grains))


def _spot(outline: Outline, spot: Spot) -> tuple[float, float]:
    """(row, column) in mm of a place in parts of the outline's half width and depth."""
    along, inwards = spot
    return outline.centre_mm + along * outline.half_width_mm, inwards * outline.depth_mm * (1 + outline.lobe * along)
