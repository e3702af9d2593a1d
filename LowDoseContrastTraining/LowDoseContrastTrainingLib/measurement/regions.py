"""Square regions around inserts, and matched regions without insert.

They are chosen from the truth alone, so that every method is judged on the same regions.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.errors import InputError
from numpy.typing import ArrayLike

from .stacks import checked_stack
from .truth_places import PlacedInsert, Truth

ABSENT = 3  # places without signal per place with signal, as in 4-alternative forced choice
_NEAR_MM = 6.0  # within which matched places are looked for first
_ISOLATION_MM = 0.5
_DRAWN = 300  # places that are tried


@dataclass(frozen=True)
class Site:
    """A place with signal and matched places without.

    Attributes:
        row, column: centre of the signal, pixels.
        absent: int (places, 2), centres of regions without signal in the same image.
        cluster: (folder of the truth, group); sites of one cluster are not independent, and not split
            between training and testing.
        size_mm, contrast: of the insert.
        signal: (side, side), the contrast of the insert alone before any blur.
    """

    row: float
    column: float
    absent: np.ndarray
    cluster: tuple[str, int]
    size_mm: float
    contrast: float
    signal: np.ndarray


@dataclass(frozen=True)
class Regions:
    """The regions of several sites in realisations of their images.

    Attributes:
        present: (sites, realisations, side, side), with the signal in the middle; in the type of the images.
        absent: (sites, places, realisations, side, side).
        clusters: int (sites,), equal for sites of one cluster.
        signals: (sites, side, side), the expected signals, on any scale.
    """

    present: np.ndarray
    absent: np.ndarray
    clusters: np.ndarray
    signals: np.ndarray

    def of(self, chosen: np.ndarray | slice) -> Regions:
        """Return the regions of the sites that ``chosen`` (bool (sites,), or a slice) selects."""
        return Regions(self.present[chosen], self.absent[chosen], self.clusters[chosen], self.signals[chosen])


def fits(insert: PlacedInsert, side: int, inside: np.ndarray) -> bool:
    """Return whether the square around an insert lies in ``inside`` (bool (rows, columns))."""
    rows, columns = square(insert.row, insert.column, side)
    if rows.start < 0 or columns.start < 0 or rows.stop > inside.shape[0] or columns.stop > inside.shape[1]:
        return False
    return bool(inside[rows, columns].all())


def square(row: float, column: float, side: int) -> tuple[slice, slice]:
    """Return the slices of a square of ``side`` pixels around the pixel nearest to a place."""
    top, left = round(row) - side // 2, round(column) - side // 2
    return slice(top, top + side), slice(left, left + side)


def sites_of(truth: Truth, kinds: Collection[str], side: int, seed: int = 0) -> list[Site]:
    """Return the places of inserts of some kinds that can be judged, with matched places without signal.

    An insert is left out if another is within 0.5 mm, if its square does not fit in the phantom, or if its
    square overlaps one of another cluster, so that training and test data of an observer never overlap.
    Places without signal are drawn within 6 mm (or anywhere, if there are not enough) where the whole
    square is free of inserts.

    Args:
        side: of the regions, pixels, odd.
        seed: of the draw.
    """
    free = truth.room_for(side)
    taken = _Taken(side)
    kept = []
    for insert in _apart(truth, kinds):
        if fits(insert, side, truth.mask) and taken.leaves([(insert.row, insert.column)], _cluster(insert))[0]:
            taken.add([(insert.row, insert.column)], _cluster(insert))
            kept.append(insert)
    found = []
    for insert in kept:
        rng = np.random.default_rng((seed, insert.id))
        absent = _matched(free, insert, taken, _NEAR_MM / truth.pixel_mm, rng)
        if len(absent) == ABSENT:
            taken.add(absent, _cluster(insert))
            cluster, signal = (str(truth.folder), _cluster(insert)), truth.sharp_contrast_of(insert, side)
            found.append(Site(insert.row, insert.column, absent, cluster, insert.size_mm, insert.contrast, signal))
    return found


class _Taken:
    """The squares in use, and their clusters."""

    def __init__(self, side: int) -> None:
        self.side, self.centres, self.clusters = side, np.empty((0, 2)), np.empty(0, int)

    def add(self, centres: ArrayLike, cluster: int) -> None:
        """Put the squares around ``centres`` in use."""
        self.centres = np.concatenate([self.centres, np.asarray(centres)])
        self.clusters = np.append(self.clusters, np.full(len(self.centres) - len(self.clusters), cluster))

    def leaves(self, centres: ArrayLike, cluster: int) -> np.ndarray:
        """Return which squares around ``centres`` overlap none of another cluster: bool (centres,)."""
        others = self.centres[self.clusters != cluster]
        away = np.abs(np.asarray(centres)[:, None] - others[None]).max(axis=2)
        return (away > self.side).all(axis=1)


def _apart(truth: Truth, kinds: Collection[str]) -> list[PlacedInsert]:
    """Return the inserts of some kinds without another one close by."""
    centres = np.array([(each.row, each.column) for each in truth.inserts]).reshape(-1, 2)
    reach = _ISOLATION_MM / truth.pixel_mm
    wanted = truth.of_kind(kinds)
    distances = [np.hypot(*(centres - (each.row, each.column)).T) for each in wanted]
    return [each for each, away in zip(wanted, distances, strict=True) if np.count_nonzero(away < reach) == 1]


def _cluster(insert: PlacedInsert) -> int:
    """Return the number of an insert's cluster; a single insert is a cluster of its own."""
    return insert.group if insert.group >= 0 else -insert.id


def _matched(
    free: np.ndarray, insert: PlacedInsert, taken: _Taken, reach: float, rng: np.random.Generator
) -> np.ndarray:
    """Return places without signal, near an insert if there are enough: int (up to ABSENT, 2)."""
    top, left = max(0, round(insert.row - reach)), max(0, round(insert.column - reach))
    near = np.s_[top : round(insert.row + reach) + 1, left : round(insert.column + reach) + 1]
    for window, start in ((near, (top, left)), (np.s_[:, :], (0, 0))):
        places = np.argwhere(free[window]) + start
        drawn = places[rng.choice(len(places), min(_DRAWN, len(places)), replace=False)]
        absent = drawn[taken.leaves(drawn, _cluster(insert))][:ABSENT]
        if len(absent) == ABSENT:
            break
    return absent


def regions_at(images: ArrayLike, sites: Sequence[Site], side: int) -> Regions:
    """Return the regions of an arrangement's sites.

    Args:
        images: (realisations, rows, columns).
        sites: from :func:`sites_of` with the same ``side``.

    Raises:
        InputError: a region is outside the images, which then show another arrangement.
    """
    stack = checked_stack(images)
    shape = len(stack), side, side
    present = np.array([cut_square(stack, site.row, site.column, side) for site in sites], stack.dtype)
    absent = np.array([[cut_square(stack, r, c, side) for r, c in site.absent] for site in sites], stack.dtype)
    signals = np.array([site.signal for site in sites]).reshape(-1, side, side)
    names = sorted({site.cluster for site in sites})
    clusters = np.array([names.index(site.cluster) for site in sites], int)
    return Regions(present.reshape(-1, *shape), absent.reshape(-1, ABSENT, *shape), clusters, signals)


def cut_square(stack: np.ndarray, row: float, column: float, side: int) -> np.ndarray:
    """Return the square around a place: (realisations, side, side), float64.

    Raises:
        InputError: it is not inside the images.
    """
    rows, columns = square(row, column, side)
    found = stack[:, rows, columns]
    if found.shape[1:] != (side, side):
        problem = f"the place at row {row:.0f}, column {column:.0f} is not inside the images"
        raise InputError("", problem, "are they of this arrangement?")
    return found.astype(np.float64)


def joined_regions(parts: Sequence[Regions]) -> Regions:
    """Return the regions of several arrangements together; their clusters stay distinct.

    Raises:
        InputError: there are none, or with different numbers of realisations.
    """
    if not parts or len({part.present.shape[1:] for part in parts}) != 1:
        problem = "regions of several arrangements need the same side and the same number of realisations"
        raise InputError("", problem)
    offsets = np.cumsum([0, *(part.clusters.max(initial=-1) + 1 for part in parts[:-1])])
    clusters = [part.clusters + offset for part, offset in zip(parts, offsets, strict=True)]
    present, absent = (np.concatenate([getattr(part, name) for part in parts]) for name in ("present", "absent"))
    return Regions(present, absent, np.concatenate(clusters), np.concatenate([part.signals for part in parts]))
