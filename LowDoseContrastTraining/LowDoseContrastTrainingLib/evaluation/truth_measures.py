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
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.mammogram import Mammogram
from LowDoseContrastLib.steps import Progress, Steps, part

from ..baselines.base import CEILING, Method
from ..common.process_memory import give_back_memory
from ..measurement.calcifications import CalcificationSearch
from ..measurement.contrast import insert_contrasts
from ..measurement.detectability import (
    OBSERVERS,
    SIZE_CLASSES_MM,
    calcification_regions,
    calcification_sites,
    detectability_by_class,
)
from ..measurement.noise_and_bias import noise_and_bias
from ..measurement.noise_texture import NoiseTexture, noise_texture, shape_error
from ..measurement.transfer import task_transfers
from ..measurement.truth_places import FIBRES, MASSES, Truth
from ..training.held_out import SATURATED
from .document import ObserverFigures, OfTruth, SizeClass
from .held_out_views import tissue_of
from .simulated_arrangements import SimulatedArrangement
from .statistics import number_or_none
from .truth_curves import MethodCurves

CLASSES_MM = SIZE_CLASSES_MM[:2]  # the rule's
RULE = (
    "detectability: AUC of the channelised Hotelling observer on single calcifications, "
    "mean of the classes 0.1-0.2 and 0.2-0.3 mm"
)
_NAN = math.nan
_T = TypeVar("_T")
Regions = dict  # size class -> regions, see calcification_regions


@dataclass(frozen=True)
class TruthFigures:
    """The figures of one method on one arrangement; NaN where ``reasons`` say why not.

    Attributes:
        detectability: AUC of the channelised Hotelling observer, 0.5 by guessing; see the rule above.
        forced_choice: percent correct of the same in 4-alternative forced choice, 25 by guessing.
        detectability_eye: AUC of the non-prewhitening observer with eye filter.
        bias: B^2 of :mod:`..measurement.noise_and_bias`, pixel values.
        false_calcifications: candidates without a calcification, per cm^2, mean over realisations.
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
        of_truth: reasons for missing figures, detectability of every size class, seconds per image.
        curves: that the figures come from.
    """

    by_arrangement: dict[str, TruthFigures]
    pooled: dict[str, float]
    of_truth: OfTruth
    curves: MethodCurves = field(default_factory=MethodCurves)

    def value(self, name: str) -> float:
        """Return a figure: pooled, or its mean over arrangements; NaN where one of them lacks it."""
        if name in self.pooled:
            return self.pooled[name]
        return float(np.mean([getattr(figures, name) for figures in self.by_arrangement.values()]))


def truth_results(
    methods: Sequence[Method], arrangements: Sequence[SimulatedArrangement]
) -> Steps[dict[str, TruthResult]]:
    """Return name of the method -> its result.

    The images of one arrangement are in memory at a time.

    Raises:
        InputError: an image that is missing, a method whose output is not finite, or a model outside of its domain.
    """
    total, done, collected = (
        len(arrangements) * (len(methods) + 1),
        0,
        {method.name: _MethodOnTruth() for method in methods},
    )
    for arrangement in arrangements:
        yield Progress(done / total)
        known = _Known(arrangement)
        done += 1
        for method in methods:
            yield from part(collected[method.name].add(method, known), done / total, (done + 1) / total)
            done += 1
            give_back_memory()
    return {name: each.result(known.truth.pixel_mm) for name, each in collected.items()}


class _Known:
    """What all methods share on an arrangement.

    Attributes:
        arrangement, truth: where it is, and what the simulation knows of it.
        low: its low-dose images.
        reference: the high dose without noise, (rows, columns).
        sites, search: where calcifications are, and what looks for them.
        mask: the pixels judged.
        reasons: why ``noise`` is missing.
        noise: of the high dose; None where it cannot be measured.
    """

    def __init__(self, arrangement: SimulatedArrangement) -> None:
        self.arrangement, self.truth = arrangement, arrangement.truth()
        self.low, high = arrangement.images(arrangement.low), arrangement.images(arrangement.high)
        self.reference = self.truth.noise_free(arrangement.high)
        self.sites, self.search = calcification_sites(self.truth), CalcificationSearch(self.truth)
        self.mask = judged_pixels(self.truth.mask, self.reference, high[0].full_scale)
        self.reasons: list[str] = []
        self.noise = self.noise_of(
            np.stack([image.pixels[0] for image in high]), "noise of the high dose", self.reasons
        )

    def noise_of(self, stack: np.ndarray, title: str, reasons: list[str]) -> NoiseTexture | None:
        """Return the texture of the noise of realisations; None, with the reason added, if it cannot be measured."""
        truth = self.truth
        return _tried(
            reasons, title, lambda: noise_texture(stack, truth.pixel_mm, self.mask, zero_level=truth.zero_level)
        )


class _MethodOnTruth:
    """Collects what is measured of one method, arrangement by arrangement."""

    def __init__(self) -> None:
        self._figures: dict[str, TruthFigures] = {}
        self._regions: list[Regions] = []
        self._seconds: list[float] = []
        self._curves = MethodCurves()

    def add(self, method: Method, known: _Known) -> Steps[None]:
        """Measure what the method makes of all realisations of an arrangement."""
        made, version = [], method.of(known.arrangement.group)
        for number, low in enumerate(known.low):
            start = time.perf_counter()
            output = yield from part(version.whole_steps(low), number / len(known.low), (number + 1) / len(known.low))
            made.append(_checked(output[0], method, low))
            if method.kind != CEILING:
                self._seconds.append(time.perf_counter() - start)
        stack, reasons = np.stack(made), list(known.reasons)
        regions = calcification_regions(stack, known.sites, known.truth.pixel_mm)
        figures = self._measure(stack, known, regions, method.kind == CEILING, reasons)
        self._figures[known.arrangement.group] = TruthFigures(**figures, reasons=tuple(reasons))
        self._regions.append(regions)

    def _measure(
        self, stack: np.ndarray, known: _Known, regions: Regions, is_reference: bool, reasons: list[str]
    ) -> dict[str, float]:
        truth = known.truth
        return {
            **_detected([regions], truth.pixel_mm, reasons),
            **_error(stack, known, reasons),
            **_matches(stack, known.search),
            "nnps_shape_error": self._colour(stack, known, is_reference, reasons),
            **self._transfers(stack, known, reasons),
            "sdnr_masses": _noise_contrast(stack, truth, MASSES),
            "sdnr_fibres": _noise_contrast(stack, truth, FIBRES),
        }

    def _colour(self, stack: np.ndarray, known: _Known, is_reference: bool, reasons: list[str]) -> float:
        high = known.noise
        found = high if high is None or is_reference else known.noise_of(stack, "noise", reasons)
        self._curves.noise.extend([found] if found else [])
        return shape_error(found, high) if found and high and found is not high and found.nnps.any() else _NAN

    def _transfers(self, stack: np.ndarray, known: _Known, reasons: list[str]) -> dict[str, float]:
        found = task_transfers([stack], [known.reference], [known.truth])
        self._curves.transfers.append(found)
        reasons += [f"transfer of {name}: {each.reason}" for name, each in found.items() if each.reason]
        return {f"half_{name.replace(' ', '_')}": each.half for name, each in found.items()}

    def result(self, pixel_mm: float) -> TruthResult:
        """Return the figures of all arrangements."""
        of_each = self._figures.items()
        reasons = [f"arrangement {group}: {reason}" for group, figures in of_each for reason in figures.reasons]
        pooled: dict[str, float] = {}
        if not all(math.isfinite(figures.detectability) for _, figures in of_each):
            of_all: list[str] = []
            pooled = _detected(self._regions, pixel_mm, of_all)
            reasons += [f"all arrangements: {reason}" for reason in of_all]
        seconds = float(np.mean(self._seconds)) if self._seconds else None
        of_truth = OfTruth(tuple(reasons), _by_size(self._regions, pixel_mm), seconds)
        return TruthResult(self._figures, pooled, of_truth, self._curves)


def _checked(pixels: np.ndarray, method: Method, low: Mammogram) -> np.ndarray:
    made = np.asarray(pixels, np.float32)
    if not np.isfinite(made).all():
        problem = f"{method.name} makes NaN or infinite pixel values of it"
        raise InputError(low.source, problem, "leave it out with {baselines} or {model}")
    return made


def judged_pixels(phantom: np.ndarray, reference: np.ndarray, full_scale: float) -> np.ndarray:
    """Return where figures of pixels are taken: tissue that the high dose does not saturate, as on the patches.

    Args:
        phantom: bool (rows, columns), where there is phantom.
        reference: the high dose without noise, pixel values.
    """
    tissue = tissue_of(reference, float(np.median(reference[phantom])), sign=1)
    return phantom & tissue & (reference < SATURATED * full_scale)


def _tried(reasons: list[str], title: str, measure: Callable[[], _T]) -> _T | None:
    """Return what ``measure`` returns, or None, with the reason added, if it is not possible."""
    try:
        return measure()
    except InputError as error:
        reasons.append(f"{title}: {error}")
        return None


def _detected(parts: list[Regions], pixel_mm: float, reasons: list[str]) -> dict[str, float]:
    """The figures of the rule, the means over its size classes; NaN, with the reason added, where one has none."""
    parts = [{key: part[key] for key in CLASSES_MM} for part in parts]
    hotelling, eye = (list(detectability_by_class(parts, pixel_mm, observer).items()) for observer in OBSERVERS)
    for (low, high), each in hotelling:
        if each.reason:
            reasons.append(f"detectability, calcifications of {low:g} to {high:g} mm: {each.reason}")
    chosen = {
        "detectability": (hotelling, "auc"),
        "forced_choice": (hotelling, "percent_correct"),
        "dprime_noise": (hotelling, "dprime_noise"),
        "detectability_eye": (eye, "auc"),
    }
    return {
        name: float(np.mean([getattr(each, figure) for _, each in found])) for name, (found, figure) in chosen.items()
    }


def _by_size(parts: list[Regions], pixel_mm: float) -> tuple[SizeClass, ...]:
    found = {observer: detectability_by_class(parts, pixel_mm, observer) for observer in OBSERVERS}
    names = [each.name for each in dataclasses.fields(ObserverFigures)]
    sizes = []
    for size, one in found[OBSERVERS[0]].items():
        of_size = {observer: [getattr(of[size], name) for name in names] for observer, of in found.items()}
        observers = {observer: ObserverFigures(*map(number_or_none, values)) for observer, values in of_size.items()}
        sizes.append(SizeClass(size, one.clusters, one.reason, observers))
    return tuple(sizes)


def _error(stack: np.ndarray, known: _Known, reasons: list[str]) -> dict[str, float]:
    found = _tried(reasons, "bias", lambda: noise_and_bias(stack, known.reference, known.mask, known.truth.zero_level))
    names = ("bias", "residual_noise", "mnse", "truth_slope", "truth_offset")
    figures = ("bias_squared", "residual_noise", "mnse", "slope", "offset")
    return {name: getattr(found, of) if found else _NAN for name, of in zip(names, figures, strict=True)}


def _matches(stack: np.ndarray, search: CalcificationSearch) -> dict[str, float]:
    with ThreadPoolExecutor() as pool:  # scipy lets go of the interpreter
        found = list(pool.map(search.match, stack))
    chosen = {
        "false_calcifications": "added_per_cm2",
        "missed_calcifications": "missed_per_cm2",
        "sensitivity": "sensitivity",
    }
    return {name: float(np.mean([getattr(each, figure) for each in found])) for name, figure in chosen.items()}


def _noise_contrast(stack: np.ndarray, truth: Truth, kinds: Collection[str]) -> float:
    inserts = insert_contrasts(stack, truth, kinds, truth.zero_level)
    found = [insert.sdnr_noise for insert in inserts if not insert.reason]
    return float(np.mean(found)) if found else _NAN
