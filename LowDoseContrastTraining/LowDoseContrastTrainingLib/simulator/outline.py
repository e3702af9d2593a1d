"""Outline and compressed thickness of the phantom, chest wall on the left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .parameters import AcquisitionParameters


@dataclass(frozen=True)
class Outline:
    """A half ellipse against the chest wall.

    Attributes:
        depth_mm: from the chest wall to the tip.
        half_width_mm: half the extent along the chest wall.
        centre_mm: position of the axis along the rows, from the first row.
        roundness: exponent of the ellipse; 2 is an ellipse, more is boxier.
        lobe: relative asymmetry of the two halves, -0.1 to 0.1.
        edge_mm: width of the rim where the compressed thickness falls to zero.
    """

    depth_mm: float
    half_width_mm: float
    centre_mm: float
    roundness: float = 2.0
    lobe: float = 0.0
    edge_mm: float = 22.0


def random_outline(rng: np.random.Generator, parameters: AcquisitionParameters) -> Outline:
    """Return an outline that covers about half of the field."""
    height, width = parameters.field_mm
    return Outline(
        depth_mm=width * rng.uniform(0.62, 0.69),
        half_width_mm=height * rng.uniform(0.445, 0.475),
        centre_mm=height * rng.uniform(0.485, 0.515),
        roundness=rng.uniform(1.95, 2.15),
        lobe=rng.uniform(-0.06, 0.06),
        edge_mm=min(parameters.edge_mm, 0.12 * width),
    )


def distance_inside(outline: Outline, shape: tuple[int, int], spacing_mm: float) -> np.ndarray:
    """Return the distance (mm, float32) from each pixel to the outline, negative outside.

    First-order distance of an implicit curve, (1 - r) / |grad r|: exact at the outline and precise in
    the rim, where it is needed.
    """
    y = (np.arange(shape[0], dtype=np.float32)[:, None] + 0.5) * spacing_mm - outline.centre_mm
    x = (np.arange(shape[1], dtype=np.float32)[None, :] + 0.5) * spacing_mm
    v = np.float32(1 / outline.half_width_mm) * y
    depth = outline.depth_mm * (1 + outline.lobe * v)
    u = x / depth
    power = np.float32(outline.roundness)
    base_u, base_v = np.abs(u) + np.float32(1e-6), np.abs(v) + np.float32(1e-6)
    r = (base_u**power + base_v**power) ** (1 / power)
    gradient = np.hypot(
        base_u ** (power - 1) / depth, base_v ** (power - 1) / np.float32(outline.half_width_mm)
    ) / r ** (power - 1)
    return ((1 - r) / gradient).astype(np.float32)


def compressed_profile(distance_mm: np.ndarray, edge_mm: float) -> np.ndarray:
    """Return the relative thickness (0 to 1): a circular rim, flat inside, 0 outside."""
    part = np.clip(distance_mm / np.float32(edge_mm), 0, 1)
    return np.sqrt(part * (2 - part))
