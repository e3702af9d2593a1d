"""Square regions around inserts, and matched ones where there is none.

Places follow from the truth alone, so that every method is judged at the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.errors import InputError

from .stacks import checked_stack
from .truth_places import PlacedInsert, Truth

ABSENT = 3  # places without signal for one with: what 4-alternative forced choice shows
_NEAR_MM = 6.0  # where matched places are looked for first
_ISOLATION_MM = 0.5
_DRAWN = 300  # places that are tried


@dataclass(frozen=True)
class Site:
    """A place with signal and matched places without.

    Attributes:
        row, column: centre of the signal, pixels.
        absent: int (places, 2), centres of regions without signal in the same image.
        cluster: (folder of the truth, group): sites of one cluster do not count as independent, nor
            are they split between training and testing.
        size_mm, contrast: of the insert.
        signal: (side, side), its contrast before any blur, nothing else around.
    """

    row: float
    column: float
    absent: np.ndarray
    cluster: tuple
    size_mm: float
    contrast: float
    signal: np.ndarray


@dataclass(frozen=True)
class Regions:
    """Regions of several sites in realisations of their images.

    Attributes:
        present: (sites, realisations, side, side), the signal in the middle; in the type of the images.
        absent: (sites, places, realisations, side, side).
        clusters: int (sites,), equal where sites belong together.
        signals: (sites, side, side), what is to be seen; any scale.
    """

    present: np.ndarray
    absent: np.ndarray
    clusters: np.ndarray
    signals: np.ndarray

    def of(self, chosen) -> Regions:
        """Return the sites where ``chosen`` (bool, (sites,)) holds."""
        return Regions(self.present[chosen], self.absent[chosen], self.clusters[chosen], self.signals[chosen])


def fits(insert: PlacedInsert, side: int, inside: np.ndarray) -> bool:
    """Return whether the square around an insert lies wholly in ``inside`` (bool, rows, columns)."""
    rows, columns = square(insert.row, insert.column, side)
    if rows.start < 0 or columns.start < 0 or rows.stop > inside.shape[0] or columns.stop > inside.shape[1]:
        return False
    return bool(inside[rows, columns].all())


def square(row: float, column: float, side: int) -> tuple[slice, slice]:
    """Return the slices of a square of ``side`` pixels around the pixel that is nearest to a place."""
    return tuple(slice(round(middle) - side // 2, round(middle) - side // 2 + side) for middle in (row, column))


def sites_of(truth: Truth, kinds, side: int, seed: int = 0) -> list[Site]:
    """Return the places of inserts of some kinds that can be judged, with matched places without signal.

    Left out is what lies within 0.5 mm of another insert, where the square does not fit in the
    phantom, and where it would overlap one of another cluster: what trains an observer is never
    seen when it is tested. Places without signal are drawn from those within 6 mm (anywhere, where
    these do not suffice) at which the whole square is free of inserts.

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
            signal = truth.sharp_contrast_of(insert, side)
            found.append(Site(insert.row, insert.column, absent, (str(truth.folder), _cluster(insert)), insert.size_mm, insert.contrast, signal))
    return found


class _Taken:
    """The squares that are in use, and by which cluster."""

    def __init__(self, side):
        self.side, self.centres, self.clusters = side, np.empty((0, 2)), np.empty(0, int)

    def add(self, centres, cluster):
        self.centres = np.concatenate([self.centres, centres])
        self.clusters = np.append(self.clusters, np.full(len(centres), cluster))

    def leaves(self, centres, cluster):
        """Whether squares around ``centres`` overlap none of another cluster: bool (centres,)."""
        others = self.centres[self.clusters != cluster]
        away = np.abs(np.asarray(centres)[:, None] - others[None]).max(axis=2)
        return (away > self.side).all(axis=1)


def _apart(truth, kinds):
    """The inserts of some kinds without another one close by."""
    centres = np.array([(each.row, each.column) for each in truth.inserts]).reshape(-1, 2)
    reach = _ISOLATION_MM / truth.pixel_mm
    return [each for each in truth.of_kind(kinds) if np.count_nonzero(np.hypot(*(centres - (each.row, each.column)).T) < reach) == 1]


def _cluster(insert):
    """The number of an insert's cluster; one without is its own."""
    return insert.group if insert.group >= 0 else -insert.id


def _matched(free, insert, taken, reach, rng):
    """Places without signal, near an insert where there are enough: int (up to ABSENT, 2)."""
    near = tuple(slice(max(0, round(middle - reach)), round(middle + reach) + 1) for middle in (insert.row, insert.column))
    for window in (near, np.s_[:, :]):
        places = np.argwhere(free[window]) + [part.start or 0 for part in window]
        drawn = places[rng.choice(len(places), min(_DRAWN, len(places)), replace=False)]
        absent = drawn[taken.leaves(drawn, _cluster(insert))][:ABSENT]
        if len(absent) == ABSENT:
            break
    return absent


def regions_at(images, sites: list[Site], side: int) -> Regions:
    """Return the regions of one arrangement's sites.

    Args:
        images: (realisations, rows, columns).
        sites: from :func:`sites_of` with the same ``side``.

    Raises:
        InputError: a region lies outside of the images: they are not of the arrangement of the sites.
    """
    stack = checked_stack(images)
    present = np.array([cut(stack, site.row, site.column, side) for site in sites], stack.dtype).reshape(-1, len(stack), side, side)
    absent = np.array([[cut(stack, *place, side) for place in site.absent] for site in sites], stack.dtype).reshape(-1, ABSENT, len(stack), side, side)
    signals = np.array([site.signal for site in sites]).reshape(-1, side, side)
    names = sorted({site.cluster for site in sites})
    return Regions(present, absent, np.array([names.index(site.cluster) for site in sites], int), signals)


def cut(stack: np.ndarray, row: float, column: float, side: int) -> np.ndarray:
    """Return the square around a place: (realisations, side, side), float64.

    Raises:
        InputError: it leaves the images.
    """
    found = stack[(slice(None), *square(row, column, side))]
    if found.shape[1:] != (side, side):
        raise InputError("", f"the place at row {row:.0f}, column {column:.0f} is not inside the images", "are they of this arrangement?")
    return found.astype(np.float64)


def joined(parts: list[Regions]) -> Regions:
    """Return the regions of several arrangements as one; the clusters stay apart.

    Raises:
        InputError: none given, or with different numbers of realisations.
    """
    if not parts or len({part.present.shape[1:] for part in parts}) != 1:
        raise InputError("", "regions of several arrangements need the same side and the same number of realisations")
    offsets = np.cumsum([0, *(part.clusters.max(initial=-1) + 1 for part in parts[:-1])])
    clusters = [part.clusters + offset for part, offset in zip(parts, offsets)]
    present, absent, signals = (np.concatenate([getattr(part, name) for part in parts]) for name in ("present", "absent", "signals"))
    return Regions(present, absent, np.concatenate(clusters), signals)
