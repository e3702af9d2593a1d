"""Which images form a pair: acquisitions of one arrangement at two doses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.mammogram import Mammogram

from .acquisition_header import Acquisition, read_acquisition
from .dose_levels import DOSE_LEVELS, dose_level, with_estimated_doses
from .grouping import Grouping


@dataclass(frozen=True)
class Pair:
    """A view of an arrangement at the low and at the high dose; numbered from 1 in the order of the files."""

    number: int
    group: str
    low: Acquisition
    high: Acquisition

    def image(self, dose: str) -> Acquisition:
        """Return the image at the ``low`` or the ``high`` dose."""
        return self.low if dose == "low" else self.high


def find_pairs(
    folder: str | Path, levels: Mapping[str, float] = DOSE_LEVELS, group_by: str = "auto"
) -> tuple[list[Pair], list[dict[str, Any]]]:
    """Group the mammograms of a folder by arrangement, view and dose.

    Args:
        levels: name -> dose in mGy, with ``low`` and ``high``; images at other levels are left out.
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
        wanted = f"low {levels['low']:g} and high {levels['high']:g} mGy"
        problem = f"no arrangement has two matching images at both doses ({wanted}) among {len(fates)} files"
        raise InputError(folder, problem, summary(fates.values())[0] if fates else "it is empty")
    return pairs, [{"file": path.relative_to(folder).as_posix(), **fates[path]} for path in sorted(fates)]


def read_pair(pair: Pair) -> tuple[Mammogram, Mammogram]:
    """Return the low and the high dose.

    Raises:
        InputError: an image cannot be read or has several frames.
    """
    return _single(pair.low), _single(pair.high)


def _single(image: Acquisition) -> Mammogram:
    from LowDoseContrastLib.files import read_mammogram

    mammogram = read_mammogram(image.path)
    if mammogram.pixels.shape[0] != 1:
        raise InputError(image.path, f"has {mammogram.pixels.shape[0]} frames", "only single images can be paired")
    return mammogram


def _read_all(folder: Path, keyword: str) -> tuple[list[Acquisition], dict[Path, dict[str, Any]]]:
    """Return the acquisitions, and the fates of all other files."""
    images, fates = [], {}
    for path in sorted(entry for entry in folder.rglob("*") if entry.is_file()):
        found = read_acquisition(path, keyword)
        if isinstance(found, str):
            fates[path] = left_out(found)
        else:
            images.append(found)
    return images, fates


def left_out(why: str, level: str | None = None, dose_from: str = "") -> dict[str, Any]:
    """Return the fate of a file that is not used."""
    return {"fate": "left out", "why": why, "level": level, "dose_from": dose_from}


def summary(table: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what became of files, in lines such as ``12 left out: not a DICOM file``, the most frequent first.

    What follows a colon in a reason differs from file to file and is left to the manifest.
    """
    texts = Counter(row["fate"] + (f": {row['why'].split(':')[0]}" if row["why"] else "") for row in table)
    return [f"{count} {text}" for text, count in texts.most_common()]


class _Views:
    """The acquisitions by (arrangement, laterality, view), and what becomes of them."""

    def __init__(self, images: list[Acquisition], grouping: Grouping, levels: Mapping[str, float]) -> None:
        self.levels = levels
        self.fates: dict[Path, dict[str, Any]] = {}
        self.views: dict[tuple[str, str | None, str | None], list[Acquisition]] = {}
        # For Processing images come first, and so are chosen where a view has both.
        for image in sorted(images, key=lambda each: each.intent != "FOR PROCESSING"):
            group = grouping.group_of(image)
            if group is None:
                self.fates[image.path] = left_out(grouping.missing)
            else:
                self.views.setdefault((group, image.laterality, image.view), []).append(image)

    def pairs(self) -> list[Pair]:
        """Return the views at both doses as pairs."""
        found: list[Pair] = []
        by_first_file = sorted(self.views.items(), key=lambda item: min(image.path for image in item[1]))
        for (group, _, _), images in by_first_file:
            chosen = self._by_level(with_estimated_doses(images, self.levels))
            if self._fit(chosen):
                found.append(Pair(len(found) + 1, group, chosen["low"], chosen["high"]))
        return found

    def _by_level(self, images: list[Acquisition]) -> dict[str, Acquisition]:
        """Return level -> first image of a view at it."""
        chosen: dict[str, Acquisition] = {}
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

    def _fit(self, chosen: dict[str, Acquisition]) -> bool:
        """Return whether the images of a view form a pair, and note their fate."""
        why = ""
        if set(chosen) != {"low", "high"}:
            why = "its view lacks the other dose"
        elif difference := chosen["low"].differs(chosen["high"]):
            why = f"the two images differ in {difference}"
        for level, image in chosen.items():
            if why:
                self._leave(image, why, level)
            else:
                paired = {"fate": "paired", "why": "", "level": level, "dose_from": image.dose_from}
                self.fates[image.path] = paired
        return not why

    def _leave(self, image: Acquisition, why: str, level: str | None = None) -> None:
        self.fates[image.path] = left_out(why, level, image.dose_from)


def _no_level(image: Acquisition) -> str:
    if image.dose_mgy is None:
        return "states no dose, and its exposure tells none"
    return f"at none of the dose levels: {image.dose_mgy:.3f} mGy by its {image.dose_from}"
