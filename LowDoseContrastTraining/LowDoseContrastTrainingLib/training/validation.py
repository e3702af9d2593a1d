"""How near a generator comes to the true high dose, beside the gain baseline.

The baseline multiplies the low dose by the dose ratio: what no network is needed for. In the
direction ``BtoA`` the two doses change places throughout.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from LowDoseContrastLib.cci import local_moments
from scipy import ndimage

from ..measurement.fidelity import ssim_map
from .held_out import HeldOut

if TYPE_CHECKING:
    from LowDoseContrastLib.generator import UNetGenerator
    from LowDoseContrastLib.intensity import IntensityScale

    from .pix2pix import Pix2Pix


def judge(pix2pix: Pix2Pix, generator: UNetGenerator, held_out: HeldOut, gain: dict | None = None) -> list[dict]:
    """Return one row of figures for the gain baseline and one for the model, no rows without patches.

    Over all pixels of the patches where neither dose is saturated:

    - ``l1``: mean absolute difference to the high dose, pixel values;
    - ``l1_scaled``: the same on the network's scale, in [-1, 1];
    - ``psnr``: dB, data range the full scale;
    - ``ssim``: mean structural similarity (:func:`..measurement.fidelity.ssim_map`), data range the span of
      the high dose's compared pixels; with the full scale's, every image would be like every other;
    - ``fine_ratio``: mean magnitude of the Laplacian over that of the high dose: the finest detail
      and the noise, 1 is right;
    - ``cci_ratio``: mean 3x3 standard deviation over that of the high dose; 1 is right.

    Args:
        generator: in eval mode.
        gain: the baseline's row where it is known; it does not depend on the generator.
    """
    if not len(held_out):
        return []
    gain = gain or _row("gain", lambda low: _gained(pix2pix, low, held_out), pix2pix.scale, held_out)
    return [gain, _row("model", lambda low: enhanced(pix2pix, generator, low), pix2pix.scale, held_out)]


def _row(method: str, make: Any, scale: IntensityScale, held_out: HeldOut) -> dict[str, Any]:
    """The figures of what ``make`` gives for low-dose patches."""
    sums = 0.0
    for low, high in held_out.chunks():
        for patch, true, valid in zip(make(low), high, held_out.valid(low, high), strict=True):
            sums = sums + _sums(scale, patch, true, valid, held_out.span)
    return {"method": method, **_figures(sums, held_out.full_scale)}


@torch.no_grad()
def enhanced(pix2pix: Pix2Pix, generator: UNetGenerator, low: np.ndarray) -> np.ndarray:
    """Return the enhanced patches, pixel values float32, of low-dose ones (patches, rows, columns)."""
    values = torch.from_numpy(low).float()[:, None]
    with pix2pix.autocast():
        answer = generator(pix2pix.scale.normalise(values).to(pix2pix.device))
    return pix2pix.composition.compose(pix2pix.scale, values, answer.float().cpu())[:, 0].numpy()


def _gained(pix2pix: Pix2Pix, low: float, held_out: HeldOut) -> Any:
    if pix2pix.composition.kind == "residual":
        return pix2pix.composition.compose(pix2pix.scale, low, np.zeros_like(low))  # a network that says nothing
    return low * np.float32(held_out.fitted_gain)


def _sums(scale: IntensityScale, made: np.ndarray, true: np.ndarray, valid: np.ndarray, span: float) -> np.ndarray:
    """Return the sums over one patch that :func:`_figures` divides: first the number of its pixels."""
    difference = (made - true)[valid].astype(np.float64)
    scaled = (scale.normalise(made) - scale.normalise(true))[valid]
    maps = [ssim_map(made, true.astype(made.dtype), span)]
    maps += [local_moments(image)[0] for image in (made, true)]
    maps += [np.abs(ndimage.laplace(image.astype(np.float64))) for image in (made, true)]
    return np.array(
        [
            valid.sum(),
            np.abs(difference).sum(),
            np.abs(scaled).sum(),
            np.sum(difference**2),
            *(each[valid].sum() for each in maps),
        ],
        np.float64,
    )


def _figures(sums: np.ndarray, full_scale: float) -> dict:
    count = sums[0]
    if not count:
        return dict.fromkeys(("l1", "l1_scaled", "psnr", "ssim", "fine_ratio", "cci_ratio"), float("nan"))
    l1, l1_scaled, squared, ssim, *pairs = (float(value) for value in sums[1:] / count)
    cci, true_cci, fine, true_fine = pairs
    return {
        "l1": l1,
        "l1_scaled": l1_scaled,
        "psnr": float(10 * np.log10(full_scale**2 / squared)) if squared else float("inf"),
        "ssim": ssim,
        "fine_ratio": fine / true_fine if true_fine else float("nan"),
        "cci_ratio": cci / true_cci if true_cci else float("nan"),
    }
