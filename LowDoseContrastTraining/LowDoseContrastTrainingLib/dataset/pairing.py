"""Which images can form a pair: acquisitions of one view of an arrangement at two doses, by their headers."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.mammogram import Mammogram

from .acquisition_header import Acquisition, read_acquisition
from .agreement import Agreement, compare, rank
from .dose_levels import DOSE_LEVELS, dose_level, found_levels, with_estimated_doses
from .grouping import Grouping

_MOST_OPEN = 150  # combinations of images whose pixels are compared for want of facts, in an arrangement
_MOST_LEVELS = 8  # of the doses found, of which two are suggested


@dataclass(frozen=True)
class Pair:
    """A view of an arrangement at the low and at the high dose; numbered from 1 in the order of the files.

    Attributes:
        unknown: facts that the headers do not prove to agree; the pixels must decide.
        others: what to take instead where the pixels show that these are no pair, in this order.
    """

    number: int
    group: str
    low: Acquisition
    high: Acquisition
    unknown: tuple[str, ...] = ()
    others: tuple[Pair, ...] = ()

    def image(self, dose: str) -> Acquisition:
        """Return the image at the ``low`` or the ``high`` dose."""
        return self.low if dose == "low" else self.high

    @property
    def paths(self) -> tuple[Path, Path]:
        """The files of both images."""
        return self.low.path, self.high.path


def find_pairs(
    folder: str | Path, levels: Mapping[str, float] = DOSE_LEVELS, group_by: str = "auto"
) -> tuple[list[Pair], list[dict[str, Any]]]:
    """Group the mammograms of a folder by arrangement, view and dose, as far as their headers tell.

    Whether the pixels agree is found out by :class:`.selection.Selection`.

    Args:
        levels: name -> dose in mGy, with ``low`` and ``high``; images at other levels are left out.
        group_by: as :class:`.grouping.Grouping`, or ``auto``: by study, or
            by folder where no study holds a view at both doses and a folder does.

    Returns:
        The pairs, and for every file what became of it: ``file`` (relative), ``fate`` (``paired``
        or ``left out``), ``why``, ``level`` of dose (or None), and ``dose_from``.

    Raises:
        InputError: no folder, no mammogram, no arrangement with both doses (where it is for the levels, the doses
            found and the levels to ask for are named), or as ``Grouping``.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(folder, "there is no such folder")
    groupings = [Grouping(way, folder) for way in (("study", "folder") if group_by == "auto" else (group_by,))]
    images, fates = _read_all(folder, groupings[0].keyword)
    tried: list[_Views] = []
    for grouping in groupings:
        tried.append(_Views(images, grouping, levels))
        if pairs := tried[-1].pairs():
            fates |= tried[-1].fates
            return pairs, [{"file": path.relative_to(folder).as_posix(), **fates[path]} for path in sorted(fates)]
    # What differs within a study says more than that its folders hold one dose each.
    telling = next((each for each in tried if each.differences), tried[-1])
    raise _no_pairs(folder, fates | telling.fates, images, groupings, levels)


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


def paired(image: Acquisition, level: str) -> dict[str, Any]:
    """Return the fate of a file that is used."""
    return {"fate": "paired", "why": "", "level": level, "dose_from": image.dose_from}


def summary(table: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what became of files, in lines such as ``12 left out: not a DICOM file``, the most frequent first.

    What follows a colon in a reason differs from file to file and is left to the manifest.
    """
    texts = Counter(row["fate"] + (f": {row['why'].split(':')[0]}" if row["why"] else "") for row in table)
    return [f"{count} {text}" for text, count in texts.most_common()]


def _no_pairs(
    folder: Path,
    fates: Mapping[Path, Mapping[str, Any]],
    images: list[Acquisition],
    groupings: list[Grouping],
    levels: Mapping[str, float],
) -> InputError:
    """Say why there is no pair: where it is for the doses, which doses there are and what to ask for."""
    wanted = f"low {levels['low']:g} and high {levels['high']:g} mGy"
    problem = f"no arrangement has two matching images at both doses ({wanted}) among {len(fates)} files"
    if not fates:
        return InputError(folder, problem, "it is empty")
    found = found_levels(image.dose_mgy for image in images if image.dose_mgy)
    if any(image.dose_mgy and dose_level(image.dose_mgy, levels) is None for image in images):
        problem += "; their doses are " + ", ".join(f"{dose:.4g} mGy ({count} images)" for dose, count in found)
        if len(found) == 1:
            return InputError(folder, problem, "a pair takes two doses")
    frequent = sorted(sorted(found, key=lambda each: -each[1])[:_MOST_LEVELS])
    best: tuple[int, float, str] = (0, 0.0, "")
    for (low, _), (high, _) in itertools.combinations(frequent, 2):
        asked = {"low": float(f"{low:.4g}"), "high": float(f"{high:.4g}")}
        count = max(len(_Views(images, grouping, asked).pairs()) for grouping in groupings)
        # Of doses that are in as many pairs those furthest apart are meant.
        best = max(best, (count, high / low, f"low={asked['low']:g},high={asked['high']:g}"))
    if best[0]:
        return InputError(folder, problem, f"use {{doses}} {best[2]}, which gives {best[0]} pairs")
    return InputError(folder, problem, _most_frequent(folder, fates))


def _most_frequent(folder: Path, fates: Mapping[Path, Mapping[str, Any]]) -> str:
    """Return the most frequent fate, with an example where its reason differs from file to file."""
    line = summary(fates.values())[0]
    for path, fate in sorted(fates.items()):
        reason, _, details = fate["why"].partition(": ")
        if details and line.endswith(f"left out: {reason}"):
            return f"{line} ({path.relative_to(folder).as_posix()}: {details})"
    return line


class _Views:
    """The acquisitions by arrangement and view, and what becomes of them."""

    def __init__(self, images: list[Acquisition], grouping: Grouping, levels: Mapping[str, float]) -> None:
        self.levels, self.same_patient = levels, grouping.table is not None
        self.fates: dict[Path, dict[str, Any]] = {}
        self.differences = False
        self.views: dict[tuple[str, str | None, str | None], list[Acquisition]] = {}
        # For Processing images come first, and so are chosen where a view has both.
        for image in sorted(images, key=lambda each: each.intent != "FOR PROCESSING"):
            group = grouping.group_of(image)
            if group is None:
                self.fates[image.path] = left_out(grouping.missing)
            else:
                self.views.setdefault((group, image.laterality, image.view), []).append(image)
        self.first_files: dict[Path, Path] = {}
        self.groups: dict[str, dict[str, list[Acquisition]]] = {}  # of images that are at the low or the high dose
        self.open: dict[str, dict[str, list[Acquisition]]] = {}  # of those whose own view has no other dose

    def pairs(self) -> list[Pair]:
        """Return the views at both doses as pairs."""
        found: list[Pair] = []
        for (group, _, _), images in self.views.items():
            self.first_files |= dict.fromkeys((each.path for each in images), min(each.path for each in images))
            at_level = self._by_level(with_estimated_doses(images, self.levels))
            for level, those in at_level.items():
                self._group(self.groups, group)[level] += those
            for view in self._same_view(at_level):
                found += self._pair_of_a_view(group, view)
        for group, view in self.open.items():
            found += self._pairs_by_content(group, view)
        found.sort(key=lambda pair: (self.first_files[pair.low.path], pair.low.path))
        return [
            replace(pair, number=number, others=tuple(replace(each, number=number) for each in pair.others))
            for number, pair in enumerate(found, start=1)
        ]

    @staticmethod
    def _group(groups: dict[str, dict[str, list[Acquisition]]], group: str) -> dict[str, list[Acquisition]]:
        return groups.setdefault(group, {"low": [], "high": []})

    def _by_level(self, images: list[Acquisition]) -> dict[str, list[Acquisition]]:
        """Return the images at the low and at the high dose."""
        found: dict[str, list[Acquisition]] = {"low": [], "high": []}
        for image in images:
            level = dose_level(image.dose_mgy, self.levels)
            if level is None:
                self._leave(image, _no_level(image))
            elif level not in found:
                self._leave(image, f"at the {level} dose, which is in no pair", level)
            else:
                found[level].append(image)
        return found

    def _same_view(self, images: Mapping[str, list[Acquisition]]) -> Iterable[dict[str, list[Acquisition]]]:
        """Yield images of one patient and side, and one view with modifiers and magnification."""
        found: dict[tuple[Any, ...], dict[str, list[Acquisition]]] = {}
        for level, those in images.items():
            for image in those:
                factor = image.magnification and round(image.magnification, 1)
                key = (None if self.same_patient else image.patient, image.modifiers, factor)
                found.setdefault(key, {"low": [], "high": []})[level].append(image)
        return found.values()

    def _pair_of_a_view(self, group: str, view: dict[str, list[Acquisition]]) -> list[Pair]:
        """Return the pair of a view whose headers say what it is, with its candidates; else leave its images open."""
        some = (view["low"] or view["high"])[0]
        if not (view["low"] and view["high"] and some.laterality and some.view):
            for level, images in view.items():
                self._group(self.open, group)[level] += images
            return []
        compared = [(low, high, self._compare(low, high)) for low, high in itertools.product(view["low"], view["high"])]
        candidates = [
            Pair(0, group, low, high, agreement.unknown) for low, high, agreement in compared if not agreement.differing
        ]
        chosen = candidates[0].paths if candidates else ()
        for level, images in view.items():
            for image in images:
                if image.path in chosen:
                    self.fates[image.path] = paired(image, level)
                    continue
                difference = next(each[2].difference for each in compared if image in each[:2])
                second = f"a second image of its view at the {level} dose"
                self._leave(image, ": ".join(filter(None, (second, difference))) if candidates else difference, level)
        return [replace(candidates[0], others=tuple(candidates[1:]))] if candidates else []

    def _pairs_by_content(self, group: str, view: dict[str, list[Acquisition]]) -> list[Pair]:
        """Return pairs of images whose headers leave open whether they are of one view: one of every low dose."""
        for level, images in view.items():
            kept = [image for image in images if image.intent == "FOR PROCESSING"] or images
            for image in images:
                if image not in kept:
                    self._leave(image, "For Presentation, where For Processing images are of unknown view too", level)
            view[level] = sorted(kept, key=lambda each: each.path)
        found: list[Pair] = []
        taken: set[Path] = set()
        for low in view["low"]:
            candidates = [(high, self._compare(low, high)) for high in view["high"]]
            fitting = [Pair(0, group, low, high, each.unknown) for high, each in candidates if not each.differing]
            # What less is unknown of comes first, and what no other low dose has.
            fitting.sort(key=lambda pair: (len(pair.unknown), pair.high.path in taken, pair.high.path))
            if fitting:
                found.append(replace(fitting[0], others=tuple(fitting[1:])))
                taken |= {low.path, fitting[0].high.path}
        count = sum(1 + len(pair.others) for pair in found)
        candidate_paths = {path for pair in found for each in (pair, *pair.others) for path in each.paths}
        for level, images in view.items():
            for image in images:
                if count > _MOST_OPEN and image.path in candidate_paths:
                    why = "too many images of its arrangement are of unknown view, see --group-by"
                    self._leave(image, f"{why}: {count} combinations", level)
                elif image.path in taken:
                    self.fates[image.path] = paired(image, level)
                elif image.path in candidate_paths:
                    self._leave(image, f"a second image at the {level} dose that may be of its view", level)
                else:
                    self._leave(image, self._without_other(group, image, level), level)
        return found if count <= _MOST_OPEN else []

    def _without_other(self, group: str, image: Acquisition, level: str) -> str:
        """Return why an image finds none at the other dose: what differs in the one that is most like it."""
        lacks = "its view lacks the other dose"
        others = self.groups[group]["high" if level == "low" else "low"]
        differing = [each for each in (self._compare(image, other) for other in others) if each.differing]
        if not differing:
            return lacks
        self.differences = True
        nearest = max(differing, key=rank)
        if not nearest.plural:
            return nearest.difference
        return f"the {nearest.plural} differ, so {lacks}: {nearest.values[0]}, at the other dose {nearest.values[1]}"

    def _compare(self, low: Acquisition, high: Acquisition) -> Agreement:
        return compare(low, high, self.same_patient)

    def _leave(self, image: Acquisition, why: str, level: str | None = None) -> None:
        self.fates[image.path] = left_out(why, level, image.dose_from)


def _no_level(image: Acquisition) -> str:
    if image.dose_mgy is None:
        return "states no dose, and its exposure tells none"
    return f"at none of the dose levels: {image.dose_mgy:.3f} mGy by its {image.dose_from}"
