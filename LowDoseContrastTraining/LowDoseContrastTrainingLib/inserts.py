"""Lesion-like inserts: 3D-printed nodules, fibres and hydroxyapatite clusters.

Each shape is drawn as thickness in mm on a finer grid and averaged down to pixels, so
that a grain smaller than a pixel keeps its volume.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

FINE = 4  # sub-pixels along each side of a pixel


@dataclass(frozen=True)
class Insert:
    """One insert of the phantom, as projected onto the detector.

    Attributes:
        kind: circumscribed, spiculated, fibre or grain.
        material: a material of :mod:`.beam`.
        row_mm, column_mm: centre, from the corner of the first pixel.
        size_mm: largest diameter or length, magnified.
        thickness_mm: largest thickness along the beam.
        group: number of the cluster that a grain belongs to, else -1.
        seed: what the details of the shape are drawn from.
    """

    kind: str
    material: str
    row_mm: float
    column_mm: float
    size_mm: float
    thickness_mm: float
    group: int = -1
    seed: int = 0


def draw(insert: Insert, target: np.ndarray, spacing_mm: float) -> None:
    """Add the insert's thickness (mm) to ``target`` (rows, columns), cut at the border."""
    shape_of = {
        "circumscribed": _circumscribed,
        "spiculated": _spiculated,
        "fibre": _fibre,
        "grain": _grain,
    }[insert.kind]
    reach = insert.size_mm * (1.3 if insert.kind == "spiculated" else 0.6) + 2 * spacing_mm
    first_row = int((insert.row_mm - reach) / spacing_mm)
    first_column = int((insert.column_mm - reach) / spacing_mm)
    side = int(2 * reach / spacing_mm) + 2
    fine = (np.arange(side * FINE, dtype=np.float32) + 0.5) * (spacing_mm / FINE)
    y = (fine + first_row * spacing_mm - insert.row_mm)[:, None]
    x = (fine + first_column * spacing_mm - insert.column_mm)[None, :]
    drawn = shape_of(insert, y, x, np.random.default_rng(insert.seed))
    drawn = drawn.reshape(side, FINE, side, FINE).mean(axis=(1, 3))
    top, left = max(first_row, 0), max(first_column, 0)
    bottom = min(first_row + side, target.shape[0])
    right = min(first_column + side, target.shape[1])
    if bottom > top and right > left:
        target[top:bottom, left:right] += drawn[
            top - first_row : bottom - first_row, left - first_column : right - first_column
        ]


def _dome(squared_radius):
    return np.sqrt(np.clip(1 - squared_radius, 0, None))


def _circumscribed(insert, y, x, rng):
    angle, ratio = rng.uniform(0, math.pi), rng.uniform(0.7, 1.0)
    u = (x * math.cos(angle) + y * math.sin(angle)) / (insert.size_mm / 2)
    v = (y * math.cos(angle) - x * math.sin(angle)) / (insert.size_mm / 2 * ratio)
    theta = np.arctan2(v, u)
    wobble = 1 + 0.05 * np.cos(3 * theta + rng.uniform(0, 6)) + 0.03 * np.cos(5 * theta)
    return insert.thickness_mm * _dome((u * u + v * v) / wobble**2)


def _spiculated(insert, y, x, rng):
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
        width = 0.09 * radius * taper + 1e-3
        spicules = np.maximum(spicules, 0.3 * insert.thickness_mm * taper * _dome((across / width) ** 2))
    return np.maximum(body, spicules)


def _fibre(insert, y, x, rng):
    angle, bend = rng.uniform(0, math.pi), rng.normal(0, 0.15)
    along = x * math.cos(angle) + y * math.sin(angle)
    across = y * math.cos(angle) - x * math.sin(angle)
    across = across - bend * (along**2 / insert.size_mm - insert.size_mm / 12)
    inside = np.abs(along) < insert.size_mm / 2
    return insert.thickness_mm * inside * _dome((across / (insert.thickness_mm / 2)) ** 2)


def _grain(insert, y, x, rng):
    angle, ratio = rng.uniform(0, math.pi), rng.uniform(0.6, 1.0)
    u = (x * math.cos(angle) + y * math.sin(angle)) / (insert.size_mm / 2)
    v = (y * math.cos(angle) - x * math.sin(angle)) / (insert.size_mm / 2 * ratio)
    return insert.thickness_mm * _dome(u * u + v * v)


def place_inserts(rng, outline, field_mm, magnification: float, amount: float) -> list[Insert]:
    """Return a random set of inserts inside an outline, away from its rim.

    Args:
        field_mm: (rows, columns) of the detector in mm.
        amount: multiplies the number of inserts; 1 for a full field.
    """
    inserts: list[Insert] = []

    def spot():
        while True:
            v, u = rng.uniform(-0.85, 0.85), rng.uniform(0.06, 0.85)
            if math.hypot(u, v) < 0.85:
                return (
                    outline.centre_mm + v * outline.half_width_mm,
                    u * outline.depth_mm * (1 + outline.lobe * v),
                )

    def add(kind, material, where, size, thickness, group=-1):
        details = int(rng.integers(2**31))
        scale = magnification
        inserts.append(Insert(kind, material, *where, size * scale, thickness, group, details))

    def count(low, high):
        return max(1, round(amount * rng.uniform(low, high)))

    for _ in range(count(3, 5)):
        size = rng.uniform(5, 13)
        material = "abs" if rng.random() < 0.3 else "pla"
        add("circumscribed", material, spot(), size, size * rng.uniform(0.45, 0.8))
    for _ in range(count(2, 4)):
        size = rng.uniform(6, 12)
        add("spiculated", "pla", spot(), size, size * rng.uniform(0.6, 0.95))
    for _ in range(count(6, 11)):
        add("fibre", "nylon", spot(), rng.uniform(6, 16), rng.uniform(0.4, 1.0))
    for group in range(count(5, 9)):
        row, column = spot()
        spread = rng.uniform(1.2, 4.0)
        for _ in range(int(rng.integers(6, 20))):
            where = (row + rng.normal(0, spread), column + rng.normal(0, spread))
            size = float(np.clip(rng.lognormal(math.log(0.24), 0.4), 0.1, 0.6))
            add("grain", "hydroxyapatite", where, size, size * rng.uniform(0.5, 1.0), group)
    return inserts
