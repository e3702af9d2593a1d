"""Which dose level an image was taken at: by its dose, else by its exposure beside its neighbours."""

from __future__ import annotations

import dataclasses
import math

from LowDoseContrastLib.errors import InputError

DOSE_LEVELS = {"low": 3.359, "high": 11.523}  # mGy, the paper's groups A and B
DOSE_TOLERANCE = 0.2  # relative; the paper's three levels lie further apart


def parse_levels(text: str) -> dict[str, float]:
    """Return the dose levels in mGy of a text such as ``low=3.359,high=11.523``.

    Raises:
        InputError: not such a text, no ``low`` and ``high``, or these in the wrong order.
    """
    levels = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        try:
            levels[name.strip()] = float(value)
        except ValueError as error:
            raise InputError("", f"{{doses}}: '{part.strip()}' is not NAME=MGY", "write low=3.359,high=11.523") from error
    if not {"low", "high"} <= set(levels):
        raise InputError("", f"{{doses}}: '{text}' must name low and high", "write low=3.359,high=11.523")
    if not all(math.isfinite(value) and value > 0 for value in levels.values()) or levels["low"] >= levels["high"]:
        raise InputError("", f"{{doses}}: '{text}': doses are positive, and low is less than high")
    return levels


def dose_level(dose_mgy: float | None, levels: dict, tolerance: float = DOSE_TOLERANCE) -> str | None:
    """Return the name of the nearest dose level within a relative tolerance, else None."""
    if dose_mgy is None:
        return None
    name = min(levels, key=lambda key: abs(levels[key] - dose_mgy))
    return name if abs(levels[name] - dose_mgy) <= tolerance * levels[name] else None


def with_doses(images: list, levels: dict) -> list:
    """Return the acquisitions of one view, those without a stated dose with one by their exposure.

    Dose is in proportion to exposure at one beam quality. The factor is that of an image of the
    view that states both; where none does, the one that puts the exposures at the most levels. One
    exposure alone says nothing, and stays without a dose.
    """
    factor = _dose_per_exposure(images, levels)
    if factor is None:
        return images
    return [_by_exposure(image, factor) if image.dose_mgy is None and image.exposure else image for image in images]


def _by_exposure(image, factor):
    return dataclasses.replace(image, dose_mgy=image.exposure * factor, dose_from="exposure")


def _dose_per_exposure(images, levels):
    for image in images:
        if image.dose_mgy and image.exposure:
            return image.dose_mgy / image.exposure
    exposures = {image.exposure for image in images if image.dose_mgy is None and image.exposure}
    if len(exposures) < 2:
        return None

    def reached(factor):
        return len({dose_level(exposure * factor, levels) for exposure in exposures} - {None})

    best = max((dose / min(exposures) for dose in levels.values()), key=reached)
    return best if reached(best) >= 2 else None
