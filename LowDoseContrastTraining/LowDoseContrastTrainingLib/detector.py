"""The detector: heel effect and flat-fielding, blur, noise, defects, digitisation.

The pixel value of a flat-fielded For Processing image is linear in dose. Its variance,
on a uniform field of mean mu above the offset, is (xi_s mu)^2 + xi_q mu + xi_e^2 where the
heel effect leaves the exposure at its mean; elsewhere flat-fielding amplifies the noise.
"""

from __future__ import annotations

import numpy as np

from .randomness import stream
from .spectral import coloured_noise, fast_shape, filtered, frequency_grid


def mtf(frequency: np.ndarray, mtf_f2: float) -> np.ndarray:
    """Return the presampled MTF at radial frequencies in lp/mm: 1 / (1 + f^2 / mtf_f2).

    With 5.6 (lp/mm)^2 it is 0.85, 0.58 and 0.26 at 1, 2 and 4 lp/mm, the Senographe
    Essential as measured by Ghetti et al. (2008): 0.85, 0.59, 0.24.
    """
    return 1 / (1 + frequency * frequency / np.float32(mtf_f2))


def blurred(image: np.ndarray, parameters) -> np.ndarray:
    """Return the image behind the detector's MTF, same shape and unit, float32."""
    return filtered(image, parameters.pixel_mm, lambda f: mtf(f, parameters.mtf_f2))


def heel(parameters) -> np.ndarray:
    """Return relative exposure along the columns (chest wall to nipple), shape (1, columns).

    Falls linearly by ``heel_fall`` of its maximum; the mean is 1.
    """
    ramp = 1 - parameters.heel_fall * np.linspace(0, 1, parameters.columns, dtype=np.float32)
    return (ramp / ramp.mean())[None, :]


def fixed_pattern(parameters, seed: int) -> np.ndarray:
    """Return each pixel's response, (rows, columns) float32 around 1.

    What flat-fielding leaves: white of standard deviation ``xi_s``, and a few bad pixels.
    It belongs to the detector, so it is the same in every image of one seed.
    """
    rng = stream(seed, "detector")
    shape = (parameters.rows, parameters.columns)
    response = 1 + np.float32(parameters.xi_s) * rng.standard_normal(shape, dtype=np.float32)
    for _ in range(parameters.bad_pixels):
        response[rng.integers(shape[0]), rng.integers(shape[1])] = rng.uniform(0.0, 0.7)
    return response


def exposed(signal: np.ndarray, response: np.ndarray, parameters, rng) -> np.ndarray:
    """Return one noisy, digitised exposure.

    Args:
        signal: (rows, columns) mean pixel value above the offset, already blurred.
        response: from :func:`fixed_pattern`.
        rng: the stream of this exposure; another stream is another realisation.

    Returns:
        uint16, 0 to 2^bits - 1.
    """
    shape = signal.shape
    fast = fast_shape(shape, 32)
    fy, fx = frequency_grid(fast, parameters.pixel_mm)
    transfer = mtf(np.sqrt(fy * fy + fx * fx), parameters.mtf_f2)
    relative = heel(parameters)
    quanta = coloured_noise(rng, shape, transfer, fast)
    quanta *= np.sqrt(np.float32(parameters.xi_q) / relative * np.clip(signal, 0, None))
    image = signal * response + quanta
    electronic = rng.standard_normal(shape, dtype=np.float32)
    image += electronic * (np.float32(parameters.xi_e) / relative)
    image += np.float32(parameters.offset)
    return np.clip(np.rint(image), 0, 2**parameters.bits - 1).astype(np.uint16)
