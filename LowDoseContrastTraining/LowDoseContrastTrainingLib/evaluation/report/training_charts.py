"""The loss curves of models that lie in the folder of their training run."""

from __future__ import annotations

import csv
import dataclasses
import json
from dataclasses import dataclass
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


@dataclass(frozen=True)
class TrainingChart:
    """The losses of one training: its models, the file, and the chart, which is None if the file cannot be read."""

    names: str
    file: Path
    chart: Markup | None


def training_charts(evaluation: Evaluation) -> list[TrainingChart]:
    """Return one chart for each training run; none for models without."""
    runs: dict[Path, list[str]] = {}
    for row in evaluation.rows:
        for run in row.runs if row.is_model else ():
            path = Path(run.model).parent / LOSSES_FILE
            if run.model and path.is_file():
                runs.setdefault(path, []).append(row.method)
    return [TrainingChart(" and ".join(names), path, _chart(path)) for path, names in runs.items()]


def _chart(path: Path) -> Markup | None:
    found = _history(path)
    if not found:
        return None
    gan_from, best = _kept(path.with_name(RECIPE_FILE), found)
    return drawn(curves_figure(found, gan_from, best, inches=WIDTH, text=7), "loss curves")


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
