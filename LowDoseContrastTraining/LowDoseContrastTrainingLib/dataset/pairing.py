"""Which images belong together: acquisitions of one arrangement at two doses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from LowDoseContrastLib.errors import InputError

from .acquisition_header import Acquisition, read_acquisition
from .dose_levels import DOSE_LEVELS, dose_level, with_doses
from .grouping import Grouping


@dataclass(frozen=True)
class Pair:
    """One view of one arrangement at the low and at the high dose; numbered from 1 in the order of the files."""

    number: int
    group: str
    low: Acquisition
    high: Acquisition


def find_pairs(folder, levels: dict = DOSE_LEVELS, group_by: str = "auto") -> tuple[list[Pair], list[dict]]:
    """Group the mammograms of a folder by arrangement, view and dose.

    Args:
        levels: name -> dose in mGy, with ``low`` and ``high``; images at others are left out.
        group_by: as :class:`.grouping.Grouping`, or ``auto``: by study, or
            by folder where no study holds a view at both doses and a folder does.

    Returns:
        The pairs, and for every file what became of it: ``file`` (relative), ``fate`` (``paired``
        or ``left out``), ``why``, ``level`` of dose (or None), and ``dose_from``.

    Raises:
        InputError: no folder, no mammogram, no arrangement with both doses, or as ``Grouping``.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(folder, "there is no such folder")
    groupings = [Grouping(way, folder) for way in (("study", "folder") if group_by == "auto" else (group_by,))]
    images, fates = _read_all(folder, groupings[0].keyword)
    for grouping in groupings:
        views = _Views(images, grouping, levels)
        pairs = views.pairs()
        if pairs:
            break
    fates |= views.fates
    if not pairs:
        wanted = " and ".join(f"{name} {levels[name]:g}" for name in ("low", "high"))
        raise InputError(folder, f"no arrangement has two matching images at both doses ({wanted} mGy) among {len(fates)} files", _commonest(fates))
    return pairs, [{"file": path.relative_to(folder).as_posix(), **fates[path]} for path in sorted(fates)]


def read_pair(pair: Pair) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixel values (rows, columns) of the low and the high dose.

    Raises:
        InputError: an image cannot be read or has several frames.
    """
    return _pixels(pair.low), _pixels(pair.high)


def _pixels(image):
    from LowDoseContrastLib.files import read_mammogram

    mammogram = read_mammogram(image.path)
    if mammogram.pixels.shape[0] != 1:
        raise InputError(image.path, f"has {mammogram.pixels.shape[0]} frames", "only single images can be paired")
    return mammogram.pixels[0]


def _read_all(folder, keyword):
    """(acquisitions, fates of the files that are none)."""
    images, fates = [], {}
    for path in sorted(entry for entry in folder.rglob("*") if entry.is_file()):
        found = read_acquisition(path, keyword)
        if isinstance(found, str):
            fates[path] = left_out(found)
        else:
            images.append(found)
    return images, fates


def left_out(why: str, level: str | None = None, dose_from: str = "") -> dict:
    """Return the fate of a file that is not used."""
    return {"fate": "left out", "why": why, "level": level, "dose_from": dose_from}


def summary(table: list[dict]) -> list[str]:
    """Return one line for each thing that became of files, such as ``12 left out: not a DICOM file``.

    What follows a colon in a reason differs from file to file and is left to the manifest.
    """
    counts = {}
    for row in table:
        text = row["fate"] + (f": {row['why'].split(':')[0]}" if row["why"] else "")
        counts[text] = counts.get(text, 0) + 1
    return [f"{count} {text}" for text, count in sorted(counts.items(), key=lambda item: -item[1])]


def _commonest(fates):
    return summary(list(fates.values()))[0] if fates else "it is empty"


class _Views:
    """The acquisitions by (arrangement, laterality, view), and what becomes of each."""

    def __init__(self, images, grouping, levels):
        self.fates, self.levels, self.views = {}, levels, {}
        # Where a view is there in both, the For Processing images are the ones to learn from.
        for image in sorted(images, key=lambda each: each.intent != "FOR PROCESSING"):
            group = grouping.group_of(image)
            if group is None:
                self.fates[image.path] = left_out(grouping.missing)
            else:
                self.views.setdefault((group, image.laterality, image.view), []).append(image)

    def pairs(self) -> list[Pair]:
        found = []
        for (group, _, _), images in sorted(self.views.items(), key=lambda item: min(image.path for image in item[1])):
            chosen = self._by_level(with_doses(images, self.levels))
            if self._fit(chosen):
                found.append(Pair(len(found) + 1, group, chosen["low"], chosen["high"]))
        return found

    def _by_level(self, images):
        """The first image of one view at each level."""
        chosen = {}
        for image in images:
            level = dose_level(image.dose_mgy, self.levels)
            if level is None:
                self._leave(image, _no_level(image))
            elif level in chosen:
                self._leave(image, f"a second image of its view at the {level} dose", level)
            elif level not in ("low", "high"):
                self._leave(image, f"at the {level} dose, which is in no pair", level)
            else:
                chosen[level] = image
        return chosen

    def _fit(self, chosen) -> bool:
        """Whether the images of one view make a pair; says for each why or why not."""
        why = ""
        if set(chosen) != {"low", "high"}:
            why = "its view lacks the other dose"
        elif difference := chosen["low"].differs(chosen["high"]):
            why = f"the two images differ in {difference}"
        for level, image in chosen.items():
            if why:
                self._leave(image, why, level)
            else:
                self.fates[image.path] = {"fate": "paired", "why": "", "level": level, "dose_from": image.dose_from}
        return not why

    def _leave(self, image, why, level=None):
        self.fates[image.path] = left_out(why, level, image.dose_from)


def _no_level(image):
    if image.dose_mgy is None:
        return "states no dose, and its exposure tells none"
    return f"at none of the dose levels: {image.dose_mgy:.3f} mGy by its {image.dose_from}"
