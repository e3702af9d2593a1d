"""How far two exposures of one arrangement lie apart, and what they have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.mask import extent
from scipy import ndimage

TOLERANCE = 0.5  # pixels
_FINE, _COARSE = 1, 8  # pixels; between them lies the structure that both images show above their noise
_MARGIN = 12  # pixels that the mask's own edge keeps away from
_STEPS = 10  # parts of a pixel


def measured_shift(low: np.ndarray, high: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    """Return how far ``high`` lies from ``low``: (rows, columns) in pixels, to a tenth.

    The peak of the cross-correlation of the structure in the breast (Guizar-Sicairos et al. 2008,
    Opt. Lett. 33:156, as scikit-image does it), of the logarithm, so that the dose does not count.
    The phase alone would give the noise at all frequencies the weight of the structure.

    Args:
        low, high: pixel values (rows, columns).
        mask: where the breast is in ``low``.
    """
    from skimage.registration import phase_cross_correlation

    inner = ndimage.binary_erosion(mask, iterations=_MARGIN)
    where = extent(inner)
    parts = [_structure(image[where]) * inner[where] for image in (low, high)]
    moved, _, _ = phase_cross_correlation(*parts, upsample_factor=_STEPS, normalization=None)
    return tuple(round(-float(each), 1) + 0.0 for each in moved)


def _structure(pixels):
    logarithm = np.log(np.maximum(pixels.astype(np.float32), 1))
    return ndimage.gaussian_filter(logarithm, _FINE) - ndimage.gaussian_filter(logarithm, _COARSE)


@dataclass(frozen=True)
class Overlap:
    """The part of the picture that both images of a pair show.

    Attributes:
        low, high: (row, column) in each image at which the part begins.
        shape: (rows, columns) of it.
    """

    low: tuple[int, int]
    high: tuple[int, int]
    shape: tuple[int, int]

    def crop(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the part of both images."""
        return tuple(image[r : r + self.shape[0], c : c + self.shape[1]] for image, (r, c) in ((low, self.low), (high, self.high)))


def overlap(shape: tuple[int, int], shift: tuple[float, float]) -> Overlap:
    """Return what images of ``shape`` have in common when the high dose is moved back by whole pixels of ``shift``."""
    whole = [round(each) for each in shift]
    low, high = (tuple(max(0, sign * by) for by in whole) for sign in (-1, 1))
    return Overlap(low, high, tuple(side - abs(by) for side, by in zip(shape, whole)))
