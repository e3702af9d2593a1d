"""How similar an output is to the true high dose, from the two images alone.

None of these measures proves an improvement. CCI rises with gain and with noise, PSNR and SSIM reward
smoothing, and all of them treat the noise of the target as truth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.cci import CciVariant, cci
from LowDoseContrastLib.errors import InputError
from numpy.typing import ArrayLike
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

LEAST_SIDE = 11  # pixels, the window of SSIM
_PAPER = CciVariant()


@dataclass(frozen=True)
class Fidelity:
    """The measures of an output, NaN if undefined (a constant image).

    Attributes:
        cci_input, cci_output, cci_target: CCI on the variant's scale, see :mod:`LowDoseContrastLib.cci`.
        cci_norm_input, cci_norm_output, cci_norm_target: mean of local standard deviation over local mean.
        cci_ratio_error: ``|CCI of output / CCI of target - 1|``; 0 is ideal, as a higher CCI is not better.
        slope, offset: least-squares line of the output on the target (offset in pixel values); 1 and 0 are
            ideal. Noise in the target lowers the slope by its share of the target's variance.
        psnr: dB, ``10 log10(data_range^2 / mean squared difference)``; infinite for equal images.
        ssim: mean structural similarity, see :func:`ssim_map`.
        psnr_matched, ssim_matched: the same after an affine least-squares fit of the output to the target,
            so a wrong gain and offset do not count.
        pixels: how many were compared.
        data_range: of PSNR and SSIM, pixel values.
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


def fidelity(
    source: np.ndarray,
    output: np.ndarray,
    target: np.ndarray,
    mask: np.ndarray,
    full_scale: float,
    data_range: float,
    variant: CciVariant = _PAPER,
) -> Fidelity:
    """Return the measures of an output.

    Args:
        source, output, target: (rows, columns) pixel values: low dose, result, high dose.
        mask: bool (rows, columns), the pixels compared; CCI uses the 3x3 windows inside it.
        full_scale: highest pixel value of the detector.
        data_range: of PSNR and SSIM, pixel values.

    Raises:
        InputError: sizes that differ or are below 11 pixels, values that are not finite, or no 3x3 window in the mask.
    """
    output, target = (np.asarray(image, np.float64) for image in (output, target))
    _check(source, output, target, mask)
    before, made, wanted = (cci(image, full_scale, variant, mask=mask) for image in (source, output, target))
    ccis = before.cci, made.cci, wanted.cci, before.cci_norm, made.cci_norm, wanted.cci_norm
    error = abs(made.cci / wanted.cci - 1) if wanted.cci else math.nan
    plain = _psnr_ssim(output, target, mask, data_range)
    matched = _psnr_ssim(_affine(output, target, mask), target, mask, data_range)
    return Fidelity(*ccis, error, *line(target[mask], output[mask]), *plain, *matched, int(mask.sum()), data_range)


def _check(source: np.ndarray, output: np.ndarray, target: np.ndarray, mask: np.ndarray) -> None:
    shapes = {np.shape(image) for image in (source, output, target, mask)}
    if len(shapes) > 1:
        raise InputError("", f"images of several sizes cannot be compared: {', '.join(map(str, sorted(shapes)))}")
    if min(output.shape) < LEAST_SIDE:
        problem = f"patches of {output.shape[0]} x {output.shape[1]} pixels are too small to compare"
        raise InputError("", problem, f"the least side is {LEAST_SIDE}")
    for name, image in (("input", source), ("output", output), ("target", target)):
        if not np.isfinite(image).all():
            raise InputError("", f"the {name} holds NaN or infinite pixel values")


def line(x: ArrayLike, y: ArrayLike) -> tuple[float, float]:
    """Return (slope, offset) of the least-squares line of ``y`` on ``x``, NaN if ``x`` is constant."""
    x, y = (np.asarray(values, np.float64).ravel() for values in (x, y))
    centred = x - x.mean()
    power = float((centred * centred).sum())  # without BLAS, whose threads cost more than they save here
    if not power:
        return math.nan, math.nan
    slope = float((centred * (y - y.mean())).sum()) / power
    return slope, float(y.mean() - slope * x.mean())


def _affine(output: np.ndarray, target: np.ndarray, mask: np.ndarray) -> np.ndarray:
    slope, offset = line(output[mask], target[mask])
    return np.full_like(output, target[mask].mean()) if math.isnan(slope) else slope * output + offset


def _psnr_ssim(output: np.ndarray, target: np.ndarray, mask: np.ndarray, data_range: float) -> tuple[float, float]:
    ssim = float(ssim_map(output, target, data_range)[mask].mean())
    if np.array_equal(output[mask], target[mask]):
        return math.inf, ssim
    return float(peak_signal_noise_ratio(target[mask], output[mask], data_range=data_range)), ssim


def ssim_map(output: np.ndarray, target: np.ndarray, data_range: float) -> np.ndarray:
    """Return the structural similarity map (Wang et al. 2004: Gaussian window of sigma 1.5, population moments).

    Args:
        output, target: float (rows, columns), of the same type.
    """
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "full": True}
    return structural_similarity(output, target, data_range=data_range, **settings)[1]
