"""Excluding the background: patches that are mostly air."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np


def outside_background(
    mask: np.ndarray, places: Iterable[tuple[int, int]], size: int, least: float
) -> list[tuple[int, int, float]]:
    """Return (row, column, share in the breast) of the patches of which at least the share ``least`` is breast.

    Args:
        mask: where the breast is.
        places: (row, column) of the patches.
        size: of a patch, pixels.
    """
    shares = [(row, column, float(mask[row : row + size, column : column + size].mean())) for row, column in places]
    return [place for place in shares if place[2] >= least]
