"""The structured breast phantom: PVC film in paraffin gel, with lesion-like inserts.

After Sousa, Matheus and Schiabel, Biomed. Phys. Eng. Express 4 (2018) 045018: uneven layers of PVC film
in paraffin gel, 3D-printed nodules and hydroxyapatite grains. All layers are drawn anew for every
arrangement.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..common.randomness import stream
from . import beam
from .inserts import Insert, draw, place_inserts
from .outline import Outline, compressed_profile, distance_inside, random_outline
from .parameters import AcquisitionParameters, Range
from .texture import film_creases, film_pieces, power_law_field


@dataclass(frozen=True)
class Phantom:
    """A phantom as the detector sees it: path lengths along the rays.

    Attributes:
        thickness_mm: material -> (rows, columns) float32, mm.
        mask: bool (rows, columns), where there is phantom.
        profile: relative thickness, 0 to 1.
        inserts: with their places and sizes.
        insert_map: uint16 (rows, columns): 0, or 1 + the index of the insert; where inserts overlap, of the
            one drawn last, which is the smaller.
        density: intended glandular fraction, 0 to 1.
        outline: that the mask was made from.
    """

    thickness_mm: dict[str, np.ndarray]
    mask: np.ndarray
    profile: np.ndarray
    inserts: tuple[Insert, ...]
    insert_map: np.ndarray
    density: float
    outline: Outline

    def measured_density(self) -> float:
        """Return the glandular fraction that corresponds to the film where the phantom is flat."""
        flat = self.profile > 0.999
        means = {name: float(layer[flat].mean(dtype=np.float64)) for name, layer in self.thickness_mm.items()}
        return beam.density_of_film(means["pvc"], sum(means.values()))


def density_of(parameters: AcquisitionParameters, seed: int, arrangement: int) -> float:
    """Return the glandular fraction; successive arrangements go through the density classes."""
    middle = parameters.densities[(arrangement + seed) % len(parameters.densities)]
    spread = stream(seed, "density", arrangement).uniform(-1, 1) * parameters.density_spread
    return min(max(middle + float(spread), 0.0), 1.0)


def make_phantom(parameters: AcquisitionParameters, seed: int, arrangement: int) -> Phantom:
    """Return the phantom of an arrangement, numbered from 0, with its own outline, layers and inserts."""
    shape, spacing = parameters.shape, parameters.pixel_mm
    outline = random_outline(stream(seed, "outline", arrangement), parameters)
    distance = distance_inside(outline, shape, spacing)
    mask = distance > 0
    profile = compressed_profile(distance, outline.edge_mm)
    density = density_of(parameters, seed, arrangement)
    # Only the columns up to the tip hold phantom, which saves half of the work.
    reach = int(np.flatnonzero(mask.any(axis=0))[-1]) + 1
    film = np.zeros(shape, np.float32)
    rng = stream(seed, "film", arrangement)
    film[:, :reach] = _film(parameters, rng, distance[:, :reach], profile[:, :reach], density)
    film *= profile
    inserts = place_inserts(stream(seed, "inserts", arrangement), outline, parameters)
    maps, insert_map = _drawn(inserts, mask, spacing)
    filled = film + sum(maps.values())
    gel = np.clip(np.float32(parameters.thickness_mm) * profile - filled, 0, None)
    return Phantom({"paraffin": gel, "pvc": film, **maps}, mask, profile, tuple(inserts), insert_map, density, outline)


def with_inserts(phantom: Phantom, inserts: Sequence[Insert], spacing_mm: float) -> Phantom:
    """Return a phantom that had no inserts with ``inserts`` in place of gel.

    Raises:
        ValueError: the phantom has inserts already.
    """
    if phantom.inserts:
        raise ValueError("the phantom has inserts already")
    maps, insert_map = _drawn(inserts, phantom.mask, spacing_mm)
    gel = np.clip(phantom.thickness_mm["paraffin"] - sum(maps.values()), 0, None)
    thickness = {**phantom.thickness_mm, "paraffin": gel, **maps}
    return replace(phantom, thickness_mm=thickness, inserts=tuple(inserts), insert_map=insert_map)


def _drawn(inserts: Sequence[Insert], mask: np.ndarray, spacing: float) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return material -> thickness map of the inserts, and the insert map."""
    maps: dict[str, np.ndarray] = {}
    insert_map = np.zeros(mask.shape, np.uint16)
    gel = beam.attenuation("paraffin")
    for index, insert in enumerate(inserts):
        layer = maps.setdefault(insert.material, np.zeros(mask.shape, np.float32))
        drawn = draw(insert, layer, spacing, beam.attenuation(insert.material) - gel)
        if drawn is not None:
            rows, columns, thickness = drawn
            insert_map[rows, columns][thickness > 0.1 * thickness.max()] = index + 1
    for layer in maps.values():
        layer *= mask
    return maps, insert_map * mask


def _film(
    parameters: AcquisitionParameters,
    rng: np.random.Generator,
    distance: np.ndarray,
    profile: np.ndarray,
    density: float,
) -> np.ndarray:
    """Return the film thickness in mm where the phantom has its full thickness, of the shape of ``distance``."""
    shape, spacing, beta = distance.shape, parameters.pixel_mm, parameters.texture_beta
    mean_film = beam.film_for_density(density, parameters.thickness_mm)
    depth = np.clip(distance / np.float32(35.0), 0, 1)
    # Less film under the rim (the fat under the skin), more in the middle.
    rise = (0.65 - depth) * np.float32(1.5) + 2 * np.exp(-np.clip(distance, 0, None) / np.float32(5))

    def field_of(largest: Range, smallest: float, stretch: float, turn: float, exponent: float = beta) -> np.ndarray:
        along, size, angle = rng.uniform(1.0, stretch), rng.uniform(*largest), rng.normal(0, turn)
        return power_law_field(rng, shape, spacing, exponent, size, along, angle, smallest)

    # Fatty breasts have islands of dense tissue, dense ones have holes of fat.
    sparse = parameters.film_coverage * (0.5 - density)
    pieces = np.zeros(shape, np.float32)
    for _ in range(parameters.film_layers):
        level = rise + np.float32(rng.normal(0.1, 0.3) + sparse)
        pieces += film_pieces(field_of(parameters.texture_largest_mm, 0.2, 2.5, 0.4), level, rng.uniform(0.4, 1.6))
    creases = np.zeros(shape, np.float32)
    for _ in range(parameters.crease_layers):
        lines = film_creases(field_of((15, 45), 0.25, 6.0, 0.35, 4.2), rng.uniform(0.03, 0.2))
        # Creases run where the film is, and thin out towards the rim.
        creases += lines * film_pieces(field_of((15, 50), 1.0, 2.0, 0.5), rise + np.float32(0.3), 1.5)
    wrinkle = power_law_field(rng, shape, spacing, beta, 60.0, 1.4)
    inner = profile > 0.999
    pieces *= (1 - parameters.film_whole - parameters.film_creases) / _mean(pieces, inner)
    creases *= parameters.film_creases / _mean(creases, inner)
    total = (np.float32(parameters.film_whole) + pieces + creases) * (1 + np.float32(parameters.film_wrinkle) * wrinkle)
    return np.clip(total, 0, None) * np.float32(mean_film)


def _mean(image: np.ndarray, where: np.ndarray) -> float:
    chosen = image[where]
    value = float(chosen.mean(dtype=np.float64)) if chosen.size else float(image.mean())
    return value if math.isfinite(value) and value > 0 else 1.0
