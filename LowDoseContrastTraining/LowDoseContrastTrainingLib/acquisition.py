"""A simulated acquisition: one phantom, several doses, independent noise."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from . import beam, detector
from .phantom import Phantom, make_phantom
from .randomness import stream
from .scatter import scattered

DOSES_MGY = {"low": 3.359, "automatic": 8.407, "high": 11.523}


@dataclass(frozen=True)
class AcquisitionParameters:
    """Everything that the simulated detector image depends on, besides the seed.

    The defaults are a GE Senographe Essential. Unit and source stand beside each field.
    """

    detector: str = "GE Senographe Essential (simulated)"
    rows: int = 2294  # 23 cm field
    columns: int = 1914  # 19 cm field
    pixel_mm: float = 0.1  # mm
    bits: int = 14
    # mean entrance dose, mGy: the paper's data set
    doses_mgy: dict = field(default_factory=lambda: dict(DOSES_MGY))
    dose_spread: float = 0.03  # relative, between arrangements
    exposure_spread: float = 0.003  # relative, between exposures of one arrangement
    kvp: float = 29.0  # Rh/Rh
    # mAs per mGy entrance dose: typical of Rh/Rh at 29 kVp
    mas_per_mgy: float = 12.0
    thickness_mm: float = 50.0
    # detected energy at 18, 20, 22 keV: see beam.py
    spectrum: tuple[float, float, float] = (0.561, 0.279, 0.160)
    # pixel value per mGy behind 5 cm of 50% glandular tissue: 367 at 3.359 mGy
    signal_per_mgy: float = 109.26
    source_detector_mm: float = 660.0
    scatter_to_primary: float = 0.10  # with grid, 0.07-0.15
    scatter_sigma_mm: float = 10.0  # 5-15 mm
    heel_fall: float = 0.28  # 0.16-0.40
    mtf_f2: float = 5.6  # (lp/mm)^2, Ghetti et al. 2008
    xi_q: float = 0.031  # pixel values; GE Pristina, measured
    xi_e: float = 2.8  # pixel values; same
    xi_s: float = 0.002  # relative, 0.002-0.005
    offset: float = 1.9  # pixel values; same as xi_q
    bad_pixels: int = 8
    texture_beta: float = 3.2  # 3.2 +- 0.24 in mammograms


DETECTORS = {
    "essential": AcquisitionParameters(),
    "small": AcquisitionParameters(
        detector="Small test field (simulated)", rows=768, columns=640, bad_pixels=1
    ),
}


@dataclass(frozen=True)
class Exposure:
    """One image: pixels uint16 (rows, columns), its dose's name, and its dose in mGy."""

    name: str
    dose_mgy: float
    pixels: np.ndarray


@dataclass(frozen=True)
class Arrangement:
    """One phantom and its exposures; ``unit_signal`` is the noise-free image at 1 mGy."""

    number: int
    seed: int
    parameters: AcquisitionParameters
    phantom: Phantom
    unit_signal: np.ndarray
    exposures: tuple[Exposure, ...]


def dose_of(parameters: AcquisitionParameters, seed: int, arrangement: int, name: str) -> float:
    """Return the entrance dose of one exposure in mGy, to the microgray that the tag holds."""
    common = 1 + parameters.dose_spread * stream(seed, "dose", arrangement).standard_normal()
    own = stream(seed, "dose", arrangement, name).standard_normal()
    nominal = parameters.doses_mgy[name]
    return round(float(nominal * common * (1 + parameters.exposure_spread * own)), 3)


def unit_signal(parameters: AcquisitionParameters, phantom: Phantom) -> np.ndarray:
    """Return the noise-free image above the offset for 1 mGy entrance dose, (rows, columns)."""
    primary = beam.transmission(phantom.thickness_mm, parameters.spectrum)
    total = primary + scattered(
        primary,
        phantom.profile,
        parameters.scatter_to_primary,
        parameters.scatter_sigma_mm,
        parameters.pixel_mm,
    )
    reference = beam.reference_transmission(50.0, parameters.spectrum)
    reference *= 1 + parameters.scatter_to_primary
    return detector.blurred(total * np.float32(parameters.signal_per_mgy / reference), parameters)


def expose(
    parameters: AcquisitionParameters,
    signal: np.ndarray,
    response: np.ndarray,
    dose_mgy: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return one exposure (uint16) of a noise-free image ``signal`` per mGy."""
    return detector.exposed(signal * np.float32(dose_mgy), response, parameters, rng)


def simulate_arrangement(
    parameters: AcquisitionParameters,
    seed: int,
    arrangement: int,
    doses: tuple[str, ...] = ("low", "automatic", "high"),
    realisation: int = 0,
) -> Arrangement:
    """Simulate one arrangement of the phantom at several doses.

    All doses see one noise-free phantom; each exposure has noise of its own, and another
    ``realisation`` is another draw of all noise.

    Args:
        doses: names of ``parameters.doses_mgy``; KeyError for another name.
    """
    phantom = make_phantom(parameters, seed, arrangement)
    signal = unit_signal(parameters, phantom)
    response = detector.fixed_pattern(parameters, seed)
    exposures = []
    for name in doses:
        dose = dose_of(parameters, seed, arrangement, name)
        rng = stream(seed, "noise", arrangement, name, realisation)
        exposures.append(Exposure(name, dose, expose(parameters, signal, response, dose, rng)))
    return Arrangement(arrangement, seed, parameters, phantom, signal, tuple(exposures))


def with_changes(parameters: AcquisitionParameters, **changes) -> AcquisitionParameters:
    """Return the parameters with some fields changed; TypeError for an unknown field."""
    return replace(parameters, **changes)
