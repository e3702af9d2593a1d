"""Whether a prepared data set suits a recipe: what a training refuses before it begins. Needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.intensity import IntensityScale

from ..dataset.eight_bit_conversion import StoredScale
from ..dataset.manifest import PairedDataSet
from ..dataset.png import png_shape

if TYPE_CHECKING:
    from .recipe import Recipe


def check_suits(data: PairedDataSet, recipe: Recipe, has_own_scale: bool = False) -> None:
    """Raise InputError where a training of ``recipe`` on ``data`` would.

    The patches but the first are not looked at. ``has_own_scale``: it starts from a model, whose scale it keeps.
    """
    first = data.of("train")[0]
    check_crops(png_shape(first.path(data.folder, "A")), recipe)
    check_validation(data, recipe)
    if not has_own_scale:
        scale_of(recipe, data.scale)


def check_crops(shape: tuple[int, int], recipe: Recipe) -> None:
    """Raise InputError where patches (rows, columns) are smaller than what a recipe crops of them."""
    if recipe.crop == "native" and min(shape) < recipe.crop_size:
        problem = f"the patches are {shape[1]}x{shape[0]} pixels, the recipe crops {recipe.crop_size}"
        raise InputError(
            "", problem, f"prepare with a patch size of {recipe.crop_size} or more, or train with another {{recipe}}"
        )


def check_validation(data: PairedDataSet, recipe: Recipe) -> None:
    """Raise InputError where a recipe needs a validation part that a data set lacks."""
    needs = "patience" if recipe.patience else "lr_policy plateau" if recipe.lr_policy == "plateau" else None
    if needs and not data.of("val"):
        raise InputError(
            data.folder, f"holds no validation patches, which the recipe's {needs} needs", "prepare it with some"
        )


def scale_of(recipe: Recipe, stored: StoredScale) -> IntensityScale:
    """Return what a recipe lets the network see of a data set's pixel values."""
    low = stored.low if recipe.scale_low is None else recipe.scale_low
    high = stored.high if recipe.scale_high is None else recipe.scale_high
    own = recipe.scale_low is None and recipe.scale_high is None
    levels = stored.levels if own and recipe.scale == "linear" and recipe.composition == "direct" else None
    try:
        return IntensityScale(recipe.scale, low, high, levels)
    except ValueError as error:
        raise InputError(
            "",
            str(error),
            f"set the recipe's scale_low and scale_high (None takes the data set's {stored.low:g} and {stored.high:g})",
        ) from error
