"""The built-in recipes, and recipes from files.

``compact`` and ``starter`` depart from the paper's runs where a departure is named by a field.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from LowDoseContrastLib.errors import InputError

from ..common.settings_file import read_settings
from .four_runs import FOUR_RUNS
from .recipe import Recipe

_LOCAL: dict[str, Any] = {
    "ngf": 16, "ndf": 16, "dropout": False, "init": "kaiming", "answer_gain": 0.01, "detail_init": 100.0,
    "gan_mode": "lsgan", "gan_weight": 0.3, "learning_rate": 1e-3, "discriminator_rate": 4e-4,
    "batch_size": 4, "crops_per_patch": 4, "crop": "native", "flip": "both", "scale": "log",
    "scale_low": 30.0, "scale_high": 16383.0, "composition": "residual", "correction": 0.15,
    "offset": 1.9, "detail_gain": 60.0, "precision": "auto", "ema": 0.998,
    "select": "last",
}  # fmt: skip

RECIPES = {
    **FOUR_RUNS,
    "compact": Recipe(name="compact", epochs=40, epochs_decay=30, gan_from=45, **_LOCAL),
    "starter": Recipe(name="starter", epochs=20, epochs_decay=16, gan_from=24, **_LOCAL),
}


def load_recipe(name_or_file: str | Path, epochs: int | None = None) -> Recipe:
    """Return a built-in recipe, or one from a JSON or TOML file.

    A file may name a built-in one to start from in ``base``. ``epochs`` replaces the total,
    divided in the recipe's own proportion.

    Raises:
        InputError: an unknown name or field, or a value out of its range.

    >>> recipe = load_recipe("run4", epochs=10)
    >>> recipe.ngf, recipe.gan_mode, recipe.epochs, recipe.epochs_decay
    (96, 'lsgan', 5, 5)
    """
    text = str(name_or_file)
    if text in RECIPES:
        recipe = RECIPES[text]
    elif text.endswith((".json", ".toml")):
        recipe = recipe_from_dict({"name": Path(text).stem, **read_settings(text)}, text)
    else:
        raise InputError(
            text, f"there is no recipe of that name (known: {', '.join(RECIPES)})", "or name a .json or .toml file"
        )
    if epochs is None:
        return recipe
    constant = round(epochs * recipe.epochs / recipe.total_epochs)
    return dataclasses.replace(recipe, epochs=constant, epochs_decay=epochs - constant)


def recipe_from_dict(values: dict, source: str = "recipe") -> Recipe:
    """Return a recipe from its fields; InputError names the first field that is unknown or wrong."""
    values = dict(values)
    base = values.pop("base", "run1")
    if base not in RECIPES:
        raise InputError(source, f"there is no recipe '{base}' to start from (known: {', '.join(RECIPES)})")
    known = {field.name for field in dataclasses.fields(Recipe)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise InputError(source, f"unknown recipe field '{unknown[0]}'")
    return dataclasses.replace(RECIPES[base], **values)
