"""The patches of a data set as the evaluation takes them: by acquisition, in pixel values, with what headers said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from LowDoseContrastLib.cci import windows_inside
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.mammogram import Mammogram
from scipy import ndimage

from ..baselines.training_pairs import TrainingPairs, noise_of_pairs
from ..dataset.manifest import PairedDataSet, PairEntry, PatchEntry
from ..dataset.patch_store import PatchStore
from ..dose_reduction.noise_model import given_values
from ..training.held_out import unsaturated
from .settings import SPLITS

MASK = (
    "tissue (local mean of the target no further towards the air than a factor of 2 from the median of its breast) "
    "where neither dose is saturated"
)
_TISSUE_FACTOR = 2.0
_SMOOTHING = 8  # pixels over which tissue is distinguished from the thin edge of the breast
_FITTED = 64  # patches that baselines are fitted on, evenly from all


class Patch(NamedTuple):
    """A pair of patches, (rows, columns) pixel values: its entry in the manifest, both doses, what is compared."""

    entry: PatchEntry
    low: np.ndarray
    high: np.ndarray
    mask: np.ndarray


@dataclass(frozen=True, eq=False)
class View:
    """The held-out patches of one pair of acquisitions.

    Attributes:
        number: of its pair in the manifest.
        group: its arrangement.
        names: of the patches.
        low: the patches at the low dose as a stack, float32 pixel values.
        high: float32 (patches, rows, columns), the same at the high dose.
        mask: bool of that shape, the pixels compared (``MASK``).
    """

    number: int
    group: str
    names: tuple[str, ...]
    low: Mammogram
    high: np.ndarray
    mask: np.ndarray


def held_out_views(data: PairedDataSet, split: str) -> tuple[list[View], int]:
    """Return the views of ``test``, ``val`` or ``all`` (both), and how many patches have too little tissue.

    Raises:
        InputError: there are no such patches or none with tissue, or the manifest does not say of which arrangement
            they are.
    """
    by_number: dict[int, list[Patch]] = {}
    skipped = 0
    for part in SPLITS[split]:
        for patch in _patches(data, part):
            if windows_inside(patch.mask)[1:-1, 1:-1].any():
                by_number.setdefault(patch.entry.arrangement, []).append(patch)
            else:
                skipped += 1
    if not by_number:
        problem = f"holds no patches with tissue in its {split} part"
        raise InputError(data.folder, problem, "prepare it with a test part")
    return [_view(data, number, patches) for number, patches in sorted(by_number.items())], skipped


def _view(data: PairedDataSet, number: int, patches: list[Patch]) -> View:
    found, (source, _) = _arrangements(data)[number], data.doses
    low = Mammogram(
        np.stack([patch.low for patch in patches]),
        found.spacing,
        found.bits,
        "MG",
        found.intent,
        found.relationship,
        sign=found.sign,
        dose_mgy=found.image(source).dose_mgy,
        source=f"{data.folder}: arrangement {number}",
    )
    high, mask = np.stack([patch.high for patch in patches]), np.stack([patch.mask for patch in patches])
    return View(number, patches[0].entry.group, tuple(patch.entry.name for patch in patches), low, high, mask)


def _patches(data: PairedDataSet, split: str, chosen: Iterable[int] | None = None) -> Iterator[Patch]:
    """Yield all patches of a part, or those with the numbers ``chosen``."""
    store, entries, arrangements = PatchStore(data, split, room=0), data.of(split), _arrangements(data)
    for number in range(len(store)) if chosen is None else chosen:
        entry, (low, high) = entries[number], (data.scale.decode(side) for side in store.pair(number))
        yield Patch(entry, low, high, _comparable(low, high, arrangements[entry.arrangement], data))


def _arrangements(data: PairedDataSet) -> dict[int, PairEntry]:
    """Number -> entry of the manifest, once it is sure that every patch has one."""
    found = {arrangement.number: arrangement for arrangement in data.arrangements}
    if not all(patch.group and patch.arrangement in found for patch in data.patches):
        problem = "its manifest does not say of which arrangement each patch is"
        raise InputError(data.folder, problem, "prepare the data set again")
    return found


def _comparable(low: np.ndarray, high: np.ndarray, arrangement: PairEntry, data: PairedDataSet) -> np.ndarray:
    """The mask of one patch, see ``MASK``; where the PNG's range ends is saturated too."""
    median, sign = arrangement.image(data.doses[1]).signal[1], arrangement.sign
    return tissue_of(high, median, sign) & unsaturated(low, high, 2**arrangement.bits - 1, data.scale)


def tissue_of(high: np.ndarray, median: float, sign: int | None) -> np.ndarray:
    """Return where an image shows tissue, not the thin edge towards the air: bool (rows, columns).

    Args:
        high: pixel values.
        median: of the breast.
        sign: -1 where air is dark.
    """
    local = ndimage.uniform_filter(high, _SMOOTHING)
    return local > median / _TISSUE_FACTOR if sign == -1 else local < median * _TISSUE_FACTOR


def training_pairs(data: PairedDataSet, noise: str | None = None) -> TrainingPairs:
    """Return up to 64 training patches, evenly from all of them, with the dose ratio of their arrangements.

    Args:
        noise: values of the noise model that are known, as text or a file, see
            :func:`..dose_reduction.noise_model.given_values`.

    Raises:
        InputError: pixel values that do not rise with the exposure along a line, or as :func:`noise_of_pairs`.
    """
    entries, arrangements = data.of("train"), _arrangements(data)
    for arrangement in data.arrangements:
        if arrangement.relationship == "LOG" or arrangement.sign == -1:
            kind = "logarithmic" if arrangement.relationship == "LOG" else "inverted"
            remedy = "gain and noise models hold for values linear in the exposure only"
            raise InputError(data.folder, f"its pixel values are {kind}", remedy)
    chosen = np.unique(np.linspace(0, len(entries) - 1, _FITTED).astype(int))
    found = list(_patches(data, "train", chosen))
    low, high, mask = (
        np.stack(side) for side in ([getattr(each, name) for each in found] for name in Patch._fields[1:])
    )
    source, target = data.doses
    trained = [arrangements[number] for number in {patch.arrangement for patch in entries}]
    gain = float(np.median([each.image(target).dose_mgy / each.image(source).dose_mgy for each in trained]))
    known = given_values(noise) if noise else {}
    return TrainingPairs(low, high, mask, gain, noise_of_pairs(low, high, mask, gain, known))


def shared_arrangements(data: PairedDataSet, views: list[View]) -> list[str]:
    """Return the arrangements that are in training and held out at the same time."""
    return sorted({patch.group for patch in data.of("train")} & {view.group for view in views})
