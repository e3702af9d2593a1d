"""How a data set is made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.settings import check, setting

from .dose_levels import DOSE_LEVELS, parse_levels

SPLITS = ("random", "arrangement", "loo")


@dataclass(frozen=True)
class PrepareSettings:
    """How a data set is made; the defaults are the paper's.

    Attributes:
        stride: the patch size where none is given.
        bits: 8 as in the paper; 16 keeps exact pixel values.
        split: ``random`` patches (as in the paper; an arrangement is then in training and test), whole
            ``arrangement``s, or ``loo``: arrangement number ``fold`` is held out.
        test: patch pairs (random, default 188 or a quarter) or arrangements (default a sixth).
        validation: patch pairs (default a twentieth of training) or arrangements (default 1).
        breast_part: the default keeps about as many patches as the paper from as many images.
        group_by: see :func:`.pairing.find_pairs`.
        doses: see :func:`.dose_levels.parse_levels`.
        scale: pixel values at the ends of the PNG's range: ``LO,HI``, ``full`` (of the bits stored), or
            ``auto`` (8 bits: from 0 to the brightest of the breast; 16 bits: every pixel value is kept).

    Raises:
        InputError: a value out of its range.
    """

    patch_size: int = setting(150, "side of a patch", unit="pixels", least=1, metavar="N", source="the paper")
    stride: int | None = setting(
        None, "from patch to patch", unit="pixels", least=1, metavar="N", default_help="the patch size"
    )
    bits: int = setting(8, "8 as the paper, or 16 for exact pixel values", choices=(8, 16))
    split: str = setting(
        "random",
        "random patches as the paper (test and training share phantoms), whole arrangements, or one of them (loo)",
        choices=SPLITS,
    )
    test: int | None = setting(
        None,
        "patch pairs or arrangements held out",
        least=0,
        metavar="N",
        default_help="188 pairs or a sixth of the arrangements",
    )
    validation: int | None = setting(
        None,
        "patch pairs or arrangements watched while training",
        least=0,
        metavar="N",
        default_help="a twentieth, or 1",
    )
    seed: int = setting(0, "of the split", least=0, metavar="S")
    breast_part: float = setting(0.6, "least part of a patch inside the breast", least=0, most=1, metavar="F")
    group_by: str = setting(
        "auto",
        "what tells arrangements apart: study, folder, a DICOM keyword, "
        "or a .csv file with the columns file and arrangement",
        metavar="HOW",
        default_help="auto, study or else folder",
    )
    doses: str = setting(
        f"low={DOSE_LEVELS['low']},high={DOSE_LEVELS['high']}",
        "entrance doses in mGy, by the dose tag or else by the ratio of the exposures",
        metavar="LEVELS",
    )
    scale: str = setting(
        "auto",
        "pixel values at the ends of the PNG's range",
        metavar="auto|full|LO,HI",
        default_help="auto, up to the brightest of the breast in 8 bits, every value in 16",
    )
    fold: int | None = setting(None, "the arrangement that loo holds out, from 1", metavar="K")
    align: bool = setting(False, "correct shifts by whole pixels, keeping what both images show")
    max_shift: float = setting(8.0, "leave out pairs that lie further apart", unit="pixels", least=0, metavar="PIXELS")

    def __post_init__(self) -> None:
        check(self)
        parse_levels(self.doses)
        parse_scale(self.scale)
        if self.stride is None:
            object.__setattr__(self, "stride", self.patch_size)
        if (self.split == "loo") != (self.fold is not None):
            raise InputError("", "{split} loo and {fold} K go together: K is the number of the arrangement held out")
        if self.split == "loo" and self.test is not None:
            raise InputError("", "{test} cannot be used with {split} loo, which holds out one arrangement")

    @property
    def step(self) -> int:
        """Pixels from patch to patch."""
        return self.stride or self.patch_size


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
