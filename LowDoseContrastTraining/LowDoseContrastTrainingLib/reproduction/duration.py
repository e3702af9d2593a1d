"""How long a training takes on this computer."""

from __future__ import annotations

import time

import torch
from LowDoseContrastLib.device import choose_placement
from LowDoseContrastLib.intensity import Composition, IntensityScale

from ..training.pix2pix import Pix2Pix
from ..training.recipe import Recipe

_TIMED_STEPS = 3


def seconds_of(recipe: Recipe, patches: int, device: str) -> float:
    """Return about how long a training on so many patches takes: a few of its steps are timed, its epochs counted.

    Args:
        device: see :func:`LowDoseContrastLib.device.choose_placement`.
    """
    pix2pix = Pix2Pix(
        recipe, IntensityScale("linear", 0.0, 1.0), Composition(), choose_placement(device, recipe.precision)
    )
    batch = torch.rand(recipe.batch_size, 1, recipe.crop_size, recipe.crop_size)
    pix2pix.step(batch, batch)
    start = time.perf_counter()
    for _ in range(_TIMED_STEPS):
        pix2pix.step(batch, batch)
    step = (time.perf_counter() - start) / _TIMED_STEPS
    return step * recipe.total_epochs * patches * recipe.crops_per_patch / recipe.batch_size
