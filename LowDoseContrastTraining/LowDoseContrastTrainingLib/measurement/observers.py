"""Model observers as templates.

Both are linear: the decision variable of a region is its scalar product with the template.
"""

from __future__ import annotations

import numpy as np
from scipy import fft, special

VIEWING_MM = 200.0  # 400 mm from an image at twice its size, as in a search for calcifications


def laguerre_gauss(side: int, width: float, count: int = 5) -> np.ndarray:
    """Return Laguerre-Gauss channels, orthonormal: (count, side, side).

    u_p(r) = sqrt(2)/a exp(-pi r^2/a^2) L_p(2 pi r^2/a^2) (Gallas and Barrett 2003, J. Opt. Soc.
    Am. A 20:1725). The first is a Gaussian with standard deviation a / sqrt(2 pi).

    Args:
        side: pixels; the middle of the channels is the pixel ``side // 2``.
        width: a, pixels.
    """
    y = np.arange(side) - side // 2
    square = np.pi * (y[:, None] ** 2 + y[None, :] ** 2) / width**2
    return np.stack([np.sqrt(2) / width * np.exp(-square) * special.eval_laguerre(p, 2 * square) for p in range(count)])


def hotelling_template(present: np.ndarray, absent: np.ndarray, channels: np.ndarray) -> np.ndarray:
    """Return the template of the channelised Hotelling observer, (side, side).

    w = S^-1 (mean_present - mean_absent) over channel outputs, S the mean of their two covariances
    (Barrett and Myers 2004, Foundations of Image Science, chapter 13).

    Args:
        present, absent: training regions (count, side, side), more than there are channels.
        channels: (channels, side, side).
    """
    outputs = [np.tensordot(regions, channels, axes=((1, 2), (1, 2))) for regions in (present, absent)]
    covariance = (np.cov(outputs[0].T) + np.cov(outputs[1].T)) / 2
    # Images without any variation are possible, so the pseudo-inverse is taken: the observer then guesses.
    difference = outputs[0].mean(axis=0) - outputs[1].mean(axis=0)
    weights = np.linalg.pinv(np.atleast_2d(covariance), hermitian=True) @ difference
    return np.tensordot(weights, channels, axes=1)


def eye_filter_squared(side: int, pixel_mm: float, viewing_mm: float = VIEWING_MM) -> np.ndarray:
    """Return the squared eye filter on the FFT grid, (side, side), with maximum 1.

    E^2 = (f^1.9 exp(-2 f^0.5))^2 with f in cycles per degree; its peak is at 3.6.

    Args:
        viewing_mm: viewing distance over the magnification of the image.
    """
    per_degree = np.fft.fftfreq(side, pixel_mm) * viewing_mm * np.tan(np.pi / 180)
    f = np.hypot(per_degree[:, None], per_degree[None, :])
    peak = 1.9**2
    return (f / peak) ** 3.8 * np.exp(-4 * (np.sqrt(f) - np.sqrt(peak)))


def eye_filter_template(signal: np.ndarray, pixel_mm: float, viewing_mm: float = VIEWING_MM) -> np.ndarray:
    """Return the template of the non-prewhitening observer with eye filter, (side, side).

    The expected signal filtered by E^2 (Burgess 1994, J. Opt. Soc. Am. A 11:1237), so that
    d'^2 = (sum |S|^2 E^2)^2 / sum |S|^2 E^4 NPS.

    Args:
        signal: the expected signal, (side, side). The object before blur is sufficient, because blur acts
            above the frequencies of the eye.
    """
    return fft.ifft2(fft.fft2(signal) * eye_filter_squared(len(signal), pixel_mm, viewing_mm)).real
