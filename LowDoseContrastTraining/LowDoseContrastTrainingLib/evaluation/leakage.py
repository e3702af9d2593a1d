"""The leakage gap: how much better a model looks on a random split of patches than on arrangements that it has not seen."""

from __future__ import annotations

import numpy as np
from LowDoseContrastLib.errors import InputError

from ..baselines.intensity import Gain
from .folds import Fold

COMPARED = ("cci_ratio_error", "psnr_matched", "ssim_matched")


def models_of_random(learned: list, fold: Fold) -> tuple[list, list]:
    """Return (those that were trained on the data set split at random, the others).

    Raises:
        InputError: the data set holds out arrangements that it does not train on, or none of the models was trained on it.
    """
    if not fold.leaks:
        raise InputError("", f"{{random}}: {fold.data.folder} shares no arrangement between training and test", "name one that was prepared with {split} random")
    own = [each for each in learned if each.model.card.dataset == fold.data.fingerprint]
    if not own:
        raise InputError("", f"{{random}}: no {{model}} was trained on {fold.data.folder}", "name one")
    return own, [each for each in learned if each not in own]


def leakage(results, random_results, methods, random_methods, fold: Fold) -> list[dict]:
    """Return a JSON-able entry for each recipe that was trained both ways.

    The patches differ, so each model is compared with the gain on its own ones: ``over_gain`` is the mean over arrangements of model
    less gain, and ``gap`` is that of the random split less that of the held-out arrangements.

    Args:
        results, random_results: :class:`.results.PatchResult` of the held-out arrangements, and of the random split's test part.
        methods, random_methods: their methods.
        fold: the random split.
    """
    found = []
    for random in random_methods:
        for method in methods:
            if getattr(method, "recipe", None) == random.recipe:
                honest, leaky = _over_gain(results, method.name), _over_gain(random_results, random.name)
                gap = {name: leaky[name] - honest[name] for name in COMPARED}
                sides = {"held_out": {"method": method.name, "over_gain": honest}, "random": {"method": random.name, "dataset": str(fold.data.folder), "over_gain": leaky}}
                found.append({"recipe": random.recipe, **sides, "gap": gap})
    return found


def _over_gain(results, name):
    """Measure -> model less gain, the mean over arrangements."""
    means = [{measure: _mean(results, method, measure) for measure in COMPARED} for method in (name, Gain.name)]
    return {measure: means[0][measure] - means[1][measure] for measure in COMPARED}


def _mean(results, method, measure):
    by_arrangement = {}
    for each in results:
        if each.method == method:
            by_arrangement.setdefault(each.arrangement, []).append(getattr(each.measures, measure))
    return float(np.mean([np.mean(values) for values in by_arrangement.values()]))
