"""The state of a training after an epoch, from which it goes on exactly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch
from LowDoseContrastLib.atomic import atomic_output
from LowDoseContrastLib.errors import InputError

from .recipe import Recipe

if TYPE_CHECKING:
    from .averaging import AveragedGenerator
    from .pix2pix import Pix2Pix

SCHEMA = 3


def save_checkpoint(
    path: Path,
    pix2pix: Pix2Pix,
    average: AveragedGenerator,
    history: list,
    fingerprint: str,
    origin: dict | None = None,
) -> None:
    """Write the state after the epochs in ``history``; the last one stays until this is whole.

    ``origin`` is the record of what a fine-tuning started from.
    """
    state = {
        "schema": SCHEMA,
        "recipe": pix2pix.recipe.to_dict(),
        "data": fingerprint,
        "from": origin,
        "generator": pix2pix.generator.state_dict(),
        "discriminator": pix2pix.discriminator.state_dict(),
        "optimisers": [optimiser.state_dict() for optimiser in pix2pix.optimisers],
        "average": average.state_dict(),
        "pool": pix2pix.pool.state_dict(),
        "history": history,
    }
    # Into a stream: given a path, torch does not say that the disk is full.
    with atomic_output(path, overwrite=True) as temporary, open(temporary, "wb") as stream:
        torch.save(state, stream)


def load_checkpoint(
    path: Path, pix2pix: Pix2Pix, average: AveragedGenerator, fingerprint: str, origin: dict | None = None
) -> list:
    """Restore a training in place; return its history, a row for each finished epoch.

    Batches and dropout need no state: they follow from the seed and the epoch.

    Raises:
        InputError: the file is damaged, of another recipe, another data set, or another origin.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - torch raises many kinds for a damaged file
        raise InputError(path, "cannot be read as a checkpoint", "start again in another folder") from error
    if not isinstance(state, dict) or state.get("schema") != SCHEMA:
        raise InputError(path, "is no checkpoint of this version", "start again in another folder")
    _check_recipe(path, state["recipe"], pix2pix.recipe.to_dict())
    if state["data"] != fingerprint:
        raise InputError(path, "was trained on another data set", "resume with the same one")
    if state.get("from") != origin:
        raise InputError(
            path, "started from other weights than the recipe.json beside it says", "start again in another folder"
        )
    pix2pix.generator.load_state_dict(state["generator"])
    pix2pix.discriminator.load_state_dict(state["discriminator"])
    for optimiser, saved in zip(pix2pix.optimisers, state["optimisers"], strict=True):
        optimiser.load_state_dict(saved)
    average.load_state_dict(state["average"])
    if pix2pix.pool.size:
        pix2pix.pool.load_state_dict(state["pool"], pix2pix.device)
    return state["history"]


def _check_recipe(path: Path, saved: dict, wanted: dict) -> None:
    saved = {
        **Recipe().to_dict(),
        **saved,
    }  # a field that an older version lacked is at its default, which is as it was
    for name, value in wanted.items():
        if saved[name] != value:
            raise InputError(path, f"was trained with {name} {saved[name]}, not {value}", "resume with the same recipe")
