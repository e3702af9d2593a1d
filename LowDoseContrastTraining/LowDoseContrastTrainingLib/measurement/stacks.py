"""What every measure asks of the images that it is given."""

from __future__ import annotations

import numpy as np
from LowDoseContrastLib.errors import InputError


def checked_stack(images, least: int = 1, shape=None) -> np.ndarray:
    """Return images as one array (realisations, rows, columns), not copied where it is one already.

    Args:
        images: one image, or realisations of one size.
        least: how many realisations the measure needs.
        shape: (rows, columns) that they must have, if any.

    Raises:
        InputError: too few, or of different sizes.
    """
    try:
        stack = np.asarray(images)
        stack = stack[None] if stack.ndim == 2 else stack
    except ValueError as error:
        raise InputError("", "the realisations have different sizes", "measure images of one acquisition geometry") from error
    if stack.ndim != 3:
        raise InputError("", f"realisations must be images of one size, not an array of {stack.ndim} dimensions")
    if len(stack) < least:
        raise InputError("", f"{len(stack)} realisation(s) given, at least {least} are needed", f"simulate with {{realisations}} {max(least, 5)}")
    if shape is not None and stack.shape[1:] != tuple(shape):
        raise InputError("", f"the images have {stack.shape[1]}x{stack.shape[2]} pixels, what they are compared with {shape[0]}x{shape[1]}")
    return stack


def checked_mask(mask, shape) -> np.ndarray:
    """Return a mask as bool (rows, columns); None becomes all of the image.

    Raises:
        InputError: another size, or nothing inside.
    """
    if mask is None:
        return np.ones(shape, bool)
    mask = np.asarray(mask, bool)
    if mask.shape != tuple(shape):
        raise InputError("", f"the mask has {mask.shape} pixels, the images {tuple(shape)}")
    if not mask.any():
        raise InputError("", "the mask is empty", "nothing can be measured")
    return mask
