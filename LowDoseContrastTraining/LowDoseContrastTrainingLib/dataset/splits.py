"""Which patches are for training, which for validation, which for the test."""

from __future__ import annotations

from dataclasses import replace

from LowDoseContrastLib.errors import InputError

from ..common.randomness import stream
from .manifest import PatchEntry
from .prepare_settings import PrepareSettings

PAPER_TEST_PAIRS = 188
LEAK = (
    "the split is random over patches, as the paper's: every arrangement can be in training and in test, "
    "so figures on the test part are too good; judge with --split arrangement or loo"
)


def assign_splits(patches: list[PatchEntry], settings: PrepareSettings) -> list[PatchEntry]:
    """Return the patches with their ``split``: ``train``, ``val`` or ``test``.

    Unless patches are drawn at random, those of one arrangement (``group``) stay together.

    Raises:
        InputError: nothing is left for training, or there is no such fold.
    """
    key = "name" if settings.split == "random" else "group"
    units = list(dict.fromkeys(getattr(patch, key) for patch in patches))
    test, validation = _sizes(len(units), settings)
    if test + validation >= len(units):
        problem = f"{test} for test and {validation} for validation leave none of {len(units)} for training"
        raise InputError("", problem, "see {test} and {validation}")
    order = _order(units, settings)
    split = {unit: "test" for unit in order[:test]}
    split |= {unit: "val" for unit in order[test : test + validation]}
    placed = [(patch, split.get(getattr(patch, key), "train")) for patch in patches]
    return [replace(patch, split=name, stored=name) for patch, name in placed]


def loo_folds(groups: list[str]) -> list[dict[str, int | str]]:
    """Return the arrangement that the split ``loo`` holds out in every ``fold``."""
    return [{"fold": number, "test": group} for number, group in enumerate(dict.fromkeys(groups), start=1)]


def _sizes(count: int, settings: PrepareSettings) -> tuple[int, int]:
    """Return (test, validation) in patches or arrangements."""
    if settings.split == "random":
        test = min(PAPER_TEST_PAIRS, count // 4) if settings.test is None else settings.test
        validation = (count - test) // 20
    else:
        test = max(1, round(count / 6)) if settings.test is None else settings.test
        test, validation = 1 if settings.split == "loo" else test, 1
    return test, validation if settings.validation is None else settings.validation


def _order(units: list[str], settings: PrepareSettings) -> list[str]:
    """Return the units, those held out first."""
    if settings.fold is not None:
        if not 1 <= settings.fold <= len(units):
            limits = f"1 to {len(units)}, the number of arrangements"
            raise InputError("", f"{{fold}} must be from {limits}, it is {settings.fold}")
        return units[settings.fold - 1 :] + units[: settings.fold - 1]
    rng = stream(settings.seed, "split", settings.split)
    return [units[index] for index in rng.permutation(len(units))]
