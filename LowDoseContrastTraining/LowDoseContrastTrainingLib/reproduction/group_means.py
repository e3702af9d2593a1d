"""The paper's group means: the CCI of whole 8-bit images at either dose, under all normalisations it could mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from LowDoseContrastLib.cci import CciVariant, cci
from LowDoseContrastLib.files import read_mammogram
from LowDoseContrastLib.mammogram import Mammogram
from LowDoseContrastLib.mask import Breast
from LowDoseContrastLib.steps import Progress, Steps

from ..dataset.eight_bit_conversion import StoredScale

EIGHT_BITS = 255
TISSUE = "full scale, not rounded, tissue alone"


def whole_image_cci(pixels: np.ndarray, low: float, high: float) -> float:
    """Return the CCI of a whole image (rows, columns), air included, made 8-bit linearly from ``low`` to ``high``."""
    shown = StoredScale(float(low), float(high), EIGHT_BITS).encode(pixels)
    return cci(shown, float(EIGHT_BITS), CciVariant("window:0,255", mask="none", border="reflect")).cci


def group_means(paths: Mapping[str, Sequence[Path]]) -> Steps[dict[str, dict[str, float]]]:
    """Return normalisation -> dose -> mean CCI.

    Args:
        paths: dose -> files of its images.
    """
    found: dict[str, dict[str, list[float]]] = {}
    total, done = sum(map(len, paths.values())), 0
    for dose, files in paths.items():
        for path in files:
            yield Progress(done / total)
            image = read_mammogram(path)
            for name, value in _values(image).items():
                found.setdefault(name, {}).setdefault(dose, []).append(value)
            done += 1
    return {name: {dose: float(np.mean(values)) for dose, values in doses.items()} for name, doses in found.items()}


def _values(image: Mammogram) -> dict[str, float]:
    pixels, full_scale = image.pixels[0], image.full_scale
    whole = {
        "full scale": (0, full_scale),
        "each image's minimum to maximum": (pixels.min(), pixels.max()),
        "window 0 to 2047 for all": (0, 2047),
        "window 0 to 511 for all": (0, 511),
    }
    found = {name: whole_image_cci(pixels, *limits) for name, limits in whole.items()}
    return {**found, TISSUE: cci(pixels, full_scale, CciVariant(), Breast(pixels, image.sign).tissue).cci}
