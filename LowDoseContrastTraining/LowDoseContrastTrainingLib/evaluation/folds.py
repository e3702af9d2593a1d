"""What is held out, and what may be fitted on the rest: one data set, several folds, or the halves of a simulation."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.steps import Steps

from ..dataset.manifest import PairedDataSet, open_data_set
from ..dataset.prepare import prepare
from ..dataset.prepare_settings import PrepareSettings
from .held_out_views import View, held_out_views, shared_arrangements
from .simulated_arrangements import simulation_settings
from .statistics import MOST_UNITS

PAIRS_FOLDER = "pairs"
HALVES = 2


@dataclass(frozen=True, eq=False)
class Fold:
    """Arrangements that are held out together.

    Attributes:
        data: the data set on whose training part baselines are fitted.
        views: what is held out.
        skipped: held-out patches with too little tissue.
    """

    data: PairedDataSet
    views: list[View]
    skipped: int

    @property
    def groups(self) -> list[str]:
        """Names of the arrangements held out."""
        return sorted({view.group for view in self.views})

    @property
    def leaks(self) -> bool:
        """Whether arrangements are in training and held out at the same time."""
        return bool(shared_arrangements(self.data, self.views))


def folds_of(datasets: Iterable[str | Path | PairedDataSet], split: str) -> list[Fold]:
    """Return a fold for each data set.

    Args:
        datasets: folders, or open data sets.
        split: see :func:`.held_out_views.held_out_views`.

    Raises:
        InputError: as :func:`..dataset.manifest.open_data_set` and :func:`.held_out_views.held_out_views`; folds that
            leak or that hold out the same arrangement; more arrangements than the exact test takes.
    """
    opened = [data_set if isinstance(data_set, PairedDataSet) else open_data_set(data_set) for data_set in datasets]
    folds = [Fold(each, *held_out_views(each, split)) for each in opened]
    if len(folds) > 1:
        _check_apart(folds)
    count = sum(len(fold.groups) for fold in folds)
    if count > MOST_UNITS:
        problem = f"{count} arrangements are held out, the exact test takes {MOST_UNITS}"
        raise InputError("", problem, "prepare the data set with a smaller {test}")
    return folds


def _check_apart(folds: Iterable[Fold]) -> None:
    owners: dict[str, Path] = {}
    for fold in folds:
        if fold.leaks:
            remedy = "of several {dataset}, each must be of {split} loo or arrangement (see {random})"
            raise InputError(fold.data.folder, "has arrangements in training and held out", remedy)
        for group in fold.groups:
            other = owners.setdefault(group, fold.data.folder)
            if other != fold.data.folder:
                problem = f"{fold.data.folder} and {other} both hold out arrangement {group}"
                raise InputError("", problem, "of several {dataset}, each must hold out others")


def halves_of(simulation: str | Path, output: Path) -> Steps[list[PairedDataSet]]:
    """Return the two halves of a simulation, each held out from the other, as data sets.

    The patches are prepared in ``output``/pairs, as the paper's but with 16 bits.

    Raises:
        InputError: no simulation, or fewer than two arrangements with the lowest and the highest of its doses.
    """
    levels = _levels(simulation)
    settings = PrepareSettings(bits=16, split="arrangement", test=0, validation=0, group_by="study", doses=levels)
    yield from prepare(simulation, output / PAIRS_FOLDER, settings)
    data = open_data_set(output / PAIRS_FOLDER)
    groups = list(dict.fromkeys(patch.group for patch in data.patches))
    if len(groups) < HALVES:
        remedy = f"simulate {HALVES} or more, or judge a {{dataset}}"
        raise InputError(simulation, "holds one arrangement with both doses", remedy, "simulation")
    return [data.holding_out(groups[part::HALVES]) for part in range(HALVES)]


def _levels(simulation: str | Path) -> str:
    """The lowest and the highest dose of a simulation, as ``prepare`` takes them."""
    doses = sorted(simulation_settings(simulation).doses.values())
    if len(doses) < 2:
        raise InputError(simulation, "holds one dose", "simulate two or more", "simulation")
    return f"low={doses[0]:g},high={doses[-1]:g}"
