"""How near a generator comes to the true high dose, beside the gain baseline.

The baseline multiplies the low dose by the dose ratio: what no network is needed for.
"""

from __future__ import annotations

import numpy as np
import torch
from LowDoseContrastLib.cci import local_moments
from scipy import ndimage

SATURATED = 0.95  # of full scale; above it the detector has clipped and nothing is compared


def judge(pix2pix, generator, low: np.ndarray, high: np.ndarray, full_scale: float) -> list[dict]:
    """Return one row of figures for the gain baseline and one for the model.

    Over all pixels of the patches where the true high dose is not saturated:

    - ``l1``: mean absolute difference to the high dose, pixel values;
    - ``l1_scaled``: the same on the network's scale, in [-1, 1];
    - ``psnr``: dB, data range ``full_scale``;
    - ``fine_ratio``: mean magnitude of the Laplacian over that of the high dose: the finest detail
      and the noise, 1 is right;
    - ``cci_ratio``: mean 3x3 standard deviation over that of the high dose; 1 is right.

    Args:
        generator: in eval mode.
        low, high: pixel values (patches, rows, columns), sides that the generator takes.
    """
    if not len(low):
        return []
    if pix2pix.composition.kind == "residual":
        gain = pix2pix.composition.compose(pix2pix.scale, low, np.zeros_like(low))  # a network that says nothing
    else:
        gain = low * _fitted_gain(low, high, full_scale)
    outputs = {"gain": gain, "model": enhanced(pix2pix, generator, low)}
    valid = high < SATURATED * full_scale
    return [{"method": name, **_figures(pix2pix.scale, out, high, valid, full_scale)} for name, out in outputs.items()]


@torch.no_grad()
def enhanced(pix2pix, generator, low: np.ndarray, batch: int = 4) -> np.ndarray:
    """Return the enhanced patches, pixel values float32, of low-dose ones (patches, rows, columns)."""
    results = []
    for start in range(0, len(low), batch):
        values = torch.from_numpy(low[start : start + batch]).float()[:, None]
        with pix2pix.autocast():
            answer = generator(pix2pix.scale.normalise(values).to(pix2pix.device))
        results.append(pix2pix.composition.compose(pix2pix.scale, values, answer.float().cpu())[:, 0].numpy())
    return np.concatenate(results)


def _fitted_gain(low, high, full_scale) -> float:
    """Return the dose ratio seen in the pixels: the median of high / low below saturation."""
    valid = (high < SATURATED * full_scale) & (low > 0)
    return float(np.median(high[valid] / low[valid])) if valid.any() else 1.0


def _figures(scale, output, high, valid, full_scale) -> dict:
    difference = (output - high)[valid].astype(np.float64)
    scaled = (scale.normalise(output) - scale.normalise(high))[valid]
    squared = float(np.mean(difference**2))
    deviations, fine = [], []
    for image in (output, high):
        maps = [local_moments(patch)[0][mask] for patch, mask in zip(image, valid)]
        deviations.append(float(np.concatenate(maps).mean()))
        curved = [np.abs(ndimage.laplace(patch.astype(np.float64)))[mask] for patch, mask in zip(image, valid)]
        fine.append(float(np.concatenate(curved).mean()))
    return {
        "l1": float(np.abs(difference).mean()),
        "l1_scaled": float(np.abs(scaled).mean()),
        "psnr": float(10 * np.log10(full_scale**2 / squared)) if squared else float("inf"),
        "fine_ratio": fine[0] / fine[1] if fine[1] else float("nan"),
        "cci_ratio": deviations[0] / deviations[1] if deviations[1] else float("nan"),
    }
