"""Independent work in several processes, which end when the work is cancelled."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from LowDoseContrastLib.errors import InputError

from ..common.process_memory import physical_bytes

_Result = TypeVar("_Result")
_PATIENCE_S = 5  # for every way of ending the workers
_BYTES_PER_JOB = 1.5e9  # of memory, for a full field


def default_jobs() -> int:
    """Return how many arrangements this computer can simulate at a time, by its cores and memory."""
    return max(1, min(os.cpu_count() or 1, int(physical_bytes() / 2 / _BYTES_PER_JOB)))


def can_start_processes() -> bool:
    """Return whether this program is a Python interpreter and not an application that embeds one."""
    return "python" in Path(sys.executable or "").name.lower()


def in_processes(
    work: Callable[..., _Result], calls: Iterable[tuple[Any, ...]], jobs: int
) -> Generator[_Result, None, None]:
    """Run ``work(*call)`` for every call in ``jobs`` processes; yield the results as they come.

    Closing the generator, an error or Ctrl+C ends the processes and waits for them.

    Raises:
        InputError: a process was killed; or whatever ``work`` raises.
    """
    # Forking a process with threads (numpy's, Qt's) may hang, so new interpreters are started.
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _prepare)
    try:
        for future in as_completed([pool.submit(_run, work, call) for call in calls]):
            yield future.result()
        pool.shutdown()  # terminating workers that are about to end would make them print tracebacks
    except BrokenProcessPool as error:
        problem = "a worker process was killed, perhaps for memory"
        raise InputError("", problem, "run again with fewer {jobs} to go on") from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        _end_workers()


def _end_workers() -> None:
    """Terminate the workers, twice since a destructor can swallow the signal, and then kill them."""
    children = multiprocessing.active_children()
    for how in ("terminate", "terminate", "kill"):
        for child in children:
            getattr(child, how)()
        for child in children:
            child.join(_PATIENCE_S)


class _Ended(SystemExit):
    """The parent has ended this worker."""


def _prepare() -> None:
    """In a worker, leave Ctrl+C to the parent, and run clean-up code when the parent terminates it."""

    def end(*_: Any) -> NoReturn:
        raise _Ended(1)

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, end)


def _run(work: Callable[..., _Result], call: tuple[Any, ...]) -> _Result:
    try:
        return work(*call)
    except _Ended:
        os._exit(1)  # the pool would treat this as a failed call and start the next one
