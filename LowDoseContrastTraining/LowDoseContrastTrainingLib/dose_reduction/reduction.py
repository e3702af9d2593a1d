"""A mammogram as it would be at a part of its exposure."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..simulator.digitisation import digitised, full_scale
from ..simulator.noise import electronic_noise, quantum_noise
from .noise_model import NoiseModel

LOCAL_MEAN_MM = 0.9  # side of the square over which the noise-free signal is averaged


def reduced(pixels: np.ndarray, fraction: float, model: NoiseModel, pixel_mm: float, rng, bits: int = 14, chest_wall: str = "left") -> np.ndarray:
    """Return the image at ``fraction`` g of its exposure (Borges, Vieira et al. 2016):

        Z_g = g (Z - tau) + tau + sqrt(g (1 - g) xi_q Y / r) n_coloured + sqrt(1 - g^2) xi_e / r n_white

    Y is the noise-free signal above the offset tau, estimated by a local mean of Z - tau, and r the
    relative exposure that flat-fielding has divided by. Quanta and electronics get noise of their own, for
    only the quantum noise is coloured by the detector's blur.

    Scaling leaves g^2 xi_q Y of the quantum variance where g xi_q Y belongs, so g (1 - g) xi_q Y is
    missing. It leaves g^2 xi_e^2 of the electronic variance where all of xi_e^2 belongs, for the
    electronics do not know of the dose: (1 - g^2) xi_e^2 is missing. A published implementation adds noise
    of the standard deviation (1 - g) xi_e: the variance (1 - g)^2 xi_e^2 falls short of it by
    2 g (1 - g) xi_e^2, as if standard deviations of independent noises added up.

    The fixed pattern scales with the signal, as it should. Saturated pixels know nothing of their signal:
    they stay what g makes of the highest value, without noise.

    Args:
        pixels: (rows, columns) stored values, linear in the exposure and rising with it.
        fraction: g, between 0 and 1.
        pixel_mm: spacing in mm.
        rng: numpy Generator; another one is another realisation.
        bits: stored bits; the values end at 2^bits - 1.
        chest_wall: left or right, the side from which the exposure falls.

    Returns:
        uint16 (rows, columns).
    """
    signal = pixels.astype(np.float32) - np.float32(model.offset)
    relative = model.relative_exposure(pixels.shape[1], chest_wall)
    mean = ndimage.uniform_filter(signal, max(1, round(LOCAL_MEAN_MM / pixel_mm)), mode="nearest")
    missing = mean * (np.float32(fraction * (1 - fraction)) / relative)
    noise = quantum_noise(missing, pixel_mm, model.xi_q, model.noise_f2, rng)
    noise += electronic_noise(pixels.shape, np.sqrt(1 - fraction**2) * model.xi_e, rng) / relative
    noise[saturated(pixels, bits)] = 0
    return digitised(signal * np.float32(fraction) + noise + np.float32(model.offset), bits)


def saturated(pixels: np.ndarray, bits: int) -> np.ndarray:
    """Return which pixels hold the highest value, bool of the same shape."""
    return pixels >= full_scale(bits)
