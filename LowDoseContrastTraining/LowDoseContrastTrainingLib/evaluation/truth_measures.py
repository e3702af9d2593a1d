"""Measures of methods against the truth of simulated arrangements, on whole images of every realisation.

The rule for ``detectability``, ``forced_choice``, ``detectability_eye`` and ``dprime_noise``: single calcifications of
0.1 to 0.2 and of 0.2 to 0.3 mm, the mean over these two size classes; larger ones are seen by any method. Where one
arrangement alone holds too few clusters, the regions of all arrangements are pooled, and there is no value, hence
no interval, by arrangement. :attr:`TruthResult.by_size` has every size class, over all arrangements.
"""

from __future__ import annotations

import dataclasses
import math
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.steps import mapped

from ..common.process_memory import give_back_memory
from ..measurement.calcifications import CalcificationSearch
from ..measurement.contrast import insert_contrasts
from ..measurement.detectability import OBSERVERS, SIZE_CLASSES_MM, calcification_regions, calcification_sites, detectability_by_class
from ..measurement.noise_and_bias import noise_and_bias
from ..measurement.noise_texture import NoiseTexture, noise_texture, shape_error
from ..measurement.transfer import task_transfers
from ..measurement.truth_places import FIBRES, MASSES, Truth
from ..training.held_out import SATURATED
from .ceiling import Ceiling
from .held_out_views import tissue_of
from .simulated_arrangements import SimulatedArrangement
from .statistics import number_or_none
from .truth_curves import MethodCurves

CLASSES_MM = SIZE_CLASSES_MM[:2]  # the rule's
RULE = "detectability: AUC of the channelised Hotelling observer on single calcifications, mean of the classes 0.1-0.2 and 0.2-0.3 mm"
_NAN = math.nan


@dataclass(frozen=True)
class TruthFigures:
    """The figures of one method on one arrangement; NaN where ``reasons`` say why not.

    Attributes:
        detectability: AUC of the channelised Hotelling observer, 0.5 by guessing; see the rule above.
        forced_choice: percent correct of the same in 4-alternative forced choice, 25 by guessing.
        detectability_eye: AUC of the non-prewhitening observer with eye filter.
        bias: B^2 of :mod:`..measurement.noise_and_bias`, pixel values.
        false_calcifications: candidates that are none, per cm^2, mean over realisations.
        missed_calcifications: true ones without a candidate, per cm^2, mean over realisations.
        sensitivity: part of the calcifications that has a candidate, 0 to 1, mean over realisations.
        residual_noise: R_N, pixel values.
        mnse: mean normalised squared error after the affine match, R_N + B^2, pixel values.
        truth_slope, truth_offset: mean image = slope x noise-free high dose + offset (pixel values).
        nnps_shape_error: colour of the noise against that of the high dose, 0 is the same.
        half_masses, half_fibres, half_faint_calcifications, half_dense_calcifications: where the transfer from
            the noise-free high dose falls to 0.5, lp/mm.
        sdnr_masses, sdnr_fibres: contrast over the noise from realisation to realisation, mean over inserts.
        dprime_noise: what noise alone would limit the observer to; smoothing raises it, read it beside the others.
        reasons: why figures are missing, one sentence each.
    """

    detectability: float
    forced_choice: float
    detectability_eye: float
    bias: float
    false_calcifications: float
    missed_calcifications: float
    sensitivity: float
    residual_noise: float
    mnse: float
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
        pooled: the figures of the rule over the regions of all arrangements where one alone has too few, else empty.
        reasons: why figures are missing, one sentence each.
        by_size: a JSON-able entry for each size class, over all arrangements: ``size_mm``, ``clusters``, ``reason``, and
            for each observer its ``auc``, ``auc_error``, ``dprime``, ``dprime_noise`` and ``percent_correct``.
        seconds: for a whole image, the mean.
        curves: that the figures come from.
    """

    by_arrangement: dict[str, TruthFigures]
    pooled: dict[str, float]
    reasons: tuple[str, ...]
    by_size: tuple[dict, ...] = ()
    seconds: float = _NAN
    curves: MethodCurves = field(default_factory=MethodCurves)

    def value(self, name: str) -> float:
        """Return a figure: pooled, or its mean over arrangements; NaN where one of them lacks it."""
        if name in self.pooled:
            return self.pooled[name]
        return float(np.mean([getattr(figures, name) for figures in self.by_arrangement.values()]))


@dataclass(frozen=True, eq=False)
class _Known:
    """What of an arrangement is the same for every method: images, truth, the places and pixels judged, and the noise of its high dose (None, and why, without)."""

    arrangement: SimulatedArrangement
    truth: Truth
    low: list
    high: np.ndarray
    reference: np.ndarray
    sites: list
    search: CalcificationSearch
    mask: np.ndarray
    noise: NoiseTexture | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Found:
    """What has been measured of one method: figures by arrangement, regions of calcifications, seconds an image, curves."""

    figures: dict = field(default_factory=dict)
    regions: list = field(default_factory=list)
    seconds: list = field(default_factory=list)
    curves: MethodCurves = field(default_factory=MethodCurves)


def truth_results(methods, arrangements: list[SimulatedArrangement]):
    """Generator: yields the share done; returns name of the method -> :class:`TruthResult`. The images of one arrangement are in memory at a time.

    Raises:
        InputError: an image that is missing, a method whose output is not finite, or a model outside of its domain.
    """
    total, done, found = len(arrangements) * (len(methods) + 1), 0, {method.name: _Found() for method in methods}
    for arrangement in arrangements:
        yield done / total
        known = _known(arrangement)
        done += 1
        for method in methods:
            of_method = found[method.name]
            stack = yield from mapped(_outputs(method, known, of_method.seconds), lambda share, first=done: (first + share) / total)
            figures, regions = _figures(stack, known, isinstance(method, Ceiling), of_method.curves)
            of_method.figures[arrangement.group] = figures
            of_method.regions.append(regions)
            done += 1
            give_back_memory()
    pixel_mm = known.truth.pixel_mm
    return {name: _result(each, pixel_mm) for name, each in found.items()}


def _known(arrangement):
    truth, reasons = arrangement.truth(), []
    low, high = ([arrangement.image(dose, number) for number in range(arrangement.realisations)] for dose in (arrangement.low, arrangement.high))
    full_scale, high = high[0].full_scale, np.stack([image.pixels[0] for image in high])
    reference = truth.noise_free(arrangement.high)
    mask = judged_pixels(truth.mask, reference, full_scale)
    noise = _tried(reasons, "noise of the high dose", lambda: noise_texture(high, truth.pixel_mm, mask, zero_level=truth.zero_level))
    return _Known(arrangement, truth, low, high, reference, calcification_sites(truth), CalcificationSearch(truth), mask, noise, tuple(reasons))


def judged_pixels(phantom: np.ndarray, reference: np.ndarray, full_scale: float) -> np.ndarray:
    """Return where figures of pixels are taken: tissue that the high dose does not saturate, as on the patches; bool (rows, columns).

    Args:
        phantom: bool (rows, columns), where there is phantom.
        reference: the high dose without noise, pixel values.
    """
    tissue = tissue_of(reference, float(np.median(reference[phantom])), sign=1)
    return phantom & tissue & (reference < SATURATED * full_scale)


def _outputs(method, known, seconds):
    """Generator: yields the share done, returns what a method makes of every realisation: float32 (realisations, rows, columns); adds how long each took."""
    if isinstance(method, Ceiling):
        return known.high
    made, version = [], method.of(known.arrangement.group)
    for number, low in enumerate(known.low):
        start = time.perf_counter()
        output = yield from mapped(version.whole_steps(low), lambda share, first=number: (first + share) / len(known.low))
        seconds.append(time.perf_counter() - start)
        made.append(np.asarray(output[0], np.float32))
        if not np.isfinite(made[-1]).all():
            raise InputError("", f"{method.name} makes NaN or infinite pixel values of {low.source}", "leave it out with {baselines} or {model}")
    return np.stack(made)


def _figures(stack, known, is_reference, curves):
    """(:class:`TruthFigures`, regions of the calcifications by size class); adds to ``curves``."""
    truth, reasons = known.truth, list(known.reasons)
    regions = calcification_regions(stack, known.sites, truth.pixel_mm)
    figures = {
        **_detected([regions], truth.pixel_mm, reasons),
        **_error(stack, known.reference, known.mask, truth.zero_level, reasons),
        **_matches(stack, known.search),
        "nnps_shape_error": _colour(stack, known, is_reference, reasons, curves),
        **_transfers(stack, known.reference, truth, reasons, curves),
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
    """The figures of the rule, the means over its size classes; NaN, with the reason added, where one has none."""
    parts = [{key: part[key] for key in CLASSES_MM} for part in parts]
    hotelling, eye = (list(detectability_by_class(parts, pixel_mm, observer).items()) for observer in OBSERVERS)
    reasons += [f"detectability, calcifications of {low:g} to {high:g} mm: {each.reason}" for (low, high), each in hotelling if each.reason]
    chosen = {"detectability": (hotelling, "auc"), "forced_choice": (hotelling, "percent_correct"), "dprime_noise": (hotelling, "dprime_noise"), "detectability_eye": (eye, "auc")}
    return {name: float(np.mean([getattr(each, figure) for _, each in found])) for name, (found, figure) in chosen.items()}


def _by_size(parts, pixel_mm):
    """:attr:`TruthResult.by_size`."""
    found = {observer: detectability_by_class(parts, pixel_mm, observer) for observer in OBSERVERS}
    rows = []
    for (low, high), each in found[OBSERVERS[0]].items():
        figures = {
            observer: {name: number_or_none(getattr(of_size[low, high], name)) for name in ("auc", "auc_error", "dprime", "dprime_noise", "percent_correct")}
            for observer, of_size in found.items()
        }
        rows.append({"size_mm": [low, high], "clusters": each.clusters, "reason": each.reason, **figures})
    return tuple(rows)


def _error(stack, reference, mask, zero_level, reasons):
    found = _tried(reasons, "bias", lambda: noise_and_bias(stack, reference, mask, zero_level))
    values = (found.bias_squared, found.residual_noise, found.mnse, found.slope, found.offset) if found else (_NAN,) * 5
    return dict(zip(("bias", "residual_noise", "mnse", "truth_slope", "truth_offset"), values))


def _matches(stack, search):
    with ThreadPoolExecutor() as pool:  # scipy lets go of the interpreter
        found = list(pool.map(search.match, stack))
    chosen = {"false_calcifications": "added_per_cm2", "missed_calcifications": "missed_per_cm2", "sensitivity": "sensitivity"}
    return {name: float(np.mean([getattr(each, figure) for each in found])) for name, figure in chosen.items()}


def _colour(stack, known, is_reference, reasons, curves):
    if known.noise is None or is_reference:
        curves.noise.extend([known.noise] if known.noise else [])
        return _NAN
    found = _tried(reasons, "noise", lambda: noise_texture(stack, known.truth.pixel_mm, known.mask, zero_level=known.truth.zero_level))
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


def _result(found, pixel_mm):
    reasons = [f"arrangement {group}: {reason}" for group, figures in found.figures.items() for reason in figures.reasons]
    pooled = {}
    if not all(math.isfinite(figures.detectability) for figures in found.figures.values()):
        of_all = []
        pooled = _detected(found.regions, pixel_mm, of_all)
        reasons += [f"all arrangements: {reason}" for reason in of_all]
    seconds = float(np.mean(found.seconds)) if found.seconds else _NAN
    return TruthResult(found.figures, pooled, tuple(reasons), _by_size(found.regions, pixel_mm), seconds, found.curves)
