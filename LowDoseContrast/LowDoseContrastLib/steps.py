"""Long work as generators: they yield how far they are and return their result."""

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far work has come: ``done`` in [0, 1], ``message``, ``remaining`` seconds or None."""

    done: float
    message: str = ""
    remaining: float | None = None


class Clock:
    """Turns shares of work done into :class:`Progress` with the remaining time."""

    def __init__(self):
        self.start = time.perf_counter()

    @property
    def seconds(self):
        """Seconds since the start."""
        return time.perf_counter() - self.start

    def progress(self, done, message):
        return Progress(done, message, self.seconds * (1 - done) / done if done > 0.02 else None)


def run_to_end(steps, progress=None):
    """Exhausts the generator ``steps`` and returns its result; ``progress`` is called with all it yields."""
    while True:
        try:
            update = next(steps)
        except StopIteration as stop:
            return stop.value
        if progress is not None:
            progress(update)


def mapped(steps, change):
    """Generator: ``steps`` with ``change`` applied to all it yields; returns what ``steps`` returns."""
    while True:
        try:
            update = next(steps)
        except StopIteration as stop:
            return stop.value
        yield change(update)
