"""The training run: epochs over a prepared data set, in a folder that survives a kill."""

from __future__ import annotations

import csv
import json
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from LowDoseContrastLib import steps
from LowDoseContrastLib.atomic import atomic_output
from LowDoseContrastLib.card import Domain, ModelCard
from LowDoseContrastLib.device import choose_placement
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.model import load_model, save_model

from .adversary import LOSS_NAMES, Pix2Pix, architecture_of, intensity_of
from .averaging import AveragedGenerator
from .checkpoint import load_checkpoint, save_checkpoint
from .dataset import Batches, PairedDataSet, load_patches, open_data_set, resized
from .divergence import check_history, check_losses, check_weights
from .losses import scheduled_rate
from .samples import write_triples
from .selection import best_epoch, is_over
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
    """Where a training is: ``losses`` (in the order of ``LOSS_NAMES``) of the step just done.

    ``step`` of ``steps`` in ``epoch`` of ``epochs``, all counted from 1; ``remaining`` seconds.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    losses: tuple
    remaining: float

    @property
    def overall(self) -> steps.Progress:
        """How far the whole training has come, with the losses as its message."""
        done = (self.epoch - 1 + self.step / self.steps) / self.epochs
        losses = ", ".join(f"{name} {value:.3g}" for name, value in zip(LOSS_NAMES, self.losses))
        return steps.Progress(done, f"epoch {self.epoch} of {self.epochs}: {losses}", self.remaining)


def train(data_folder, output, recipe, resume: bool = False, threads: int | None = None, device: str = "auto"):
    """Train a model; a generator that yields a :class:`Progress` after every step.

    After each epoch the folder ``output`` holds a complete state: ``recipe.json``, ``losses.csv``,
    ``samples/``, ``checkpoint.pt``, and two models: ``model.safetensors`` of the best epoch by the
    recipe's ``select``, and ``model-last.safetensors`` of the last one. At the end the figures on
    the test part join the card of the first.

    Args:
        recipe: a :class:`.recipe.Recipe`.
        resume: go on from ``checkpoint.pt`` if there is one; the result is that of an
            uninterrupted training, bit for bit on the same processor and threads.
        threads: of the processor; None leaves torch's choice.
        device: ``auto`` (a GPU before the CPU), ``cpu``, ``cuda`` or ``mps``.

    Returns:
        A dictionary with ``epochs``, ``best_epoch``, ``losses``, ``validation``, ``test``,
        ``model``, ``model_last``, ``checkpoint``.

    Raises:
        InputError: a wrong input, an output in use, or a device that is not there.
        Diverged: the training has gone wrong (an InputError); what the epoch before left is intact.
    """
    data = open_data_set(data_folder)
    placement = choose_placement(device, recipe.precision)
    if threads is not None:
        if threads < 1:
            raise InputError(f"--threads must be at least 1, it is {threads}")
        torch.set_num_threads(threads)
    _open_folder(Path(output), recipe, data, resume)
    run = _Run(data, Path(output), recipe, placement)
    while not is_over(run.history, recipe):
        yield from run.epoch()
    return run.result()


class _Run:
    """The parts of one training, as far as its folder has come."""

    def __init__(self, data: PairedDataSet, output: Path, recipe, placement):
        self.data, self.output, self.recipe = data, output, recipe
        self.checkpoint = output / "checkpoint.pt"
        self.model, self.model_last = output / "model.safetensors", output / "model-last.safetensors"
        self.batches = Batches(*load_patches(data, "train"), data.scale, recipe)
        self.held_out = {split: _held_out(data, split, recipe) for split in ("val", "test")}
        if recipe.patience and not len(self.held_out["val"][0]):
            raise InputError(f"{data.folder}: holds no validation patches, which the recipe's patience needs; prepare it with some")
        self.pix2pix = Pix2Pix(recipe, *intensity_of(recipe, data), placement)
        self.average = AveragedGenerator(self.pix2pix.generator, recipe.ema)
        self.history = []
        if self.checkpoint.exists():
            self.history = load_checkpoint(self.checkpoint, self.pix2pix, self.average, data.fingerprint)
        self.resumed, self.start = len(self.history), time.monotonic()

    def epoch(self):
        """Train one epoch, a generator of :class:`Progress`, and write what it led to."""
        pix2pix, recipe, epoch = self.pix2pix, self.recipe, len(self.history)
        rate = pix2pix.set_rate(scheduled_rate(epoch, recipe))
        pix2pix.generator.train()
        pix2pix.discriminator.train()
        rows, start = [], time.monotonic()
        for step, (low, high) in enumerate(self.batches.epoch(epoch), start=1):
            losses = pix2pix.step(low, high, adversarial=epoch >= recipe.gan_from).as_tuple()
            check_losses(losses, epoch + 1, step)
            self.average.update(pix2pix.generator)
            rows.append(losses)
            yield Progress(epoch + 1, recipe.total_epochs, step, len(self.batches), losses, self._remaining(epoch + step / len(self.batches)))
        check_weights(pix2pix, epoch + 1)
        self._close(_history_row(epoch, rate, time.monotonic() - start, rows))

    def _remaining(self, epochs: float) -> float:
        """Return the seconds to the end after so many ``epochs``, at the speed since the start or the resuming."""
        return (time.monotonic() - self.start) * (self.recipe.total_epochs - epochs) / (epochs - self.resumed)

    def _close(self, row: dict) -> None:
        """Judge the epoch just done and write it; the checkpoint last, for it vouches for the rest."""
        generator = self.average.generator(self.pix2pix, self.batches.epoch(STATISTICS_EPOCH), STATISTICS_BATCHES)
        found = self._judged("val", generator)
        self.history = [*self.history, row | _validation_columns(found)]
        check_history(self.history, self.recipe)
        done = len(self.history)
        if found and _wants_samples(done - 1, self.recipe.total_epochs):
            _write_samples(self.output, done - 1, self.pix2pix, generator, self.held_out["val"], self.data)
        card = model_card(self.pix2pix, self.data, {"val": found})
        save_model(self.model_last, generator, card, dtype="float32", overwrite=True)
        if best_epoch(self.history, self.recipe) == done - 1:
            save_model(self.model, generator, card, dtype="float32", overwrite=True)
        _write_history(self.output / "losses.csv", self.history)
        save_checkpoint(self.checkpoint, self.pix2pix, self.average, self.history, self.data.fingerprint)

    def result(self) -> dict:
        """Judge the kept model on the test part too, put the figures on its card, and return the outcome."""
        generator = self.pix2pix.new_generator()
        generator.load_state_dict(load_model(self.model).generator.state_dict())
        rows = {split: self._judged(split, generator.eval()) for split in self.held_out}
        save_model(self.model, generator, model_card(self.pix2pix, self.data, rows), dtype="float32", overwrite=True)
        last = self.history[-1]
        return {
            "epochs": len(self.history),
            "best_epoch": best_epoch(self.history, self.recipe) + 1,
            "losses": {name: {"last": last[name], "mean": last[f"{name}_mean"]} for name in LOSS_NAMES},
            "validation": rows["val"],
            "test": rows["test"],
            "model": str(self.model),
            "model_last": str(self.model_last),
            "checkpoint": str(self.checkpoint),
        }

    def _judged(self, split: str, generator) -> list[dict]:
        return judge(self.pix2pix, generator, *self.held_out[split], _full_scale(self.data))


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
