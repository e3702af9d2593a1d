"""Baselines that raise local contrast, and noise with it.

Their strengths are the usual ones and fixed: fitted for the least error they would switch themselves off.
They show what CCI says of images that merely look crisp.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from skimage.exposure import equalize_adapthist
from skimage.filters import unsharp_mask

from ..measurement.fidelity import line
from .base import Baseline
from .intensity import Gain
from .starlet import decomposed
from .training_pairs import TrainingPairs


@dataclass(frozen=True)
class Clahe(Baseline):
    """Contrast-limited adaptive histogram equalisation (Zuiderveld 1994), by scikit-image.

    It stretches every image to its own range, so the line from its answer to pixel values is fitted to
    the training pixels.

    Attributes:
        slope, offset: of that line, pixel values.
        clip_limit: scikit-image's default.
    """

    slope: float = 1.0
    offset: float = 0.0
    clip_limit: float = 0.01
    name = "clahe"

    @classmethod
    def fit(cls, training: TrainingPairs) -> Clahe:
        few, plain = training.few, cls()
        answers = np.stack([plain.apply(each) for each in few.low])
        return cls(*line(answers[few.mask], few.high[few.mask]))

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        values = np.asarray(pixels, np.float64)
        lowest, highest = values.min(), values.max()
        unit = (values - lowest) / (highest - lowest) if highest > lowest else np.zeros_like(values)
        return (equalize_adapthist(unit, clip_limit=self.clip_limit) * self.slope + self.offset).astype(np.float32)


@dataclass(frozen=True)
class UnsharpMask(Baseline):
    """The gain, plus the detail that a Gaussian blur would remove.

    Attributes:
        gain: applied first.
        sigma: of the Gaussian, pixels.
        amount: how much is added.
    """

    gain: Gain
    sigma: float = 1.0
    amount: float = 1.0
    name = "unsharp"

    @classmethod
    def fit(cls, training: TrainingPairs) -> UnsharpMask:
        return cls(Gain.fit(training))

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        return unsharp_mask(self.gain.apply(pixels), self.sigma, self.amount, preserve_range=True).astype(np.float32)


@dataclass(frozen=True)
class WaveletEnhancement(Baseline):
    """The gain, and the details of every scale amplified.

    Source: the linear enhancement of Laine et al. 1994, IEEE Trans. Med. Imaging 13:725.

    Attributes:
        gain: applied first.
        factors: of the details, from fine (2 pixels) to coarse (16 pixels).
    """

    gain: Gain
    factors: tuple[float, ...] = (1.2, 1.5, 1.5, 1.2)
    name = "wavelet"

    @classmethod
    def fit(cls, training: TrainingPairs) -> WaveletEnhancement:
        return cls(Gain.fit(training))

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        planes = decomposed(self.gain.apply(pixels), len(self.factors))
        return np.tensordot([*self.factors, 1.0], planes, 1).astype(np.float32)
