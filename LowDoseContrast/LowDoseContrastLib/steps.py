"""Long work as generators: they yield how far they are and return their result."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """How far work has come.

    Attributes:
        done: in [0, 1].
        message: what is being done; may be empty.
        remaining: seconds, or None where nobody can tell yet.
    """

    done: float
    message: str = ""
    remaining: float | None = None


Steps = Generator[Progress, None, T]  # work that returns a T; closing it cancels


class Clock:
    """Turns the share of work done into :class:`Progress` with the remaining time."""

    def __init__(self) -> None:
        self.start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.start

    def progress(self, done: float, message: str) -> Progress:
        """Return the progress at ``done``, in [0, 1]."""
        return Progress(done, message, self.seconds * (1 - done) / done if done > 0.02 else None)


def part(steps: Steps[T], start: float, end: float) -> Steps[T]:
    """Work that is the part from ``start`` to ``end`` (in [0, 1]) of a larger one; returns what ``steps`` return.

    >>> def counting():
    ...     yield Progress(0.5, "half")
    ...     return 7
    >>> list(part(counting(), 0.5, 1.0))
    [Progress(done=0.75, message='half', remaining=None)]
    """
    return (
        yield from mapped(steps, lambda progress: Progress(start + (end - start) * progress.done, progress.message))
    )


def timed(steps: Steps[T], message: str = "") -> Steps[T]:
    """The same work with its remaining time, and with ``message`` if it is not empty."""
    clock = Clock()
    return (yield from mapped(steps, lambda progress: clock.progress(progress.done, message or progress.message)))


def run_to_end(steps: Generator[Any, None, T], progress: Callable[[Any], object] | None = None) -> T:
    """Exhaust ``steps`` and return their result; ``progress`` is called with all they yield."""
    while True:
        try:
            update = next(steps)
        except StopIteration as stop:
            return stop.value
        if progress is not None:
            progress(update)


def mapped(steps: Generator[Any, None, T], change: Callable[[Any], Any]) -> Generator[Any, None, T]:
    """The same work with ``change`` applied to all it yields."""
    try:
        while True:
            try:
                update = next(steps)
            except StopIteration as stop:
                return stop.value
            yield change(update)
    finally:
        steps.close()
