"""How well model observers tell regions with a signal from regions without.

Sites are split into two halves by cluster; the observer is trained on one and tested on the other,
then the other way round, and the figures of the two tests are averaged. No region, nor one of its
cluster or one that overlaps it, is in both.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.errors import InputError
from scipy import stats

from .noise_power import detrended
from .observers import VIEWING_MM, eye_filter_template, hotelling_template, laguerre_gauss
from .regions import Regions, Site, joined, regions_at, sites_of
from .truth_places import CALCIFICATIONS, Truth

OBSERVERS = ("hotelling", "eye-filter")
SIZE_CLASSES_MM = ((0.1, 0.2), (0.2, 0.3), (0.3, 0.4), (0.4, 0.7))
CHANNELS = 5
_SIDE_MM = 2.5
_DETECTOR_BLUR_MM = 0.12  # standard deviation, about
_LEAST_CLUSTERS = 4  # two in each half, for the error


@dataclass(frozen=True)
class Detectability:
    """What an observer reached; NaN, with the reason, where there is too little to measure it.

    Attributes:
        dprime: difference of the mean decision variables over the root of their mean variance, to
            which anatomy, neighbouring inserts and unequal signals add.
        dprime_noise: the same over the root of their variance from realisation to realisation: what
            noise alone would limit; NaN for one realisation. Doses show here, but smoothing raises
            it too: read it beside the others.
        auc: area under the ROC curve, Mann-Whitney.
        auc_error: its standard error; regions of one cluster count as dependent (Obuchowski 1997).
            It is 0 where nothing overlaps (AUC 1): such regions are too easy to tell methods apart.
        percent_correct: of 4-alternative forced choice, 25 by guessing.
        present, absent: regions tested.
        clusters: of sites.
        reason: why there are no figures, else empty.
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


def detectability(regions: Regions, pixel_mm: float, observer: str = "hotelling", width_mm: float = 0.5, viewing_mm: float = VIEWING_MM) -> Detectability:
    """Return what an observer reaches on regions, after a plane is taken out of each.

    Args:
        observer: ``hotelling`` (channelised, 5 Laguerre-Gauss channels) or ``eye-filter``
            (non-prewhitening; it expects the mean of ``regions.signals`` of the training sites).
        width_mm: a of the channels, sqrt(2 pi) times the standard deviation of the expected signal.
        viewing_mm: distance of the eye over the magnification of the image.

    Raises:
        InputError: an unknown observer.
    """
    if observer not in OBSERVERS:
        raise InputError(f"observer is {observer}", f"choose one of {', '.join(OBSERVERS)}")
    halves = split(regions.clusters)
    counts = (regions.present.shape[0] * regions.present.shape[1], int(np.prod(regions.absent.shape[:3])), len(set(regions.clusters.tolist())))
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


def calcification_detectability(stacks, truths: list[Truth], observer: str = "hotelling", classes=SIZE_CLASSES_MM, dark: bool = True) -> dict:
    """Return (smallest, largest size in mm) -> :class:`Detectability` of single calcifications.

    Places are those of the truth; regions are 2.5 mm wide. Signal-absent regions are matched places of
    the same images.

    Args:
        stacks: one array (realisations, rows, columns) for each arrangement, all with equally many.
        truths: one for each, with one pixel spacing.
        classes: of the size on the detector.
        dark: whether calcifications are darker than tissue, as For Processing; the observer with
            eye filter looks for that.

    Raises:
        InputError: numbers or sizes that do not agree.
    """
    if len(stacks) != len(truths) or not truths or len({truth.pixel_mm for truth in truths}) != 1:
        raise InputError("", "give one stack of images for each arrangement, and arrangements of one detector")
    sites = [calcification_sites(truth) for truth in truths]
    parts = [calcification_regions(stack, each, truth.pixel_mm, classes) for stack, each, truth in zip(stacks, sites, truths)]
    return detectability_by_class(parts, truths[0].pixel_mm, observer, dark)


def calcification_sites(truth: Truth) -> list[Site]:
    """Return the places of single calcifications that can be judged; the same for every method."""
    return sites_of(truth, CALCIFICATIONS, _side(truth.pixel_mm))


def calcification_regions(images: np.ndarray, sites: list[Site], pixel_mm: float, classes=SIZE_CLASSES_MM) -> dict:
    """Return (smallest, largest size in mm) -> :class:`.regions.Regions` of one arrangement.

    Args:
        images: (realisations, rows, columns).
        sites: from :func:`calcification_sites`.
    """
    side = _side(pixel_mm)
    return {(low, high): regions_at(images, [site for site in sites if low <= site.size_mm < high], side) for low, high in classes}


def detectability_by_class(parts: list[dict], pixel_mm: float, observer: str = "hotelling", dark: bool = True) -> dict:
    """Return :func:`calcification_detectability` of the :func:`calcification_regions` of some arrangements.

    Raises:
        InputError: different numbers of realisations.
    """
    results = {}
    for low, high in parts[0]:
        regions = joined([part[low, high] for part in parts])
        regions = regions if dark else dataclasses.replace(regions, signals=-regions.signals)
        blurred = np.hypot((low + high) / 8, _DETECTOR_BLUR_MM)
        results[low, high] = detectability(regions, pixel_mm, observer, np.sqrt(2 * np.pi) * blurred)
    return results


def _side(pixel_mm):
    """Of a region in pixels, odd."""
    return int(_SIDE_MM / pixel_mm) // 2 * 2 + 1


def split(clusters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two masks (sites,) of about equally many sites that have no cluster in common.

    Of four clusters and more, each gets at least two.
    """
    names, counts = np.unique(clusters, return_counts=True)
    halves, filled = ([], []), [0, 0]
    for index in np.argsort(-counts, kind="stable"):
        smaller = int(filled[1] < filled[0])
        halves[smaller].append(names[index])
        filled[smaller] += counts[index]
    few, many = sorted(halves, key=len)
    if len(few) == 1 and len(many) > 2:
        few.append(many.pop())
    return tuple(np.isin(clusters, half) for half in halves)


def _too_little(regions, halves):
    """Why nothing can be measured, or an empty text."""
    sites, least = len(regions.clusters), 2 * CHANNELS
    if sites == 0:
        return "no insert of this kind and size can be judged"
    clusters = len(set(regions.clusters.tolist()))
    if clusters < _LEAST_CLUSTERS:
        return f"inserts of {clusters} cluster(s); {_LEAST_CLUSTERS} are needed to train and test apart"
    fewest = min(int(half.sum()) for half in halves) * regions.present.shape[1]
    return "" if fewest >= least else f"{fewest} regions to train on; {least} are needed"


def _levelled(regions):
    """Regions less their planes."""
    return detrended(regions.reshape(-1, *regions.shape[-2:])).reshape(regions.shape)


def _scored(regions, template):
    """(d', that of noise alone, AUC, its variance, percent correct) of a template on regions."""
    present = np.tensordot(regions.present, template, axes=2)
    absent = np.tensordot(regions.absent, template, axes=2)
    together = absent.reshape(len(absent), -1)
    auc, variance = clustered_auc(present, together, regions.clusters)
    return dprime_of(present, together), noise_limited_dprime(present, absent), auc, variance, percent_correct(present, together)


def dprime_of(present: np.ndarray, absent: np.ndarray) -> float:
    """Return d' = (mean_p - mean_a) / sqrt((var_p + var_a) / 2) of decision variables; NaN where they do not vary."""
    return _over(present.mean() - absent.mean(), (present.var(ddof=1) + absent.var(ddof=1)) / 2)


def noise_limited_dprime(present: np.ndarray, absent: np.ndarray) -> float:
    """Return :func:`dprime_of` with the variances over the last axis, the realisations, alone; NaN for one."""
    if present.shape[-1] < 2:
        return float("nan")
    within = (part.var(axis=-1, ddof=1).mean() for part in (present, absent))
    return _over(present.mean() - absent.mean(), sum(within) / 2)


def _over(difference, variance):
    """Difference over standard deviation; NaN where nothing varies."""
    return float(difference / np.sqrt(variance)) if variance > 0 else float("nan")


def percent_correct(present: np.ndarray, absent: np.ndarray) -> float:
    """Return the percentage in which the signal is chosen among one region with and three without.

    The mean over all sets of three different regions without signal: a signal above c of n of them
    is chosen in C(c, 3) / C(n, 3) of the sets; a tie counts half.
    """
    ordered = np.sort(absent.ravel())
    below = (np.searchsorted(ordered, present.ravel(), "left") + np.searchsorted(ordered, present.ravel(), "right")) / 2
    n = ordered.size
    return float(100 * np.mean(np.clip(below * (below - 1) * (below - 2), 0, None)) / (n * (n - 1) * (n - 2)))


def clustered_auc(present: np.ndarray, absent: np.ndarray, clusters: np.ndarray) -> tuple[float, float]:
    """Return (AUC, its variance) of decision variables that come in dependent clusters.

    Obuchowski 1997, Biometrics 53:567; with clusters of one region it is DeLong et al. 1988.

    Args:
        present, absent: (sites, regions).
        clusters: (sites,), at least two different.
    """
    # Ranks give the share of the others that lie below, ties half.
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
    one, other, mixed = scale * (parts[0] ** 2).sum(), scale * (parts[1] ** 2).sum(), scale * (parts[0] * parts[1]).sum()
    return auc, float(max(one / x.size**2 + other / y.size**2 + 2 * mixed / (x.size * y.size), 0))
