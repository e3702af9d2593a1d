"""The folder of a run, which an interrupted run can continue."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from LowDoseContrastLib.atomic import atomic_output, check_output
from LowDoseContrastLib.errors import InputError

from .one_writer import one_writer


@contextlib.contextmanager
def open_folder(
    folder: Path, settings_file: str, settings: dict[str, Any], needed_bytes: int, what: str
) -> Iterator[None]:
    """Prepare ``folder`` for a run, or for continuing one with the same settings; hold it while the block runs.

    Args:
        settings_file: name of the file in it that keeps the settings.
        settings: JSON-able; a continued run must have the same.
        needed_bytes: disk space for a new run.
        what: what the folder holds, for messages: "a simulation".

    Raises:
        InputError: the folder cannot be used, is being written by another, holds something else or other
            settings, or the disk is full.
    """
    with one_writer(folder):
        _prepare(folder, settings_file, settings, needed_bytes, what)
        yield


def _prepare(folder: Path, settings_file: str, settings: dict[str, Any], needed_bytes: int, what: str) -> None:
    path = folder / settings_file
    others = make_folder(folder)
    if path.exists():
        _check_same(path, settings, what)
        clear_leftovers(folder)
        return
    if others:
        raise InputError(folder, f"is not empty (it holds {sorted(others)[0]})", "choose another folder")
    check_space(folder, needed_bytes)
    with atomic_output(path) as temporary:
        temporary.write_text(json.dumps(settings, indent=1) + "\n")


def make_folder(folder: Path) -> list[str]:
    """Make ``folder`` unless it exists; return the names in it except hidden ones.

    Raises:
        InputError: it cannot be made or read.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")]
    except OSError as error:
        raise InputError(folder, f"cannot be used as a folder ({error.strerror})", "choose another") from error


def check_space(folder: Path, needed_bytes: int) -> None:
    """Raise InputError if the disk of ``folder`` has less than ``needed_bytes`` free."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        problem = f"needs about {needed_bytes / 1e6:.0f} MB, {free / 1e6:.0f} MB are free"
        raise InputError(folder, problem, "free some or choose another folder")


@contextlib.contextmanager
def results_folder(folder: Path, names: Collection[str], overwrite: bool = False) -> Iterator[None]:
    """Make ``folder`` for the files ``names`` and hold it; a new folder is removed with them if the block fails.

    Raises:
        InputError: the folder cannot be made, is being written by another, or holds one of the files and
            ``overwrite`` is not set.
    """
    is_new = not folder.exists()
    with one_writer(folder):
        try:
            for name in names:
                check_output(folder / name, overwrite)
            yield
        except BaseException:
            if is_new:
                with contextlib.suppress(OSError):
                    for name in names:
                        (folder / name).unlink(missing_ok=True)
            raise


def abandon(folder: Path, settings_file: str) -> None:
    """Empty a folder that holds nothing but its settings, so that others can be tried; see :mod:`.one_writer`."""
    if make_folder(folder) == [settings_file]:
        (folder / settings_file).unlink()


def clear_leftovers(folder: Path) -> None:
    """Remove the unfinished files of a process that was killed."""
    for leftover in folder.rglob(".writing-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _check_same(path: Path, settings: dict[str, Any], what: str) -> None:
    try:
        before = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(path, "cannot be read", "choose another folder") from error
    differs = [name for name in settings if before.get(name) != settings[name]]
    if differs:
        problem = f"holds {what} with other settings ({', '.join(differs)})"
        raise InputError(path.parent, problem, "choose another folder")
