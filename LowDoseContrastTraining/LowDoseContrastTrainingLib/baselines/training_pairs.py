"""What the baselines are fitted on: pairs of patches of the training arrangements, and the detector's noise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from LowDoseContrastLib.errors import InputError
from scipy import ndimage
from scipy.optimize import nnls

from ..dose_reduction.noise_model import NoiseModel
from ..measurement.noise_power import blocks_of, detrended

if TYPE_CHECKING:
    from .base import Baseline

_Fitted = TypeVar("_Fitted", bound="Baseline")
_BLOCK = 16  # pixels; small enough for the mean to be one level, large enough for a variance
_BINS = 12  # of equal numbers of blocks, by their mean
_FEW = 12  # patches on which the slow baselines try their strengths


@dataclass(frozen=True, eq=False)
class TrainingPairs:
    """Pairs of patches to fit on.

    Attributes:
        low, high: float32 (patches, rows, columns) pixel values.
        mask: bool of the same shape, tissue where neither dose is saturated.
        gain: entrance dose of the high over that of the low dose.
        noise: of the detector; its offset is the pixel value at no exposure.

    Raises:
        InputError: no pixel lies in the mask.
    """

    low: np.ndarray
    high: np.ndarray
    mask: np.ndarray
    gain: float
    noise: NoiseModel

    def __post_init__(self) -> None:
        if not self.mask.any():
            problem = "no pixel of the training patches is unsaturated tissue"
            raise InputError("", problem, "there is nothing to fit baselines on")

    @property
    def few(self) -> TrainingPairs:
        """A dozen of the patches, evenly from all of them."""
        tissue = np.flatnonzero(self.mask.any(axis=(1, 2)))
        chosen = np.unique(tissue[np.linspace(0, len(tissue) - 1, _FEW).astype(int)])
        return replace(self, low=self.low[chosen], high=self.high[chosen], mask=self.mask[chosen])

    def noise_patterns(self) -> Iterator[np.ndarray]:
        """Yield what the two of a pair differ by, scaled to noise of variance 1; 0 outside of the mask."""
        for low, high, mask in zip(self.low, self.high, self.mask, strict=True):
            mean = ndimage.uniform_filter(low, _BLOCK).astype(np.float64) - self.noise.offset
            variance = _difference_terms(mean, self.gain) @ (self.noise.xi_q, self.noise.xi_e**2)
            difference = _difference(low, high, mask, self.noise.offset)
            yield np.where(mask, difference / np.sqrt(np.maximum(variance, 1e-12)), 0)

    def squared_error(self, apply: Callable[[np.ndarray], np.ndarray]) -> float:
        """Return the mean squared difference between ``apply`` of each low dose and the high dose, in the mask."""
        total = 0.0
        for low, high, mask in zip(self.low, self.high, self.mask, strict=True):
            total += float(np.sum((apply(low) - high)[mask].astype(np.float64) ** 2))
        return total / int(self.mask.sum())

    def best(self, candidates: Iterable[_Fitted]) -> _Fitted:
        """Return the candidate whose ``apply`` has the least :meth:`squared_error` over a few of the patches."""
        few = self.few
        return min(candidates, key=lambda each: few.squared_error(each.apply))


def noise_of_pairs(
    low: np.ndarray, high: np.ndarray, mask: np.ndarray, gain: float, given: dict[str, Any]
) -> NoiseModel:
    """Return the noise model that pairs of exposures of the same object show.

    In H - g L the object and the fixed pattern cancel. With m the mean of the low dose above the offset,
    the rest has the variance of both noises (the model of Borges, Vieira et al. 2016, twice):

        Var(H - g L) = xi_q m g (1 + g) + xi_e^2 (1 + g^2)

    so that a line through the variances of blocks over their means gives xi_q and xi_e, neither below
    zero. g is fitted to each patch by its means; a plane is taken off each block of 16 x 16 pixels, and
    medians over blocks of like mean keep out bad pixels.

    Args:
        low, high, mask: as in :class:`TrainingPairs`.
        gain: ratio of the doses.
        given: values that are known already and stay, xi_q and xi_e both or neither; an offset that is not given is 0.

    Raises:
        InputError: one of xi_q and xi_e is given, the offset is above the signal, no block lies in the mask,
            or the pairs hold no noise.
    """
    model = NoiseModel(**given)
    if mask.any() and not model.offset < np.median(low[mask]):
        median = f"median {np.median(low[mask]):g}"
        problem = f"{{noise}}: the offset {model.offset:g} is not below the pixel values of the low dose ({median})"
        raise InputError("", problem)
    if ("xi_q" in given) != ("xi_e" in given):
        remedy = "give xi_q and xi_e together, or neither to have them estimated from the training pairs"
        raise InputError("", "{noise} states half of the noise", remedy)
    if "xi_q" in given:
        return model
    means, variances = _blocks(low, high, mask, model.offset)
    design = _difference_terms(means, gain)
    (xi_q, electronic), _ = nnls(design / variances[:, None], np.ones_like(variances))
    note = () if "offset" in given else ("pairs of images do not tell the offset: 0 was assumed",)
    source, xi_e = "estimated from the training pairs", float(np.sqrt(electronic))
    return replace(model, xi_q=float(xi_q), xi_e=xi_e, source=source, notes=note)


def _difference(low: np.ndarray, high: np.ndarray, mask: np.ndarray, offset: float) -> np.ndarray:
    """H - g L with the g of this patch, which must have a pixel in the mask."""
    ratio = (high[mask].mean(dtype=np.float64) - offset) / (low[mask].mean(dtype=np.float64) - offset)
    return (high - offset) - ratio * (low - offset)


def _difference_terms(mean: np.ndarray, gain: float) -> np.ndarray:
    """The factors of xi_q and xi_e^2 in the variance of the difference: (..., 2)."""
    return np.stack([mean * gain * (1 + gain), np.full_like(mean, 1 + gain**2)], axis=-1)


def _blocks(low: np.ndarray, high: np.ndarray, mask: np.ndarray, offset: float) -> tuple[np.ndarray, np.ndarray]:
    """(means of the low dose above the offset, variances of the difference), medians of blocks of like mean."""
    means, variances = [], []
    for dark, bright, tissue in zip(low, high, mask, strict=True):
        if not tissue.any():
            continue
        rest = detrended(blocks_of(_difference(dark, bright, tissue, offset), _BLOCK, tissue))
        means.append(blocks_of(dark, _BLOCK, tissue).mean(axis=(1, 2), dtype=np.float64) - offset)
        variances.append((rest**2).sum(axis=(1, 2)) / (_BLOCK**2 - 3))
    mean, variance = (np.concatenate([np.empty(0), *values]) for values in (means, variances))
    if not len(mean) or not np.median(variance) > 0:
        raise InputError("", "the training patches do not tell the detector's noise", "give it with {noise}")
    bins = [each for each in np.array_split(np.argsort(mean), _BINS) if len(each)]
    return np.array([np.median(mean[blocks]) for blocks in bins]), np.array(
        [np.median(variance[blocks]) for blocks in bins]
    )
