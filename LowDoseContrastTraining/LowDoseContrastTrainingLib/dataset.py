"""A prepared data set in memory, and its random batches."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from LowDoseContrastLib.errors import InputError

from .patches import StoredScale, read_png
from .prepare import MANIFEST, SCHEMA


@dataclass(frozen=True)
class PairedDataSet:
    """The manifest of a prepared data set.

    Attributes:
        folder: where it lies.
        scale: PNG values to pixel values.
        arrangements, patches: the manifest's tables.
        fingerprint: SHA-256 of the manifest, which holds the hashes of all patches.
    """

    folder: Path
    scale: StoredScale
    arrangements: tuple
    patches: tuple
    fingerprint: str

    def of(self, split: str) -> list[dict]:
        """Return the patches of ``train``, ``val`` or ``test``."""
        return [patch for patch in self.patches if patch["split"] == split]

    @property
    def gain(self) -> float:
        """Ratio of the high to the low entrance dose: the median over arrangements."""
        return float(np.median([a["high"]["dose_mgy"] / a["low"]["dose_mgy"] for a in self.arrangements]))


def open_data_set(folder) -> PairedDataSet:
    """Open a prepared data set.

    Raises:
        InputError: there is none, it is of another schema, or its training part is empty.
    """
    path = Path(folder) / MANIFEST
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise InputError(f"{folder}: is no prepared data set (no readable {MANIFEST}); run 'prepare' first") from error
    try:
        manifest = json.loads(raw)
        if manifest["schema"] != SCHEMA:
            raise InputError(f"{path}: has schema {manifest['schema']}, this version reads {SCHEMA}; prepare it again")
        data = PairedDataSet(
            Path(folder),
            StoredScale(**manifest["scale"]),
            tuple(manifest["arrangements"]),
            tuple(manifest["patches"]),
            hashlib.sha256(raw).hexdigest(),
        )
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise InputError(f"{path}: is not a valid manifest; prepare the data set again") from error
    if not data.of("train"):
        raise InputError(f"{folder}: holds no patches for training; prepare it with a smaller test part")
    return data


def load_patches(data: PairedDataSet, split: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (A, B) of a split as PNG values, arrays (patches, rows, columns).

    Raises:
        InputError: a patch is missing, damaged, or not the one in the manifest.
    """
    sides = []
    for side in "AB":
        images = []
        for patch in data.of(split):
            path = data.folder / side / split / patch["name"]
            images.append(_verified(path, patch[f"sha256_{side}"]))
        shapes = {image.shape for image in images}
        if len(shapes) > 1:
            raise InputError(f"{data.folder}: patches of several sizes ({sorted(shapes)}); prepare the data set again")
        sides.append(np.stack(images) if images else np.zeros((0, 1, 1), np.uint16))
    return sides[0], sides[1]


def _verified(path: Path, digest: str) -> np.ndarray:
    try:
        intact = hashlib.sha256(path.read_bytes()).hexdigest() == digest
    except OSError as error:
        raise InputError(f"{path}: is missing; prepare the data set again") from error
    if not intact:
        raise InputError(f"{path}: is not the file in the manifest; prepare the data set again")
    return read_png(path)


class Batches:
    """Random batches of paired crops.

    The order, the places and the flips of an epoch depend on the seed and the epoch alone, so a
    resumed training sees what an uninterrupted one does.

    Args:
        low, high: PNG values (patches, rows, columns).
        scale: PNG values to pixel values.
        recipe: batch size, crops and flips.
    """

    def __init__(self, low, high, scale: StoredScale, recipe):
        self.low, self.high, self.scale, self.recipe = low, high, scale, recipe
        if recipe.crop == "native" and min(low.shape[1:]) < recipe.crop_size:
            raise InputError(
                f"the patches are {low.shape[2]}x{low.shape[1]} pixels, the recipe crops {recipe.crop_size}; "
                f"prepare with --patch-size {recipe.crop_size} or more"
            )

    def __len__(self) -> int:
        return -(-len(self.low) * self.recipe.crops_per_patch // self.recipe.batch_size)

    def epoch(self, epoch: int):
        """Yield (A, B) tensors (batch, 1, size, size) of pixel values, float32."""
        rng = np.random.default_rng([self.recipe.seed, epoch])
        count = len(self.low)
        order = np.concatenate([rng.permutation(count) for _ in range(self.recipe.crops_per_patch)])
        size = self.recipe.batch_size
        for start in range(0, len(order), size):
            yield self._batch(order[start : start + size], rng)

    def _batch(self, indices, rng):
        import torch

        pairs = [self._crop(index, rng) for index in indices]
        return tuple(torch.stack([pair[side] for pair in pairs])[:, None] for side in (0, 1))

    def _crop(self, index, rng):
        import torch

        recipe, size = self.recipe, self.recipe.crop_size
        pair = [images[index] for images in (self.low, self.high)]
        if recipe.crop == "resize":
            pair = [resized(torch.from_numpy(self.scale.decode(image)), recipe.load_size) for image in pair]
        row, column = (int(rng.integers(side - size + 1)) for side in pair[0].shape)
        pair = [image[row : row + size, column : column + size] for image in pair]
        if recipe.crop == "native":
            pair = [torch.from_numpy(self.scale.decode(image)) for image in pair]
        across = recipe.flip != "none" and rng.random() < 0.5
        down = recipe.flip == "both" and rng.random() < 0.5
        axes = [axis for axis, wanted in ((0, down), (1, across)) if wanted]
        return [image.flip(axes) if axes else image for image in pair]


def resized(image, size: int):
    """Return a tensor (rows, columns) resampled to ``size`` squared, bicubic, within its own range."""
    from torch.nn import functional

    result = functional.interpolate(image[None, None], size=(size, size), mode="bicubic", align_corners=False)
    return result[0, 0].clamp(float(image.min()), float(image.max()))
