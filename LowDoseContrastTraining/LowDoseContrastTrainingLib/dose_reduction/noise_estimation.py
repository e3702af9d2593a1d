"""The noise model of a detector from flat fields, or from one mammogram by itself."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.mammogram import Mammogram
from LowDoseContrastLib.mask import breast_mask

from .noise_model import NoiseModel, chest_wall_side
from .noise_spectra import BlockSpectra, Texture, block_spectra, fitted, joined, spectrum

FLAT_BLOCK_MM = 6.4
FLAT_LOWEST = 0.4  # lp/mm; below it lie the unevenness of the object and of the flat-fielding
BREAST_BLOCK_MM = 3.2
TEXTURE_BAND = (1.0, 2.0)  # lp/mm; here tissue outweighs noise and says how quiet a block is
QUIET_PART = 0.2  # of the blocks of like exposure
LEAST_BLOCKS = 100
# Tissue falls as 1/f^3.2 where it is coarse; towards the limit of the detector fine edges and aliasing
# make it fall slower. This exponent fits the simulated phantoms above 2 lp/mm, give or take.
TEXTURE_BETA, TEXTURE_BETA_ERROR = 2.6, 0.25
# (noise_f2, mtf_f2) in (lp/mm)^2 by the DetectorType of the header: in a scintillator light spreads signal
# and noise alike; in a direct detector a quantum leaves its charge in one pixel, the noise is nearly white.
COLOURS = {"SCINTILLATOR": (5.6, 5.6), "DIRECT": (400.0, 35.0)}
# Relative errors that stay however large the field is: of the fit (windows, rings of finite width), seen on
# simulated flat fields; and of the model of tissue, the spread over simulated phantoms, doses and detectors.
FLAT_ERROR = {"xi_q": 0.005, "xi_e": 0.005, "xi_s": 0.02, "heel_fall": 0.005, "noise_f2": 0.02}
TISSUE_ERROR = {"xi_q": 0.07, "xi_e": 0.07, "xi_s": 0.03, "heel_fall": 0.2, "noise_f2": 0.1}
_INSTEAD = "name --flats, or give xi_q, xi_e, heel_fall and noise_f2 with --noise"
_OUTLIER = 4.0  # standard deviations at which a block holds more than texture and noise


def from_flats(flats: list[Mammogram], given: dict) -> NoiseModel:
    """Return the noise model that flat fields of one detector at two or more doses show.

    Quantum noise rises with the mean, fixed pattern with its square, electronic noise not at all, so that
    the doses tell them apart, and the shapes of their spectra do so again. The offset is where the line of
    the mean over the mAs (or the entrance dose) that the headers state meets zero exposure.

    Args:
        flats: For Processing images, linear, of a uniform object or of none.
        given: values that are known already and stay.

    Raises:
        InputError: fewer than two doses, different pixels, or saturated images.
    """
    pixel_mm = flats[0].spacing[0]
    if any(flat.spacing[0] != pixel_mm for flat in flats):
        raise InputError("", "{flats}: the images have different pixel spacings", "name flat fields of one detector")
    for flat in flats:
        if (flat.pixels >= flat.full_scale).mean() > 1e-3:
            raise InputError(flat.source, "the flat field is saturated", "name one of a lower dose")
    side = max(8, 2 * round(FLAT_BLOCK_MM / pixel_mm / 2))
    every = [block_spectra(flat.pixels[0], pixel_mm, side) for flat in flats]
    if any(len(each.mean) < LEAST_BLOCKS for each in every):
        raise InputError("", f"{{flats}}: each image must hold {LEAST_BLOCKS} blocks of {side} x {side} pixels", "name whole fields")
    levels = [float(np.median(each.mean)) for each in every]
    if min(levels) <= 0 or max(levels) < 1.5 * min(levels):
        raise InputError("", "{flats}: the images are of one dose", "name flat fields at two or more doses, a factor of 1.5 apart")
    offset, error, notes = _offset(flats, levels)
    # The fall is fitted even if it is given: on which side of a flat field the chest wall was, only the fit knows.
    known = {name: value for name, value in {"offset": offset, **given}.items() if name != "heel_fall"}
    values, errors = fitted(_without_outliers(joined(every).above(FLAT_LOWEST), known, None), known)
    values["heel_fall"] = _heel_of_flats(values["heel_fall"])
    errors = {**_with_floor(errors, values, FLAT_ERROR), **({} if error is None else {"offset": error})}
    errors = {name: value for name, value in errors.items() if name not in given}
    return NoiseModel(**{**values, **given}, errors=errors, source=_source(f"{len(flats)} flat fields", given), notes=() if "offset" in given else notes)


def _source(of, given):
    return f"estimated from {of}" + (f", given {' and '.join(given)}" if given else "")


def _with_floor(errors, values, relative):
    return {name: math.hypot(error, relative[name] * values[name]) for name, error in errors.items()}


def _heel_of_flats(fall):
    """The fall from the brighter side; a rise along the columns is a fall seen from the other side."""
    return fall if fall >= 0 else -fall / (1 - fall)


def _offset(flats, levels):
    """(offset, its standard error or None, notes) from the means over the stated exposures."""
    exposures = [_exposure(flat) for flat in flats]
    if None in exposures or max(exposures) < 1.5 * min(exposures):
        return 0.0, None, ("the headers state no exposures that could tell the offset: 0 was assumed",)
    x, y = np.array(exposures), np.array(levels)
    # The exposure repeats to a part of itself, so that low doses weigh most.
    fit = np.polyfit(x, y, 1, w=1 / y)
    if len(x) < 3:
        return float(max(0.0, fit[1])), None, ("two exposures give the offset without its error",)
    residual = (np.polyval(fit, x) - y) / y
    design = np.stack([x, np.ones_like(x)], axis=1) / y[:, None]
    covariance = np.linalg.inv(design.T @ design) * (residual @ residual) / (len(x) - 2)
    return float(max(0.0, fit[1])), float(np.sqrt(covariance[1, 1])), ()


def _exposure(flat):
    """mAs x 1000, or the entrance dose: whatever the header states that is proportional to the exposure."""
    stated = flat.header.get("ExposureInuAs") if flat.header is not None else None
    return float(stated) if stated not in (None, "") and float(stated) > 0 else flat.dose_mgy


def from_image(mammogram: Mammogram, given: dict) -> NoiseModel:
    """Return the noise model that a mammogram shows by itself.

    It is fitted above 2 lp/mm in the quietest fifth of the breast's blocks at each exposure (quiet from 1
    to 2 lp/mm, where tissue outweighs noise, so that the choice does not favour low noise). The colour of
    the noise and the shape of the texture look alike and are assumed; how much the exponent of the
    texture matters is part of the errors. On simulated phantoms the variance inside the breast comes out
    within 8% (scintillator) and 13% (direct) of the true one (``bench_reduction.py --survey``); flat fields
    do far better.

    Raises:
        InputError: too little breast without saturation.
    """
    pixels, pixel_mm = mammogram.pixels[0], mammogram.spacing[0]
    mask = breast_mask(pixels, mammogram.sign)
    side = max(8, 2 * round(BREAST_BLOCK_MM / pixel_mm / 2))
    if max(pixels.shape) < side or 2 * TEXTURE_BAND[1] * pixel_mm > 0.8:
        raise InputError(mammogram.source, f"pixels of {pixel_mm:g} mm are too coarse to tell noise from tissue", _INSTEAD)
    chest_wall = chest_wall_side(mask)
    usable = mask & (pixels < mammogram.full_scale)
    spectra = block_spectra(pixels, pixel_mm, side, usable, side // 2, chest_wall)
    colour, mtf_f2, notes = _assumed_colour(mammogram, given)
    known = {"offset": 0.0, "noise_f2": colour, **given}
    if "offset" not in given:
        notes += ("an image does not tell its offset: 0 was assumed",)
    quiet = _quiet(spectra, known["offset"])
    if len(quiet.mean) < LEAST_BLOCKS:
        raise InputError(mammogram.source, f"only {len(quiet.mean)} blocks of the breast are quiet and unsaturated, {LEAST_BLOCKS} are needed", _INSTEAD)
    values, errors = _fitted_breast(quiet.above(TEXTURE_BAND[1]), known, mtf_f2)
    model = NoiseModel(**{**values, "heel_fall": max(0.0, values["heel_fall"])}, errors=errors, source=_source("the image itself", given), notes=notes)
    return dataclasses.replace(model, notes=model.notes + tuple(_weak(model)))


def _fitted_breast(spectra, known, mtf_f2):
    """Values and errors, the latter with what the uncertain exponent of the texture does to the values."""
    spectra = _without_outliers(spectra, known, Texture(TEXTURE_BETA, mtf_f2))
    values, errors = fitted(spectra, known, Texture(TEXTURE_BETA, mtf_f2))
    low, high = (fitted(spectra, known, Texture(TEXTURE_BETA + sign * TEXTURE_BETA_ERROR, mtf_f2))[0] for sign in (-1, 1))
    errors = {name: math.hypot(error, (high[name] - low[name]) / 2) for name, error in errors.items()}
    return values, _with_floor(errors, values, TISSUE_ERROR)


def _assumed_colour(mammogram, given):
    stated = str(mammogram.header.get("DetectorType", "")) if mammogram.header is not None else ""
    colour, mtf_f2 = COLOURS.get(stated, COLOURS["SCINTILLATOR"])
    if "noise_f2" in given:
        return colour, mtf_f2, ()
    kind = stated.lower() if stated in COLOURS else "scintillator, as the header does not say"
    return colour, mtf_f2, (f"an image does not tell its noise's colour: that of a detector of the type {kind} was assumed",)


def _weak(model):
    """Notes on what is hardly told from zero."""
    for name in ("xi_q", "xi_e"):
        error = model.errors.get(name)
        if error is not None and error > 0.3 * getattr(model, name):
            yield f"{name} is uncertain by {error:.2g}: the image hardly tells it from the rest; give it with --noise, or --flats"


def _quiet(spectra: BlockSpectra, offset: float) -> BlockSpectra:
    """The blocks with the least relative texture among those of like exposure."""
    mean = np.clip(spectra.mean - offset, 1, None)
    level = spectra.band(*TEXTURE_BAND) / mean**2
    classes = np.array_split(np.argsort(mean), 10)
    return spectra.chosen(np.concatenate([each[np.argsort(level[each])[: int(QUIET_PART * len(each))]] for each in classes]))


def _without_outliers(spectra: BlockSpectra, known: dict, texture: Texture | None) -> BlockSpectra:
    """The blocks whose power is what the fit predicts: none with a bad pixel, a grain or a marker."""
    for _ in range(4):
        predicted = spectrum(spectra, fitted(spectra, known, texture)[0], texture)
        ratio = (spectra.power / predicted) @ spectra.counts / spectra.counts.sum()
        middle = np.median(ratio)
        kept = np.abs(ratio - middle) < _OUTLIER * 1.4826 * np.median(np.abs(ratio - middle))
        if kept.all():
            break
        spectra = spectra.chosen(kept)
    return spectra
