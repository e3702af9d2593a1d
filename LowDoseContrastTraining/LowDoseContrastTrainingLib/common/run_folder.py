"""A folder that a run makes, and goes on with when it was interrupted."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

from LowDoseContrastLib.atomic import atomic_output, check_output
from LowDoseContrastLib.errors import InputError


def open_folder(folder: Path, settings_file: str, settings: dict, needed_bytes: int, what: str) -> None:
    """Make ``folder`` ready for a run, or for going on with one of the very same settings.

    Args:
        settings_file: name of the file in it that keeps the settings.
        settings: JSON-able, what a resumed run must agree with.
        needed_bytes: of free disk for a new run.
        what: the folder holds, for messages: "a simulation".

    Raises:
        InputError: it cannot be used, holds something else or other settings, or the disk is full.
    """
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
    """Make ``folder`` where it is not there yet; return the names in it, but for hidden ones.

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
        raise InputError(folder, f"needs about {needed_bytes / 1e6:.0f} MB, {free / 1e6:.0f} MB are free", "free some or choose another folder")


@contextlib.contextmanager
def results_folder(folder: Path, names, overwrite: bool = False):
    """Make ``folder`` for the files ``names``; where the block fails, a folder that is new goes again with those of them that were written.

    Raises:
        InputError: it cannot be made, or holds one of the files and ``overwrite`` is not set.
    """
    is_new = not folder.exists()
    make_folder(folder)
    try:
        for name in names:
            check_output(folder / name, overwrite)
        yield
    except BaseException:
        if is_new:
            with contextlib.suppress(OSError):
                for name in names:
                    (folder / name).unlink(missing_ok=True)
                folder.rmdir()
        raise


def abandon(folder: Path, settings_file: str) -> None:
    """Remove a folder that holds no more than its settings, so that others can be tried."""
    if [entry.name for entry in folder.iterdir()] == [settings_file]:
        (folder / settings_file).unlink()
        folder.rmdir()


def clear_leftovers(folder: Path) -> None:
    """Remove what a process that was killed had begun to write."""
    for leftover in folder.rglob(".writing-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _check_same(path, settings, what):
    try:
        before = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(path, "cannot be read", "choose another folder") from error
    differs = [name for name in settings if before.get(name) != settings[name]]
    if differs:
        raise InputError(path.parent, f"holds {what} with other settings ({', '.join(differs)})", "choose another folder")
