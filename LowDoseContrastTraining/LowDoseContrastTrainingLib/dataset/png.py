"""Patches as grey PNG files of 8 or 16 bits."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.quiet import quietly


def write_png(path: Path, stored: np.ndarray) -> None:
    """Write a grey PNG of 8 or 16 bits.

    Raises:
        InputError: it cannot be written.
    """
    import SimpleITK as sitk

    try:
        sitk.WriteImage(sitk.GetImageFromArray(stored), str(path), True)
    except RuntimeError as error:
        raise InputError(path.name, "cannot be written", "check the free space on the disk") from error


def png_shape(path: Path) -> tuple[int, int]:
    """Return (rows, columns) of a PNG, from its header alone.

    Raises:
        InputError: the file is missing or not a PNG.
    """
    try:
        with open(path, "rb") as stream:
            head = stream.read(24)
    except OSError as error:
        raise InputError(path, "is missing", "prepare the data set again") from error
    if len(head) < 24 or not head.startswith(b"\x89PNG"):
        raise InputError(path, "cannot be read as PNG", "prepare the data set again")
    columns, rows = struct.unpack(">II", head[16:])
    return rows, columns


@quietly()
def read_png(path: Path) -> np.ndarray:
    """Return a grey PNG, uint8 or uint16 (rows, columns).

    Raises:
        InputError: the file is missing, damaged or not grey.
    """
    import SimpleITK as sitk

    try:
        image = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    except RuntimeError as error:
        raise InputError(path, "cannot be read as PNG", "prepare the data set again") from error
    if image.ndim != 2 or image.dtype not in (np.uint8, np.uint16):
        raise InputError(path, "is not a grey PNG of 8 or 16 bits", "prepare the data set again")
    return image
