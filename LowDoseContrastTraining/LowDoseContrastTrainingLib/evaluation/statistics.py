"""Statistics of the difference between two methods, with the arrangement as the unit.

Patches of one arrangement share its object; counted as if they were independent, they make any
difference look certain. So differences are averaged within arrangements first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.errors import InputError

from ..common.randomness import stream

RESAMPLES = 2000
LEVEL = 0.95
MOST_UNITS = 20  # arrangements for which all 2^n signs are tried


@dataclass(frozen=True)
class PairedDifference:
    """A mean paired difference.

    Attributes:
        mean: over arrangements, of the means over their patches.
        low, high: 95% bootstrap interval, None with one arrangement.
        p: two-sided exact sign-flip test, None with one arrangement.
        arrangements, patches: how many were compared.
        note: what limits it, one sentence, or empty.
    """

    mean: float
    low: float | None = None
    high: float | None = None
    p: float | None = None
    arrangements: int = 0
    patches: int = 0
    note: str = ""


def number_or_none(value: float) -> float | None:
    """Return a number for JSON and tables: None where it is not finite."""
    return float(value) if math.isfinite(value) else None


def paired_difference(differences: dict[str, np.ndarray], seed: int = 0) -> PairedDifference:
    """Return the mean of the differences over arrangements, its interval and its p-value.

    Args:
        differences: arrangement -> differences of its patches; those that are not finite are left out.
        seed: of the bootstrap.

    Raises:
        InputError: there is no finite difference, or there are more than 20 arrangements.
    """
    finite = [np.asarray(difference, np.float64)[np.isfinite(difference)] for difference in differences.values()]
    finite = [unit for unit in finite if unit.size]
    if not finite:
        raise InputError("", "there are no patches whose measures could be compared")
    means = np.array([unit.mean() for unit in finite])
    mean, count, patches = float(means.mean()), len(means), sum(unit.size for unit in finite)
    if count == 1:
        return PairedDifference(mean, None, None, None, 1, patches, limit_of(1))
    return PairedDifference(
        mean, *bootstrap_interval(finite, seed), sign_flip_p(means), count, patches, limit_of(count)
    )


def limit_of(arrangements: int) -> str:
    """Return a sentence on what so few arrangements cannot show; empty if they are enough."""
    if arrangements == 1:
        return "one arrangement: no interval and no test"
    least = 2.0 ** (1 - arrangements)
    if least > 1 - LEVEL:
        return f"{arrangements} arrangements: p cannot fall below {least:g}, and the interval is too narrow"
    return ""


def bootstrap_interval(units: list[np.ndarray], seed: int = 0) -> tuple[float, float]:
    """Return the 95% percentile interval of the mean over units of their means (Efron and Tibshirani 1993, chapter 13).

    Each resample draws units, and within each drawn unit its values anew (the two-stage bootstrap of
    Davison and Hinkley 1997, section 3.8). With few units it is too narrow: simulated, it held the true mean
    in 78% of studies with 3 units, 84% with 5 and 92% with 10.
    """
    rng = stream(seed, "bootstrap")
    drawn = rng.integers(len(units), size=(RESAMPLES, len(units)))
    means = np.empty(drawn.shape)
    for number, values in enumerate(units):
        places = drawn == number
        means[places] = values[rng.integers(len(values), size=(int(places.sum()), len(values)))].mean(axis=1)
    low, high = np.quantile(means.mean(axis=1), ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return float(low), float(high)


def sign_flip_p(differences: np.ndarray) -> float:
    """Return the two-sided p of the mean of paired differences, the share of all 2^n signs with at least that mean.

    Source: Fisher 1935, The Design of Experiments, section 21.

    Raises:
        InputError: more than 20 differences.
    """
    if len(differences) > MOST_UNITS:
        problem = f"{len(differences)} arrangements are too many for the exact test of all signs"
        raise InputError("", problem, f"judge {MOST_UNITS} or fewer at a time")
    sums = np.zeros(1)  # scipy.stats.permutation_test gives the same p and takes 10.4 s for 20 differences, this 0.04 s
    for difference in differences:
        sums = np.concatenate([sums + difference, sums - difference])
    tolerance = 1e-9 * np.abs(differences).sum()
    return float(np.mean(np.abs(sums) >= abs(np.sum(differences)) - tolerance))


def holm(p_values: list[float]) -> list[float]:
    """Return the p-values adjusted for their number, in the given order (Holm 1979, Scand. J. Stat. 6:65)."""
    order, adjusted, largest = np.argsort(p_values, kind="stable"), [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
