"""What is run: the paper's experiment at full size, or at a size for two processor cores; light to import."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from LowDoseContrastLib.settings import check, setting

from ..dataset.prepare_settings import PrepareSettings
from ..training.recipe import Recipe
from ..training.recipes import RECIPES

if TYPE_CHECKING:
    from ..simulator.simulation import SimulationPlan

RUNS = ("run1", "run2", "run3", "run4")
HONEST = "run1"  # which is trained once more without leak
QUICK_FILTERS, QUICK_EPOCHS = 4, 50  # by what the quick recipes are smaller and shorter


@dataclass(frozen=True)
class ReproductionPlan:
    """How the experiment is repeated.

    Attributes:
        quick: a quarter of the filters and a 50th of the epochs; the images and patches are the same.
        seed: everything follows from it.
    """

    quick: bool = setting(
        False, "a quarter of the filters and a 50th of the epochs: under half an hour on two processor cores"
    )
    seed: int = setting(1, "everything follows from it", least=0, metavar="S")

    def __post_init__(self) -> None:
        check(self)

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
        from ..simulator.simulation import SimulationPlan  # scipy is not needed for the help of the command

        return SimulationPlan(self.seed)

    def recipe(self, run: str) -> Recipe:
        """Return the recipe of a run; as the paper, the last epoch is what is judged."""
        recipe = dataclasses.replace(RECIPES[run], select="last", seed=self.seed)
        if not self.quick:
            return recipe
        smaller = {name: getattr(recipe, name) // QUICK_FILTERS for name in ("ngf", "ndf")}
        shorter = {name: getattr(recipe, name) // QUICK_EPOCHS for name in ("epochs", "epochs_decay")}
        return dataclasses.replace(recipe, **smaller, **shorter)
