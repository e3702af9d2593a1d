"""The loss curves of those models whose folder is that of their training run."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

from LowDoseContrastLib.errors import InputError
from markupsafe import Markup

from ...common.file_names import LOSSES_FILE, RECIPE_FILE
from ...training.curves import curves_figure
from ...training.recipe import Recipe
from ...training.recipes import recipe_from_dict
from ...training.selection import best_epoch
from ..document import Evaluation
from .charts import WIDTH, drawn
from .layout import Figure


def training_charts(evaluation: Evaluation) -> tuple[list[Figure], list[str]]:
    """Return (one figure for each training run, a sentence for each whose losses cannot be read)."""
    runs: dict[Path, list[str]] = {}
    for row in evaluation.rows:
        for run in row.runs if row.is_model else ():
            folder = Path(run.model).parent
            if run.model and (folder / LOSSES_FILE).is_file():
                runs.setdefault(folder, []).append(row.method)
    figures, undrawn = [], []
    for folder, methods in runs.items():
        names, found = " and ".join(methods), _history(folder / LOSSES_FILE)
        if found:
            figures.append(_figure(folder, names, found))
        else:
            undrawn.append(f"{folder / LOSSES_FILE} cannot be read: the training of {names} is not shown.")
    return figures, undrawn


def _figure(folder: Path, names: str, found: list[dict[str, float]]) -> Figure:
    gan_from, best = _kept(folder / RECIPE_FILE, found)
    body = drawn(curves_figure(found, gan_from, best, inches=WIDTH, text=7), "loss curves")
    caption = Markup(
        f"Means over each epoch, from <code>{LOSSES_FILE}</code> beside the model file. "
        "What was validated then is not what is judged here."
    )
    return Figure(f"Training of {names}.", caption, body)


def _history(path: Path) -> list[dict[str, float]]:
    """Rows of numbers, or nothing where the file is not what a training writes."""
    try:
        with path.open(newline="", encoding="utf-8") as stream:
            rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)]
    except (OSError, ValueError, TypeError):
        return []
    needed = {"epoch", "G_GAN_mean", "G_L1_mean", "D_real_mean", "D_fake_mean"}
    return rows if rows and needed <= rows[0].keys() else []


def _kept(path: Path, history: list[dict[str, float]]) -> tuple[int, int | None]:
    """(epochs before the discriminator joined, index of the row whose model is kept or None)."""
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        # What else is in the file is of the run.
        recipe = recipe_from_dict({each.name: settings[each.name] for each in dataclasses.fields(Recipe)})
        return recipe.gan_from, best_epoch(history, recipe)
    except (OSError, ValueError, LookupError, TypeError, InputError):
        return 0, None
