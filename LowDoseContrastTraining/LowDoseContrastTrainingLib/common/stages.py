"""The stages of a long run: how far it is as a whole, and how long every stage took."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TypeVar

from LowDoseContrastLib.steps import Clock, Progress, Steps, mapped

LAST = 0.99  # of the run; writing the results is the rest
_Result = TypeVar("_Result")


class Stages:
    """Runs stages one after the other.

    Args:
        weights: name -> roughly how long the stage takes, in any unit.

    Attributes:
        seconds: name -> how long the stage took.
    """

    def __init__(self, weights: Mapping[str, float]) -> None:
        self._clock, self._weights, self._furthest = Clock(), weights, 0.0
        self.seconds: dict[str, float] = {}

    def run(self, name: str, steps: Steps[_Result]) -> Steps[_Result]:
        """Run a stage whose ``steps`` yield the share done; return their result."""
        names, total = list(self._weights), sum(self._weights.values())
        before = sum(self._weights[earlier] for earlier in names[: names.index(name)])
        own, start = self._weights[name], time.perf_counter()
        result = yield from mapped(steps, lambda each: self._progress((before + each.done * own) / total, name))
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
        return result

    def _progress(self, share: float, name: str) -> Progress:
        self._furthest = max(self._furthest, LAST * share)
        return self._clock.progress(self._furthest, name)

    def end(self, message: str) -> Progress:
        """Return the last progress."""
        return self._clock.progress(1.0, message)
