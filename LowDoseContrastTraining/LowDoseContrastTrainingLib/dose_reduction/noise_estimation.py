"""The noise model of a detector, estimated from flat fields or from a single mammogram."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping

import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.mammogram import Mammogram
from LowDoseContrastLib.mask import Breast

from .noise_model import NoiseModel, chest_wall_side
from .noise_spectra import BlockSpectra, Texture, block_spectra, fitted_noise, joined_spectra, predicted

Values = dict[str, float]  # name of a value of the noise model -> the value

FLAT_BLOCK_MM = 6.4
FLAT_LOWEST = 0.4  # lp/mm; below it are the unevenness of the object and of the flat-fielding
BREAST_BLOCK_MM = 3.2
TEXTURE_BAND = (1.0, 2.0)  # lp/mm; here tissue outweighs noise and shows how quiet a block is
QUIET_PART = 0.2  # of the blocks of similar exposure
LEAST_BLOCKS = 100
# Coarse tissue falls as 1/f^3.2; towards the limit of the detector fine edges and aliasing make it fall
# more slowly. This exponent, with its error, fits the simulated phantoms above 2 lp/mm.
TEXTURE_BETA, TEXTURE_BETA_ERROR = 2.6, 0.25
# (noise_f2, mtf_f2) in (lp/mm)^2 by DetectorType: in a scintillator light spreads signal and noise alike;
# in a direct detector a quantum leaves its charge in one pixel, so the noise is nearly white.
COLOURS = {"SCINTILLATOR": (5.6, 5.6), "DIRECT": (400.0, 35.0)}
# Relative errors that do not depend on the size of the field: of the fit (windows, rings of finite width),
# from simulated flat fields; and of the model of tissue, from simulated phantoms, doses and detectors.
FLAT_ERROR = {"xi_q": 0.005, "xi_e": 0.005, "xi_s": 0.02, "heel_fall": 0.005, "noise_f2": 0.02}
TISSUE_ERROR = {"xi_q": 0.07, "xi_e": 0.07, "xi_s": 0.03, "heel_fall": 0.2, "noise_f2": 0.1}
_INSTEAD = "name {flats}, or give xi_q, xi_e, heel_fall and noise_f2 with {noise}"
_OUTLIER = 4.0  # standard deviations at which a block holds more than texture and noise


def from_flats(flats: list[Mammogram], given: Mapping[str, float]) -> NoiseModel:
    """Return the noise model from flat fields of a detector at two or more doses.

    Quantum noise rises with the mean, fixed pattern with its square, and electronic noise is constant, so
    the doses separate them, and so do the shapes of their spectra. The offset is the mean extrapolated
    to zero exposure, by the mAs (or the entrance dose) in the headers.

    Args:
        flats: linear For Processing images of a uniform object or of none.
        given: values that are known and kept.

    Raises:
        InputError: fewer than two doses, different pixels, or saturated images.
    """
    spacings = {_pixel_mm(flat) for flat in flats}
    if len(spacings) > 1:
        problem = "{flats}: the images have different pixel spacings"
        raise InputError("", problem, "name flat fields of one detector")
    pixel_mm = spacings.pop()
    for flat in flats:
        if (flat.pixels >= flat.full_scale).mean() > 1e-3:
            raise InputError(flat.source, "the flat field is saturated", "name one of a lower dose")
    side = max(8, 2 * round(FLAT_BLOCK_MM / pixel_mm / 2))
    every = [block_spectra(flat.pixels[0], pixel_mm, side) for flat in flats]
    if any(len(each.mean) < LEAST_BLOCKS for each in every):
        problem = f"{{flats}}: each image must hold {LEAST_BLOCKS} blocks of {side} x {side} pixels"
        raise InputError("", problem, "name whole fields")
    levels = [float(np.median(each.mean)) for each in every]
    if min(levels) <= 0 or max(levels) < 1.5 * min(levels):
        problem = "{flats}: the images are of one dose"
        raise InputError("", problem, "name flat fields at two or more doses, a factor of 1.5 apart")
    offset, error, notes = _offset(flats, levels)
    # The fall is fitted even if it is given, because only the fit shows on which side the chest wall was.
    known = {name: value for name, value in {"offset": offset, **given}.items() if name != "heel_fall"}
    values, errors = fitted_noise(_without_outliers(joined_spectra(every).above(FLAT_LOWEST), known, None), known)
    values["heel_fall"] = _heel_of_flats(values["heel_fall"])
    errors = {**_with_floor(errors, values, FLAT_ERROR), **({} if error is None else {"offset": error})}
    errors = {name: value for name, value in errors.items() if name not in given}
    source, notes = _source(f"{len(flats)} flat fields", given), () if "offset" in given else notes
    return NoiseModel(**{**values, **given}, errors=errors, source=source, notes=notes)


def _pixel_mm(mammogram: Mammogram) -> float:
    if mammogram.spacing is None:
        raise InputError(mammogram.source, "states no pixel spacing", "name an image with ImagerPixelSpacing")
    return mammogram.spacing[0]


def _source(of: str, given: Mapping[str, float]) -> str:
    return f"estimated from {of}" + (f", given {' and '.join(given)}" if given else "")


def _with_floor(errors: Values, values: Values, relative: Values) -> Values:
    return {name: math.hypot(error, relative[name] * values[name]) for name, error in errors.items()}


def _heel_of_flats(fall: float) -> float:
    """Return the fall from the brighter side; a rise along the columns is a fall from the other side."""
    return fall if fall >= 0 else -fall / (1 - fall)


def _offset(flats: list[Mammogram], levels: list[float]) -> tuple[float, float | None, tuple[str, ...]]:
    """Return (offset, its standard error or None, notes) from the means and the stated exposures."""
    stated = [_exposure(flat) for flat in flats]
    exposures = [value for value in stated if value is not None]
    if len(exposures) < len(stated) or max(exposures) < 1.5 * min(exposures):
        return 0.0, None, ("the headers state no exposures that could tell the offset: 0 was assumed",)
    x, y = np.array(exposures), np.array(levels)
    # The error of the exposure is relative, so low doses get the largest weights.
    fit = np.polyfit(x, y, 1, w=1 / y)
    if len(x) < 3:
        return float(max(0.0, fit[1])), None, ("two exposures give the offset without its error",)
    residual = (np.polyval(fit, x) - y) / y
    design = np.stack([x, np.ones_like(x)], axis=1) / y[:, None]
    covariance = np.linalg.inv(design.T @ design) * (residual @ residual) / (len(x) - 2)
    return float(max(0.0, fit[1])), float(np.sqrt(covariance[1, 1])), ()


def _exposure(flat: Mammogram) -> float | None:
    """Return what the header states in proportion to the exposure: mAs x 1000, or the entrance dose."""
    stated = float(flat.header.get("ExposureInuAs") or 0) if flat.header is not None else 0.0
    return stated if stated > 0 else flat.dose_mgy


def from_image(mammogram: Mammogram, given: Mapping[str, float], mask: np.ndarray | None = None) -> NoiseModel:
    """Return the noise model from a mammogram alone.

    It is fitted above 2 lp/mm in the quietest fifth of the breast's blocks of similar exposure. Quiet means
    little power from 1 to 2 lp/mm, where tissue outweighs noise, so that the choice does not favour low
    noise. The colour of the noise and the shape of the texture cannot be separated and are assumed; the
    errors include the uncertainty of the texture's exponent. On simulated phantoms the variance inside the
    breast is within 8% (scintillator) and 13% (direct) of the true one (``bench_reduction.py --survey``);
    flat fields are far more accurate.

    Args:
        given: values that are known and kept.
        mask: where the breast is; found in the image if None.

    Raises:
        InputError: too little breast without saturation.
    """
    pixels, pixel_mm = mammogram.pixels[0], _pixel_mm(mammogram)
    mask = Breast(pixels, mammogram.sign).mask if mask is None else mask
    side = max(8, 2 * round(BREAST_BLOCK_MM / pixel_mm / 2))
    if max(pixels.shape) < side or 2 * TEXTURE_BAND[1] * pixel_mm > 0.8:
        problem = f"pixels of {pixel_mm:g} mm are too coarse to tell noise from tissue"
        raise InputError(mammogram.source, problem, _INSTEAD)
    chest_wall = chest_wall_side(mask)
    usable = mask & (pixels < mammogram.full_scale)
    spectra = block_spectra(pixels, pixel_mm, side, usable, side // 2, chest_wall)
    colour, mtf_f2, notes = _assumed_colour(mammogram, given)
    known = {"offset": 0.0, "noise_f2": colour, **given}
    if "offset" not in given:
        notes += ("an image does not tell its offset: 0 was assumed",)
    quiet = _quiet(spectra, known["offset"])
    if len(quiet.mean) < LEAST_BLOCKS:
        problem = f"only {len(quiet.mean)} blocks of the breast are quiet and unsaturated, {LEAST_BLOCKS} are needed"
        raise InputError(mammogram.source, problem, _INSTEAD)
    values, errors = _fitted_breast(quiet.above(TEXTURE_BAND[1]), known, mtf_f2)
    values["heel_fall"] = max(0.0, values["heel_fall"])
    model = NoiseModel(**values, errors=errors, source=_source("the image itself", given), notes=notes)
    return dataclasses.replace(model, notes=model.notes + tuple(_weak(model)))


def _fitted_breast(spectra: BlockSpectra, known: Values, mtf_f2: float) -> tuple[Values, Values]:
    """Return values and errors, which include the effect of the uncertain exponent of the texture."""
    spectra = _without_outliers(spectra, known, Texture(TEXTURE_BETA, mtf_f2))
    values, errors = fitted_noise(spectra, known, Texture(TEXTURE_BETA, mtf_f2))
    exponents = (TEXTURE_BETA - TEXTURE_BETA_ERROR, TEXTURE_BETA + TEXTURE_BETA_ERROR)
    low, high = (fitted_noise(spectra, known, Texture(beta, mtf_f2))[0] for beta in exponents)
    errors = {name: math.hypot(error, (high[name] - low[name]) / 2) for name, error in errors.items()}
    return values, _with_floor(errors, values, TISSUE_ERROR)


def _assumed_colour(mammogram: Mammogram, given: Mapping[str, float]) -> tuple[float, float, tuple[str, ...]]:
    """Return (noise_f2, mtf_f2, notes)."""
    stated = str(mammogram.header.get("DetectorType", "")) if mammogram.header is not None else ""
    colour, mtf_f2 = COLOURS.get(stated, COLOURS["SCINTILLATOR"])
    if "noise_f2" in given:
        return colour, mtf_f2, ()
    kind = stated.lower() if stated in COLOURS else "scintillator, as the header does not say"
    assumed = f"that of a detector of the type {kind} was assumed"
    return colour, mtf_f2, (f"an image does not tell its noise's colour: {assumed}",)


def _weak(model: NoiseModel) -> Iterator[str]:
    """Yield notes on values whose error is large."""
    for name in ("xi_q", "xi_e"):
        error = model.errors.get(name)
        if error is not None and error > 0.3 * getattr(model, name):
            unsure = f"{name} is uncertain by {error:.2g}: the image hardly tells it from the rest"
            yield f"{unsure}; give it with --noise, or --flats"


def _quiet(spectra: BlockSpectra, offset: float) -> BlockSpectra:
    """Return the blocks with the least relative texture among those of similar exposure."""
    mean = np.clip(spectra.mean - offset, 1, None)
    level = spectra.band(*TEXTURE_BAND) / mean**2
    classes = np.array_split(np.argsort(mean), 10)
    quietest = [each[np.argsort(level[each])[: int(QUIET_PART * len(each))]] for each in classes]
    return spectra.chosen(np.concatenate(quietest))


def _without_outliers(spectra: BlockSpectra, known: Values, texture: Texture | None) -> BlockSpectra:
    """Return the blocks whose power agrees with the fit: none with a bad pixel, a grain or a marker."""
    for _ in range(4):
        expected = predicted(spectra, fitted_noise(spectra, known, texture)[0], texture)
        ratio = (spectra.power / expected) @ spectra.counts / spectra.counts.sum()
        middle = np.median(ratio)
        kept = np.abs(ratio - middle) < _OUTLIER * 1.4826 * np.median(np.abs(ratio - middle))
        if kept.all():
            break
        spectra = spectra.chosen(kept)
    return spectra
