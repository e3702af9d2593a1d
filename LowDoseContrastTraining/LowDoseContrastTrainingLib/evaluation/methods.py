"""What is judged, each method as a row of the table: baselines and models."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
from LowDoseContrastLib.catalogue import find_model
from LowDoseContrastLib.enhance import Enhancer, Settings
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.model import load_model
from LowDoseContrastLib.steps import mapped

from .folds import Fold

BASELINE, MODEL = "baseline", "model"


class BaselineMethod:
    """A baseline that is fitted.

    Attributes:
        name: in the table.
        kind: ``baseline``.
        described: JSON-able, what it was run with.
    """

    kind = BASELINE

    def __init__(self, fitted):
        self._fitted, self.name = fitted, fitted.name
        self.described = {"parameters": dataclasses.asdict(fitted)}

    def of(self, group: str) -> BaselineMethod:
        """Return the method that has not seen an arrangement."""
        return self

    def steps(self, mammogram):
        """Generator: yields the share done; returns float32 (patches, rows, columns) pixel values."""
        made = []
        for number, patch in enumerate(mammogram.pixels):
            yield number / len(mammogram.pixels)
            made.append(self._fitted.apply(patch))
        return np.stack(made)

    def whole_steps(self, mammogram):
        """:meth:`steps` of a whole image."""
        return self.steps(mammogram)


class ModelMethod:
    """A model, run as ``enhance`` runs it, each patch as an image of its own; one that was trained on resampled patches in mode ``paper``.

    Attributes:
        name: in the table.
        kind: ``model``, or ``baseline`` for one that was trained here to compare with.
        model: :class:`LowDoseContrastLib.model.Model`.
        recipe: name of the recipe that it was trained by.
        described: JSON-able, what it was run with; ``seam_index`` is the mean over the whole images.
    """

    def __init__(self, model, device, allow_out_of_domain, kind=MODEL):
        self.model, self.name, self.kind = model, model.name, kind
        self.recipe = model.card.recipe.get("name", model.name)
        self.described = {"model": str(model.path), "model_sha256": model.sha256, "dataset": model.card.dataset, "out_of_domain": [], "notes": [], "seam_index": None}
        self.described["mode"] = "paper" if model.card.recipe.get("crop") == "resize" else "tiles"
        self._enhancer = Enhancer(model, device)
        self._allow_out_of_domain, self._seams = allow_out_of_domain, []

    def of(self, group: str) -> ModelMethod:
        """As :meth:`BaselineMethod.of`."""
        return self

    def steps(self, mammogram):
        """As :meth:`BaselineMethod.steps`.

        Raises:
            OutOfDomainError: the patches lie outside of the model's domain and that is not allowed.
        """
        enhancement = yield from self._enhanced(mammogram, self._settings(mask=False))
        return enhancement.mammogram.pixels

    def whole_steps(self, mammogram):
        """:meth:`steps` of a whole image, exactly as ``enhance`` runs it: the air is left alone."""
        enhancement = yield from self._enhanced(mammogram, self._settings())
        if enhancement.report.seam_index is not None:
            self._seams.append(enhancement.report.seam_index)
            self.described["seam_index"] = float(np.mean(self._seams))
        return enhancement.mammogram.pixels

    def _settings(self, **choices):
        return Settings(self.described["mode"], allow_out_of_domain=self._allow_out_of_domain, **choices)

    def _enhanced(self, mammogram, settings):
        enhancement = yield from mapped(self._enhancer.steps(mammogram, settings), lambda progress: progress.done)
        for key in ("out_of_domain", "notes"):
            self.described[key] += [each for each in getattr(enhancement.report, key) if each not in self.described[key]]
        return enhancement


class FoldedMethod:
    """One method over several folds: on each arrangement that version of it which has not seen it.

    Attributes:
        name, kind: as :class:`BaselineMethod`.
        recipe: as :class:`ModelMethod`, None for baselines.
        versions: arrangement -> method.
    """

    def __init__(self, name: str, kind: str, versions: dict):
        self.name, self.kind, self.versions = name, kind, versions
        self.recipe = getattr(next(iter(versions.values())), "recipe", None)

    @property
    def described(self) -> dict:
        """What each version was run with, and on which arrangements."""
        groups = {}
        for group, method in self.versions.items():
            groups.setdefault(id(method), (method, []))[1].append(group)
        folds = [{"arrangements": held_out, **method.described} for method, held_out in groups.values()]
        seams = [each["seam_index"] for each in folds if each.get("seam_index") is not None]
        return {"folds": folds, **({"seam_index": float(np.mean(seams))} if seams else {})}

    def of(self, group: str):
        """Return the method that has not seen an arrangement."""
        return self.versions[group]


def joined(by_fold: list, folds: list[Fold], name: str | None = None):
    """Return one method of those of the folds, in their order."""
    if len(by_fold) == 1:
        return by_fold[0]
    versions = {group: method for method, fold in zip(by_fold, folds) for group in fold.groups}
    return FoldedMethod(name or by_fold[0].name, by_fold[0].kind, versions)


def loaded_models(names, device: str, allow_out_of_domain: bool) -> list[ModelMethod]:
    """Return the models of these names or files.

    Raises:
        InputError: there is no such model, or its file is damaged.
    """
    return [ModelMethod(load_model(find_model(name)), device, allow_out_of_domain) for name in names]


def folded_models(learned: list[ModelMethod], folds: list[Fold], taken: list[str]) -> list:
    """Return the rows that models make: those of a name that is ``taken`` or comes twice get part of their hash.

    With several folds, models of one recipe that were trained on them are one method, "NAME, each fold by its own
    model"; a model that was trained on none of them is judged on all.

    Raises:
        InputError: some folds have a model of a recipe and others not, or two.
    """
    trained, others = _by_recipe(learned, folds) if len(folds) > 1 else ({}, learned)
    name_apart(others, taken)
    return [*(joined(_complete(recipe, versions, folds), folds, f"{recipe}, each fold by its own model") for recipe, versions in trained.items()), *others]


def name_apart(models: list[ModelMethod], taken: list[str]) -> None:
    """Give those of a name that is ``taken`` or comes twice a part of their hash."""
    counts = Counter([*taken, *(each.name for each in models)])
    for each in models:
        if counts[each.name] > 1:
            each.name = f"{each.name} ({each.model.sha256[:8]})"


def _by_recipe(found, folds):
    """({name of the recipe: {fingerprint of the fold: method}}, the other methods)."""
    fingerprints, trained, others = {fold.data.fingerprint for fold in folds}, {}, []
    for each in found:
        if each.model.card.dataset not in fingerprints:
            others.append(each)
            continue
        versions = trained.setdefault(each.recipe, {})
        if each.model.card.dataset in versions:
            raise InputError(each.model.path, "is the second model of its recipe for one data set", "give one for each, or judge them one after the other")
        versions[each.model.card.dataset] = each
    return trained, others


def _complete(recipe, versions, folds):
    missing = [fold.data.folder for fold in folds if fold.data.fingerprint not in versions]
    if missing:
        raise InputError("", f"no model of recipe {recipe} was trained on {missing[0]}", "give one for each {dataset}")
    return [versions[fold.data.fingerprint] for fold in folds]
