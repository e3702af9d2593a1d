"""The held-out patches of a data set, as a generator takes them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..dataset.eight_bit_conversion import StoredScale
from ..dataset.manifest import PairedDataSet
from ..dataset.patch_store import PatchStore
from .batches import resized

if TYPE_CHECKING:
    from .recipe import Recipe

CHUNK = 4  # patches that are looked at together
SATURATED = 0.95  # of full scale; above it the detector has clipped and nothing is compared


def unsaturated(low: np.ndarray, high: np.ndarray, full_scale: float, scale: StoredScale) -> np.ndarray:
    """Return where neither image has reached the end of the detector's range or of the data set's PNG values, bool."""
    level = (scale.high - scale.low) / scale.levels
    return np.maximum(low, high) < min(SATURATED * full_scale, scale.high - level / 2)


class HeldOut:
    """The patches of ``val`` or ``test`` in pixel values, a few at a time.

    Args:
        data: the data set.
        split: ``val`` or ``test``.
        recipe: crops as :class:`.batches.Batches`, but always the middle of a patch.
        room: bytes of memory for decoded patches.
    """

    def __init__(self, data: PairedDataSet, split: str, recipe: Recipe, room: float) -> None:
        self.recipe, self.scale = recipe, data.scale
        self.full_scale = float(2 ** data.arrangements[0].bits - 1)
        self._store = PatchStore(data, split, room)

    @property
    def kept_bytes(self) -> int:
        """Memory that its decoded patches take."""
        return self._store.kept_bytes

    def __len__(self) -> int:
        return len(self._store)

    def chunks(self) -> Iterator[Any]:
        """Yield (input, target), float32 (up to ``CHUNK``, rows, columns) each."""
        for start in range(0, len(self), CHUNK):
            pairs = [self._store.pair(number) for number in range(start, min(start + CHUNK, len(self)))]
            yield tuple(np.stack([self._middle(image) for image in side]) for side in zip(*pairs, strict=True))

    def _middle(self, stored: np.ndarray) -> np.ndarray:
        pixels, size = self.scale.decode(stored), self.recipe.crop_size
        if self.recipe.crop == "resize":
            return resized(torch.from_numpy(pixels), size).numpy()
        row, column = ((side - size) // 2 for side in pixels.shape)
        return pixels[row : row + size, column : column + size]

    def valid(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """Return where neither image is saturated."""
        return unsaturated(low, high, self.full_scale, self.scale)

    @cached_property
    def fitted_gain(self) -> float:
        """The factor from input to target with the least squares of error over all valid pixels."""
        products = squares = 0.0
        for low, high in self.chunks():
            valid = self.valid(low, high)
            products += float(np.sum(low * high, where=valid, dtype=np.float64))
            squares += float(np.sum(low * low, where=valid, dtype=np.float64))
        return products / squares if squares else 1.0

    @cached_property
    def span(self) -> float:
        """The range of the valid pixels of the targets."""
        lowest, highest = np.inf, -np.inf
        for low, high in self.chunks():
            inside = high[self.valid(low, high)]
            if inside.size:
                lowest, highest = min(lowest, inside.min()), max(highest, inside.max())
        return float(highest - lowest) if highest > lowest else 1.0
