"""The part that two shifted images have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Overlap:
    """The part that both images of a pair show.

    Attributes:
        low, high: (row, column) in either image at which the part begins.
        shape: (rows, columns) of it.
    """

    low: tuple[int, int]
    high: tuple[int, int]
    shape: tuple[int, int]

    def crop(self, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the part of both images."""
        return self._part(low, self.low), self._part(high, self.high)

    def _part(self, image: np.ndarray, start: tuple[int, int]) -> np.ndarray:
        return image[start[0] : start[0] + self.shape[0], start[1] : start[1] + self.shape[1]]

    def start(self, dose: str) -> tuple[int, int]:
        """Return (row, column) at which the part begins in the image at the ``low`` or the ``high`` dose."""
        return self.low if dose == "low" else self.high


def overlap(shape: tuple[int, int], shift: tuple[float, float]) -> Overlap:
    """Return the part that images of ``shape`` share once the high dose is moved back by ``shift``, in whole pixels."""
    down, right = (round(by) for by in shift)
    low, high = (max(0, -down), max(0, -right)), (max(0, down), max(0, right))
    return Overlap(low, high, (shape[0] - abs(down), shape[1] - abs(right)))
