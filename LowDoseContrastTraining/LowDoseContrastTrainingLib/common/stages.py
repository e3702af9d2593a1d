"""The parts of a long work: how far it is in all, and how long each took."""

from __future__ import annotations

import time

from LowDoseContrastLib.steps import Clock, mapped

LAST = 0.99  # of the work; what is left is the writing


class Stages:
    """Runs parts one after the other.

    Args:
        weights: name -> about how long it takes, in any unit.

    Attributes:
        seconds: name -> how long it took.
    """

    def __init__(self, weights: dict[str, float]):
        self._clock, self._weights, self._furthest, self.seconds = Clock(), weights, 0.0, {}

    def run(self, name: str, steps):
        """Generator: runs ``steps``, which yields shares done, and returns what it returns; yields :class:`LowDoseContrastLib.steps.Progress`."""
        names = list(self._weights)
        total, before = sum(self._weights.values()), sum(self._weights[each] for each in names[: names.index(name)])
        start = time.perf_counter()
        result = yield from mapped(steps, lambda share: self._progress((before + share * self._weights[name]) / total, name))
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
        return result

    def _progress(self, share, name):
        self._furthest = max(self._furthest, LAST * share)
        return self._clock.progress(self._furthest, name)

    def end(self, message: str):
        """Return the last progress."""
        return self._clock.progress(1.0, message)
