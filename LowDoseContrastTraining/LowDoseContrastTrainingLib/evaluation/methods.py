"""The rows that models make in the table, and methods that have a version for every fold."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TypeVar

from LowDoseContrastLib.catalogue import find_model
from LowDoseContrastLib.enhance import Enhancer
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.model import Model, load_model

from ..baselines.base import Method, Run
from ..baselines.model_method import ModelMethod, recipe_of
from .folds import Fold

_Result = TypeVar("_Result")


class FoldedMethod(Method):
    """One method over several folds; :meth:`of` gives the version that has not seen an arrangement.

    Args:
        versions: the method of each fold, and the arrangements that the fold holds out.
    """

    def __init__(self, name: str, versions: Sequence[tuple[Method, Sequence[str]]]) -> None:
        first = versions[0][0]
        self.name, self.kind, self.is_denoiser, self.recipe = name, first.kind, first.is_denoiser, first.recipe
        self._versions = versions

    @property
    def versions(self) -> tuple[Method, ...]:
        return tuple(version for version, _ in self._versions)

    @property
    def runs(self) -> tuple[Run, ...]:
        pairs = [(run, groups) for version, groups in self._versions for run in version.runs]
        return tuple(dataclasses.replace(run, arrangements=tuple(groups)) for run, groups in pairs)

    def of(self, group: str) -> Method:
        return next(version for version, groups in self._versions if group in groups)


def across_folds(by_fold: Sequence[Method], folds: Sequence[Fold], name: str = "") -> Method:
    """Return one method made of one per fold, in the order of the folds."""
    if len(by_fold) == 1:
        return by_fold[0]
    return FoldedMethod(
        name or by_fold[0].name, [(version, fold.groups) for version, fold in zip(by_fold, folds, strict=True)]
    )


def loaded(names: Iterable[str], device: str) -> list[Enhancer]:
    """Return the models of these names or files, ready to run.

    Raises:
        InputError: there is no such model, or its file is damaged; or there is no such device.
    """
    return [Enhancer(load_model(find_model(name)), device) for name in names]


def names_apart(models: Sequence[Model], taken: Iterable[str] = ()) -> list[str]:
    """Return distinct names for models: a name that is ``taken`` or occurs twice gets part of the hash."""
    counts = Counter([*taken, *(model.name for model in models)])
    return [f"{model.name} ({model.sha256[:8]})" if counts[model.name] > 1 else model.name for model in models]


def model_methods(
    enhancers: Sequence[Enhancer], folds: Sequence[Fold], taken: Iterable[str], allow_out_of_domain: bool
) -> list[Method]:
    """Return the rows that models make, by names that differ from each other and from ``taken``.

    With several folds, models of one recipe that were trained on them are one method, "NAME, each fold by its own
    model"; a model that was trained on none of them is judged on all.

    Raises:
        InputError: some folds have a model of a recipe and others not, or two.
    """
    trained, others = _by_recipe(enhancers, folds) if len(folds) > 1 else ({}, list(enhancers))
    names = names_apart([other.model for other in others], taken)
    folded = []
    for recipe, by_data in trained.items():
        versions = [ModelMethod(each, allow_out_of_domain) for each in _complete(recipe, by_data, folds)]
        folded.append(across_folds(versions, folds, f"{recipe}, each fold by its own model"))
    return [
        *folded,
        *(ModelMethod(other, allow_out_of_domain, name) for other, name in zip(others, names, strict=True)),
    ]


def _by_recipe(
    enhancers: Iterable[Enhancer], folds: Iterable[Fold]
) -> tuple[dict[str, dict[str, Enhancer]], list[Enhancer]]:
    """({name of the recipe: {fingerprint of the fold: model}}, the other models)."""
    fingerprints, others = {fold.data.fingerprint for fold in folds}, []
    trained: dict[str, dict[str, Enhancer]] = {}
    for enhancer in enhancers:
        dataset = enhancer.model.card.dataset
        if dataset not in fingerprints:
            others.append(enhancer)
        elif dataset in trained.setdefault(recipe_of(enhancer.model), {}):
            remedy = "give one for each, or judge them one after the other"
            raise InputError(enhancer.model.path, "is the second model of its recipe for one data set", remedy)
        else:
            trained[recipe_of(enhancer.model)][dataset] = enhancer
    return trained, others


def _complete(recipe: str, by_data: dict[str, Enhancer], folds: Iterable[Fold]) -> list[Enhancer]:
    missing = [fold.data.folder for fold in folds if fold.data.fingerprint not in by_data]
    if missing:
        raise InputError(missing[0], f"no model of recipe {recipe} was trained on it", "give one for each {dataset}")
    return [by_data[fold.data.fingerprint] for fold in folds]
