"""How a data set is made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from LowDoseContrastLib.errors import InputError

from .dose_levels import parse_levels

SPLITS = ("random", "arrangement", "loo")


@dataclass(frozen=True)
class PrepareSettings:
    """How a data set is made; the defaults are the paper's.

    Attributes:
        patch_size, stride: pixels.
        bits: 8 (as the paper) or 16 (exact pixel values).
        split: ``random`` patches (the paper's; an arrangement is then in training and test), whole
            ``arrangement``s, or ``loo``: one arrangement held out, number ``fold``.
        test: patch pairs (random, default 188 or a quarter) or arrangements (default a sixth).
        validation: patch pairs (default a twentieth of training) or arrangements (default 1).
        breast_part: least part of a patch within the breast, 0 to 1; with the default about as many
            patches are kept of the paper's number of images as the paper kept.
        group_by: what tells arrangements apart, see :func:`.pairing.find_pairs`.
        doses: the levels in mGy, see :func:`.dose_levels.parse_levels`.
        scale: pixel values that become the ends of the PNG's range: ``LO,HI``, ``full`` (of the
            bits stored), or ``auto`` (8 bits: from 0 to the brightest of the breast; 16 bits: every
            pixel value is kept).
        fold: counts from 1.
        align: correct shifts by whole pixels.
        max_shift: pixels; pairs that lie further apart are left out.

    Raises:
        InputError: a value out of its range.
    """

    patch_size: int = 150
    stride: int = 150
    bits: int = 8
    split: str = "random"
    test: int | None = None
    validation: int | None = None
    seed: int = 0
    breast_part: float = 0.6
    group_by: str = "auto"
    doses: str = "low=3.359,high=11.523"
    scale: str = "auto"
    fold: int | None = None
    align: bool = False
    max_shift: float = 8.0

    def __post_init__(self):
        parse_levels(self.doses)
        parse_scale(self.scale)
        for name, least in (("patch_size", 1), ("stride", 1), ("test", 0), ("validation", 0), ("seed", 0), ("max_shift", 0)):
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise InputError("", f"{{{name}}} must be at least {least}, it is {value}")
        if self.bits not in (8, 16):
            raise InputError("", f"{{bits}} must be 8 or 16, it is {self.bits}")
        if not 0 <= self.breast_part <= 1:
            raise InputError("", f"{{breast_part}} must be between 0 and 1, it is {self.breast_part}")
        self._check_split()

    def _check_split(self):
        if self.split not in SPLITS:
            raise InputError("", f"{{split}} must be one of {', '.join(SPLITS)}, it is {self.split}")
        if (self.split == "loo") != (self.fold is not None):
            raise InputError("", "{split} loo and {fold} K go together: K is the number of the arrangement held out")
        if self.split == "loo" and self.test is not None:
            raise InputError("", "{test} cannot be used with {split} loo, which holds out one arrangement")


def parse_scale(text: str) -> tuple[float, float] | None:
    """Return (low, high) pixel values of a scale ``LO,HI``, or None for ``auto`` and ``full``.

    Raises:
        InputError: it is neither.
    """
    if text in ("auto", "full"):
        return None
    try:
        low, high = (float(each) for each in text.split(","))
    except ValueError as error:
        raise InputError("", f"{{scale}} must be auto, full or LO,HI such as 0,4095, it is {text}") from error
    if not (low < high and math.isfinite(low) and math.isfinite(high)):
        raise InputError("", f"{{scale}}: LO must be less than HI, it is {text}")
    return low, high
