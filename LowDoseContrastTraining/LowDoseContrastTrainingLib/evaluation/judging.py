"""Fitting baselines, and measuring what methods make of held-out patches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from LowDoseContrastLib.model import load_model
from LowDoseContrastLib.steps import mapped

from ..baselines.unet import UNetL1, trained_unet
from ..measurement.fidelity import fidelity
from .ceiling import Ceiling, ceiling_fidelity
from .methods import BASELINE, BaselineMethod, ModelMethod, joined
from .results import PatchResult


def fitted(kinds, training, folds):
    """Generator: yields the share done, returns the baselines, each fitted to the training part of every fold.

    Args:
        kinds: of baselines, without the one that is trained.
        training: :class:`..baselines.training_pairs.TrainingPairs` of each fold.
    """
    made, total = [], len(kinds) * len(training)
    for kind in kinds:
        by_fold = []
        for pairs in training:
            yield (len(made) * len(training) + len(by_fold)) / total
            by_fold.append(BaselineMethod(kind.fit(pairs)))
        made.append(joined(by_fold, folds))
    return made


def learned_baseline(folds, training, output: Path, device: str):
    """Generator: yields the share done, returns the U-Net with L1 alone, trained on every fold in a folder of ``output``."""
    by_fold = []
    for fold, pairs in zip(folds, training):
        done = len(by_fold)
        path = yield from mapped(trained_unet(fold.data, output, pairs.noise.offset, device), lambda share: (done + share) / len(folds))
        method = ModelMethod(load_model(path), device, allow_out_of_domain=True, kind=BASELINE)
        method.name = UNetL1.name
        by_fold.append(method)
    return joined(by_fold, folds)


def judged(methods, views, span: float, variant, album=None):
    """Generator: yields the share done, returns a :class:`.results.PatchResult` for each method and patch.

    Args:
        views: :class:`.held_out_views.View`.
        span: data range, pixel values.
        variant: of the CCI.
        album: :class:`.report.album.Album` that keeps what was made of a few patches.
    """
    results, total = [], len(methods) * len(views)
    for number, (method, view) in enumerate((method, view) for method in methods for view in views):
        made = yield from mapped(method.of(view.group).steps(view.low), lambda share, first=number: (first + share) / total)
        if album is not None:
            album.add(method.name, view, made)
        for patch, *images in zip(view.names, view.low.pixels, made, view.high, view.mask):
            results.append(PatchResult(method.name, view.group, patch, fidelity(*images, view.low.full_scale, span, variant)))
    return results


def judged_ceiling(folds, places, span: float, variant) -> list[PatchResult]:
    """Return the results of the second realisation of the high dose on the patches.

    Args:
        places: :class:`.simulated_arrangements.SimulatedArrangement` of every view of every fold, in their order.
    """
    owned = [(fold.data, view) for fold in folds for view in fold.views]
    pairs = [(view, ceiling_fidelity(data, view, place, span, variant)) for (data, view), place in zip(owned, places)]
    return [PatchResult(Ceiling.name, view.group, patch, measures) for view, found in pairs for patch, measures in zip(view.names, found)]


def span_of(views) -> float:
    """Return the data range: from the 0.5th to the 99.5th percentile of the target's pixels that are compared."""
    return range_of(np.concatenate([view.high[view.mask] for view in views]))


def range_of(pixels: np.ndarray) -> float:
    """Return the data range of pixel values: from their 0.5th to their 99.5th percentile, 1 where they are all the same."""
    low, high = np.percentile(pixels, (0.5, 99.5))
    return float(high - low) or 1.0
