"""How far two exposures of one arrangement are shifted, and which part both show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.mask import extent
from scipy import ndimage

from .by_key import ByKey

TOLERANCE = 0.5  # pixels
_FINE, _COARSE = 1, 8  # pixels; structure of sizes between them stands out from the noise of both images
_MARGIN = 12  # pixels along the edge of the mask that are left out
_STEPS = 10  # a pixel is divided into


def measured_shift(low: np.ndarray, high: np.ndarray, mask: np.ndarray) -> tuple[float, float]:
    """Return how far ``high`` is shifted against ``low``: (rows, columns) in pixels, to a tenth.

    This is the peak of the cross-correlation of the structure in the breast (Guizar-Sicairos et al. 2008,
    Opt. Lett. 33:156, as in scikit-image). The logarithm makes it independent of the dose. Phase
    correlation would weigh noise as much as structure.

    Args:
        low, high: pixel values (rows, columns).
        mask: where the breast is in ``low``.
    """
    from skimage.registration import phase_cross_correlation

    inner = ndimage.binary_erosion(mask, iterations=_MARGIN)
    where = extent(inner)
    parts = [_structure(image[where]) * inner[where] for image in (low, high)]
    moved, _, _ = phase_cross_correlation(*parts, upsample_factor=_STEPS, normalization=None)
    rows, columns = (round(-float(by), 1) + 0.0 for by in moved)
    return rows, columns


def _structure(pixels: np.ndarray) -> np.ndarray:
    logarithm = np.log(np.maximum(pixels.astype(np.float32), 1))
    return ndimage.gaussian_filter(logarithm, _FINE) - ndimage.gaussian_filter(logarithm, _COARSE)


@dataclass(frozen=True)
class Overlap(ByKey):
    """The part that both images of a pair show.

    Attributes:
        low, high: (row, column) in either image at which the part begins.
        shape: (rows, columns) of it.
    """

    low: tuple[int, int]
    high: tuple[int, int]
    shape: tuple[int, int]

    def crop(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the part of both images."""
        return self._part(low, self.low), self._part(high, self.high)

    def _part(self, image: np.ndarray, start: tuple[int, int]) -> np.ndarray:
        return image[start[0] : start[0] + self.shape[0], start[1] : start[1] + self.shape[1]]

    def start(self, dose: str) -> tuple[int, int]:
        """Return (row, column) at which the part begins in the image at the ``low`` or the ``high`` dose."""
        return self.low if dose == "low" else self.high


def overlap(shape: tuple[int, int], shift: tuple[float, float]) -> Overlap:
    """Return the part that images of ``shape`` share once the high dose is moved back by ``shift``, in whole pixels."""
    down, right = (round(by) for by in shift)
    low, high = (max(0, -down), max(0, -right)), (max(0, down), max(0, right))
    return Overlap(low, high, (shape[0] - abs(down), shape[1] - abs(right)))
