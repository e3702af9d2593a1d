"""Fitting baselines, and measuring what methods make of held-out patches."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from LowDoseContrastLib.cci import CciVariant
from LowDoseContrastLib.steps import Steps, part

from ..baselines.base import Baseline, Method, Training
from ..measurement.fidelity import fidelity
from .folds import Fold
from .held_out_views import View
from .methods import across_folds
from .report.album import Album
from .results import PatchResult


def fitted(kinds: Sequence[type[Baseline]], training: Sequence[Training], folds: Sequence[Fold]) -> Steps[list[Method]]:
    """Return the baselines, each fitted to the training part of every fold."""
    made, total = [], len(kinds) * len(folds)
    for number, (kind, of_fold) in enumerate(itertools.product(kinds, training)):
        made.append((yield from part(kind.fit_steps(of_fold), number / total, (number + 1) / total)))
    return [across_folds(made[first : first + len(folds)], folds) for first in range(0, len(made), len(folds))]


def judged(
    methods: Sequence[Method],
    views: Sequence[View],
    span: float,
    variant: CciVariant,
    album: Album | None = None,
) -> Steps[list[PatchResult]]:
    """Return the measures of every method and patch.

    Args:
        span: data range, pixel values.
        variant: of the CCI.
        album: keeps what was made of a few patches.
    """
    results, total = [], len(methods) * len(views)
    for number, (method, view) in enumerate(itertools.product(methods, views)):
        made = yield from part(method.of(view.group).steps(view.low), number / total, (number + 1) / total)
        if album is not None:
            album.add(method.name, view, made)
        for place, patch in enumerate(view.names):
            images = view.low.pixels[place], made[place], view.high[place], view.mask[place]
            measures = fidelity(*images, view.low.full_scale, span, variant)
            results.append(PatchResult(method.name, view.group, patch, measures))
    return results


def span_of(views: Sequence[View]) -> float:
    """Return the data range: from the 0.5th to the 99.5th percentile of the target's pixels that are compared."""
    return range_of(np.concatenate([view.high[view.mask] for view in views]))


def range_of(pixels: np.ndarray) -> float:
    """Return the data range of pixel values: from their 0.5th to their 99.5th percentile, 1 where all are the same."""
    low, high = np.percentile(pixels, (0.5, 99.5))
    return float(high - low) or 1.0
