"""The second step: paired patches from the acquisitions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from LowDoseContrastLib.settings import words_of
from LowDoseContrastTrainingLib.training.recipes import RECIPES
from slicer.i18n import tr as _

from .manifests import MANIFESTS
from .parameters import PREPARATION
from .task import Task

if TYPE_CHECKING:
    from LowDoseContrastTrainingLib.dataset.prepare_settings import PrepareSettings

    from .parameters import LowDoseContrastTrainingParameterNode

SPLITS = ("train", "val", "test")


def reasonNotToRead(dataSetFolder: str) -> str:
    """Why nothing can be learnt or judged from a data set, in a sentence; empty if it can."""
    if not Path(dataSetFolder).is_absolute():
        return _("Choose a data set.")
    if not os.path.isfile(Path(dataSetFolder, "manifest.json")):
        return _("The data set is not prepared yet; press Prepare, or choose another.")
    return ""


class Preparation(Task):
    """The command ``prepare``, and a look at what it has made."""

    packages = ("pydicom", "skimage")
    rows = (PREPARATION,)

    def reasonNotToStart(self, parameters: LowDoseContrastTrainingParameterNode) -> str:
        if not Path(parameters.acquisitionsFolder).is_absolute():
            return _("Choose the folder of the acquisitions.")
        if not os.path.isdir(parameters.acquisitionsFolder):
            return _("The folder of the acquisitions does not exist; simulate some, or choose another.")
        if not Path(parameters.dataSetFolder).is_absolute():
            return _("Choose a folder for the data set.")
        if Path(parameters.dataSetFolder) == Path(parameters.acquisitionsFolder):
            return _("Choose another folder for the data set than that of the acquisitions.")
        self._settings(parameters)
        return ""

    def _settings(self, parameters: LowDoseContrastTrainingParameterNode) -> PrepareSettings:
        """The PrepareSettings that are chosen; what the chosen split does not use is left out. Raises InputError."""
        unused = {"test": None} if parameters.split == "loo" else {"fold": None}
        used = {"fold": parameters.fold} if parameters.split == "loo" else {}
        return PREPARATION.chosen(parameters, group_by=parameters.groupBy or "auto", **unused, **used)

    def arguments(self, parameters: LowDoseContrastTrainingParameterNode) -> list[str]:
        return [
            "prepare",
            parameters.acquisitionsFolder,
            parameters.dataSetFolder,
            *words_of(self._settings(parameters)),
        ]

    def startTexts(self, parameters: LowDoseContrastTrainingParameterNode) -> tuple[str, str]:
        return _("Prepare"), _("Find the pairs and cut them into patches")

    def doneText(self, result: Any) -> str:
        counts = {name: result[name] for name in ("pairs", "arrangements", *SPLITS)}
        return _(
            "Done: {pairs} pairs of patches of {arrangements} arrangements; {train} to train, {val} to validate, "
            "{test} to test."
        ).format(**counts)

    def cancelledText(self) -> str:
        return _("Cancelled; nothing half-written was left. Prepare goes on where it stopped.")

    def splitText(self, split: str) -> str:
        """What a way to split means, in a sentence."""
        return {
            "random": _(
                "As the paper: every arrangement can be in training and in test, so figures on the test part are "
                "too good."
            ),
            "arrangement": _("Whole arrangements are held out, so training and test share none."),
            "loo": _("Leave one out: the arrangement of the fold is held out. Prepare one data set for each fold."),
        }[split]

    def sizeText(self, parameters: LowDoseContrastTrainingParameterNode) -> str:
        """What the size of the patches means for the chosen recipe, in a sentence; empty where it fits."""
        recipe = RECIPES.get(parameters.recipe)
        if recipe is None or recipe.crop == "resize" or parameters.patchSize >= recipe.crop_size:
            return ""
        return _("The recipe {recipe} of step 3 needs patches of {size} pixels or more.").format(
            recipe=recipe.name, size=recipe.crop_size
        )

    # Looking at it

    def takesLong(self, folder: str | Path) -> bool:
        """Whether :meth:`found` has much to read."""
        return MANIFESTS.isLong(folder)

    def found(self, folder: str | Path) -> tuple[Any, Any]:
        """(rows of the table of pairs, lines on all else) of a data set; ([], []) if ``folder`` holds none.

        A row: fold and name of the arrangement, parts of the split, pairs of patches, shift in pixels (rows, columns),
        doses in mGy, files of the low and the high dose.
        """
        from LowDoseContrastLib.errors import InputError

        try:
            return MANIFESTS.made(folder, self._described)
        except InputError:
            return [], []

    def _described(self, folder: str | Path, manifest: dict[str, Any], fingerprint: str) -> Any:
        try:
            return self._rows(manifest), self._notes(manifest)
        except (LookupError, TypeError, AttributeError):
            return [], []

    def _rows(self, manifest: dict[str, Any]) -> list[list[str]]:
        splits: dict[str, Any] = {}
        for patch in manifest["patches"]:
            counts = splits.setdefault(patch["arrangement"], dict.fromkeys(SPLITS, 0))
            counts[patch["split"]] += 1
        folds = {each["test"]: each["fold"] for each in manifest["folds"]}
        return [
            self._row(pair, folds[pair["group"]], splits.get(pair["number"], {})) for pair in manifest["arrangements"]
        ]

    def _row(self, pair: dict[str, Any], fold: Any, counts: Any) -> list[str]:
        files = [pair[level]["file"] for level in ("low", "high")]
        doses = " / ".join(f"{pair[level]['dose_mgy']:.2f}" for level in ("low", "high"))
        shift = ", ".join(f"{each:+.1f}" for each in pair["shift"])
        return [
            f"{fold}: {pair['group']}",
            ", ".join(name for name, count in counts.items() if count),
            str(sum(counts.values())),
            shift,
            doses,
            *files,
        ]

    def _notes(self, manifest: dict[str, Any]) -> list[str]:
        from LowDoseContrastTrainingLib.dataset.pairing import summary

        counts, settings = manifest["counts"], manifest["settings"]
        lines = [
            _(
                "{pairs} pairs of patches: {train} to train, {val} to validate, {test} to test; {excluded} were "
                "mostly air."
            ).format(**counts),
            _(
                "Made with patches of {patch_size} pixels every {stride}, {bits} bits, split {split}, seed {seed}."
            ).format(**settings),
        ]
        lines += [_("Warning: {text}").format(text=text) for text in manifest["warnings"]]
        return lines + [_("Files: {text}").format(text=text) for text in summary(manifest["files"])]
