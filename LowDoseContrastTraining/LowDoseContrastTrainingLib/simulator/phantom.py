"""The structured breast phantom: PVC film in paraffin gel, with lesion-like inserts.

After Sousa, Matheus and Schiabel, Biomed. Phys. Eng. Express 4 (2018) 045018: layers of
PVC film in paraffin gel, not uniform, 3D-printed nodules and hydroxyapatite grains. Each
arrangement is a fresh draw of every layer, never a shifted copy of another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..common.randomness import stream
from . import beam
from .inserts import Insert, draw, place_inserts
from .outline import Outline, compressed_profile, distance_inside, random_outline
from .texture import film_creases, film_pieces, power_law_field


@dataclass(frozen=True)
class Phantom:
    """A phantom as the detector sees it: path lengths along the rays.

    Attributes:
        thickness_mm: material -> (rows, columns) float32, mm.
        mask: bool (rows, columns), true where there is phantom.
        profile: thickness / full thickness, 0 to 1.
        inserts: every insert, with its place and size.
        insert_map: uint16 (rows, columns): 0, or 1 + the index of the insert that is there; of
            inserts above one another the one drawn last, which is the smaller.
        density: aimed glandular fraction, 0 to 1.
        outline: the outline that the mask was made from.
    """

    thickness_mm: dict[str, np.ndarray]
    mask: np.ndarray
    profile: np.ndarray
    inserts: tuple[Insert, ...]
    insert_map: np.ndarray
    density: float
    outline: Outline

    def measured_density(self) -> float:
        """Return the glandular fraction that the film stands for, where the phantom is flat."""
        flat = self.profile > 0.999
        total = sum(each[flat].mean(dtype=np.float64) for each in self.thickness_mm.values())
        return float(beam.density_of_film(self.thickness_mm["pvc"][flat].mean(dtype=np.float64), total))


def density_of(parameters, seed: int, arrangement: int) -> float:
    """Return the glandular fraction: successive arrangements go through the classes in turn."""
    middle = parameters.densities[(arrangement + seed) % len(parameters.densities)]
    spread = stream(seed, "density", arrangement).uniform(-1, 1) * parameters.density_spread
    return min(max(middle + float(spread), 0.0), 1.0)


def make_phantom(parameters, seed: int, arrangement: int) -> Phantom:
    """Return the phantom of one arrangement.

    Args:
        parameters: an ``AcquisitionParameters``: field, thickness, texture and inserts.
        arrangement: from 0; each has its own outline, layers and inserts.
    """
    shape, spacing = parameters.shape, parameters.pixel_mm
    outline = random_outline(stream(seed, "outline", arrangement), parameters)
    distance = distance_inside(outline, shape, spacing)
    mask = distance > 0
    profile = compressed_profile(distance, outline.edge_mm)
    density = density_of(parameters, seed, arrangement)
    # Only the columns up to the tip hold phantom: half of the work is saved.
    reach = int(np.flatnonzero(mask.any(axis=0))[-1]) + 1
    film = np.zeros(shape, np.float32)
    film[:, :reach] = _film(parameters, stream(seed, "film", arrangement), distance[:, :reach], profile[:, :reach], density)
    film *= profile
    inserts = place_inserts(stream(seed, "inserts", arrangement), outline, parameters)
    maps, insert_map = _drawn(inserts, mask, spacing)
    filled = film + sum(maps.values())
    gel = np.clip(np.float32(parameters.thickness_mm) * profile - filled, 0, None)
    return Phantom({"paraffin": gel, "pvc": film, **maps}, mask, profile, tuple(inserts), insert_map, density, outline)


def with_inserts(phantom: Phantom, inserts, spacing_mm: float) -> Phantom:
    """Return a phantom without inserts with ``inserts`` (:class:`.inserts.Insert`) in the place of gel, all else the same.

    Raises:
        ValueError: the phantom has inserts already.
    """
    if phantom.inserts:
        raise ValueError("the phantom has inserts already")
    maps, insert_map = _drawn(inserts, phantom.mask, spacing_mm)
    gel = np.clip(phantom.thickness_mm["paraffin"] - sum(maps.values()), 0, None)
    return replace(phantom, thickness_mm={**phantom.thickness_mm, "paraffin": gel, **maps}, inserts=tuple(inserts), insert_map=insert_map)


def _drawn(inserts, mask, spacing):
    """Thickness map of every material of the inserts, and the map of which insert is where."""
    maps, insert_map = {}, np.zeros(mask.shape, np.uint16)
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


def _film(parameters, rng, distance, profile, density) -> np.ndarray:
    """Return the film thickness in mm for full compression, (rows, columns) of ``distance``."""
    shape, spacing, beta = distance.shape, parameters.pixel_mm, parameters.texture_beta
    mean_film = beam.film_for_density(density, parameters.thickness_mm)
    depth = np.clip(distance / np.float32(35.0), 0, 1)
    # Less film under the rim (the fat under the skin), more in the middle.
    rise = (0.65 - depth) * np.float32(1.5) + 2 * np.exp(-np.clip(distance, 0, None) / np.float32(5))

    def field_of(largest, smallest, stretch, turn, exponent=beta):
        along = rng.uniform(1.0, stretch)
        return power_law_field(rng, shape, spacing, exponent, rng.uniform(*largest), along, rng.normal(0, turn), smallest)

    # Fatty breasts hold islands of dense tissue, dense ones holes of fat.
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
