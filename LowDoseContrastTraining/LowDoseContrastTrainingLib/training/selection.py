"""Which epoch's model is kept as the result, and when further epochs are in vain.

Both follow from the rows of ``losses.csv`` alone, so a resumed training decides as an
uninterrupted one. Epochs before the discriminator joins count only until it does: by L1 they
would win, without having learnt the texture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .recipe import Recipe

_RULES = {"l1": ("val_l1_model", 1), "psnr": ("val_psnr_model", -1)}  # column, sign: lower is better
SELECTIONS = (*_RULES, "last")


def best_epoch(history: list[dict], recipe: Recipe) -> int:
    """Return the index of the row whose model is kept: the first of the best, or the last.

    Without validation patches, every rule is ``last``.
    """
    column, sign = _RULES.get(recipe.select, (None, 1))
    if column not in history[-1]:
        return len(history) - 1
    eligible = range(recipe.gan_from, len(history)) or range(len(history))
    return min(eligible, key=lambda index: sign * history[index][column])


def is_over(history: list[dict], recipe: Recipe) -> bool:
    """Return whether all epochs are done, or ``patience`` of them in a row brought nothing better."""
    done = len(history)
    if done >= recipe.total_epochs:
        return True
    if not recipe.patience or not done or done <= recipe.gan_from < recipe.total_epochs:
        return False
    return done - 1 - best_epoch(history, recipe) >= recipe.patience
