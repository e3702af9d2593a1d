"""Cutting pairs into patches: where they lie, and the files that they become."""

from __future__ import annotations

from LowDoseContrastLib.atomic import atomic_output
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.hashing import file_sha256

from .manifest import SIDES
from .pairing import read_pair
from .png import write_png


def grid(shape: tuple[int, int], size: int, stride: int) -> list[tuple[int, int]]:
    """Return the (row, column) of every whole patch of ``size`` on a grid of ``stride`` pixels."""
    rows = range(0, shape[0] - size + 1, stride)
    columns = range(0, shape[1] - size + 1, stride)
    return [(row, column) for row in rows for column in columns]


def cut_patches(output, examined, patches, scale, size):
    """Write the patches of a pair that are not there yet, and note the SHA-256 of all."""
    files = [(output / side / patch["split"] / patch["name"], side, patch) for patch in patches for side in SIDES]
    if not all(path.exists() for path, _, _ in files):
        images = dict(zip(SIDES, examined.overlap.crop(*read_pair(examined.pair))))
    for path, side, patch in files:
        if not path.exists():
            part = images[side][patch["row"] : patch["row"] + size, patch["column"] : patch["column"] + size]
            _write_patch(path, scale.encode(part))
        patch[f"sha256_{side}"] = file_sha256(path)


def _write_patch(path, stored):
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(path.parent, f"cannot be made ({error.strerror})", "choose another folder") from error
    with atomic_output(path) as temporary:
        write_png(temporary, stored)
