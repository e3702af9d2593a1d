"""Excluding the background: patches that are mostly air."""

from __future__ import annotations

import numpy as np


def breast_share(mask: np.ndarray, row: int, column: int, size: int) -> float:
    """Return the part of a patch that lies in the breast, 0 to 1."""
    return float(mask[row : row + size, column : column + size].mean())


def outside_background(mask: np.ndarray, places, size: int, least: float) -> tuple:
    """Return (row, column, part within the breast) of those patches that lie in the breast by ``least`` or more.

    Args:
        mask: where the breast is.
        places: (row, column) of the patches.
    """
    shares = ((row, column, breast_share(mask, row, column, size)) for row, column in places)
    return tuple(place for place in shares if place[2] >= least)
