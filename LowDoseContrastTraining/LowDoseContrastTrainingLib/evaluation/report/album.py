"""The few held-out patches that a report shows, with what every method made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from ..held_out_views import View

if TYPE_CHECKING:
    from ..results import PatchResult

MOST = 4  # patches in all
CHOICE = (
    "Of each arrangement the patch is shown whose target has the strongest fine detail "
    "(standard deviation of its logarithm between Gaussians of 0.7 and 2.5 pixels); no output has a say in it."
)
_LEAST = 3  # patches in all, where there are so many
_WHOLE = 0.98  # part of a patch that is compared, for it to be shown


@dataclass(frozen=True, eq=False)
class PatchPicture:
    """One patch.

    Attributes:
        arrangement, patch: their names.
        low, high: float32 (rows, columns) pixel values, input and target.
        mask: bool (rows, columns), the pixels compared.
        outputs: method -> float32 (rows, columns) pixel values.
        cci: method -> CCI of its output on this patch.
        cci_low, cci_high: of input and target; None if no method was measured on it.
        sign: +1 where air is bright.
        spacing: mm of rows and of columns.
    """

    arrangement: str
    patch: str
    low: np.ndarray
    high: np.ndarray
    mask: np.ndarray
    outputs: dict[str, np.ndarray]
    cci: dict[str, float]
    cci_low: float | None
    cci_high: float | None
    sign: int | None
    spacing: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Pictures:
    """What a report shows and ``results.json`` does not hold: the patches."""

    patches: tuple[PatchPicture, ...] = ()


class Album:
    """Chooses a few patches before anything is judged, and collects what is made of them.

    Args:
        views: :class:`..held_out_views.View` of all that is judged.
    """

    def __init__(self, views: Iterable[View]) -> None:
        self._chosen: list[tuple[View, int, dict[str, np.ndarray]]] = [
            (view, index, {}) for view, index in chosen_patches(views)
        ]

    def add(self, method: str, view: View, made: np.ndarray) -> None:
        """Keep what ``method`` made of the chosen patches of a view; ``made`` is (patches, rows, columns)."""
        for of, index, outputs in self._chosen:
            if of is view:
                outputs[method] = np.array(made[index], np.float32)

    def pictures(self, results: Sequence[PatchResult]) -> Pictures:
        """Return the patches; ``results`` are all measures, among them those of these patches."""
        return Pictures(tuple(_picture(view, index, outputs, results) for view, index, outputs in self._chosen))


def _picture(view: View, index: int, outputs: dict[str, np.ndarray], results: Sequence[PatchResult]) -> PatchPicture:
    name = view.names[index]
    found = {
        result.method: result.measures for result in results if (result.arrangement, result.patch) == (view.group, name)
    }
    one = next(iter(found.values()), None)
    cci = {method: measures.cci_output for method, measures in found.items()}
    return PatchPicture(
        view.group,
        name,
        view.low.pixels[index],
        view.high[index],
        view.mask[index],
        outputs,
        cci,
        one.cci_input if one else None,
        one.cci_target if one else None,
        view.low.sign,
        tuple(view.low.spacing or ()),
    )


def chosen_patches(views: Iterable[View]) -> list[tuple[View, int]]:
    """Return (view, index) of up to ``MOST`` patches, of as many arrangements as can be, see ``CHOICE``.

    With more arrangements than that, some are taken evenly from all; with fewer than three, some give more than one.
    """
    ranked: dict[str, list[tuple[View, int]]] = {}
    for view in views:
        ranked.setdefault(view.group, []).extend((view, index) for index in range(len(view.names)))
    groups = [sorted(patches, key=_merit, reverse=True) for patches in ranked.values()]
    if len(groups) > MOST:
        groups = [groups[number] for number in np.linspace(0, len(groups) - 1, MOST).astype(int)]
    of_each = max(1, -(-_LEAST // max(len(groups), 1)))
    return [place for group in groups for place in group[:of_each]][:MOST]


def _merit(place: tuple[View, int]) -> tuple[float, float]:
    """(is wholly compared, detail of the target): what the patches of an arrangement are ranked by."""
    view, index = place
    share = float(view.mask[index].mean())
    return min(share, _WHOLE), float(detail(view.high[index])[view.mask[index]].std())


def detail(image: np.ndarray) -> np.ndarray:
    """Return the fine detail of pixel values, in which calcifications stand out: their logarithm between Gaussians."""
    fine, coarse = (ndimage.gaussian_filter(np.log(np.maximum(image, 1)), sigma) for sigma in (0.7, 2.5))
    return fine - coarse
