"""The leakage gap: how much better a model looks on a random split than on arrangements that it has not seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from LowDoseContrastLib.enhance import Enhancer
from LowDoseContrastLib.errors import InputError

from ..baselines.base import Method
from ..baselines.intensity import Gain
from .document import Leakage, LeakageSide
from .folds import Fold
from .results import PatchResult

COMPARED = ("cci_ratio_error", "psnr_matched", "ssim_matched")


def models_of_random(learned: Sequence[Enhancer], fold: Fold) -> tuple[list[Enhancer], list[Enhancer]]:
    """Return (those that were trained on the data set split at random, the others).

    Raises:
        InputError: the data set holds out arrangements that it does not train on, or no model was trained on it.
    """
    folder = fold.data.folder
    if not fold.leaks:
        remedy = "name one as {random} that was prepared with {split} random"
        raise InputError(folder, "shares no arrangement between training and test", remedy, "random")
    own = [each for each in learned if each.model.card.dataset == fold.data.fingerprint]
    if not own:
        raise InputError(folder, "no {model} was trained on it, as {random} needs", "name one")
    return own, [each for each in learned if each not in own]


def leakage(
    results: Sequence[PatchResult],
    random_results: Sequence[PatchResult],
    methods: Iterable[Method],
    random_methods: Iterable[Method],
    fold: Fold,
) -> tuple[Leakage, ...]:
    """Return the gap of every recipe that was trained both ways.

    The patches differ, so every model is compared with the gain on its own patches.

    Args:
        results, random_results: of the held-out arrangements, and of the random split's test part.
        methods, random_methods: the models judged there.
        fold: the random split.
    """
    pairs = [(method, random) for random in random_methods for method in methods if method.recipe == random.recipe]
    return tuple(
        _entry(
            LeakageSide(method.name, "", _over_gain(results, method.name)),
            LeakageSide(random.name, str(fold.data.folder), _over_gain(random_results, random.name)),
            random.recipe,
        )
        for method, random in pairs
    )


def _entry(honest: LeakageSide, leaky: LeakageSide, recipe: str) -> Leakage:
    return Leakage(recipe, honest, leaky, {name: leaky.over_gain[name] - honest.over_gain[name] for name in COMPARED})


def _over_gain(results: Sequence[PatchResult], name: str) -> dict[str, float]:
    return {measure: _mean(results, name, measure) - _mean(results, Gain.name, measure) for measure in COMPARED}


def _mean(results: Sequence[PatchResult], method: str, measure: str) -> float:
    """The mean over arrangements of the means over their patches."""
    by_arrangement: dict[str, list[float]] = {}
    for result in results:
        if result.method == method:
            by_arrangement.setdefault(result.arrangement, []).append(getattr(result.measures, measure))
    return float(np.mean([np.mean(values) for values in by_arrangement.values()]))
