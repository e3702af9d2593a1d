"""The training run: epochs over a prepared data set, in a folder that survives a kill."""

from __future__ import annotations

import csv
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from LowDoseContrastLib.atomic import atomic_output
from LowDoseContrastLib.card import Domain, ModelCard
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.model import save_model

from .adversary import LOSS_NAMES, Pix2Pix, architecture_of, intensity_of
from .averaging import AveragedGenerator
from .checkpoint import load_checkpoint, save_checkpoint
from .dataset import Batches, PairedDataSet, load_patches, open_data_set, resized
from .losses import rate_factor
from .samples import write_triples
from .validation import enhanced, judge

STATISTICS_BATCHES = 50  # for the batch norms of the averaged generator
STATISTICS_EPOCH = 2**31  # an epoch number that no training reaches: their batches
SAMPLE_PATCHES = 4
LIMITS = (
    "Its figures are of held-out patches of its own data set; other equipment and other objects are untested.",
    "It adds no X-ray quanta: it lowers noise by smoothing, and faint small details lose contrast.",
    "Pixels that are saturated in the true high dose were left out of the figures.",
)


@dataclass(frozen=True)
class Progress:
    """Where a training is: ``losses`` (in the order of ``LOSS_NAMES``) of the step just done."""

    epoch: int
    epochs: int
    step: int
    steps: int
    losses: tuple
    seconds: float


def train(data_folder, output, recipe, resume: bool = False, threads: int | None = None):
    """Train a model; a generator that yields a :class:`Progress` after every step.

    After each epoch the folder ``output`` holds a complete state: ``recipe.json``,
    ``losses.csv``, ``checkpoint.pt``; at the end ``model.safetensors``; ``samples/`` on the way.

    Args:
        recipe: a :class:`.recipe.Recipe`.
        resume: go on from ``checkpoint.pt`` if there is one; the result is that of an
            uninterrupted training, bit for bit on the same processor and threads.
        threads: of the processor; None leaves torch's choice.

    Returns:
        A dictionary with ``epochs``, ``losses``, ``validation``, ``test``, ``model``, ``checkpoint``.

    Raises:
        InputError: a wrong input, an output in use, or losses that are not finite.
    """
    output = Path(output)
    data = open_data_set(data_folder)
    if threads is not None:
        if threads < 1:
            raise InputError(f"--threads must be at least 1, it is {threads}")
        torch.set_num_threads(threads)
    checkpoint = output / "checkpoint.pt"
    _open_folder(output, recipe, data, resume)
    batches = Batches(*load_patches(data, "train"), data.scale, recipe)
    pix2pix = Pix2Pix(recipe, *intensity_of(recipe, data))
    average = AveragedGenerator(pix2pix.generator, recipe.ema)
    finished, history = 0, []
    if checkpoint.exists():
        finished, history = load_checkpoint(checkpoint, pix2pix, average, data.fingerprint)
    held_out = {split: _held_out(data, split, recipe) for split in ("val", "test")}
    for epoch in range(finished, recipe.total_epochs):
        rows, rate, seconds = yield from _epoch(pix2pix, average, batches, epoch)
        row = _history_row(epoch, rate, seconds, rows)
        if len(held_out["val"][0]):
            generator = _averaged(pix2pix, average, batches)
            row |= _validation_columns(judge(pix2pix, generator, *held_out["val"], _full_scale(data)))
            if _wants_samples(epoch, recipe.total_epochs):
                _write_samples(output, epoch, pix2pix, generator, held_out["val"], data)
        history.append(row)
        save_checkpoint(checkpoint, pix2pix, average, epoch + 1, history, data.fingerprint)
        _write_history(output / "losses.csv", history)
    generator = _averaged(pix2pix, average, batches)
    rows = {split: judge(pix2pix, generator, *held_out[split], _full_scale(data)) for split in held_out}
    card = model_card(pix2pix, data, rows)
    model = save_model(output / "model.safetensors", generator, card, dtype="float32", overwrite=True)
    losses = {name: {"last": history[-1][name], "mean": history[-1][f"{name}_mean"]} for name in LOSS_NAMES}
    return {
        "epochs": recipe.total_epochs,
        "losses": losses,
        "validation": rows["val"],
        "test": rows["test"],
        "model": str(model),
        "checkpoint": str(checkpoint),
    }


def model_card(pix2pix, data: PairedDataSet, rows: dict) -> ModelCard:
    """Return the card of a trained generator: domain from the data set, figures on its held-out parts."""
    first = data.arrangements[0]
    doses = [a["low"]["dose_mgy"] for a in data.arrangements]
    spacings = [value for a in data.arrangements for value in a["spacing"] or ()]
    signals = [a["low"]["signal"] for a in data.arrangements]
    domain = Domain(
        intent=first["intent"],
        relationship=first["relationship"],
        sign=first["sign"],
        spacing_mm=(min(spacings), max(spacings)) if spacings else None,
        dose_mgy=(round(0.9 * min(doses), 3), round(1.1 * max(doses), 3)),
        signal=(min(s[0] for s in signals), max(s[2] for s in signals)),
    )
    results = [{**row, "split": split} for split, found in rows.items() for row in found]
    return ModelCard(
        name=pix2pix.recipe.name,
        description="Low-dose to high-dose mammography, trained on paired acquisitions.",
        architecture=architecture_of(pix2pix.recipe),
        intensity=pix2pix.scale,
        composition=pix2pix.composition,
        domain=domain,
        recipe=pix2pix.recipe.to_dict(),
        dataset=data.fingerprint,
        results=tuple(results),
        limits=LIMITS,
    )


def _epoch(pix2pix, average, batches, epoch):
    """Train one epoch; return its losses (steps, 4), the learning rate and the seconds."""
    recipe = pix2pix.recipe
    rate = pix2pix.set_rate(rate_factor(epoch, recipe.epochs, recipe.epochs_decay, recipe.decay_step))
    pix2pix.generator.train()
    pix2pix.discriminator.train()
    rows, start = [], time.monotonic()
    for step, (low, high) in enumerate(batches.epoch(epoch), start=1):
        losses = pix2pix.step(low, high, adversarial=epoch >= recipe.gan_from).as_tuple()
        if not all(math.isfinite(value) for value in losses):
            raise InputError(
                f"training diverged in epoch {epoch + 1}: a loss is not finite; the checkpoint before it is kept. "
                "Lower the recipe's learning_rate"
            )
        average.update(pix2pix.generator)
        rows.append(losses)
        yield Progress(epoch + 1, recipe.total_epochs, step, len(batches), losses, time.monotonic() - start)
    return rows, rate, time.monotonic() - start


def _averaged(pix2pix, average, batches):
    return average.generator(pix2pix, batches.epoch(STATISTICS_EPOCH), STATISTICS_BATCHES)


def _held_out(data: PairedDataSet, split: str, recipe) -> tuple[np.ndarray, np.ndarray]:
    """Return the (A, B) of a split as pixel values, the middle of each patch that a generator takes."""
    low, high = (data.scale.decode(side) for side in load_patches(data, split))
    if not len(low):
        return low, high
    if recipe.crop == "resize":
        return tuple(np.stack([resized(torch.from_numpy(p), recipe.crop_size).numpy() for p in side]) for side in (low, high))
    size = recipe.crop_size
    row, column = ((side - size) // 2 for side in low.shape[1:])
    return tuple(side[:, row : row + size, column : column + size] for side in (low, high))


def _full_scale(data: PairedDataSet) -> float:
    return float(2 ** data.arrangements[0]["bits"] - 1)


def _history_row(epoch, rate, seconds, rows) -> dict:
    values = np.asarray(rows, np.float64)
    row = {"epoch": epoch + 1, "learning_rate": rate, "seconds": round(seconds, 3)}
    row |= {name: float(value) for name, value in zip(LOSS_NAMES, values[-1])}
    return row | {f"{name}_mean": float(value) for name, value in zip(LOSS_NAMES, values.mean(axis=0))}


def _validation_columns(rows: list[dict]) -> dict:
    return {f"val_{key}_{row['method']}": value for row in rows for key, value in row.items() if key != "method"}


def _wants_samples(epoch: int, total: int) -> bool:
    return (epoch + 1) % max(1, total // 10) == 0 or epoch + 1 == total


def _write_samples(output, epoch, pix2pix, generator, held_out, data) -> None:
    low, high = (side[:SAMPLE_PATCHES] for side in held_out)
    made = enhanced(pix2pix, generator, low)
    (output / "samples").mkdir(exist_ok=True)
    with atomic_output(output / "samples" / f"epoch-{epoch + 1:04d}.png", overwrite=True) as temporary:
        write_triples(temporary, low, made, high, data.arrangements[0]["sign"])


def _write_history(path: Path, history: list[dict]) -> None:
    with atomic_output(path, overwrite=True) as temporary, open(temporary, "w", newline="") as stream:
        table = csv.DictWriter(stream, fieldnames=list(history[0]))
        table.writeheader()
        table.writerows(history)


def _open_folder(output: Path, recipe, data: PairedDataSet, resume: bool) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
        used = [entry.name for entry in output.iterdir() if not entry.name.startswith(".")]
    except OSError as error:
        raise InputError(f"{output}: cannot be used as a folder ({error.strerror}); choose another") from error
    if used and not resume:
        raise InputError(f"{output}: is not empty; choose another folder, or --resume")
    text = json.dumps({**recipe.to_dict(), "data": data.fingerprint}, indent=1) + "\n"
    if not (output / "checkpoint.pt").exists():
        with atomic_output(output / "recipe.json", overwrite=True) as temporary:
            temporary.write_text(text)
