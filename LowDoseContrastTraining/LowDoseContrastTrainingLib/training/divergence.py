"""When a training has gone wrong: numbers that are not finite, or losses that collapse.

Collapse is one of two things, for ``collapse_epochs`` epochs together (a field of the recipe, 0
looks for neither):

- the discriminator has won: the epoch means of D_real and D_fake are below ``D_WON`` while G_GAN
  has grown over these epochs, so it tells the generator nothing any more (not with ``wgangp``,
  whose losses have no such floor);
- the validation's L1 is more than ``L1_FACTOR`` times both the gain baseline's and the best that
  this training has reached, so it has lost what it had learnt.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from LowDoseContrastLib.errors import InputError

from .pix2pix import LOSS_NAMES

if TYPE_CHECKING:
    from .pix2pix import Pix2Pix
    from .recipe import Recipe

D_WON = 1e-3
L1_FACTOR = 3.0


class Diverged(InputError):
    """A training was stopped because it has gone wrong; what the last good epoch left is kept."""


def check_losses(losses: tuple, epoch: int, step: int) -> None:
    """Raise :class:`Diverged` if a loss of this step (both counted from 1) is not finite."""
    for name, value in zip(LOSS_NAMES, losses, strict=True):
        if not math.isfinite(value):
            raise _diverged(epoch, f"{name} is {value} at step {step}", "lower the recipe's learning_rate")


def check_weights(pix2pix: Pix2Pix, epoch: int) -> None:
    """Raise :class:`Diverged` if a weight or a batch-norm statistic is not finite after an epoch."""
    for title, network in (("generator", pix2pix.generator), ("discriminator", pix2pix.discriminator)):
        for name, value in network.state_dict().items():
            if not value.isfinite().all():
                raise _diverged(epoch, f"the {title}'s {name} is not finite", "lower the recipe's learning_rate")


def check_history(history: list[dict], recipe: Recipe) -> None:
    """Raise :class:`Diverged` if the rows of ``losses.csv``, up to an epoch just done, show a collapse."""
    epoch, last = len(history), history[-1]
    if math.isfinite(last.get("val_l1_gain", math.nan)) and not math.isfinite(last["val_l1_model"]):
        raise _diverged(epoch, f"the validation's L1 is {last['val_l1_model']}", "lower the recipe's learning_rate")
    recent = history[-recipe.collapse_epochs :]
    if not recipe.collapse_epochs or epoch <= recipe.collapse_epochs:
        return
    span = f"for {recipe.collapse_epochs} epochs"
    if recipe.gan_mode != "wgangp" and epoch - recipe.collapse_epochs >= recipe.gan_from and _discriminator_won(recent):
        raise _diverged(
            epoch, f"D_real and D_fake are below {D_WON:g} {span} while G_GAN grows", "lower discriminator_rate or ndf"
        )
    if "val_l1_model" in last and _lost(history, recent):
        raise _diverged(
            epoch,
            f"the validation's L1 is over {L1_FACTOR:g} times its best and the gain's {span}",
            "lower learning_rate or gan_weight",
        )


def _discriminator_won(recent: list[dict[str, float]]) -> bool:
    small = all(max(row["D_real_mean"], row["D_fake_mean"]) < D_WON for row in recent)
    return small and recent[-1]["G_GAN_mean"] > recent[0]["G_GAN_mean"]


def _lost(history: list[dict[str, float]], recent: list[dict[str, float]]) -> bool:
    best = min(row["val_l1_model"] for row in history)
    return all(row["val_l1_model"] > L1_FACTOR * max(best, row["val_l1_gain"]) for row in recent)


def _diverged(epoch: int, what: str, remedy: str) -> Diverged:
    return Diverged("", f"training diverged in epoch {epoch}: {what}", f"{remedy} and start in another folder")
