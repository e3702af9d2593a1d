"""The baseline that learns: a small U-Net trained with L1 alone, so that what an adversary adds can be told apart."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.steps import mapped

from ..dataset.manifest import PairedDataSet
from ..dataset.patch_store import PatchStore
from ..training.recipe import Recipe
from ..training.recipes import RECIPES

NAME = "unet-l1"
LEAST_SIDE = 128  # pixels of a patch, what its seven down-samplings need
_LARGEST_CROP = 256
_CROPS = 12000  # seen in all, however many patches there are; about two minutes on two cores
_EPOCHS = (2, 24)


class UNetL1:
    """Trained anew on the training part of each data set; its network is that of the recipe ``compact``."""

    name = NAME


def side_of(data: PairedDataSet) -> int:
    """Return the shorter side of the training patches, pixels."""
    return min(PatchStore(data, "train", room=0).shape)


def l1_recipe(data: PairedDataSet, offset: float) -> Recipe:
    """Return the recipe of the baseline for a data set.

    Args:
        offset: of the detector, pixel values.

    Raises:
        InputError: the patches are smaller than 128 pixels.
    """
    side, base = side_of(data), RECIPES["compact"]
    if side < LEAST_SIDE:
        raise InputError(data.folder, f"baseline {NAME} needs patches of {LEAST_SIDE} pixels or more, these have {side}", "leave it out of {baselines}")
    epochs = round(_CROPS / (len(data.of("train")) * base.crops_per_patch))
    epochs = min(max(epochs, _EPOCHS[0]), _EPOCHS[1])
    return dataclasses.replace(
        base,
        name=NAME,
        architecture="unet_128",
        crop_size=min(side // LEAST_SIDE * LEAST_SIDE, _LARGEST_CROP),
        epochs=(epochs + 1) // 2,
        epochs_decay=epochs // 2,
        gan_from=epochs,
        gan_weight=0.0,
        offset=offset,
        scale_high=float(2 ** data.arrangements[0]["bits"] - 1),
    )


def trained_unet(data: PairedDataSet, folder: Path, offset: float, device: str):
    """Generator: yields the share done; returns the path of the model, which a finished training of the same data in ``folder`` has already.

    Raises:
        InputError: as :func:`l1_recipe` and :func:`..training.train.train`.
    """
    from ..training.run_settings import RunSettings
    from ..training.train import train

    place = folder / f"{NAME}-{data.fingerprint[:8]}"
    steps = train(data, place, l1_recipe(data, offset), resume=True, settings=RunSettings(device=device))
    result = yield from mapped(steps, lambda progress: progress.done)
    return result["model"]
