"""Fine-tuning: a training whose generator starts from weights that there are already.

They come from a model file (or the name of a model in the catalogue), or from a checkpoint of the
published pix2pix code. The discriminator starts afresh: neither kind of file holds one. Averaged
weights (``ema``) start from the loaded ones.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from LowDoseContrastLib.catalogue import find_model
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.hashing import file_sha256
from LowDoseContrastLib.intensity import IntensityScale
from LowDoseContrastLib.model import is_model_file, load_model, read_card
from LowDoseContrastLib.reference_checkpoint import read_generator

from ..common.file_names import CHECKPOINT_FILE, RECIPE_FILE

if TYPE_CHECKING:
    from LowDoseContrastLib.card import ModelCard
    from torch import nn

    from .recipe import Recipe

_TORCH_FILES = (".pth", ".pt")


@dataclass(frozen=True, eq=False)
class Start:
    """What a training starts from.

    Attributes:
        name: of the model, or of the file without its ending.
        sha256: of the file.
        scale: of the model; None for a checkpoint of the published code, which states none.
        weights: of the generator, tensors by name; None where a checkpoint of the run has taken over.
    """

    name: str
    sha256: str
    scale: IntensityScale | None = None
    weights: dict | None = None

    def record(self) -> dict:
        """Return what a run's ``recipe.json`` and checkpoint keep, JSON-able."""
        scale = None if self.scale is None else dataclasses.asdict(self.scale)
        return {"name": self.name, "sha256": self.sha256, "scale": scale}

    @classmethod
    def from_record(cls, record: dict) -> Start:
        """Return the start of :meth:`record`, without weights."""
        scale = record["scale"]
        return cls(record["name"], record["sha256"], None if scale is None else IntensityScale(**scale))


def find_start(name_or_file: str | Path, recipe: Recipe) -> Start:
    """Return the start that ``--from`` names.

    Args:
        name_or_file: a model file or the name of a model; or a ``.pth`` or ``.safetensors`` with a
            generator's weights as the published code names them, grey or (folded to grey) colour.

    Raises:
        InputError: no such model or file, a damaged one, or one that does not fit the recipe: its
            architecture, ngf and norm, and for a model file the direction, scale and composition.
    """
    path = _path(name_or_file)
    if _is_of_published_code(path):
        generator, _folded = read_generator(path)
        _check_architecture(path, recipe, generator)
        scale = None
    else:
        model = load_model(path)
        _check_card(path, recipe, model.card)
        generator, scale = model.generator, model.card.intensity
    return Start(path.stem, file_sha256(path), scale, generator.state_dict())


def check_start(name_or_file: str | Path, recipe: Recipe) -> bool:
    """As far as can be seen without torch, raise InputError where :func:`find_start` would.

    Return whether the start has a scale of its own.
    """
    path = _path(name_or_file)
    if _is_of_published_code(path):
        if not path.is_file():
            raise InputError(path, "does not exist", "choose another model to start from")
        return False
    _check_card(path, recipe, read_card(path))
    return True


def _is_of_published_code(path: Path) -> bool:
    return path.suffix in _TORCH_FILES or (path.suffix == ".safetensors" and path.is_file() and not is_model_file(path))


def start_of_run(output: Path, recipe: Recipe, name_or_file: str | Path | None, resume: bool) -> Start | None:
    """Return what a run in the folder ``output`` starts from, or None: a resumed run knows by itself.

    Raises:
        InputError: as :func:`find_start`, or a resumed run started from something else.
    """
    settings = output / RECIPE_FILE
    record = _recorded(settings) if resume and settings.exists() else None
    if not (resume and (output / CHECKPOINT_FILE).exists()):
        if record is not None and name_or_file is None:
            raise InputError(
                output, f"this run was stopped before it had read {record['name']}", "name that again with {start}"
            )
        return None if name_or_file is None else find_start(name_or_file, recipe)
    if name_or_file is not None:
        path = _path(name_or_file)
        if record is None or not path.is_file() or file_sha256(path) != record["sha256"]:
            before = "fresh weights" if record is None else f"{record['name']} (SHA-256 {record['sha256'][:12]}...)"
            raise InputError(
                output, f"this run started from {before}, not from {name_or_file}", "resume without {start}"
            )
    return None if record is None else Start.from_record(record)


def _path(name_or_file: str | Path) -> Path:
    """Return the file that a user names; its existence is not checked."""
    path = Path(name_or_file)
    return path if path.suffix in _TORCH_FILES else find_model(name_or_file)


def _recorded(path: Path) -> dict | None:
    try:
        return json.loads(path.read_text()).get("from")
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(path, "cannot be read, so the run cannot go on", "start again in another folder") from error


def _check_card(path: Path, recipe: Recipe, card: ModelCard) -> None:
    """Raise InputError where a recipe makes another network than the model's, or shows it other values."""
    _check_architecture(path, recipe, card.architecture)
    _must_equal(path, recipe, "direction", card.recipe.get("direction", "AtoB"))
    _check_intensity(path, recipe, card)


def _check_architecture(path: Path, recipe: Recipe, network: nn.Module) -> None:
    for field in ("architecture", "ngf", "norm"):
        _must_equal(path, recipe, field, getattr(network, field))


def _check_intensity(path: Path, recipe: Recipe, card: ModelCard) -> None:
    """Raise InputError where a recipe states another scale or composition than a model's card.

    A recipe's limits of None take the card's.
    """
    scale, composition = card.intensity, card.composition
    _must_equal(path, recipe, "scale", scale.kind)
    for field, value in (("scale_low", scale.low), ("scale_high", scale.high)):
        if getattr(recipe, field) is not None:
            _must_equal(path, recipe, field, value)
    _must_equal(path, recipe, "composition", composition.kind)
    if composition.kind == "residual":
        _must_equal(
            path, recipe, "correction", composition.strength * (1 if scale.kind == "linear" else scale.span / 2)
        )
        _must_equal(path, recipe, "offset", composition.offset)


def _must_equal(path: Path, recipe: Recipe, field: str, value: Any) -> None:
    wanted = getattr(recipe, field)
    same = math.isclose(wanted, value, rel_tol=1e-9) if isinstance(value, float) else wanted == value
    if not same:
        shown = f"{value:.9g}" if isinstance(value, float) else value
        raise InputError(
            path,
            f"has {field} {shown}, the recipe {wanted}",
            f"set the recipe's {field} to {shown} or start from another model",
        )
