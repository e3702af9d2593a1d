"""The x-ray beam: attenuation of the phantom's materials, and what reaches the detector."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .beam_tables import ABSORPTION, ATTENUATION_PER_CM, ENERGIES_KEV, FLUENCE

Thickness = Mapping[str, np.ndarray | float]  # material -> path length, mm
REFERENCE_MM = 50.0  # of half glandular, half adipose tissue, behind which pixel values per mGy are stated
_EFFECTIVE_KEV = 20  # at which film in gel matches tissue, and inserts their surroundings
_ROWS = 128  # that a thread computes at a time


def attenuation(material: str, energy_kev: int = _EFFECTIVE_KEV) -> float:
    """Return the linear attenuation in 1/mm; KeyError for an unknown material or energy."""
    return ATTENUATION_PER_CM[material][ENERGIES_KEV.index(energy_kev)] / 10


@functools.lru_cache(maxsize=16)
def spectrum(beam: str, absorber: str) -> tuple[float, ...]:
    """Return the share of the detected energy at every one of ``ENERGIES_KEV``, without an object.

    w(E) = Phi(E) E eta(E), normalised to 1, for an energy-integrating detector.
    """
    weights = np.array(FLUENCE[beam]) * np.array(ENERGIES_KEV) * np.array(ABSORPTION[absorber])
    return tuple(weights / weights.sum())


def transmission(thickness_mm: Thickness, weights: tuple[float, ...]) -> np.ndarray:
    """Return the share of the detected energy behind stacked materials (Beer-Lambert).

    P = sum over E of w(E) exp(-sum over materials m of mu_m(E) t_m).

    Args:
        thickness_mm: material name -> path length in mm, arrays of one shape (or numbers).
        weights: from :func:`spectrum`.

    Returns:
        float32 in (0, 1], of the shape of the thickness maps.
    """
    mu = np.array([ATTENUATION_PER_CM[name] for name in thickness_mm], np.float32) / np.float32(10)
    shape = np.broadcast_shapes(*(np.shape(t) for t in thickness_mm.values()))
    maps = [np.broadcast_to(np.asarray(t, np.float32), shape or (1,)) for t in thickness_mm.values()]
    total = np.empty(shape or (1,), np.float32)

    def fill(start: int) -> None:
        rows = slice(start, start + _ROWS)
        # Most stripes of rows hold few of the materials.
        stripe = [(k, material[rows]) for k, material in enumerate(maps) if material[rows].any()]
        part = np.zeros_like(total[rows])
        path, term = np.empty_like(part), np.empty_like(part)
        for weight, at_energy in zip(weights, mu.T, strict=True):
            path[...] = 0
            for k, millimetres in stripe:
                np.multiply(millimetres, -at_energy[k], out=term)
                path += term
            np.exp(path, out=path)
            path *= np.float32(weight)
            part += path
        total[rows] = part

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(fill, range(0, total.shape[0], _ROWS)))
    return total.reshape(shape)


def reference_transmission(weights: tuple[float, ...], thickness_mm: float = REFERENCE_MM) -> float:
    """Return the transmission of ``thickness_mm`` of half glandular, half adipose tissue."""
    return float(transmission({"glandular": thickness_mm / 2, "adipose": thickness_mm / 2}, weights))


def insert_contrast(material: str, insert_mm: float, weights: tuple[float, ...]) -> float:
    """Return the primary contrast of an insert that replaces gel within 5 cm of gel and film.

    Contrast is (with - without) / without; it is negative if the insert attenuates more than gel.
    """
    film = film_for_density(0.5, REFERENCE_MM)
    around = {"paraffin": REFERENCE_MM - film, "pvc": film}
    inside = {**around, "paraffin": around["paraffin"] - insert_mm}
    inside[material] = inside.get(material, 0.0) + insert_mm
    return float(transmission(inside, weights) / transmission(around, weights) - 1)


def film_for_density(density: float, thickness_mm: float) -> float:
    """Return the PVC thickness (mm) with which paraffin gel looks like tissue.

    At 20 keV, ``thickness_mm`` of gel that contains this much film attenuates like the same thickness
    of tissue of the glandular fraction ``density`` (0 to 1).
    """
    gel, film = attenuation("paraffin"), attenuation("pvc")
    fat, gland = attenuation("adipose"), attenuation("glandular")
    return thickness_mm * (fat + density * (gland - fat) - gel) / (film - gel)


def density_of_film(film_mm: float, thickness_mm: float) -> float:
    """Return the glandular fraction of film in gel; the inverse of :func:`film_for_density`."""
    gel, film = attenuation("paraffin"), attenuation("pvc")
    fat, gland = attenuation("adipose"), attenuation("glandular")
    return (film_mm / thickness_mm * (film - gel) + gel - fat) / (gland - fat)
