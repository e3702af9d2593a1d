"""A mammogram as it would be at a fraction of its exposure."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..simulator.digitisation import digitised, full_scale
from ..simulator.noise import electronic_noise, quantum_noise
from .noise_model import NoiseModel

LOCAL_MEAN_MM = 0.9  # side of the square over which the noise-free signal is averaged


def reduced(
    pixels: np.ndarray,
    fraction: float,
    model: NoiseModel,
    pixel_mm: float,
    rng: np.random.Generator,
    bits: int = 14,
    chest_wall: str = "left",
) -> np.ndarray:
    """Return the image at ``fraction`` g of its exposure (Borges, Vieira et al. 2016):

        Z_g = g (Z - tau) + tau + sqrt(g (1 - g) xi_q Y / r) n_coloured + sqrt(1 - g^2) xi_e / r n_white

    Y is the noise-free signal above the offset tau, estimated by a local mean of Z - tau, and r the
    relative exposure by which flat-fielding has divided. Quantum and electronic noise are added separately,
    because only the quantum noise is coloured by the detector's blur.

    Scaling leaves a quantum variance of g^2 xi_q Y, but g xi_q Y is right, so g (1 - g) xi_q Y is missing.
    It leaves an electronic variance of g^2 xi_e^2, but the electronic noise does not depend on the dose, so
    (1 - g^2) xi_e^2 is missing. A published implementation adds noise of the standard deviation
    (1 - g) xi_e, as if standard deviations of independent noise could be added; its variance is too small
    by 2 g (1 - g) xi_e^2.

    The fixed pattern scales with the signal, as it should. The signal of saturated pixels is unknown: they
    are scaled, without noise.

    Args:
        pixels: (rows, columns) stored values, linear in the exposure and rising with it.
        fraction: g, between 0 and 1.
        pixel_mm: spacing in mm.
        rng: another one gives another realisation.
        bits: stored bits; the highest value is 2^bits - 1.
        chest_wall: left or right, the side with the highest exposure.

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
