"""Cutting pairs into patches: where they lie, and the files that they become."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from LowDoseContrastLib.atomic import atomic_output
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.hashing import file_sha256

from .eight_bit_conversion import StoredScale
from .manifest import SIDES, PatchEntry
from .overlap import Overlap
from .pairing import Pair, read_pair
from .png import write_png


def patch_grid(shape: tuple[int, int], size: int, stride: int) -> list[tuple[int, int]]:
    """Return the (row, column) of every whole patch of ``size`` on a grid of ``stride`` pixels."""
    rows = range(0, shape[0] - size + 1, stride)
    columns = range(0, shape[1] - size + 1, stride)
    return [(row, column) for row in rows for column in columns]


def cut_patches(
    folder: Path, pair: Pair, overlap: Overlap, patches: list[PatchEntry], scale: StoredScale, size: int
) -> list[PatchEntry]:
    """Write the patches of a pair that are not there yet; return all of them with their SHA-256."""
    if not all(patch.path(folder, side).exists() for patch in patches for side in SIDES):
        pixels = (image.pixels[0] for image in read_pair(pair))
        images = dict(zip(SIDES, overlap.crop(*pixels), strict=True))
    for patch in patches:
        for side in SIDES:
            path = patch.path(folder, side)
            if not path.exists():
                part = images[side][patch.row : patch.row + size, patch.column : patch.column + size]
                _write_patch(path, scale.encode(part))
    return [replace(each, sha256={side: file_sha256(each.path(folder, side)) for side in SIDES}) for each in patches]


def _write_patch(path: Path, stored: np.ndarray) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(path.parent, f"cannot be made ({error.strerror})", "choose another folder") from error
    with atomic_output(path) as temporary:
        write_png(temporary, stored)
