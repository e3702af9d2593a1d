"""What is run: the paper's experiment at full size, or at a size for two processor cores."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass

import torch
from LowDoseContrastLib.device import choose_placement
from LowDoseContrastLib.intensity import Composition, IntensityScale

from ..dataset.prepare_settings import PrepareSettings
from ..simulator.simulation import SimulationPlan
from ..training.pix2pix import Pix2Pix
from ..training.recipe import Recipe
from ..training.recipes import RECIPES

RUNS = ("run1", "run2", "run3", "run4")
HONEST = "run1"  # which is trained once more without leak
QUICK_FILTERS, QUICK_EPOCHS = 4, 50  # by what the quick recipes are smaller and shorter
_TIMED_STEPS = 3


@dataclass(frozen=True)
class ReproductionPlan:
    """How the experiment is repeated.

    Attributes:
        quick: a quarter of the filters and a 50th of the epochs; the images and patches are the same.
        seed: everything follows from it.
    """

    quick: bool = False
    seed: int = 1

    @property
    def random(self) -> PrepareSettings:
        """The paper's patches, split at random."""
        return PrepareSettings(seed=self.seed)

    @property
    def arrangement(self) -> PrepareSettings:
        """The same with whole arrangements held out."""
        return PrepareSettings(seed=self.seed, split="arrangement")

    @property
    def simulation(self) -> SimulationPlan:
        """The paper's 35 images."""
        return SimulationPlan(self.seed)

    def recipe(self, run: str) -> Recipe:
        """Return the recipe of a run; as the paper, the last epoch is what is judged."""
        recipe = dataclasses.replace(RECIPES[run], select="last", seed=self.seed)
        if not self.quick:
            return recipe
        smaller = {name: getattr(recipe, name) // QUICK_FILTERS for name in ("ngf", "ndf")}
        shorter = {name: getattr(recipe, name) // QUICK_EPOCHS for name in ("epochs", "epochs_decay")}
        return dataclasses.replace(recipe, **smaller, **shorter)


def seconds_of(recipe: Recipe, patches: int, device: str) -> float:
    """Return about how long a training on so many patches takes: a few of its steps are timed, its epochs counted.

    Args:
        device: see :func:`LowDoseContrastLib.device.choose_placement`.
    """
    pix2pix = Pix2Pix(recipe, IntensityScale("linear", 0.0, 1.0), Composition(), choose_placement(device, recipe.precision))
    batch = torch.rand(recipe.batch_size, 1, recipe.crop_size, recipe.crop_size)
    pix2pix.step(batch, batch)
    start = time.perf_counter()
    for _ in range(_TIMED_STEPS):
        pix2pix.step(batch, batch)
    step = (time.perf_counter() - start) / _TIMED_STEPS
    return step * recipe.total_epochs * patches * recipe.crops_per_patch / recipe.batch_size
