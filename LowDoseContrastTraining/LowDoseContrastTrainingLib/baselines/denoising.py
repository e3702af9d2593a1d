"""Baselines that reduce noise: they stabilise the variance, smooth, invert the transform and apply the gain.

Their strength is the one with the least squared error to the high dose over training patches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from skimage.restoration import denoise_nl_means

from ..dose_reduction.noise_model import NoiseModel
from .anscombe import stabilised, unstabilised
from .base import Baseline
from .intensity import Gain
from .starlet import decomposed
from .training_pairs import TrainingPairs

_SCALES = 4
_GAUSSIAN_MAD = 0.6745  # median absolute value of a Gaussian of standard deviation 1


@dataclass(frozen=True)
class AnscombeNonLocalMeans(Baseline):
    """Generalised Anscombe transform and non-local means (Buades, Coll, Morel 2005), scikit-image's fast mode.

    Attributes:
        noise: of the detector.
        gain: applied last.
        strength: how unlike patches may be that are averaged, in standard deviations of the noise.
    """

    noise: NoiseModel
    gain: Gain
    strength: float
    is_denoiser = True
    name = "anscombe-nlm"

    @classmethod
    def fit(cls, training: TrainingPairs) -> AnscombeNonLocalMeans:
        fixed, strengths = (training.noise, Gain.fit(training)), (0.4, 0.6, 0.8, 1.0, 1.3)
        return training.best([cls(*fixed, strength) for strength in strengths])

    def denoised(self, pixels: np.ndarray) -> np.ndarray:
        """Return the low dose without noise, float64 pixel values."""
        values = stabilised(pixels, self.noise)
        return unstabilised(denoise_nl_means(values, 5, 6, h=self.strength, sigma=1.0, fast_mode=True), self.noise)

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        return self.gain.apply(self.denoised(pixels))


@dataclass(frozen=True)
class AnscombeWavelet(Baseline):
    """Generalised Anscombe transform and thresholds on undecimated wavelets (:mod:`.starlet`).

    Details within the threshold are set to 0, the others stay (hard thresholds, Donoho and Johnstone 1994).
    The detector's blur colours the noise, so each scale has a level of its own.

    Attributes:
        noise: of the detector.
        gain: applied last.
        levels: standard deviation of the noise at each scale, from fine to coarse, of stabilised values.
        strength: thresholds over ``levels``.
    """

    noise: NoiseModel
    gain: Gain
    levels: tuple[float, ...]
    strength: float
    is_denoiser = True
    name = "anscombe-wavelet"

    @classmethod
    def fit(cls, training: TrainingPairs) -> AnscombeWavelet:
        fixed = (training.noise, Gain.fit(training), _noise_levels(training))
        return training.best([cls(*fixed, strength) for strength in (1.0, 1.5, 2.0, 2.5, 3.0, 4.0)])

    def denoised(self, pixels: np.ndarray) -> np.ndarray:
        """Return the low dose without noise, float64 pixel values."""
        planes = decomposed(stabilised(pixels, self.noise), len(self.levels))
        thresholds = self.strength * np.array([*self.levels, 0.0])[:, None, None]
        return unstabilised(np.where(np.abs(planes) >= thresholds, planes, 0).sum(axis=0), self.noise)

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        return self.gain.apply(self.denoised(pixels))


def _noise_levels(training: TrainingPairs) -> tuple[float, ...]:
    """The noise of variance 1 at each scale, by the median absolute details of what pairs differ by (Donoho 1994)."""
    few = training.few
    pairs = zip(few.noise_patterns(), few.mask, strict=True)
    details = np.concatenate([decomposed(pattern, _SCALES)[:-1, mask] for pattern, mask in pairs], axis=1)
    return tuple((np.median(np.abs(details), axis=1) / _GAUSSIAN_MAD).tolist())


@dataclass(frozen=True)
class WeightedRestoration(Baseline):
    """``w1 Z + w2 D``: the mean of the high dose with the noise of the high dose (Borges, Vieira et al.).

    Z is the low dose above the offset, D the same denoised, g = 1 / gain, yhat = D / g,
    ``w1 = sqrt((xi_q yhat + xi_e^2) / (g xi_q yhat + xi_e^2))`` and ``w2 = 1/g - w1``. With D the truth the
    mean is yhat and the variance xi_q yhat + xi_e^2, those of an exposure at the high dose.

    Attributes:
        denoiser: makes D.
    """

    denoiser: AnscombeWavelet
    is_denoiser = True
    name = "weighted-restoration"

    @classmethod
    def fit(cls, training: TrainingPairs) -> WeightedRestoration:
        return cls(AnscombeWavelet.fit(training))

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        return restored(pixels, self.denoiser.denoised(pixels), self.denoiser.noise, self.denoiser.gain.factor)


def restored(pixels: np.ndarray, denoised: np.ndarray, noise: NoiseModel, gain: float) -> np.ndarray:
    """Return the weighted restoration of a low dose, float32 (rows, columns); see :class:`WeightedRestoration`."""
    z, d = (np.asarray(image, np.float64) - noise.offset for image in (pixels, denoised))
    quanta = noise.xi_q * np.maximum(d, 0)
    w1 = np.sqrt((gain * quanta + noise.xi_e**2) / np.maximum(quanta + noise.xi_e**2, 1e-12))
    return (w1 * z + (gain - w1) * d + noise.offset).astype(np.float32)
