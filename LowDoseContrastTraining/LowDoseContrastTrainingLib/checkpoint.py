"""The state of a training after an epoch, from which it goes on exactly."""

from __future__ import annotations

from pathlib import Path

import torch
from LowDoseContrastLib.atomic import atomic_output
from LowDoseContrastLib.errors import InputError

SCHEMA = 2


def save_checkpoint(path: Path, pix2pix, average, history: list, fingerprint: str) -> None:
    """Write the state after the epochs in ``history``; the last one stays until this is whole."""
    state = {
        "schema": SCHEMA,
        "recipe": pix2pix.recipe.to_dict(),
        "data": fingerprint,
        "generator": pix2pix.generator.state_dict(),
        "discriminator": pix2pix.discriminator.state_dict(),
        "optimisers": [optimiser.state_dict() for optimiser in pix2pix.optimisers],
        "average": average.state_dict(),
        "random": torch.get_rng_state(),
        "random_cuda": torch.cuda.get_rng_state() if pix2pix.device == "cuda" else None,
        "history": history,
    }
    with atomic_output(path, overwrite=True) as temporary:
        torch.save(state, temporary)


def load_checkpoint(path: Path, pix2pix, average, fingerprint: str) -> list:
    """Restore a training in place; return its history, a row for each finished epoch.

    Batches need no state: they follow from the seed and the epoch.

    Raises:
        InputError: the file is damaged, of another recipe, or of another data set.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # noqa: BLE001 - torch raises many kinds for a damaged file
        raise InputError(f"{path}: cannot be read as a checkpoint; start again in another folder") from error
    if not isinstance(state, dict) or state.get("schema") != SCHEMA:
        raise InputError(f"{path}: is no checkpoint of this version; start again in another folder")
    _check_recipe(path, state["recipe"], pix2pix.recipe.to_dict())
    if state["data"] != fingerprint:
        raise InputError(f"{path}: was trained on another data set; resume with the same one")
    pix2pix.generator.load_state_dict(state["generator"])
    pix2pix.discriminator.load_state_dict(state["discriminator"])
    for optimiser, saved in zip(pix2pix.optimisers, state["optimisers"]):
        optimiser.load_state_dict(saved)
    average.load_state_dict(state["average"])
    torch.set_rng_state(state["random"])
    if pix2pix.device == "cuda" and state["random_cuda"] is not None:
        torch.cuda.set_rng_state(state["random_cuda"])
    return state["history"]


def _check_recipe(path: Path, saved: dict, wanted: dict) -> None:
    for name, value in wanted.items():
        if saved.get(name) != value:
            raise InputError(f"{path}: was trained with {name} {saved.get(name)}, not {value}; resume with the same recipe")
