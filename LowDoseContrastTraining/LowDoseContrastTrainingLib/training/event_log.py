"""A training run as TensorBoard shows it: event files in the run's folder, an epoch a step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from LowDoseContrastLib.errors import InputError

from ..common.file_names import EVENTS_FOLDER
from ..dataset.png import read_png
from .samples import sample_path


def check_tensorboard() -> None:
    """Raise InputError if the package is not there; call it before long work."""
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError as error:
        raise InputError(
            "",
            "{tensorboard} needs the package tensorboard",
            "install it (pip install tensorboard) or leave the option out",
        ) from error


@contextlib.contextmanager
def event_log(run: Path, history: list[dict]) -> Iterator[Callable[[dict[str, float]], None]]:
    """Open the log of a run's folder and yield a function that adds the row of an epoch just done.

    Args:
        history: rows of ``losses.csv`` of the epochs done before. A new log gets them all; one that
            is there gets the last again, which a kill may have kept from it. Whatever else it
            holds of that epoch and later ones is dropped (``purge_step``).

    Raises:
        InputError: an event file cannot be written.
    """
    from torch.utils.tensorboard import SummaryWriter

    folder = run / EVENTS_FOLDER
    due = history[-1:] if folder.exists() else history
    with _writing(folder):
        writer = SummaryWriter(str(folder), purge_step=due[0]["epoch"] if due else 0)

    def write(row: dict[str, float]) -> None:
        with _writing(folder):
            for column, value in row.items():
                if column != "epoch":
                    writer.add_scalar(_tag(column), value, row["epoch"])
            picture = sample_path(run, int(row["epoch"]))
            if picture.exists():
                writer.add_image(
                    "samples: input x gain, output, target", read_png(picture), row["epoch"], dataformats="HW"
                )
            writer.flush()

    try:
        for row in due:
            write(row)
        yield write
    finally:
        writer.close()


@contextlib.contextmanager
def _writing(folder: Path) -> Any:
    try:
        yield
    except OSError as error:
        raise InputError(
            folder, f"cannot be written ({error.strerror})", "free some space, or resume without {tensorboard}"
        ) from error


def _tag(column: str) -> str:
    """Return the tag of a column of ``losses.csv``; what belongs in one chart has the same beginning."""
    if column.startswith("val_"):
        return f"validation/{column.removeprefix('val_')}"
    if column in ("learning_rate", "seconds"):
        return f"run/{column}"
    if column.endswith("_mean"):
        return f"losses/{column.removesuffix('_mean')}"
    return f"losses of the last step/{column}"
