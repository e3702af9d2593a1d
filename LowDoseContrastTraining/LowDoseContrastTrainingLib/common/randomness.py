"""Independent, reproducible random streams named by what they are for."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return the random generator of one purpose.

    The same seed and purpose give the same numbers wherever and in whatever order
    the streams are used, so that neither the number of processes nor the set of
    doses asked for changes a byte of a simulated image. Two purposes that differ
    give independent streams (numpy's SeedSequence).

    Args:
        seed: non-negative integer.
        purpose: words and numbers, e.g. ``("noise", 3, "low")``.

    Raises:
        ValueError: for a negative seed.
    """
    if seed < 0:
        raise ValueError(f"the seed must not be negative, it is {seed}")
    words = [zlib.crc32(str(word).encode()) for word in purpose]
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, *words])))
