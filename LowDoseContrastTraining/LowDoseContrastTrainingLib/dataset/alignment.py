"""How far two exposures of one arrangement are shifted against each other."""

from __future__ import annotations

import numpy as np
from LowDoseContrastLib.mask import extent
from scipy import ndimage

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
