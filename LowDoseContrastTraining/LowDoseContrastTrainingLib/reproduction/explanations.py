"""The figures that the page's sentences on why our numbers are not the paper's need."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..simulator.parameters import DOSES_MGY
from . import paper
from .comparison import CCI, DATA, GROUPS, LEAK, LOSSES, Number, of_table


def _ours(number: Number) -> float:
    return math.nan if number.ours is None else number.ours


@dataclass(frozen=True)
class Why:
    """Figures behind the explanations.

    Attributes:
        watched: patches that were watched while training.
        away: how far a loss of the last iteration is from the mean of its epoch, relative, the median over the losses.
        inside, patches: how many of so many CCIs of the paper's patches lie between our percentiles.
        target_over_input: ratio of our CCIs.
        papers_ratios: the same of the paper's runs.
        group_ratio, dose_ratio: high over low, of the paper's group means and of the doses.
        nearest, nearest_ratio: the normalisation whose group means have the ratio nearest to the paper's.
        gap: how much better the random split looks, dB.
        is_below_gain: whether the model is below the gain on either split.
    """

    watched: int
    away: float
    inside: int
    patches: int
    target_over_input: float
    papers_ratios: Sequence[float]
    group_ratio: float
    dose_ratio: float
    nearest: str
    nearest_ratio: float
    gap: float
    is_below_gain: bool


def explained(numbers: Sequence[Number]) -> Why:
    """Return the figures, from all numbers of a reproduction."""
    means = [(_ours(each), each.beside["mean of the last epoch"]) for each in of_table(numbers, LOSSES)]
    away = sorted(abs(ours / mean - 1) for ours, mean in means if mean)
    patches = of_table(numbers, CCI)
    ends = [(patch.beside["5th percentile"], patch.paper, patch.beside["95th percentile"]) for patch in patches]
    ours = {(each.subject, each.quantity): _ours(each) for each in (*patches, *of_table(numbers, GROUPS))}
    names = dict.fromkeys(each.subject for each in of_table(numbers, GROUPS))
    ratios = {name: ours[name, "high"] / ours[name, "low"] for name in names}
    wanted = paper.GROUP_MEANS["high"] / paper.GROUP_MEANS["low"]
    nearest = min(ratios, key=lambda name: abs(ratios[name] - wanted))
    gap = next(each for each in of_table(numbers, LEAK) if each.quantity == "psnr_matched")
    return Why(
        next(each.beside["watched while training"] for each in of_table(numbers, DATA) if each.beside),
        away[len(away) // 2],
        sum(low <= value <= high for low, value, high in ends),
        len(patches),
        ours["run1", "target"] / ours["run1", "input"],
        [target / source for source, target, _ in paper.CCI.values()],
        wanted,
        DOSES_MGY["high"] / DOSES_MGY["low"],
        nearest,
        ratios[nearest],
        _ours(gap),
        max(gap.beside.values()) < 0,
    )
