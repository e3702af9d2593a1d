"""Independent work in several processes, which end when it is cancelled."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from LowDoseContrastLib.errors import InputError

from ..common.process_memory import physical_bytes

_PATIENCE_S = 5  # for each way of ending the workers
_BYTES_PER_JOB = 1.5e9  # of memory, for a full field


def default_jobs() -> int:
    """Return how many arrangements this computer makes at a time: its cores, or what its memory holds."""
    cores = os.cpu_count() or 1
    memory = physical_bytes()
    if memory is None:
        return min(cores, 2)
    return max(1, min(cores, int(memory / 2 / _BYTES_PER_JOB)))


def can_start_processes() -> bool:
    """Return whether this program is a Python that further ones can be started of, and not an application with one inside."""
    return "python" in Path(sys.executable or "").name.lower()


def in_processes(work, calls, jobs: int):
    """Run ``work(*call)`` for every call in ``jobs`` processes; yields the results as they come.

    Closing the generator, an error or Ctrl+C ends the processes and waits for them.

    Raises:
        InputError: a process was killed; or whatever ``work`` raises.
    """
    # Fresh interpreters: forking a process that holds threads (numpy's, Qt's) may hang.
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _prepare)
    try:
        for future in as_completed([pool.submit(_run, work, call) for call in calls]):
            yield future.result()
    except BrokenProcessPool as error:
        raise InputError("", "a worker process was killed, perhaps for memory", "run again with fewer {jobs} to go on") from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        _end_workers()


def _end_workers():
    """Politely, again where the first signal was lost in a destructor, and then by force."""
    children = multiprocessing.active_children()
    for how in ("terminate", "terminate", "kill"):
        for child in children:
            getattr(child, how)()
        for child in children:
            child.join(_PATIENCE_S)


class _Ended(SystemExit):
    """The parent has ended this worker."""


def _prepare():
    """In a worker: Ctrl+C is the parent's to handle; its terminate lets clean-up code run."""

    def end(*_):
        raise _Ended(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end)


def _run(work, call):
    try:
        return work(*call)
    except _Ended:
        os._exit(1)  # the pool would take this for a failed call and begin the next one
