"""Checks of the images that are to be measured."""

from __future__ import annotations

import numpy as np
from LowDoseContrastLib.errors import InputError
from numpy.typing import ArrayLike


def checked_stack(images: ArrayLike, least: int = 1, shape: tuple[int, ...] | None = None) -> np.ndarray:
    """Return images as an array (realisations, rows, columns), without a copy if they are one.

    Args:
        images: an image, or realisations of the same size.
        least: how many realisations the measure needs.
        shape: (rows, columns) that they must have, if any.

    Raises:
        InputError: too few, or of different sizes.
    """
    try:
        stack = np.asarray(images)
        stack = stack[None] if stack.ndim == 2 else stack
    except ValueError as error:
        problem = "the realisations have different sizes"
        raise InputError("", problem, "measure images of one acquisition geometry") from error
    if stack.ndim != 3:
        raise InputError("", f"realisations must be images of one size, not an array of {stack.ndim} dimensions")
    if len(stack) < least:
        problem = f"{len(stack)} realisation(s) given, at least {least} are needed"
        raise InputError("", problem, f"simulate with {{realisations}} {max(least, 5)}")
    if shape is not None and stack.shape[1:] != tuple(shape):
        found, wanted = ("x".join(map(str, each)) for each in (stack.shape[1:], shape))
        raise InputError("", f"the images have {found} pixels, what they are compared with {wanted}")
    return stack


def checked_mask(mask: ArrayLike | None, shape: tuple[int, ...]) -> np.ndarray:
    """Return a mask as bool (rows, columns); None means everywhere.

    Raises:
        InputError: the mask has another size or is empty.
    """
    if mask is None:
        return np.ones(shape, bool)
    mask = np.asarray(mask, bool)
    if mask.shape != tuple(shape):
        raise InputError("", f"the mask has {mask.shape} pixels, the images {tuple(shape)}")
    if not mask.any():
        raise InputError("", "the mask is empty", "nothing can be measured")
    return mask
