"""One writer at a time for a folder, by a lock that the operating system releases however its holder ends."""

from __future__ import annotations

import contextlib
import datetime
import errno
import json
import os
import platform
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from LowDoseContrastLib.errors import InputError

LOCK_FILE = ".writer"  # says who holds it; one that nobody locks is what a kill has left, and no obstacle
_HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
_PLACE = 1 << 30  # of the byte that is locked on Windows, where what is locked cannot be read
_LONGEST = 120  # characters of a command in a message


@contextlib.contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Make ``folder`` unless it exists, and keep all others from writing it while the block runs.

    Folders that were made for it are removed again where they are empty at the end. On a file system that
    has no locks there is none.

    Raises:
        InputError: another holds it (the message says who), or it cannot be made or written.
    """
    made = [place for place in (folder, *folder.parents) if not place.exists()]
    descriptor = _opened(folder)
    try:
        _write_holder(descriptor)
        yield
    finally:
        # While it is locked, so that nobody can be holding what is removed; Windows wants it closed before.
        with contextlib.suppress(OSError):
            (folder / LOCK_FILE).unlink()
        os.close(descriptor)
        with contextlib.suppress(OSError):
            (folder / LOCK_FILE).unlink() if os.name == "nt" else None
        with contextlib.suppress(OSError):
            for place in made:
                place.rmdir()


def _opened(folder: Path) -> int:
    """Return the descriptor of the locked file in ``folder``."""
    path = folder / LOCK_FILE
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and not folder.exists():
                continue  # whoever had made the folder has just removed it
            raise InputError(folder, f"cannot be used as a folder ({error.strerror})", "choose another") from error
        try:
            _lock(descriptor)
            if _is_at(descriptor, path):
                return descriptor
        except OSError as error:
            if error.errno not in _HELD:  # no locks here
                return descriptor
            holder = _holder(descriptor)
            os.close(descriptor)
            raise InputError(folder, f"is being written by {holder}", "wait until it is done, or end it") from error
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # removed by its holder between the opening and the locking


def _is_at(descriptor: int, path: Path) -> bool:
    """Return whether the open file is still the one at ``path``."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _lock(descriptor: int) -> None:
    """Lock a file, or raise OSError at once."""
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _PLACE, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _write_holder(descriptor: int) -> None:
    program = Path(sys.argv[0]).name if sys.argv else ""
    name = "lowdosecontrast" if program in ("__main__.py", "-m", "") else program
    facts = {
        "host": platform.node(),
        "pid": os.getpid(),
        "command": shlex.join([name, *sys.argv[1:]]),
        "since": datetime.datetime.now().astimezone().isoformat(sep=" ", timespec="seconds"),
    }
    os.ftruncate(descriptor, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    os.write(descriptor, json.dumps(facts).encode())


def _holder(descriptor: int) -> str:
    """Return who holds the lock, in words."""
    try:
        os.lseek(descriptor, 0, os.SEEK_SET)
        facts: dict[str, Any] = json.loads(os.read(descriptor, 1 << 16))
        command = " ".join(str(facts["command"]).split())
        if len(command) > _LONGEST:
            command = command[: _LONGEST - 3] + "..."
        return f"process {facts['pid']} on {facts['host']} since {facts['since']} ({command})"
    except (OSError, ValueError, LookupError, TypeError):
        return "another process"  # which has not yet said who it is
