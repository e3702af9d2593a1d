"""The learning rate's schedule: what it is multiplied by in each epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .recipe import Recipe

RATE_POLICIES = ("linear", "step", "cosine", "plateau")
PLATEAU_FACTOR, PLATEAU_THRESHOLD, PLATEAU_PATIENCE = 0.2, 0.01, 5  # the reference implementation's


def scheduled_rate(epoch: int, recipe: Recipe, history: Sequence[dict[str, float]] = ()) -> float:
    """Return what the learning rate is multiplied by during an epoch (from 0) by the recipe's ``lr_policy``.

    ``linear``: :func:`rate_factor`. ``step``: a tenth after every ``lr_step_epochs``. ``cosine``:
    (1 + cos(pi k / n)) / 2 over all n epochs; the reference counts only those before its decay and
    would rise again in the rest. k is stepped as in :func:`rate_factor`. ``plateau``:
    :func:`plateau_rate` of the rows of ``losses.csv`` so far, ``history``.
    """
    if recipe.lr_policy == "plateau":
        return plateau_rate(history, recipe)
    if recipe.lr_policy == "linear":
        return rate_factor(epoch, recipe.epochs, recipe.epochs_decay, recipe.decay_step)
    stepped = epoch + (1 if recipe.decay_step == "start" else 0)
    if recipe.lr_policy == "step":
        return 0.1 ** (stepped // recipe.lr_step_epochs)
    return (1 + math.cos(math.pi * stepped / recipe.total_epochs)) / 2


def rate_factor(epoch: int, epochs: int, epochs_decay: int, decay_step: str = "end") -> float:
    """Return what the learning rate is multiplied by during an epoch (counted from 0).

    1 - max(0, k + 1 - epochs) / (epochs_decay + 1), as the reference implementation, where k is
    how often its scheduler has been stepped: ``end`` steps after each epoch, so k is the epoch;
    ``start`` (releases before 2025) before it, so the last epoch runs at a rate of 0.

    >>> [rate_factor(epoch, epochs=2, epochs_decay=3) for epoch in range(5)]
    [1.0, 1.0, 0.75, 0.5, 0.25]
    """
    stepped = epoch + (1 if decay_step == "start" else 0)
    return 1.0 - max(0, stepped + 1 - epochs) / (epochs_decay + 1)


def plateau_rate(history: Sequence[dict[str, float]], recipe: Recipe) -> float:
    """Return the product of the reductions that the validation's L1 has led to: a fifth each.

    One is due when more than ``PLATEAU_PATIENCE`` epochs in a row were not below the best by a
    hundredth of it; the count then starts again. That is torch's ReduceLROnPlateau with the
    reference implementation's arguments. The reference, however, steps it with a metric that its
    pix2pix never sets (it stays 0), so its rate falls every sixth epoch whatever happens; here it
    is the L1 on the validation patches. The epochs before the discriminator joins have a best of
    their own, for their L1 cannot be matched after it.
    """
    best, waited, factor = math.inf, 0, 1.0
    for epoch, row in enumerate(history):
        if epoch == recipe.gan_from:
            best, waited = math.inf, 0
        if row["val_l1_model"] < best * (1 - PLATEAU_THRESHOLD):
            best, waited = row["val_l1_model"], 0
        else:
            waited += 1
        if waited > PLATEAU_PATIENCE:
            factor, waited = factor * PLATEAU_FACTOR, 0
    return factor
