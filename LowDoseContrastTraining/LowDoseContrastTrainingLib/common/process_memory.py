"""The computer's memory, and whether this process keeps memory that it has freed."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)
_LARGEST = 2**31 - 1


def physical_bytes() -> int:
    """Return the memory of this computer."""
    import psutil

    return psutil.virtual_memory().total


def keep_freed_memory() -> None:
    """Make glibc keep freed memory instead of returning it to the system.

    Every training step frees large blocks and needs them again; the system would clear them page by
    page each time. This changes the whole process: call it in programs, not in libraries. It does
    nothing except on Linux with glibc.
    """
    mallopt = _of_glibc("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST)
        mallopt(_M_TRIM_THRESHOLD, _LARGEST)


def give_back_memory() -> None:
    """Make glibc return freed memory to the system, also where it lies between blocks in use.

    It does nothing except on Linux with glibc.
    """
    malloc_trim = _of_glibc("malloc_trim")
    if malloc_trim is not None:
        malloc_trim(ctypes.c_size_t(0))


def _of_glibc(name: str) -> Callable[..., int] | None:
    """Return a function of glibc; None where the C library is another."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None
