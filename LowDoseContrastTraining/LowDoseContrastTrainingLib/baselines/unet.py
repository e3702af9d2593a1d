"""The baseline that learns: a small U-Net trained with L1 alone, which shows what an adversary adds."""

from __future__ import annotations

import dataclasses

from LowDoseContrastLib.enhance import Enhancer
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.model import load_model
from LowDoseContrastLib.steps import Steps

from ..dataset.manifest import PairedDataSet
from ..dataset.patch_store import PatchStore
from ..training.recipe import Recipe
from ..training.recipes import RECIPES
from .base import BASELINE, Baseline, Training
from .model_method import ModelMethod

NAME = "unet-l1"
LEAST_SIDE = 128  # pixels of a patch, what its seven down-samplings need
_LARGEST_CROP = 256
_CROPS = 12000  # seen in all, however many patches there are; about two minutes on two cores
_EPOCHS = (2, 24)


class UNetL1(Baseline):
    """Trained anew on the training part of each data set; its network is that of the recipe ``compact``."""

    name = NAME
    is_denoiser = True
    is_trained = True

    @classmethod
    def objection(cls, data: PairedDataSet) -> str:
        return f"it needs patches of {LEAST_SIDE} pixels or more" if side_of(data) < LEAST_SIDE else ""

    @classmethod
    def fit_steps(cls, training: Training) -> Steps[ModelMethod]:
        """Train the network, or find it trained already on the same data in the folder.

        Raises:
            InputError: as :func:`l1_recipe` and :func:`..training.train.train`.
        """
        from ..training.run_settings import RunSettings
        from ..training.train import train

        data = training.data
        folder = training.folder / f"{NAME}-{data.fingerprint[:8]}"
        recipe = l1_recipe(data, training.pairs.noise.offset)
        steps = train(data, folder, recipe, resume=True, settings=RunSettings(device=training.device))
        result = yield from steps
        enhancer = Enhancer(load_model(result["model"]), training.device)
        return ModelMethod(enhancer, True, cls.name, BASELINE, cls.is_denoiser)


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
        problem = f"baseline {NAME} needs patches of {LEAST_SIDE} pixels or more, these have {side}"
        raise InputError(data.folder, problem, "leave it out of {baselines}")
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
        scale_high=float(2 ** data.arrangements[0].bits - 1),
    )
