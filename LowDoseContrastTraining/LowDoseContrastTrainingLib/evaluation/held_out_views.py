"""The patches of a data set as the evaluation takes them: by acquisition, in pixel values, with what their header said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.cci import windows_inside
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.mammogram import Mammogram
from scipy import ndimage

from ..baselines.training_pairs import TrainingPairs, noise_of_pairs
from ..dataset.manifest import PairedDataSet
from ..dataset.patch_store import PatchStore
from ..dose_reduction.noise_model import given_values
from ..training.held_out import unsaturated
from .settings import SPLITS

MASK = "tissue (local mean of the target no further towards the air than a factor of 2 from the median of its breast) where neither dose is saturated"
_TISSUE_FACTOR = 2.0
_SMOOTHING = 8  # pixels over which tissue is told from the thin edge of the breast
_FITTED = 64  # patches that baselines are fitted on, evenly from all


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
    """Return the views of ``test``, ``val`` or ``all`` (both), and how many patches hold too little tissue to compare.

    Raises:
        InputError: there are no such patches or none with tissue, or the manifest does not say of which arrangement they are.
    """
    by_number, skipped = {}, 0
    for part in SPLITS[split]:
        for patch, low, high, mask in _patches(data, part):
            if windows_inside(mask)[1:-1, 1:-1].any():
                by_number.setdefault(patch["arrangement"], []).append((patch, low, high, mask))
            else:
                skipped += 1
    if not by_number:
        raise InputError(data.folder, f"holds no patches with tissue in its {split} part", "prepare it with a test part")
    return [_view(data, number, patches) for number, patches in sorted(by_number.items())], skipped


def _view(data, number, patches):
    found, (source, _) = _arrangements(data)[number], data.doses
    low = Mammogram(
        np.stack([each[1] for each in patches]),
        tuple(found["spacing"]),
        found["bits"],
        "MG",
        found["intent"],
        found["relationship"],
        sign=found["sign"],
        dose_mgy=found[source]["dose_mgy"],
        source=f"{data.folder}: arrangement {number}",
    )
    names = tuple(each[0]["name"] for each in patches)
    return View(number, patches[0][0]["group"], names, low, *(np.stack([each[place] for each in patches]) for place in (2, 3)))


def _patches(data, split, chosen=None):
    """Yield (entry of the manifest, low, high, mask) of each patch, or of those with the numbers ``chosen``."""
    store, entries, arrangements = PatchStore(data, split, room=0), data.of(split), _arrangements(data)
    for number in range(len(store)) if chosen is None else chosen:
        patch, (low, high) = entries[number], (data.scale.decode(side) for side in store.pair(number))
        yield patch, low, high, _comparable(low, high, arrangements[patch["arrangement"]], data)


def _arrangements(data):
    """Number -> entry of the manifest, once it is sure that every patch has one."""
    found = {each.get("number"): each for each in data.arrangements}
    if not all(patch.get("arrangement") in found and "group" in patch for patch in data.patches):
        raise InputError(data.folder, "its manifest does not say of which arrangement each patch is", "prepare the data set again")
    return found


def _comparable(low, high, arrangement, data):
    """The mask of one patch, see ``MASK``; where the PNG's range ends is saturated too."""
    median, sign = arrangement[data.doses[1]]["signal"][1], arrangement["sign"]
    return tissue_of(high, median, sign) & unsaturated(low, high, 2 ** arrangement["bits"] - 1, data.scale)


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
    for each in data.arrangements:
        if each["relationship"] == "LOG" or each["sign"] == -1:
            kind = "logarithmic" if each["relationship"] == "LOG" else "inverted"
            raise InputError(data.folder, f"its pixel values are {kind}", "gain and noise models hold for values linear in the exposure only")
    chosen = np.unique(np.linspace(0, len(entries) - 1, _FITTED).astype(int))
    low, high, mask = (np.stack(side) for side in list(zip(*_patches(data, "train", chosen)))[1:])
    (source, target), trained = data.doses, {patch["arrangement"] for patch in entries}
    gain = float(np.median([arrangements[number][target]["dose_mgy"] / arrangements[number][source]["dose_mgy"] for number in trained]))
    return TrainingPairs(low, high, mask, gain, noise_of_pairs(low, high, mask, gain, given_values(noise) if noise else {}))


def shared_arrangements(data: PairedDataSet, views: list[View]) -> list[str]:
    """Return the arrangements that are in training and held out at the same time."""
    return sorted({patch["group"] for patch in data.of("train")} & {view.group for view in views})
