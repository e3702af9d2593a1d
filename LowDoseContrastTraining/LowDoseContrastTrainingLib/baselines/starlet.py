"""The undecimated wavelet transform "a trous" with a cubic B-spline.

Source: Starck, Fadili, Murtagh 2007, IEEE Trans. Image Process. 16:297.

The image is the sum of its details and of what is left; nothing is subsampled, so that it shifts with
the image and makes no blocks.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

_SPLINE = np.array([1, 4, 6, 4, 1]) / 16


def decomposed(image: np.ndarray, scales: int) -> np.ndarray:
    """Return the details from fine to coarse and then the rest: float64 (scales + 1, rows, columns)."""
    smooth, planes = np.asarray(image, np.float64), []
    for scale in range(scales):
        kernel = np.zeros(4 * 2**scale + 1)
        kernel[:: 2**scale] = _SPLINE
        along = ndimage.correlate1d(smooth, kernel, 0, mode="reflect")
        smoother = ndimage.correlate1d(along, kernel, 1, mode="reflect")
        planes.append(smooth - smoother)
        smooth = smoother
    return np.stack([*planes, smooth])
