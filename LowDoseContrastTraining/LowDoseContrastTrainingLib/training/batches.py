"""Random batches of paired crops, made ahead of the step that needs them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from LowDoseContrastLib.errors import InputError
from torch.nn import functional

from ..dataset.eight_bit_conversion import StoredScale
from ..dataset.patch_store import PatchStore
from .suitability import check_crops

if TYPE_CHECKING:
    from .recipe import Recipe

AHEAD = 2  # batches that are made before they are asked for
_END = object()


class Batch(NamedTuple):
    """What one process sees in one step: pixel values, float32 (N, 1, size, size) each.

    ``weight`` is what its mean losses count for in the average over the processes.
    """

    low: torch.Tensor
    high: torch.Tensor
    weight: float = 1.0


class Batches:
    """The batches of every epoch, or one process's part of each.

    The order, the places and the flips of an epoch depend on the seed and the epoch alone, so a
    resumed training sees what an uninterrupted one does, and all processes together see what one
    alone would. With several processes, a last batch that would leave some idle joins the one
    before it.

    Args:
        store: the patches.
        scale: PNG values to pixel values.
        recipe: batch size (of all processes together), crops and flips.
        part, parts: which process of how many.

    Raises:
        InputError: patches smaller than the crops, or fewer in a batch than processes.
    """

    def __init__(self, store: PatchStore, scale: StoredScale, recipe: Recipe, part: int = 0, parts: int = 1) -> None:
        self.store, self.scale, self.recipe, self.part, self.parts = store, scale, recipe, part, parts
        check_crops(store.shape, recipe)
        fewest = min(recipe.batch_size, len(store) * recipe.crops_per_patch)
        if fewest < parts:
            raise InputError(
                "",
                f"a batch of {fewest} cannot be shared by {parts} processes",
                "raise the recipe's batch_size or start fewer",
            )

    def __len__(self) -> int:
        return len(self._ends())

    def _ends(self) -> list[int]:
        """Where each batch of an epoch ends."""
        count, size = len(self.store) * self.recipe.crops_per_patch, self.recipe.batch_size
        ends = [*range(size, count, size), count]
        if len(ends) > 1 and ends[-1] - ends[-2] < self.parts:
            del ends[-2]
        return ends

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Yield every :class:`Batch` of an epoch (from 0)."""
        return _ahead(self._made(epoch))

    def _made(self, epoch: int) -> Iterator[Batch]:
        rng = np.random.default_rng([self.recipe.seed, epoch])
        count = len(self.store)
        order = np.concatenate([rng.permutation(count) for _ in range(self.recipe.crops_per_patch)])
        for start, end in zip((0, *self._ends()), self._ends(), strict=False):
            crops = [(number, *self._drawn(rng)) for number in order[start:end]]
            bounds = [place * len(crops) // self.parts for place in (self.part, self.part + 1)]
            own = crops[slice(*bounds)]
            sides = zip(*(self._crop(*crop) for crop in own), strict=True)
            low, high = (torch.stack(side)[:, None] for side in sides)
            yield Batch(low, high, len(own) * self.parts / len(crops))

    def _drawn(self, rng: np.random.Generator) -> tuple:
        """Draw the place of a crop and the axes along which it is mirrored."""
        recipe = self.recipe
        sides = (recipe.load_size,) * 2 if recipe.crop == "resize" else self.store.shape
        row, column = (int(rng.integers(side - recipe.crop_size + 1)) for side in sides)
        across = recipe.flip != "none" and rng.random() < 0.5
        down = recipe.flip == "both" and rng.random() < 0.5
        return row, column, [axis for axis, wanted in ((0, down), (1, across)) if wanted]

    def _crop(self, number: int, row: Any, column: int, axes: tuple[int, ...]) -> list[torch.Tensor]:
        size, made = self.recipe.crop_size, []
        for stored in self.store.pair(number):
            if self.recipe.crop == "resize":
                image = resized(torch.from_numpy(self.scale.decode(stored)), self.recipe.load_size)[
                    row : row + size, column : column + size
                ]
            else:
                image = torch.from_numpy(self.scale.decode(stored[row : row + size, column : column + size]))
            made.append(image.flip(axes) if axes else image)
        return made


def resized(image: torch.Tensor, size: int) -> torch.Tensor:
    """Return a tensor (rows, columns) resampled to ``size`` squared, bicubic, within its own range."""
    result = functional.interpolate(image[None, None], size=(size, size), mode="bicubic", align_corners=False)
    return result[0, 0].clamp(float(image.min()), float(image.max()))


def _ahead(items: Any) -> Iterator[Any]:
    """Yield the items of an iterator, which a thread makes up to ``AHEAD`` of them early."""
    with ThreadPoolExecutor(1) as thread:
        waiting = deque(thread.submit(next, items, _END) for _ in range(AHEAD))
        while (item := waiting.popleft().result()) is not _END:
            waiting.append(thread.submit(next, items, _END))
            yield item
