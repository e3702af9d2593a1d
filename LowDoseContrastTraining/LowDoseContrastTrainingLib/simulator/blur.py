"""The blur of the detector: its modulation transfer function."""

from __future__ import annotations

import numpy as np

from .parameters import AcquisitionParameters
from .spectral import filtered


def mtf(frequency: np.ndarray, f2: float) -> np.ndarray:
    """Return the presampled MTF at radial frequencies in lp/mm: 1 / (1 + f^2 / f2).

    With 5.6 (lp/mm)^2 it is 0.85, 0.58 and 0.26 at 1, 2 and 4 lp/mm, the Senographe
    Essential as measured by Ghetti et al. (2008): 0.85, 0.59, 0.24.
    """
    return 1 / (1 + frequency * frequency / np.float32(f2))


def blurred(image: np.ndarray, parameters: AcquisitionParameters) -> np.ndarray:
    """Return a drawn image as the detector samples it, same shape and unit, float32.

    ``image`` holds means over pixels and so includes the pixel's aperture; the presampled MTF, which
    includes it too, is divided by it.
    """

    def transfer(fy: np.ndarray, fx: np.ndarray) -> np.ndarray:
        aperture = np.sinc(fy * parameters.pixel_mm) * np.sinc(fx * parameters.pixel_mm)
        return mtf(np.hypot(fy, fx), parameters.mtf_f2) / aperture

    return filtered(image, parameters.pixel_mm, transfer)
