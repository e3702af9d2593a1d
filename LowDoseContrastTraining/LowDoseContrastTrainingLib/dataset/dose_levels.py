"""Which dose level an image was taken at: by its dose, or by its exposure relative to the others of its view."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Iterable, Mapping

from LowDoseContrastLib.errors import InputError

from .acquisition_header import Acquisition

DOSE_LEVELS = {"low": 3.359, "high": 11.523}  # mGy, the paper's groups A and B
DOSE_TOLERANCE = 0.2  # relative; less than the distance of the paper's three levels

_EXAMPLE = "write low=3.359,high=11.523"


def parse_levels(text: str) -> dict[str, float]:
    """Return name -> dose level in mGy from a text such as ``low=3.359,high=11.523``.

    Raises:
        InputError: not such a text, no ``low`` and ``high``, or these in the wrong order.
    """
    levels: dict[str, float] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        try:
            levels[name.strip()] = float(value)
        except ValueError as error:
            raise InputError("", f"{{doses}}: '{part.strip()}' is not NAME=MGY", _EXAMPLE) from error
    if not {"low", "high"} <= set(levels):
        raise InputError("", f"{{doses}}: '{text}' must name low and high", _EXAMPLE)
    if not all(math.isfinite(value) and value > 0 for value in levels.values()) or levels["low"] >= levels["high"]:
        raise InputError("", f"{{doses}}: '{text}': doses are positive, and low is less than high")
    return levels


def dose_level(dose_mgy: float | None, levels: Mapping[str, float]) -> str | None:
    """Return the name of the nearest dose level, None where it is more than a fifth off."""
    if dose_mgy is None:
        return None
    name = min(levels, key=lambda key: abs(levels[key] - dose_mgy))
    return name if abs(levels[name] - dose_mgy) <= DOSE_TOLERANCE * levels[name] else None


def found_levels(doses: Iterable[float]) -> list[tuple[float, int]]:
    """Return the levels around which doses lie, each (median in mGy, number of doses), from the lowest up."""
    clusters: list[list[float]] = []
    for dose in sorted(doses):
        if clusters and dose <= clusters[-1][0] * (1 + DOSE_TOLERANCE):
            clusters[-1].append(dose)
        else:
            clusters.append([dose])
    return [(statistics.median(each), len(each)) for each in clusters]


def with_estimated_doses(images: list[Acquisition], levels: Mapping[str, float]) -> list[Acquisition]:
    """Return the acquisitions of one view, with a dose from the exposure for those that state none.

    At one beam quality the dose is proportional to the exposure. The factor is taken from an image of
    the view that states both; without one, it is the factor that puts the exposures at the most
    levels. A single exposure gives no factor.
    """
    factor = _dose_per_exposure(images, levels)
    if factor is None:
        return images
    return [
        dataclasses.replace(image, dose_mgy=image.exposure * factor, dose_from="exposure")
        if image.dose_mgy is None and image.exposure
        else image
        for image in images
    ]


def _dose_per_exposure(images: list[Acquisition], levels: Mapping[str, float]) -> float | None:
    for image in images:
        if image.dose_mgy and image.exposure:
            return image.dose_mgy / image.exposure
    exposures = {image.exposure for image in images if image.dose_mgy is None and image.exposure}
    if len(exposures) < 2:
        return None

    def reached(factor: float) -> int:
        return len({dose_level(exposure * factor, levels) for exposure in exposures} - {None})

    best = max((dose / min(exposures) for dose in levels.values()), key=reached)
    return best if reached(best) >= 2 else None
