"""Cutting pairs into patches, and patches as PNG."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from LowDoseContrastLib.errors import InputError


@dataclass(frozen=True)
class StoredScale:
    """The fixed linear scale between pixel values and PNG values of a data set.

    PNG value = round((I - low) / (high - low) x levels), clipped to 0..levels.

    Attributes:
        low, high: pixel values that become 0 and ``levels``.
        levels: 255 (8 bits) or 65535 (16 bits).
    """

    low: float
    high: float
    levels: int

    def encode(self, pixels: np.ndarray) -> np.ndarray:
        """Return PNG values, uint8 or uint16, of pixel values."""
        unit = (np.asarray(pixels, np.float64) - self.low) / (self.high - self.low)
        stored = np.clip(np.rint(unit * self.levels), 0, self.levels)
        return stored.astype(np.uint8 if self.levels == 255 else np.uint16)

    def decode(self, stored: np.ndarray) -> np.ndarray:
        """Return pixel values, float32, of PNG values."""
        factor = (self.high - self.low) / self.levels
        return (stored.astype(np.float64) * factor + self.low).astype(np.float32)


def grid(shape: tuple[int, int], size: int, stride: int) -> list[tuple[int, int]]:
    """Return the (row, column) of every whole patch of ``size`` on a grid of ``stride`` pixels."""
    rows = range(0, shape[0] - size + 1, stride)
    columns = range(0, shape[1] - size + 1, stride)
    return [(row, column) for row in rows for column in columns]


def breast_share(mask: np.ndarray, row: int, column: int, size: int) -> float:
    """Return the part of a patch that lies in the breast, 0 to 1."""
    return float(mask[row : row + size, column : column + size].mean())


def write_png(path: Path, stored: np.ndarray) -> None:
    """Write one grey PNG of 8 or 16 bits.

    Raises:
        InputError: it cannot be written.
    """
    import SimpleITK as sitk

    try:
        sitk.WriteImage(sitk.GetImageFromArray(stored), str(path), True)
    except RuntimeError as error:
        raise InputError(f"{path.name}: cannot be written; check the free space on the disk") from error


def png_shape(path: Path) -> tuple[int, int]:
    """Return (rows, columns) of a PNG, from its header alone.

    Raises:
        InputError: the file is missing or no PNG.
    """
    try:
        with open(path, "rb") as stream:
            head = stream.read(24)
    except OSError as error:
        raise InputError(f"{path}: is missing; prepare the data set again") from error
    if len(head) < 24 or not head.startswith(b"\x89PNG"):
        raise InputError(f"{path}: cannot be read as PNG; prepare the data set again")
    columns, rows = struct.unpack(">II", head[16:])
    return rows, columns


def read_png(path: Path) -> np.ndarray:
    """Return one grey PNG, uint8 or uint16 (rows, columns).

    Raises:
        InputError: the file is missing, damaged or not grey.
    """
    import SimpleITK as sitk

    try:
        image = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    except RuntimeError as error:
        raise InputError(f"{path}: cannot be read as PNG; prepare the data set again") from error
    if image.ndim != 2 or image.dtype not in (np.uint8, np.uint16):
        raise InputError(f"{path}: is not a grey PNG of 8 or 16 bits; prepare the data set again")
    return image
