"""The x-ray beam: attenuation of the phantom's materials, and what is transmitted.

Linear attenuation coefficients (1/cm) at 18, 20 and 22 keV are those of the xraylib
and xraydb tables. The spectrum is the three energies with weights chosen so that 5 cm
of half glandular, half adipose tissue has the effective attenuation of the Rh/Rh
29 kVp beam on an energy-integrating CsI detector, 0.689 1/cm (SpekPy).
"""

from __future__ import annotations

import numpy as np

ENERGIES_KEV = (18.0, 20.0, 22.0)

ATTENUATION_PER_CM = {
    "adipose": (0.632, 0.510, 0.428),
    "glandular": (1.000, 0.781, 0.636),
    "mass": (1.029, 0.805, 0.655),
    "pmma": (0.850, 0.680, 0.567),
    "paraffin": (0.464, 0.388, 0.338),
    "pvc": (8.04, 5.95, 4.54),
    "abs": (0.570, 0.470, 0.404),
    "pla": (0.981, 0.776, 0.640),
    "nylon": (0.726, 0.589, 0.498),
    "hydroxyapatite": (28.0, 20.7, 15.8),
    "calcium_oxalate": (13.6, 10.1, 7.7),
}


def attenuation(material: str) -> tuple[float, float, float]:
    """Return the linear attenuation in 1/cm at ``ENERGIES_KEV``; KeyError if unknown."""
    return ATTENUATION_PER_CM[material]


def transmission(thickness_mm: dict[str, np.ndarray], weights: tuple[float, ...]) -> np.ndarray:
    """Return the detected energy fraction behind stacked materials (Beer-Lambert).

    P = sum_E w(E) exp(-sum_m mu_m(E) t_m), where w is the part of the detected energy
    that the unattenuated beam carries at E (source, filter and detector together).

    Args:
        thickness_mm: material name -> path length in mm, arrays of one shape.
        weights: one weight for each of ``ENERGIES_KEV``; they sum to 1.

    Returns:
        float32 in (0, 1], of the shape of the thickness maps.
    """
    if len(weights) != len(ENERGIES_KEV) or abs(sum(weights) - 1) > 1e-6:
        raise ValueError(f"need {len(ENERGIES_KEV)} spectrum weights that sum to 1, not {weights}")
    total = None
    for index, weight in enumerate(weights):
        path = sum(
            np.float32(attenuation(name)[index] / 10) * np.asarray(millimetres, np.float32)
            for name, millimetres in thickness_mm.items()
        )
        part = np.float32(weight) * np.exp(-path)
        total = part if total is None else total + part
    return total


def reference_transmission(thickness_mm: float, weights: tuple[float, ...]) -> float:
    """Return the transmission of ``thickness_mm`` of half glandular, half adipose tissue."""
    half = np.float32(thickness_mm / 2)
    return float(transmission({"glandular": half, "adipose": half}, weights))


def film_for_density(density: float, thickness_mm: float) -> float:
    """Return the PVC thickness (mm) that gives paraffin gel the look of tissue.

    At 20 keV, ``thickness_mm`` of gel with this much film inside attenuates like the same
    thickness of tissue of the glandular fraction ``density`` (0 to 1).
    """
    gel, film = attenuation("paraffin")[1], attenuation("pvc")[1]
    fat, gland = attenuation("adipose")[1], attenuation("glandular")[1]
    tissue = fat + density * (gland - fat)
    return thickness_mm * (tissue - gel) / (film - gel)
