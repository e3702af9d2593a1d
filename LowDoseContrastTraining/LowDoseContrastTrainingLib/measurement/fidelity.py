"""How near an output comes to the true high dose: what can be said from the two images alone.

None of these measures proves an improvement. CCI rises with gain and with noise, PSNR and SSIM reward
smoothing, and all of them take the noise of the target for truth. They say how alike two images look.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.cci import CciVariant, cci
from LowDoseContrastLib.errors import InputError
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

LEAST_SIDE = 11  # pixels, the window of SSIM


@dataclass(frozen=True)
class Fidelity:
    """The measures of one output. NaN where one is not defined (a constant image).

    Attributes:
        cci_input, cci_output, cci_target: CCI on the variant's scale, see :mod:`LowDoseContrastLib.cci`.
        cci_norm_input, cci_norm_output, cci_norm_target: mean of local standard deviation over local mean.
        cci_ratio_error: ``|CCI of output / CCI of target - 1|``; 0 is right, for a higher CCI is no better image.
        slope, offset: least-squares line of the output on the target (offset in pixel values); 1 and 0 are
            right. Noise in the target lowers the slope by its part of the target's variance.
        psnr: dB, ``10 log10(data_range^2 / mean squared difference)``; infinite for equal images.
        ssim: mean structural similarity, see :func:`ssim_map`.
        psnr_matched, ssim_matched: the same after the affine change of the output that brings it nearest to
            the target in least squares, which forgives a wrong gain and offset.
        pixels: how many were compared.
        data_range: pixel values, of PSNR and SSIM.
    """

    cci_input: float
    cci_output: float
    cci_target: float
    cci_norm_input: float
    cci_norm_output: float
    cci_norm_target: float
    cci_ratio_error: float
    slope: float
    offset: float
    psnr: float
    ssim: float
    psnr_matched: float
    ssim_matched: float
    pixels: int
    data_range: float


def fidelity(source, output, target, mask, full_scale: float, data_range: float, variant: CciVariant = CciVariant()) -> Fidelity:
    """Return the measures of one output.

    Args:
        source, output, target: (rows, columns) pixel values: the low dose, what was made of it, the high dose.
        mask: bool (rows, columns), the pixels compared; CCI takes the 3x3 windows wholly inside it.
        full_scale: highest pixel value of the detector.
        data_range: pixel values, for PSNR and SSIM.

    Raises:
        InputError: sizes that differ or are below 11 pixels, values that are not finite, or no 3x3 window in the mask.
    """
    output, target = (np.asarray(image, np.float64) for image in (output, target))
    _check(source, output, target, mask)
    found = [cci(image, full_scale, variant, mask=mask) for image in (source, output, target)]
    slope, offset = line(target[mask], output[mask])
    matched = _matched(output, target, mask)
    return Fidelity(
        *(each.cci for each in found),
        *(each.cci_norm for each in found),
        cci_ratio_error=abs(found[1].cci / found[2].cci - 1) if found[2].cci else math.nan,
        slope=slope,
        offset=offset,
        psnr=_psnr(output, target, mask, data_range),
        ssim=_ssim(output, target, mask, data_range),
        psnr_matched=_psnr(matched, target, mask, data_range),
        ssim_matched=_ssim(matched, target, mask, data_range),
        pixels=int(mask.sum()),
        data_range=data_range,
    )


def _check(source, output, target, mask):
    shapes = {np.shape(image) for image in (source, output, target, mask)}
    if len(shapes) > 1:
        raise InputError("", f"images of several sizes cannot be compared: {', '.join(map(str, sorted(shapes)))}")
    if min(output.shape) < LEAST_SIDE:
        raise InputError("", f"patches of {output.shape[0]} x {output.shape[1]} pixels are too small to compare", f"the least side is {LEAST_SIDE}")
    for name, image in (("input", source), ("output", output), ("target", target)):
        if not np.isfinite(image).all():
            raise InputError("", f"the {name} holds NaN or infinite pixel values")


def line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return (slope, offset) of the least-squares line of ``y`` on ``x``; NaN where ``x`` is constant."""
    x, y = (np.asarray(values, np.float64).ravel() for values in (x, y))
    centred = x - x.mean()
    power = float((centred * centred).sum())  # no BLAS: its threads cost more than they save here
    if not power:
        return math.nan, math.nan
    slope = float((centred * (y - y.mean())).sum()) / power
    return slope, float(y.mean() - slope * x.mean())


def _matched(output, target, mask):
    slope, offset = line(output[mask], target[mask])
    return np.full_like(output, target[mask].mean()) if math.isnan(slope) else slope * output + offset


def _psnr(output, target, mask, data_range):
    if np.array_equal(output[mask], target[mask]):
        return math.inf
    return float(peak_signal_noise_ratio(target[mask], output[mask], data_range=data_range))


def ssim_map(output: np.ndarray, target: np.ndarray, data_range: float) -> np.ndarray:
    """Return the structural similarity at each pixel (Wang et al. 2004: Gaussian window of sigma 1.5, population moments).

    Args:
        output, target: float (rows, columns), of one type.
    """
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "full": True}
    return structural_similarity(output, target, data_range=data_range, **settings)[1]


def _ssim(output, target, mask, data_range):
    return float(ssim_map(output, target, data_range)[mask].mean())
