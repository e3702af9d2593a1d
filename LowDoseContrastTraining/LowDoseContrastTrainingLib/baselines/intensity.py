"""Baselines whose output at a pixel depends on the value of that pixel alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..measurement.fidelity import line
from .base import Baseline
from .training_pairs import TrainingPairs

_QUANTILES = 257


@dataclass(frozen=True)
class Identity(Baseline):
    """The low dose as it is."""

    name = "identity"

    @classmethod
    def fit(cls, training: TrainingPairs) -> Identity:
        return cls()

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        return np.asarray(pixels, np.float32)


@dataclass(frozen=True)
class Gain(Baseline):
    """The low dose above the offset, times the ratio of the doses: no network is needed for this."""

    factor: float
    offset: float
    name = "gain"

    @classmethod
    def fit(cls, training: TrainingPairs) -> Gain:
        return cls(training.gain, training.noise.offset)

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        return np.asarray((np.asarray(pixels, np.float64) - self.offset) * self.factor + self.offset, np.float32)


@dataclass(frozen=True)
class Affine(Baseline):
    """The least-squares line from low to high dose over the training pixels."""

    slope: float
    offset: float
    name = "affine"

    @classmethod
    def fit(cls, training: TrainingPairs) -> Affine:
        return cls(*line(training.low[training.mask], training.high[training.mask]))

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        return np.asarray(np.asarray(pixels, np.float64) * self.slope + self.offset, np.float32)


@dataclass(frozen=True)
class HistogramMatching(Baseline):
    """The rising function that gives the training inputs the histogram of the training targets.

    Both are pooled over the patches: matched patch by patch, every patch would get the mean of all.
    Beyond the training values the slope of the ends goes on as the ratio of their values.

    Attributes:
        low, high: pixel values of the same ranks, from the darkest to the brightest.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    name = "histogram"

    @classmethod
    def fit(cls, training: TrainingPairs) -> HistogramMatching:
        ranks = np.linspace(0, 1, _QUANTILES)
        return cls(*(tuple(np.quantile(side[training.mask], ranks).tolist()) for side in (training.low, training.high)))

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        values = np.asarray(pixels, np.float64)
        beyond = [values * (self.high[end] / self.low[end] if self.low[end] else 1.0) for end in (0, -1)]
        inside = np.interp(values, self.low, self.high)
        return np.select([values < self.low[0], values > self.low[-1]], beyond, inside).astype(np.float32)


@dataclass(frozen=True)
class Gamma(Baseline):
    """``scale x I^exponent``, the least-squares line between the logarithms of the training pixels."""

    scale: float
    exponent: float
    name = "gamma"

    @classmethod
    def fit(cls, training: TrainingPairs) -> Gamma:
        low, high = (np.log(np.maximum(side[training.mask], 1.0)) for side in (training.low, training.high))
        exponent, offset = line(low, high)
        return cls(float(np.exp(offset)), exponent)

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        return (self.scale * np.maximum(np.asarray(pixels, np.float64), 0) ** self.exponent).astype(np.float32)
