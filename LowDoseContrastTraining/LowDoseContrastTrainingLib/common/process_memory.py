"""The computer's memory, and how this process keeps hold of its own."""

from __future__ import annotations

import ctypes
import os
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # of mallopt(3)
_LARGEST = 2**31 - 1


def physical_bytes() -> int | None:
    """Return the memory of this computer, or None where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def keep_freed_memory() -> None:
    """Let glibc keep freed memory for the next step of a training instead of giving it back.

    Every step frees and needs again the same large blocks; fetching them anew means that the
    system clears them page by page. It holds for the whole process, so it is for programs and not
    for libraries. Elsewhere than on Linux with glibc, nothing happens.
    """
    mallopt = _of_glibc("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGEST)
        mallopt(_M_TRIM_THRESHOLD, _LARGEST)


def give_back_memory() -> None:
    """Let glibc give freed memory back to the system, which it else keeps in pieces between what is still in use.

    Elsewhere than on Linux with glibc, nothing happens.
    """
    malloc_trim = _of_glibc("malloc_trim")
    if malloc_trim is not None:
        malloc_trim(ctypes.c_size_t(0))


def _of_glibc(name):
    """A function of the C library where that is glibc, else None."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform.startswith("linux") else None
