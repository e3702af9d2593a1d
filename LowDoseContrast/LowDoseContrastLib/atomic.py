"""Outputs appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .errors import InputError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def check_output(path: str | Path, overwrite: bool = False) -> Path:
    """Returns ``path`` as a :class:`pathlib.Path` that may be written.

    Call it before long work, so that a wrong path costs no time.

    Raises:
        InputError: the file is there already, is a folder, or its folder is missing or read-only.
    """
    path = Path(path)
    folder = path.absolute().parent
    if path.is_dir():
        raise InputError(path, "is a folder", "name a file in it")
    if path.exists() and not overwrite:
        raise InputError(path, "exists already", "choose another name or allow overwriting ({overwrite})")
    if not folder.is_dir():
        raise InputError(path, f"the folder {folder} does not exist", "create it first")
    try:
        # os.access says yes to an administrator even on read-only media, so write something.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise InputError(path, f"cannot write into {folder} ({error.strerror})", "choose another folder") from error
    return path


@contextlib.contextmanager
def atomic_output(path: str | Path, overwrite: bool = False) -> Iterator[Path]:
    """Yields a temporary path with the same ending, renamed to ``path`` when the block succeeds.

    The temporary file lies in a hidden folder beside the target, on the same file system, and is
    removed when the block fails or is cancelled.

    Raises:
        InputError: as :func:`check_output`, or the disk is full.
    """
    path = check_output(path, overwrite)
    workplace = Path(tempfile.mkdtemp(prefix=".writing-", dir=path.absolute().parent))
    try:
        temporary = workplace / path.name
        yield temporary
        _finish(temporary)
        if path.exists() and not overwrite:
            raise InputError(path, "appeared while it was being made", "choose another name")
        os.replace(temporary, path)
    except Exception as error:
        if _is_of_a_full_disk(error):
            raise InputError(
                path, "no space left on the disk, or beyond a limit on it", "free some and try again"
            ) from error
        raise
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def _is_of_a_full_disk(error: BaseException | None) -> bool:
    """Whether a full disk, a quota or a limit on files is behind ``error``.

    torch raises an error of its own while it handles the system's; safetensors has that in its text alone.
    """
    while error is not None:
        if getattr(error, "errno", None) in _FULL or any(f"(os error {code})" in str(error) for code in _FULL):
            return True
        error = error.__cause__ or error.__context__
    return False


def _finish(temporary: Path) -> None:
    """Puts the file on the disk, readable to whom a plain new file would be."""
    plain = temporary.with_name(".plain")
    plain.touch()
    os.chmod(temporary, plain.stat().st_mode)
    with open(temporary, "rb") as stream:
        os.fsync(stream.fileno())
