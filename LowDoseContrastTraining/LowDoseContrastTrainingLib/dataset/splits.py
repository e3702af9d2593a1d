"""Which patches train, which are watched, which are held out."""

from __future__ import annotations

from LowDoseContrastLib.errors import InputError

from ..common.randomness import stream

PAPER_TEST_PAIRS = 188
LEAK = (
    "the split is random over patches, as the paper's: every arrangement can be in training and in test, "
    "so figures on the test part are too good; judge with --split arrangement or loo"
)


def assign_splits(patches: list[dict], settings) -> None:
    """Give every patch its ``split``: ``train``, ``val`` or ``test``.

    Args:
        patches: with ``name`` and ``group``, the arrangement that must not be torn apart.
        settings: a :class:`.prepare_settings.PrepareSettings`.

    Raises:
        InputError: nothing is left for training, or there is no such fold.
    """
    key = "name" if settings.split == "random" else "group"
    units = list(dict.fromkeys(patch[key] for patch in patches))
    test, validation = _sizes(len(units), settings)
    if test + validation >= len(units):
        raise InputError("", f"{test} for test and {validation} for validation leave none of {len(units)} for training", "see {test} and {validation}")
    order = _order(units, settings)
    split = {unit: "test" for unit in order[:test]}
    split |= {unit: "val" for unit in order[test : test + validation]}
    for patch in patches:
        patch["split"] = split.get(patch[key], "train")


def folds(groups: list[str]) -> list[dict]:
    """Return what ``--split loo`` holds out in each ``fold``."""
    return [{"fold": number, "test": group} for number, group in enumerate(dict.fromkeys(groups), start=1)]


def _sizes(count, settings):
    """(test, validation) in patches or arrangements."""
    if settings.split == "random":
        test = min(PAPER_TEST_PAIRS, count // 4) if settings.test is None else settings.test
        validation = (count - test) // 20
    else:
        test = max(1, round(count / 6)) if settings.test is None else settings.test
        test, validation = 1 if settings.split == "loo" else test, 1
    return test, validation if settings.validation is None else settings.validation


def _order(units, settings):
    """The units, those held out first."""
    if settings.split == "loo":
        if not 1 <= settings.fold <= len(units):
            raise InputError("", f"{{fold}} must be from 1 to {len(units)}, the number of arrangements, it is {settings.fold}")
        return units[settings.fold - 1 :] + units[: settings.fold - 1]
    rng = stream(settings.seed, "split", settings.split)
    return [units[index] for index in rng.permutation(len(units))]
