"""A simulated acquisition: one phantom, several doses, independent noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..common.randomness import stream
from . import beam, defects
from .blur import blurred
from .digitisation import digitised, full_scale
from .heel import flat_fielded, heel
from .noise import electronic_noise, quantum_noise
from .parameters import AcquisitionParameters
from .phantom import Phantom, make_phantom
from .scatter import scattered


@dataclass(frozen=True)
class Exposure:
    """An image: name of its dose, dose in mGy, pixels uint16 (rows, columns), number of the noise draw."""

    name: str
    dose_mgy: float
    pixels: np.ndarray
    realisation: int = 0


@dataclass(frozen=True)
class Arrangement:
    """A phantom, and what its exposures have in common.

    Attributes:
        number: from 0.
        seed: everything follows from it.
        parameters: of the acquisition.
        unit_signal: noise-free image above the offset at 1 mGy, float32 (rows, columns).
        response: of the detector's pixels, float32 (rows, columns).
    """

    number: int
    seed: int
    parameters: AcquisitionParameters
    phantom: Phantom
    unit_signal: np.ndarray
    response: np.ndarray

    def dose_mgy(self, name: str) -> float:
        """Return the entrance dose of an exposure in mGy, rounded to microgray as in the DICOM tag."""
        common = 1 + self.parameters.dose_spread * stream(self.seed, "dose", self.number).standard_normal()
        own = 1 + self.parameters.exposure_spread * stream(self.seed, "dose", self.number, name).standard_normal()
        return round(float(self.parameters.doses_mgy[name] * common * own), 3)

    def noise_free(self, name: str) -> np.ndarray:
        """Return the image without noise, float32 pixel values, saturated like a real one."""
        image = self.unit_signal * np.float32(self.dose_mgy(name)) + np.float32(self.parameters.offset)
        return np.minimum(image, np.float32(full_scale(self.parameters.bits)), out=image)

    def exposure(self, name: str, realisation: int = 0) -> Exposure:
        """Return an exposure; another ``realisation`` is another draw of all its noise.

        Raises:
            KeyError: ``name`` is not one of ``parameters.doses_mgy``.
        """
        dose = self.dose_mgy(name)
        rng = stream(self.seed, "noise", self.number, name, realisation)
        pixels = expose(self.parameters, self.unit_signal * np.float32(dose), self.response, rng)
        return Exposure(name, dose, pixels, realisation)


def make_arrangement(parameters: AcquisitionParameters, seed: int, number: int) -> Arrangement:
    """Return arrangement ``number`` of the phantom, ready to be exposed at any of its doses."""
    return arrangement_of(make_phantom(parameters, seed, number), parameters, seed, number)


def arrangement_of(phantom: Phantom, parameters: AcquisitionParameters, seed: int, number: int) -> Arrangement:
    """Return a phantom ready to be exposed; the same seed and number give the same noise."""
    signal = unit_signal(parameters, phantom.thickness_mm, phantom.profile)
    return Arrangement(number, seed, parameters, phantom, signal, defects.response(parameters, seed))


def primary(parameters: AcquisitionParameters, thickness_mm: beam.Thickness) -> np.ndarray:
    """Return the primary image above the offset for 1 mGy, before scatter and blur.

    Args:
        thickness_mm: material -> path length in mm, (rows, columns).
    """
    spectrum = beam.spectrum(parameters.beam, parameters.absorber)
    reference = beam.reference_transmission(spectrum) * (1 + parameters.scatter_to_primary)
    image = beam.transmission(thickness_mm, spectrum)
    image *= np.float32(parameters.signal_per_mgy / reference)
    return image


def unit_signal(parameters: AcquisitionParameters, thickness_mm: beam.Thickness, profile: np.ndarray) -> np.ndarray:
    """Return the noise-free image above the offset for 1 mGy entrance dose, (rows, columns).

    Args:
        thickness_mm: as :func:`primary`.
        profile: relative thickness of the object, 0 (air) to 1, on which the scatter depends.
    """
    direct = primary(parameters, thickness_mm)
    direct += scattered(direct, profile, parameters)
    return blurred(direct, parameters)


def expose(
    parameters: AcquisitionParameters, signal: np.ndarray, response: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return a noisy, flat-fielded, digitised exposure, uint16 (rows, columns).

    Args:
        signal: noise-free pixel values above the offset.
        response: from :func:`.defects.response`.
        rng: of this exposure; another one gives another realisation.
    """
    relative = heel(parameters)
    incident = signal * relative
    raw = incident * response
    raw += quantum_noise(incident, parameters.pixel_mm, parameters.xi_q, parameters.noise_f2, rng)
    raw += electronic_noise(signal.shape, parameters.xi_e, rng)
    return digitised(flat_fielded(raw, relative) + np.float32(parameters.offset), parameters.bits)
