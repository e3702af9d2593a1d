"""Independent, reproducible random streams, named by their purpose."""

from __future__ import annotations

import zlib

import numpy as np


def stream(seed: int, *purpose: str | int) -> np.random.Generator:
    """Return the random generator for a purpose.

    The same seed and purpose give the same numbers in whatever order streams are used, so neither the
    number of processes nor the choice of doses changes a byte of a simulated image. Different purposes
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
