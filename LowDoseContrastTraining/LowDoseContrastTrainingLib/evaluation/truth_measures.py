"""Measures of methods against the truth of simulated arrangements, on whole images of every realisation.

The rule for ``detectability`` and ``dprime_noise``: the channelised Hotelling observer on single calcifications of
0.1 to 0.2 and of 0.2 to 0.3 mm, the mean over these two size classes; larger ones are seen by any method. Where one
arrangement alone holds too few clusters, the regions of all arrangements are pooled, and there is no value, hence
no interval, by arrangement.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.steps import mapped

from ..held_out import SATURATED
from ..measurement.calcifications import match_calcifications
from ..measurement.contrast import insert_contrasts
from ..measurement.detectability import calcification_regions, calcification_sites, detectability_by_class
from ..measurement.noise_and_bias import noise_and_bias
from ..measurement.noise_texture import NoiseTexture, noise_texture, shape_error
from ..measurement.transfer import task_transfers
from ..measurement.truth_places import FIBRES, MASSES, Truth
from .ceiling import Ceiling
from .held_out_views import tissue_of
from .simulated_arrangements import SimulatedArrangement
from .truth_curves import MethodCurves

CLASSES_MM = ((0.1, 0.2), (0.2, 0.3))
RULE = "detectability: AUC of the channelised Hotelling observer on single calcifications, mean of the classes 0.1-0.2 and 0.2-0.3 mm"
_NAN = math.nan


@dataclass(frozen=True)
class TruthFigures:
    """The figures of one method on one arrangement; NaN where ``reasons`` say why not.

    Attributes:
        detectability: AUC, 0.5 by guessing; see the rule above.
        bias: B^2 of :mod:`..measurement.noise_and_bias`, pixel values.
        false_calcifications: candidates that are none, per cm^2, mean over realisations.
        sensitivity: part of the calcifications that has a candidate, 0 to 1, mean over realisations.
        residual_noise: R_N, pixel values.
        truth_slope, truth_offset: mean image = slope x noise-free high dose + offset (pixel values).
        nnps_shape_error: colour of the noise against that of the high dose, 0 is the same.
        half_masses, half_fibres, half_faint_calcifications, half_dense_calcifications: where the transfer from
            the noise-free high dose falls to 0.5, lp/mm.
        sdnr_masses, sdnr_fibres: contrast over the noise from realisation to realisation, mean over inserts.
        dprime_noise: what noise alone would limit the observer to; smoothing raises it, read it beside the others.
        reasons: why figures are missing, one sentence each.
    """

    detectability: float
    bias: float
    false_calcifications: float
    sensitivity: float
    residual_noise: float
    truth_slope: float
    truth_offset: float
    nnps_shape_error: float
    half_masses: float
    half_fibres: float
    half_faint_calcifications: float
    half_dense_calcifications: float
    sdnr_masses: float
    sdnr_fibres: float
    dprime_noise: float
    reasons: tuple[str, ...] = ()


FIGURES = tuple(each.name for each in dataclasses.fields(TruthFigures) if each.name != "reasons")


@dataclass(frozen=True)
class TruthResult:
    """The figures of one method.

    Attributes:
        by_arrangement: name -> :class:`TruthFigures`.
        pooled: ``detectability``, ``dprime_noise`` over the regions of all arrangements where one alone has too few, else empty.
        reasons: why figures are missing, one sentence each.
    """

    by_arrangement: dict[str, TruthFigures]
    pooled: dict[str, float]
    reasons: tuple[str, ...]

    def value(self, name: str) -> float:
        """Return a figure: pooled, or its mean over arrangements; NaN where one of them lacks it."""
        if name in self.pooled:
            return self.pooled[name]
        return float(np.mean([getattr(figures, name) for figures in self.by_arrangement.values()]))


@dataclass(frozen=True, eq=False)
class _Known:
    """What of an arrangement is the same for every method: the places and pixels judged, and the noise of its high dose (None, and why, without)."""

    arrangement: SimulatedArrangement
    sites: list
    mask: np.ndarray
    noise: NoiseTexture | None
    reasons: tuple[str, ...]


def truth_results(methods, arrangements: list[SimulatedArrangement], curves: dict[str, MethodCurves] | None = None):
    """Generator: yields the share done; returns name of the method -> :class:`TruthResult`. One method and arrangement is in memory at a time.

    Args:
        methods: as in :mod:`.methods`.
        curves: filled, name of the method -> the curves that the figures come from.

    Raises:
        InputError: an image that is missing, a method whose output is not finite, or a model outside of its domain.
    """
    total, done, known, results = len(arrangements) * (len(methods) + 1), 0, [], {}
    for arrangement in arrangements:
        yield done / total
        known.append(_known(arrangement))
        done += 1
    for method in methods:
        found, parts, drawn = {}, [], MethodCurves()
        for each in known:
            stack = yield from mapped(_outputs(method, each.arrangement), lambda share, first=done: (first + share) / total)
            figures, regions = _figures(stack, each, isinstance(method, Ceiling), drawn)
            found[each.arrangement.group], done = figures, done + 1
            parts.append(regions)
        results[method.name] = _result(found, parts, known[0].arrangement.truth().pixel_mm)
        if curves is not None:
            curves[method.name] = drawn
    return results


def _known(arrangement):
    truth, reasons = arrangement.truth(), []
    images = [arrangement.image(arrangement.high, number) for number in range(arrangement.realisations)]
    high = np.stack([image.pixels[0] for image in images])
    mask = _comparable(truth, truth.noise_free(arrangement.high), images[0].full_scale)
    noise = _tried(reasons, "noise of the high dose", lambda: noise_texture(high, truth.pixel_mm, mask, zero_level=truth.zero_level))
    return _Known(arrangement, calcification_sites(truth), mask, noise, tuple(reasons))


def _comparable(truth: Truth, reference, full_scale):
    """Where figures of pixels are taken: tissue that the high dose does not saturate, as on the patches."""
    tissue = tissue_of(reference, float(np.median(reference[truth.mask])), sign=1)
    return truth.mask & tissue & (reference < SATURATED * full_scale)


def _outputs(method, arrangement):
    """Generator: yields the share done, returns what a method makes of every realisation: float32 (realisations, rows, columns)."""
    made, count = [], arrangement.realisations
    for number in range(count):
        yield number / count
        if isinstance(method, Ceiling):
            made.append(arrangement.image(arrangement.high, number).pixels[0])
            continue
        low = arrangement.image(arrangement.low, number)
        output = yield from mapped(method.whole_steps(low), lambda share, first=number: (first + share) / count)
        made.append(np.asarray(output[0], np.float32))
        if not np.isfinite(made[-1]).all():
            raise InputError(f"{method.name} makes NaN or infinite pixel values of {low.source}; leave it out with --baselines or --model")
    return np.stack(made)


def _figures(stack, known, is_reference, curves):
    """(:class:`TruthFigures`, regions of the calcifications by size class); adds to ``curves``."""
    truth, reasons = known.arrangement.truth(), list(known.reasons)
    reference = truth.noise_free(known.arrangement.high)
    regions = calcification_regions(stack, known.sites, truth.pixel_mm, CLASSES_MM)
    auc, dprime = _detected([regions], truth.pixel_mm, reasons)
    figures = {
        "detectability": auc,
        "dprime_noise": dprime,
        **_error(stack, reference, known.mask, truth.zero_level, reasons),
        **_matches(stack, truth),
        "nnps_shape_error": _colour(stack, truth, known, is_reference, reasons, curves),
        **_transfers(stack, reference, truth, reasons, curves),
        **{name: _noise_contrast(stack, truth, kinds) for name, kinds in (("sdnr_masses", MASSES), ("sdnr_fibres", FIBRES))},
    }
    return TruthFigures(**figures, reasons=tuple(reasons)), regions


def _tried(reasons, title, measure):
    """What ``measure`` returns, or None where it cannot be taken, with the reason added."""
    try:
        return measure()
    except InputError as error:
        reasons.append(f"{title}: {error}")
        return None


def _detected(parts, pixel_mm, reasons):
    """(AUC, d' of noise alone), the means over the size classes; NaN, with the reason added, where one has none."""
    found = detectability_by_class(parts, pixel_mm)
    reasons += [f"detectability, calcifications of {low:g} to {high:g} mm: {each.reason}" for (low, high), each in found.items() if each.reason]
    return tuple(float(np.mean([getattr(each, name) for each in found.values()])) for name in ("auc", "dprime_noise"))


def _error(stack, reference, mask, zero_level, reasons):
    found = _tried(reasons, "bias", lambda: noise_and_bias(stack, reference, mask, zero_level))
    values = (found.bias_squared, found.residual_noise, found.slope, found.offset) if found else (_NAN,) * 4
    return dict(zip(("bias", "residual_noise", "truth_slope", "truth_offset"), values))


def _matches(stack, truth):
    found = [match_calcifications(image, truth) for image in stack]
    return {"false_calcifications": float(np.mean([each.added_per_cm2 for each in found])), "sensitivity": float(np.mean([each.sensitivity for each in found]))}


def _colour(stack, truth, known, is_reference, reasons, curves):
    if known.noise is None or is_reference:
        curves.noise.extend([known.noise] if known.noise else [])
        return _NAN
    found = _tried(reasons, "noise", lambda: noise_texture(stack, truth.pixel_mm, known.mask, zero_level=truth.zero_level))
    curves.noise.extend([found] if found else [])
    return shape_error(found, known.noise) if found and found.nnps.any() else _NAN


def _transfers(stack, reference, truth, reasons, curves):
    found = task_transfers([stack], [reference], [truth])
    curves.transfers.append(found)
    reasons += [f"transfer of {name}: {each.reason}" for name, each in found.items() if each.reason]
    return {f"half_{name.replace(' ', '_')}": each.half for name, each in found.items()}


def _noise_contrast(stack, truth, kinds):
    found = [each.sdnr_noise for each in insert_contrasts(stack, truth, kinds, truth.zero_level) if not each.reason]
    return float(np.mean(found)) if found else _NAN


def _result(found, parts, pixel_mm):
    reasons = [f"arrangement {group}: {reason}" for group, figures in found.items() for reason in figures.reasons]
    if all(math.isfinite(figures.detectability) for figures in found.values()):
        return TruthResult(found, {}, tuple(reasons))
    of_all = []
    auc, dprime = _detected(parts, pixel_mm, of_all)
    return TruthResult(found, {"detectability": auc, "dprime_noise": dprime}, tuple([*reasons, *(f"all arrangements: {reason}" for reason in of_all)]))
