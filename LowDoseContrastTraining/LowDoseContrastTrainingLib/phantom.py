"""The structured breast phantom: PVC film in paraffin gel, with lesion-like inserts.

After Sousa, Matheus and Schiabel, Biomed. Phys. Eng. Express 4 (2018) 045018: layers of
PVC film in paraffin gel, not uniform, 3D-printed nodules and hydroxyapatite grains. Each
arrangement is a fresh draw of every layer, never a shifted copy of another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from . import beam
from .inserts import Insert, draw, place_inserts
from .outline import Outline, compressed_profile, distance_inside, random_outline
from .randomness import stream
from .texture import film_pieces, film_strands, power_law_field

PIECE_LAYERS = 9
STRAND_LAYERS = 6
BASE_PART = 0.40  # of the film: whole sheets, the rest is pieces and strands
STRAND_PART = 0.025
FILM_WRINKLE = 0.16  # relative standard deviation of the film's thickness


@dataclass(frozen=True)
class Phantom:
    """A phantom as the detector sees it: path lengths along the rays.

    Attributes:
        thickness_mm: material -> (rows, columns) float32, mm.
        mask: bool (rows, columns), true where there is phantom.
        profile: thickness / full thickness, 0 to 1.
        inserts: every insert, with its place and size.
        density: aimed glandular fraction, 0 to 1.
        outline: the outline that the mask was made from.
    """

    thickness_mm: dict[str, np.ndarray]
    mask: np.ndarray
    profile: np.ndarray
    inserts: tuple[Insert, ...]
    density: float
    outline: Outline


def density_of(arrangement: int, seed: int) -> float:
    """Return the glandular fraction: successive arrangements go through BI-RADS a to d."""
    middle = (0.15, 0.38, 0.60, 0.82)[(arrangement + seed) % 4]
    return middle + float(stream(seed, "density", arrangement).uniform(-0.06, 0.06))


def make_phantom(parameters, seed: int, arrangement: int) -> Phantom:
    """Return the phantom of one arrangement.

    Args:
        parameters: an ``AcquisitionParameters``: field, thickness and texture.
        arrangement: from 0; each has its own outline, layers and inserts.
    """
    shape, spacing = (parameters.rows, parameters.columns), parameters.pixel_mm
    field_mm = (shape[0] * spacing, shape[1] * spacing)
    outline = random_outline(stream(seed, "outline", arrangement), field_mm)
    distance = distance_inside(outline, shape, spacing)
    mask = distance > 0
    profile = compressed_profile(distance, outline.edge_mm)
    density = density_of(arrangement, seed)
    # Only the columns up to the tip hold phantom: half of the work is saved.
    reach = int(np.flatnonzero(mask.any(axis=0))[-1]) + 1
    film = np.zeros(shape, np.float32)
    film[:, :reach] = _film(parameters, stream(seed, "film", arrangement), distance[:, :reach], density)
    film *= profile
    maps = {"pvc": film}
    magnification = parameters.source_detector_mm / (
        parameters.source_detector_mm - parameters.thickness_mm / 2
    )
    amount = field_mm[0] * field_mm[1] / (229.4 * 191.4)
    inserts = place_inserts(
        stream(seed, "inserts", arrangement), outline, field_mm, magnification, amount
    )
    for insert in inserts:
        layer = maps.setdefault(insert.material, np.zeros(shape, np.float32))
        draw(insert, layer, spacing)
    for name, layer in maps.items():
        if name != "pvc":
            layer *= mask
    filled = sum(maps.values())
    gel = np.clip(np.float32(parameters.thickness_mm) * profile - filled, 0, None)
    return Phantom({"paraffin": gel, **maps}, mask, profile, tuple(inserts), density, outline)


def _film(parameters, rng, distance, density) -> np.ndarray:
    """Return the film thickness in mm for full compression, (rows, columns) of ``distance``."""
    shape, spacing, beta = distance.shape, parameters.pixel_mm, parameters.texture_beta
    mean_film = beam.film_for_density(density, parameters.thickness_mm)
    depth = np.clip(distance / np.float32(35.0), 0, 1)
    # Less film under the rim (the fat under the skin), more in the middle.
    rise = (0.65 - depth) * np.float32(1.5) + 2 * np.exp(-np.clip(distance, 0, None) / np.float32(5))

    def field_of(largest, smallest, stretch, turn, exponent=beta):
        along = rng.uniform(1.0, stretch)
        return power_law_field(
            rng, shape, spacing, exponent, rng.uniform(*largest), along, rng.normal(0, turn), smallest
        )

    pieces = np.zeros(shape, np.float32)
    for _ in range(PIECE_LAYERS):
        level = rise + np.float32(rng.normal(0.1, 0.3))
        pieces += film_pieces(field_of((25, 100), 0.2, 2.5, 0.4), level, rng.uniform(0.4, 1.6))
    strands = np.zeros(shape, np.float32)
    for _ in range(STRAND_LAYERS):
        lines = film_strands(field_of((15, 45), 0.25, 6.0, 0.35, 4.2), rng.uniform(0.03, 0.2))
        # Strands run where the film is, and thin out towards the rim.
        strands += lines * film_pieces(field_of((15, 50), 1.0, 2.0, 0.5), rise + np.float32(0.3), 1.5)
    wrinkle = power_law_field(rng, shape, spacing, beta, 60.0, 1.4)
    inner = distance > parameters.thickness_mm / 2
    pieces *= (1 - BASE_PART - STRAND_PART) / _mean(pieces, inner)
    strands *= STRAND_PART / _mean(strands, inner)
    total = (np.float32(BASE_PART) + pieces + strands) * (1 + np.float32(FILM_WRINKLE) * wrinkle)
    return np.clip(total, 0, None) * np.float32(mean_film)


def _mean(image: np.ndarray, where: np.ndarray) -> float:
    chosen = image[where]
    value = float(chosen.mean(dtype=np.float64)) if chosen.size else float(image.mean())
    return value if math.isfinite(value) and value > 0 else 1.0
