"""Lesion-like inserts: 3D-printed nodules, fibres and hydroxyapatite clusters.

Shapes are drawn as thickness in mm on a finer grid and averaged over pixels, so that a grain smaller
than a pixel keeps its volume.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .outline import Outline
from .parameters import AcquisitionParameters, Range

Place = tuple[float, float]  # (row, column), mm
FINE = 4  # sub-pixels along the side of a pixel


@dataclass(frozen=True)
class Insert:
    """An insert of the phantom, as projected onto the detector.

    Attributes:
        kind: circumscribed, spiculated, fibre or grain.
        material: a material of :mod:`.beam`.
        row_mm, column_mm: centre, from the corner of the first pixel.
        size_mm: largest diameter or length, magnified.
        thickness_mm: largest thickness along the beam.
        group: number of the cluster that a grain belongs to, else -1.
        seed: of the details of its shape.
    """

    kind: str
    material: str
    row_mm: float
    column_mm: float
    size_mm: float
    thickness_mm: float
    group: int = -1
    seed: int = 0


def draw(
    insert: Insert, target: np.ndarray, spacing_mm: float, excess_per_mm: float = 0.0
) -> tuple[slice, slice, np.ndarray] | None:
    """Add the insert's thickness (mm) to ``target`` (rows, columns), cut at the border.

    Args:
        excess_per_mm: attenuation of the insert above that of its surroundings. The detector averages
            transmission and not thickness, so a pixel gets the thickness that transmits the mean over
            its sub-pixels; with 0 the thickness itself is averaged.

    Returns:
        (slice of rows, slice of columns, thickness drawn there), or None outside of the image.
    """
    reach = insert.size_mm * (1.3 if insert.kind == "spiculated" else 0.6) + 2 * spacing_mm
    first_row = math.floor((insert.row_mm - reach) / spacing_mm)
    first_column = math.floor((insert.column_mm - reach) / spacing_mm)
    side = int(2 * reach / spacing_mm) + 2
    fine = (np.arange(side * FINE, dtype=np.float32) + 0.5) * (spacing_mm / FINE)
    y = (fine + first_row * spacing_mm - insert.row_mm)[:, None]
    x = (fine + first_column * spacing_mm - insert.column_mm)[None, :]
    drawn = _averaged(_SHAPES[insert.kind](insert, y, x, np.random.default_rng(insert.seed)), excess_per_mm)
    rows = slice(max(first_row, 0), min(first_row + side, target.shape[0]))
    columns = slice(max(first_column, 0), min(first_column + side, target.shape[1]))
    if rows.stop <= rows.start or columns.stop <= columns.start:
        return None
    drawn = drawn[rows.start - first_row : rows.stop - first_row]
    drawn = drawn[:, columns.start - first_column : columns.stop - first_column]
    target[rows, columns] += drawn
    return rows, columns, drawn


def _averaged(thickness: np.ndarray, excess_per_mm: float) -> np.ndarray:
    """Return the thickness of pixels from that of sub-pixels."""
    side = thickness.shape[0] // FINE
    parts = thickness.reshape(side, FINE, side, FINE)
    if not excess_per_mm:
        return parts.mean(axis=(1, 3))
    return -np.log(np.exp(-np.float32(excess_per_mm) * parts).mean(axis=(1, 3))) / np.float32(excess_per_mm)


def _dome(squared_radius: np.ndarray) -> np.ndarray:
    return np.sqrt(np.clip(1 - squared_radius, 0, None))


def _circumscribed(insert: Insert, y: np.ndarray, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    angle, ratio = rng.uniform(0, math.pi), rng.uniform(0.7, 1.0)
    u = (x * math.cos(angle) + y * math.sin(angle)) / (insert.size_mm / 2)
    v = (y * math.cos(angle) - x * math.sin(angle)) / (insert.size_mm / 2 * ratio)
    theta = np.arctan2(v, u)
    wobble = 1 + 0.05 * np.cos(3 * theta + rng.uniform(0, 6)) + 0.03 * np.cos(5 * theta)
    return insert.thickness_mm * _dome((u * u + v * v) / wobble**2)


def _spiculated(insert: Insert, y: np.ndarray, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    radius = insert.size_mm / 2
    theta, distance = np.arctan2(y, x), np.hypot(y, x)
    lobes = 1 + 0.12 * np.cos(4 * theta + rng.uniform(0, 6)) + 0.08 * np.cos(7 * theta)
    body = insert.thickness_mm * _dome((distance / (0.75 * radius * lobes)) ** 2)
    spicules = np.zeros_like(body)
    for base in np.linspace(0, 2 * math.pi, int(rng.integers(11, 18)), endpoint=False):
        heading = base + rng.normal(0, 0.15)
        length = radius * rng.uniform(1.3, 2.3)
        bend = rng.normal(0, 0.12)
        along = x * math.cos(heading) + y * math.sin(heading)
        across = y * math.cos(heading) - x * math.sin(heading) - bend * along**2 / length
        taper = np.clip(1 - along / length, 0, 1) * (along > 0)
        width = 0.11 * radius * taper + 1e-3
        spicules = np.maximum(spicules, 0.45 * insert.thickness_mm * taper * _dome((across / width) ** 2))
    return np.maximum(body, spicules)


def _fibre(insert: Insert, y: np.ndarray, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    angle, bend = rng.uniform(0, math.pi), rng.normal(0, 0.15)
    along = x * math.cos(angle) + y * math.sin(angle)
    across = y * math.cos(angle) - x * math.sin(angle)
    across = across - bend * (along**2 / insert.size_mm - insert.size_mm / 12)
    inside = np.abs(along) < insert.size_mm / 2
    return insert.thickness_mm * inside * _dome((across / (insert.thickness_mm / 2)) ** 2)


def _grain(insert: Insert, y: np.ndarray, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    angle, ratio = rng.uniform(0, math.pi), rng.uniform(0.6, 1.0)
    u = (x * math.cos(angle) + y * math.sin(angle)) / (insert.size_mm / 2)
    v = (y * math.cos(angle) - x * math.sin(angle)) / (insert.size_mm / 2 * ratio)
    return insert.thickness_mm * _dome(u * u + v * v)


_SHAPES = {"circumscribed": _circumscribed, "spiculated": _spiculated, "fibre": _fibre, "grain": _grain}


def place_inserts(rng: np.random.Generator, outline: Outline, parameters: AcquisitionParameters) -> list[Insert]:
    """Return a random set of inserts inside an outline, away from its rim; nodules do not overlap."""
    inserts: list[Insert] = []
    amount = parameters.field_mm[0] * parameters.field_mm[1] / (229.4 * 191.4)

    def add(kind: str, material: str, where: Place, size: float, thickness: float, group: int = -1) -> None:
        details = int(rng.integers(2**31))
        inserts.append(Insert(kind, material, *where, size * parameters.magnification, thickness, group, details))

    def count(limits: Range) -> int:
        wanted = amount * rng.uniform(*limits)
        return max(1, round(wanted)) if limits[1] > 0 else 0

    for _ in range(count(parameters.nodules)):
        size = rng.uniform(*parameters.nodule_mm)
        material = "abs" if rng.random() < 0.2 else "pla"
        add("circumscribed", material, _free_spot(rng, outline, inserts, size), size, size * rng.uniform(0.7, 1.0))
    for _ in range(count(parameters.spiculated)):
        size = rng.uniform(*parameters.spiculated_mm)
        add("spiculated", "pla", _free_spot(rng, outline, inserts, 1.5 * size), size, size * rng.uniform(0.7, 1.0))
    for _ in range(count(parameters.fibres)):
        length, diameter = rng.uniform(*parameters.fibre_mm), rng.uniform(*parameters.fibre_diameter_mm)
        add("fibre", "nylon", _spot(rng, outline), length, diameter)
    smallest, largest = parameters.grain_mm
    for group in range(count(parameters.clusters)):
        row, column = _spot(rng, outline)
        spread = rng.uniform(1.2, 4.0)
        for _ in range(int(rng.integers(int(parameters.grains[0]), int(parameters.grains[1]) + 1))):
            where = (row + rng.normal(0, spread), column + rng.normal(0, spread))
            typical = smallest**0.5 * largest**0.5
            size = float(np.clip(rng.lognormal(math.log(typical), 0.4), smallest, largest))
            add("grain", "hydroxyapatite", where, size, size * rng.uniform(0.5, 1.0), group)
    return inserts


def _spot(rng: np.random.Generator, outline: Outline) -> Place:
    """Return a random place inside the outline, away from its rim."""
    while True:
        v, u = rng.uniform(-0.85, 0.85), rng.uniform(0.06, 0.85)
        if math.hypot(u, v) < 0.85:
            return outline.centre_mm + v * outline.half_width_mm, u * outline.depth_mm * (1 + outline.lobe * v)


def _free_spot(rng: np.random.Generator, outline: Outline, others: Iterable[Insert], size: float) -> Place:
    """Return a place for a nodule of ``size`` mm that overlaps no other, if one is found in 100 attempts."""
    for _ in range(100):
        row, column = _spot(rng, outline)
        if all(math.hypot(row - o.row_mm, column - o.column_mm) > 0.6 * (size + o.size_mm) + 2 for o in others):
            break
    return row, column
