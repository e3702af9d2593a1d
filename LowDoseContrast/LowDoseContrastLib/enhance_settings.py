"""How to enhance; light to import, for command line and panel."""

from __future__ import annotations

from dataclasses import dataclass, field

from .cci import CciVariant
from .settings import check, setting

MODES = ("tiles", "whole", "paper")


@dataclass(frozen=True)
class Settings:
    """How to enhance.

    Attributes:
        mode: ``tiles`` (overlapping, blended), ``whole`` (one pass) or ``paper`` (150 x 150 without overlap).
        overlap: of tiles, share of their side, in [0, 0.9].
        mask: whether air is left alone, but for a seam of 16 pixels along the skin.
        allow_out_of_domain: go on although the image lies outside of the model's domain.
        cci: variant in which contrast is measured before and after.

    Raises:
        InputError: an unknown mode or an overlap out of range.
    """

    mode: str = setting(
        "tiles",
        "how the network sees the image: overlapping tiles, the whole at once, or the paper's patches",
        choices=MODES,
    )
    overlap: float = setting(0.1, "part of a tile that overlaps the next", least=0, most=0.9, metavar="F")
    mask: bool = setting(True, "enhance the air around the breast too")
    allow_out_of_domain: bool = setting(False, "go on although the image is not of the kind the model was made for")
    cci: CciVariant = field(default_factory=CciVariant)

    def __post_init__(self) -> None:
        check(self)
