"""The training run: epochs over a prepared data set, in a folder that survives a kill."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from LowDoseContrastLib.atomic import atomic_output
from LowDoseContrastLib.device import choose_placement
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.model import load_model, save_model
from LowDoseContrastLib.steps import Steps

from ..common.file_names import CHECKPOINT_FILE, LAST_MODEL_FILE, LOSSES_FILE, MODEL_FILE, RECIPE_FILE
from ..common.one_writer import one_writer
from ..common.process_memory import physical_bytes
from ..common.run_folder import abandon, check_space, clear_leftovers, make_folder
from ..dataset.manifest import PairedDataSet, open_data_set
from ..dataset.patch_store import PatchStore
from .averaging import AveragedGenerator
from .batches import Batches
from .checkpoint import load_checkpoint, save_checkpoint
from .curves import write_curves
from .distributed import Team, joined_team, was_restarted
from .divergence import check_history, check_losses, check_weights
from .event_log import check_tensorboard, event_log
from .fine_tuning import Start, start_of_run
from .held_out import HeldOut
from .model_card import model_card
from .pix2pix import LOSS_NAMES, Pix2Pix, intensity_of
from .recipe import Recipe
from .run_settings import RunSettings
from .samples import sample_path, write_triples
from .schedule import scheduled_rate
from .selection import best_epoch, is_over
from .suitability import check_validation
from .training_progress import after_step
from .validation import enhanced, judge

if TYPE_CHECKING:
    from LowDoseContrastLib.device import Placement
    from LowDoseContrastLib.generator import UNetGenerator

STATISTICS_BATCHES = 50  # for the batch norms of the averaged generator
STATISTICS_EPOCH = 2**31  # an epoch number that no training reaches: their batches


def train(
    data_folder: str | Path | PairedDataSet,
    output: str | Path,
    recipe: Recipe,
    resume: bool = False,
    start: str | Path | None = None,
    settings: RunSettings = RunSettings(),
) -> Steps[dict]:
    """Train a model; with a :class:`.training_progress.TrainingProgress` after every step.

    After each epoch the folder ``output`` holds a complete state: ``recipe.json``, ``losses.csv``,
    ``samples/``, ``curves.png`` (with matplotlib), ``checkpoint.pt``, and two models:
    ``model.safetensors`` of the best epoch by the recipe's ``select``, and ``model-last.safetensors``
    of the last one. At the end the figures on
    the test part join the card of the first.

    In processes that ``torchrun`` started, all call it with the same arguments and train together
    (see :mod:`.distributed`); ``output`` must be one folder for all of them. After a process has
    died and torchrun has started them again, they go on from the checkpoint.

    Args:
        data_folder: of a prepared data set, or an open one.
        recipe: a :class:`.recipe.Recipe`.
        resume: go on from ``checkpoint.pt`` if there is one; the result is that of an
            uninterrupted training, bit for bit on the same processor, threads and processes.
        start: a model's name or file, or a checkpoint of the published code, whose weights the
            generator starts from (see :mod:`.fine_tuning`); a resumed training does not need it again.
        settings: how it is run. Their ``epochs`` are not looked at: the recipe has its own.

    Returns:
        A dictionary with ``epochs``, ``best_epoch``, ``losses``, ``validation``, ``test``,
        ``model``, ``model_last``, ``checkpoint``.

    Raises:
        InputError: a wrong input, an output in use, or a device that is not there.
        Diverged: the training has gone wrong (an InputError); what the epoch before left is intact.
    """
    output, resume = Path(output), resume or was_restarted()
    placement = choose_placement(settings.device, recipe.precision)
    with joined_team(placement.device) as team, contextlib.ExitStack() as held:
        if settings.threads is not None:
            torch.set_num_threads(settings.threads)
        if settings.tensorboard:
            check_tensorboard()
        data = team.in_turn(lambda: _opened(data_folder, recipe.direction))
        team.on_first(lambda: held.enter_context(one_writer(output)))
        begun = team.in_turn(lambda: start_of_run(output, recipe, start, resume))
        stated = {**recipe.to_dict(), "data": data.fingerprint, "from": begun and begun.record()}
        team.on_first(lambda: _open_folder(output, stated, resume))
        try:
            patches = team.in_turn(lambda: _Patches(data, recipe, team, settings.memory))
            run = _Run(data, patches, output, recipe, placement, begun, team)
        except InputError:
            if team.rank == 0:
                abandon(output, RECIPE_FILE)
            raise
        del begun  # and with it the weights it holds
        with (
            event_log(output, run.history)
            if settings.tensorboard and team.rank == 0
            else contextlib.nullcontext() as log
        ):
            while not is_over(run.history, recipe):
                yield from run.epoch()
                if log is not None:
                    log(run.history[-1])
        return team.on_first(run.result)


def _opened(data: str | Path | PairedDataSet, direction: str) -> PairedDataSet:
    return data if isinstance(data, PairedDataSet) else open_data_set(data, direction)


class _Patches:
    """What a training sees of its data set: batches to learn from, and what is held out."""

    def __init__(self, data: PairedDataSet, recipe: Recipe, team: Team, memory: float | None) -> None:
        if recipe.pool_size and team.size > 1:
            raise InputError(
                "", "recipe field pool_size needs a single process", "set it to 0 or start without torchrun"
            )
        room = _default_memory() if memory is None else memory * 1e9
        store = PatchStore(data, "train", room)
        self.batches = Batches(store, data.scale, recipe, team.rank, team.size)
        self.whole = Batches(store, data.scale, recipe)
        self.held_out: dict[str, HeldOut] = {}
        room -= store.kept_bytes
        for split in ("val", "test"):
            self.held_out[split] = HeldOut(data, split, recipe, room)
            room -= self.held_out[split].kept_bytes
        check_validation(data, recipe)


def _default_memory() -> float:
    return physical_bytes() / 4 / int(os.environ.get("LOCAL_WORLD_SIZE", 1))


class _Run:
    """The parts of one training, as far as its folder has come."""

    def __init__(
        self,
        data: PairedDataSet,
        patches: _Patches,
        output: Path,
        recipe: Recipe,
        placement: Placement,
        start: Start | None,
        team: Team,
    ) -> None:
        self.data, self.patches, self.output, self.recipe, self.team = data, patches, output, recipe, team
        self.checkpoint = output / CHECKPOINT_FILE
        self.model, self.model_last = output / MODEL_FILE, output / LAST_MODEL_FILE
        self.origin = start.record() if start else None
        self.pix2pix = Pix2Pix(
            recipe,
            *intensity_of(recipe, data, start.scale if start else None),
            placement,
            start.weights if start else None,
            team,
        )
        self.average = AveragedGenerator(self.pix2pix.generator, recipe.ema, fresh=start is None)
        self.history: list[dict[str, float]] = []
        team.on_first(lambda: check_space(output, _needed_bytes(self.pix2pix, resumed=self.checkpoint.exists())))
        if self.checkpoint.exists():
            self.history = load_checkpoint(self.checkpoint, self.pix2pix, self.average, data.fingerprint, self.origin)
        elif start:
            team.on_first(self._save_checkpoint)  # a resumed run needs the file that it started from no more
        if team.on_first(lambda: len(self.history)) != len(self.history):
            raise InputError(output, "is not the same folder for all processes", "choose one on a disk that they share")
        self.resumed, self.start = len(self.history), time.monotonic()
        self._gains: dict[str, dict] = {}  # split -> row of the gain baseline, which no epoch changes

    def epoch(self) -> Steps[None]:
        """Train one epoch, and write what it led to."""
        pix2pix, recipe, epoch, batches = self.pix2pix, self.recipe, len(self.history), self.patches.batches
        rate = pix2pix.set_rate(scheduled_rate(epoch, recipe, self.history))
        pix2pix.generator.train()
        pix2pix.discriminator.train()
        _seed(recipe.seed, epoch, self.team.rank)
        losses_of_steps, weights, start = [], [], time.monotonic()
        for step, batch in enumerate(batches.epoch(epoch), start=1):
            losses = pix2pix.step(batch.low, batch.high, epoch >= recipe.gan_from, batch.weight).as_tuple()
            check_losses(losses, epoch + 1, step)
            self.average.update(pix2pix.generator)
            losses_of_steps.append(losses)
            weights.append(batch.weight)
            yield after_step(
                epoch + 1, recipe.total_epochs, step, len(batches), losses, self._remaining(epoch + step / len(batches))
            )
        check_weights(pix2pix, epoch + 1)
        rows = self.team.mean(np.asarray(losses_of_steps, np.float64), np.asarray(weights))
        row = _history_row(epoch, rate, time.monotonic() - start, rows)
        self.history = self.team.on_first(lambda: self._closed(row))

    def _remaining(self, epochs: float) -> float:
        """Return the seconds to the end after so many ``epochs``, at the speed since the start or the resuming."""
        return (time.monotonic() - self.start) * (self.recipe.total_epochs - epochs) / (epochs - self.resumed)

    def _closed(self, row: dict) -> list[dict]:
        """Judge the epoch just done and write it, the checkpoint last, for it vouches for the rest.

        Return the history.
        """
        generator = self.average.generator(self.pix2pix, self.patches.whole.epoch(STATISTICS_EPOCH), STATISTICS_BATCHES)
        found = self._judged("val", generator)
        self.history = [*self.history, row | _validation_columns(found)]
        check_history(self.history, self.recipe)
        done = len(self.history)
        best = best_epoch(self.history, self.recipe)
        if _wants_pictures(done - 1, self.recipe.total_epochs):
            write_curves(self.output, self.history, self.recipe.gan_from, best)
            if found:
                _write_samples(self.output, done - 1, self.pix2pix, generator, self.patches.held_out["val"], self.data)
        card = model_card(self.pix2pix, self.data, {"val": found}, self.origin)
        save_model(self.model_last, generator, card, dtype="float32", overwrite=True)
        if best == done - 1:
            save_model(self.model, generator, card, dtype="float32", overwrite=True)
        _write_history(self.output / LOSSES_FILE, self.history)
        self._save_checkpoint()
        return self.history

    def _save_checkpoint(self) -> None:
        save_checkpoint(self.checkpoint, self.pix2pix, self.average, self.history, self.data.fingerprint, self.origin)

    def result(self) -> dict:
        """Judge the kept model on the test part too, put the figures on its card, and return the outcome."""
        generator = self.pix2pix.new_generator()
        generator.load_state_dict(load_model(self.model).generator.state_dict())
        rows = {split: self._judged(split, generator.eval()) for split in self.patches.held_out}
        save_model(
            self.model,
            generator,
            model_card(self.pix2pix, self.data, rows, self.origin),
            dtype="float32",
            overwrite=True,
        )
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

    def _judged(self, split: str, generator: UNetGenerator) -> list[dict]:
        rows = judge(self.pix2pix, generator, self.patches.held_out[split], self._gains.get(split))
        if rows:
            self._gains[split] = rows[0]  # that of the gain comes first
        return rows


def _needed_bytes(pix2pix: Pix2Pix, resumed: bool) -> int:
    """Return what a run writes to disk, beside files of an earlier epoch while they are replaced."""
    generator, discriminator = (
        sum(weight.nbytes for weight in network.parameters()) for network in (pix2pix.generator, pix2pix.discriminator)
    )
    checkpoint = 4 * generator + 3 * discriminator  # weights, two moments of Adam, the generator's average
    return checkpoint + generator if resumed else 2 * checkpoint + 3 * generator


def _seed(*purpose: int) -> None:
    """Let torch's random numbers (dropout, the points of a penalty) follow from ``purpose`` alone."""
    torch.manual_seed(int(np.random.SeedSequence(purpose).generate_state(1, np.uint64)[0]))


def _history_row(epoch: int, rate: float, seconds: float, rows: np.ndarray) -> dict[str, float]:
    row = {"epoch": epoch + 1, "learning_rate": rate, "seconds": round(seconds, 3)}
    row |= {name: float(value) for name, value in zip(LOSS_NAMES, rows[-1], strict=True)}
    return row | {f"{name}_mean": float(value) for name, value in zip(LOSS_NAMES, rows.mean(axis=0), strict=True)}


def _validation_columns(rows: list[dict]) -> dict:
    return {f"val_{key}_{row['method']}": value for row in rows for key, value in row.items() if key != "method"}


def _wants_pictures(epoch: int, total: int) -> bool:
    return (epoch + 1) % max(1, total // 10) == 0 or epoch + 1 == total


def _write_samples(
    output: Path, epoch: int, pix2pix: Pix2Pix, generator: UNetGenerator, held_out: HeldOut, data: PairedDataSet
) -> None:
    low, high = next(held_out.chunks())
    made = enhanced(pix2pix, generator, low)
    path = sample_path(output, epoch + 1)
    path.parent.mkdir(exist_ok=True)
    with atomic_output(path, overwrite=True) as temporary:
        write_triples(temporary, low, made, high, data.arrangements[0].sign)


def _write_history(path: Path, history: list[dict]) -> None:
    with atomic_output(path, overwrite=True) as temporary, open(temporary, "w", newline="") as stream:
        table = csv.DictWriter(stream, fieldnames=list(history[0]))
        table.writeheader()
        table.writerows(history)


def _open_folder(output: Path, settings: dict, resume: bool) -> None:
    """Make the folder of a run and note its ``settings``, or make it ready for going on.

    What a resumed run must agree with, its checkpoint knows.
    """
    used = make_folder(output)
    if used and not resume:
        raise InputError(output, "is not empty", "choose another folder, or {resume}")
    if used and RECIPE_FILE not in used:
        raise InputError(output, f"holds no training run to resume, but {sorted(used)[0]}", "choose another folder")
    clear_leftovers(output)
    if not (output / CHECKPOINT_FILE).exists():
        with atomic_output(output / RECIPE_FILE, overwrite=True) as temporary:
            temporary.write_text(json.dumps(settings, indent=1) + "\n")
