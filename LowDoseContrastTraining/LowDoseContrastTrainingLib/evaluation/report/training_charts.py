"""The loss curves of those models whose folder is that of their training run."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

from LowDoseContrastLib.errors import InputError

from ...common.file_names import LOSSES_FILE, RECIPE_FILE
from ...training.curves import curves_figure
from ...training.recipe import Recipe
from ...training.recipes import recipe_from_dict
from ...training.selection import best_epoch
from .charts import WIDTH, drawn
from .markup import named
from .methods_shown import MODEL, rows_of_kind, versions


def training_charts(document: dict, numbers) -> str:
    """Return one figure a training run as HTML; nothing for models without."""
    runs = {}
    for row in rows_of_kind(document, MODEL):
        for each in versions(row):
            folder = Path(each.get("model") or "").parent
            if each.get("model") and (folder / LOSSES_FILE).is_file():
                runs.setdefault(folder, []).append(row["method"])
    return "".join(_figure(folder, names, numbers) for folder, names in runs.items())


def _figure(folder, names, numbers):
    title, found = f"Training of {' and '.join(names)}.", _history(folder / LOSSES_FILE)
    if not found:
        return f"<p>{named(folder / LOSSES_FILE)} cannot be read: the training of {named(' and '.join(names))} is not shown.</p>"
    gan_from, best = _kept(folder / RECIPE_FILE, found)
    body = drawn(curves_figure(found, gan_from, best, inches=WIDTH, text=7), "loss curves")
    caption = f"Means over each epoch, from <code>{LOSSES_FILE}</code> beside the model file. What was validated then is not what is judged here."
    return numbers.figure(body, title, caption)


def _history(path):
    """Rows of numbers, or nothing where the file is not what a training writes."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)]
    except (OSError, ValueError, TypeError):
        return []
    return rows if rows and {"epoch", "G_GAN_mean", "G_L1_mean", "D_real_mean", "D_fake_mean"} <= rows[0].keys() else []


def _kept(path, history):
    """(epochs before the discriminator joined, index of the row whose model is kept or None)."""
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        recipe = recipe_from_dict({each.name: settings[each.name] for each in dataclasses.fields(Recipe)})  # what else is in it is of the run
        return recipe.gan_from, best_epoch(history, recipe)
    except (OSError, ValueError, LookupError, TypeError, InputError):
        return 0, None
