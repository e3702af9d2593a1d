"""How well model observers distinguish regions with a signal from regions without.

Sites are split into two halves by cluster. The observer is trained on one half and tested on the other
and vice versa, and the results of the two tests are averaged. Regions of one cluster, or that overlap,
are never in different halves.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.errors import InputError
from numpy.typing import ArrayLike
from scipy import stats

from .noise_power import detrended
from .observers import VIEWING_MM, eye_filter_template, hotelling_template, laguerre_gauss
from .regions import Regions, Site, joined_regions, regions_at, sites_of
from .truth_places import CALCIFICATIONS, Truth

OBSERVERS = ("hotelling", "eye-filter")
SIZE_CLASSES_MM = ((0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.7))
SizeClass = tuple[float, float]  # smallest and largest size, mm
CHANNELS = 5
_SIDE_MM = 2.5
_DETECTOR_BLUR_MM = 0.12  # standard deviation, approximately
_LEAST_CLUSTERS = 4  # two in either half, for the error


@dataclass(frozen=True)
class Detectability:
    """The performance of an observer; NaN if there is a ``reason``.

    Attributes:
        dprime: difference of the mean decision variables over the root of their mean variance, which
            includes anatomy, neighbouring inserts and unequal signals.
        dprime_noise: the same over the root of their variance over realisations, so limited by noise
            alone; NaN for one realisation. It shows the dose, but smoothing raises it as well: read it
            together with the others.
        auc: area under the ROC curve, Mann-Whitney.
        auc_error: its standard error; regions of one cluster count as dependent (Obuchowski 1997).
            It is 0 if nothing overlaps (AUC 1): such a task is too easy to distinguish methods.
        percent_correct: of 4-alternative forced choice; guessing gives 25.
        present, absent: number of regions tested.
        clusters: number of clusters.
        reason: why it could not be measured, else empty.
    """

    dprime: float
    dprime_noise: float
    auc: float
    auc_error: float
    percent_correct: float
    present: int
    absent: int
    clusters: int
    reason: str = ""


def detectability(
    regions: Regions,
    pixel_mm: float,
    observer: str = "hotelling",
    width_mm: float = 0.5,
    viewing_mm: float = VIEWING_MM,
) -> Detectability:
    """Return the performance of an observer on regions, from which a plane is subtracted first.

    Args:
        observer: ``hotelling`` (channelised, 5 Laguerre-Gauss channels) or ``eye-filter``
            (non-prewhitening; it expects the mean ``regions.signals`` of the training sites).
        width_mm: a of the channels, sqrt(2 pi) times the standard deviation of the expected signal.
        viewing_mm: distance of the eye over the magnification of the image.

    Raises:
        InputError: an unknown observer.
    """
    if observer not in OBSERVERS:
        raise InputError("", f"observer is {observer}", f"choose one of {', '.join(OBSERVERS)}")
    halves = split(regions.clusters)
    clusters = len(set(regions.clusters.tolist()))
    counts = (int(np.prod(regions.present.shape[:2])), int(np.prod(regions.absent.shape[:3])), clusters)
    reason = _too_little(regions, halves)
    if reason:
        return Detectability(np.nan, np.nan, np.nan, np.nan, np.nan, *counts, reason)
    flat = Regions(_levelled(regions.present), _levelled(regions.absent), regions.clusters, regions.signals)
    side = flat.present.shape[-1]
    channels = laguerre_gauss(side, width_mm / pixel_mm, CHANNELS)
    found = []
    for training, testing in (halves, halves[::-1]):
        known = flat.of(training)
        present, absent = known.present.reshape(-1, side, side), known.absent.reshape(-1, side, side)
        if observer == "hotelling":
            template = hotelling_template(present, absent, channels)
        else:
            template = eye_filter_template(known.signals.mean(axis=0), pixel_mm, viewing_mm)
        found.append(_scored(flat.of(testing), template))
    dprime, dprime_noise, auc, variance, correct = (float(figure) for figure in np.mean(found, axis=0))
    return Detectability(dprime, dprime_noise, auc, float(np.sqrt(variance / 2)), correct, *counts)


def calcification_sites(truth: Truth) -> list[Site]:
    """Return the places of single calcifications that can be judged; they are the same for every method."""
    return sites_of(truth, CALCIFICATIONS, _side(truth.pixel_mm))


def calcification_regions(
    images: ArrayLike, sites: Sequence[Site], pixel_mm: float, classes: Iterable[SizeClass] = SIZE_CLASSES_MM
) -> dict[SizeClass, Regions]:
    """Return size class -> regions of an arrangement.

    Args:
        images: (realisations, rows, columns).
        sites: from :func:`calcification_sites`.
    """
    side = _side(pixel_mm)
    chosen = {(low, high): [site for site in sites if low <= site.size_mm < high] for low, high in classes}
    return {each: regions_at(images, found, side) for each, found in chosen.items()}


def detectability_by_class(
    parts: Sequence[dict[SizeClass, Regions]], pixel_mm: float, observer: str = "hotelling", dark: bool = True
) -> dict[SizeClass, Detectability]:
    """Return size class -> detectability of single calcifications.

    Args:
        parts: :func:`calcification_regions` of some arrangements.
        dark: whether calcifications are darker than tissue, as in For Processing images; the observer
            with eye filter expects that.

    Raises:
        InputError: different numbers of realisations.
    """
    results = {}
    for low, high in parts[0]:
        regions = joined_regions([part[low, high] for part in parts])
        regions = regions if dark else dataclasses.replace(regions, signals=-regions.signals)
        blurred = np.hypot((low + high) / 8, _DETECTOR_BLUR_MM)
        results[low, high] = detectability(regions, pixel_mm, observer, np.sqrt(2 * np.pi) * blurred)
    return results


def _side(pixel_mm: float) -> int:
    """Return the side of a region in pixels, odd."""
    return int(_SIDE_MM / pixel_mm) // 2 * 2 + 1


def split(clusters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two masks (sites,) of about equally many sites that have no cluster in common.

    With four or more clusters, either half gets at least two.
    """
    names, counts = np.unique(clusters, return_counts=True)
    halves: tuple[list[int], list[int]] = ([], [])
    filled = [0, 0]
    for index in np.argsort(-counts, kind="stable"):
        smaller = int(filled[1] < filled[0])
        halves[smaller].append(names[index])
        filled[smaller] += counts[index]
    few, many = sorted(halves, key=len)
    if len(few) == 1 and len(many) > 2:
        few.append(many.pop())
    return np.isin(clusters, halves[0]), np.isin(clusters, halves[1])


def _too_little(regions: Regions, halves: tuple[np.ndarray, np.ndarray]) -> str:
    """Return why nothing can be measured, else an empty text."""
    sites, least = len(regions.clusters), 2 * CHANNELS
    if sites == 0:
        return "no insert of this kind and size can be judged"
    clusters = len(set(regions.clusters.tolist()))
    if clusters < _LEAST_CLUSTERS:
        return f"inserts of {clusters} cluster(s); {_LEAST_CLUSTERS} are needed to train and test apart"
    fewest = min(int(half.sum()) for half in halves) * regions.present.shape[1]
    return "" if fewest >= least else f"{fewest} regions to train on; {least} are needed"


def _levelled(regions: np.ndarray) -> np.ndarray:
    """Return regions less their planes."""
    return detrended(regions.reshape(-1, *regions.shape[-2:])).reshape(regions.shape)


def _scored(regions: Regions, template: np.ndarray) -> tuple[float, float, float, float, float]:
    """Return (d', d' of noise alone, AUC, its variance, percent correct) of a template on regions."""
    present = np.tensordot(regions.present, template, axes=2)
    absent = np.tensordot(regions.absent, template, axes=2)
    together = absent.reshape(len(absent), -1)
    auc, variance = clustered_auc(present, together, regions.clusters)
    dprimes = dprime_of(present, together), noise_limited_dprime(present, absent)
    return *dprimes, auc, variance, percent_correct(present, together)


def dprime_of(present: np.ndarray, absent: np.ndarray) -> float:
    """Return d' = (mean_p - mean_a) / sqrt((var_p + var_a) / 2) of decision variables; NaN if they do not vary."""
    return _over(present.mean() - absent.mean(), (present.var(ddof=1) + absent.var(ddof=1)) / 2)


def noise_limited_dprime(present: np.ndarray, absent: np.ndarray) -> float:
    """Return :func:`dprime_of` with the variances over realisations, the last axis, only; NaN for one."""
    if present.shape[-1] < 2:
        return float("nan")
    within = (part.var(axis=-1, ddof=1).mean() for part in (present, absent))
    return _over(present.mean() - absent.mean(), sum(within) / 2)


def _over(difference: float, variance: float) -> float:
    """Return difference over standard deviation, NaN if nothing varies."""
    return float(difference / np.sqrt(variance)) if variance > 0 else float("nan")


def percent_correct(present: np.ndarray, absent: np.ndarray) -> float:
    """Return how often, in percent, the region with signal is chosen among three others without.

    This is the mean over all sets of three different regions without signal: a signal above c of n of
    them is chosen in C(c, 3) / C(n, 3) of the sets; a tie counts half.
    """
    ordered = np.sort(absent.ravel())
    left, right = (np.searchsorted(ordered, present.ravel(), side) for side in ("left", "right"))
    below = (left + right) / 2
    n = ordered.size
    return float(100 * np.mean(np.clip(below * (below - 1) * (below - 2), 0, None)) / (n * (n - 1) * (n - 2)))


def clustered_auc(present: np.ndarray, absent: np.ndarray, clusters: np.ndarray) -> tuple[float, float]:
    """Return (AUC, its variance) of decision variables that come in dependent clusters.

    Obuchowski 1997, Biometrics 53:567; with clusters of one region it is DeLong et al. 1988.

    Args:
        present, absent: (sites, regions).
        clusters: (sites,), at least two different.
    """
    # Ranks give the share of the others below, counting ties half.
    x, y = present.ravel(), absent.ravel()
    both = stats.rankdata(np.concatenate([x, y]))
    above_absent = (both[: x.size] - stats.rankdata(x)) / y.size
    below_present = 1 - (both[x.size :] - stats.rankdata(y)) / x.size
    auc = float(above_absent.mean())
    _, which = np.unique(clusters, return_inverse=True)
    count = which.max() + 1
    parts = [
        np.bincount(which, (share.reshape(len(which), -1) - auc).sum(axis=1), minlength=count)
        for share in (above_absent, below_present)
    ]
    scale = count / (count - 1)
    one, other, mixed = (scale * (parts[i] * parts[k]).sum() for i, k in ((0, 0), (1, 1), (0, 1)))
    return auc, float(max(one / x.size**2 + other / y.size**2 + 2 * mixed / (x.size * y.size), 0))
