"""How large the scenes of the controls are; light to import."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from LowDoseContrastLib.device import DEVICES
from LowDoseContrastLib.settings import check, setting

from ..evaluation.settings import LEAST_REALISATIONS
from ..evaluation.statistics import MOST_UNITS
from ..simulator.parameters import DETECTORS, DOSES_MGY, AcquisitionParameters

LOW, HIGH = "low", "high"
LEAST_SIDE = 384  # pixels: five masses with free rings around them need that much breast
LEAST_ARRANGEMENTS = 6  # with fewer, no exact sign-flip test falls below 0.05


@dataclass(frozen=True)
class ControlSettings:
    """What is simulated, and how models are run.

    Attributes:
        seed: non-negative; every scene and every noise follows from it.
        device: see :func:`LowDoseContrastLib.device.choose_placement`.
        allow_out_of_domain: run models outside of their domain in every control; the dose sweep always does.
        arrangements: phantoms that verdicts rest on, 6 to 20.
        realisations: noise draws of every image, at least 2.
        rows, columns: of the images, pixels, at least 384.
        patch: side of the patches on which fidelity is measured, pixels.

    Raises:
        InputError: a value out of its range.
    """

    seed: int = setting(1, "every scene and every noise follows from it", least=0, most=2**31 - 1, metavar="S")
    device: str = setting("auto", ", ".join(DEVICES), default_help="auto, a GPU before the CPU")
    allow_out_of_domain: bool = setting(
        False, "judge a model outside of its domain too; the dose sweep always does, and marks it"
    )
    # The command has no options for the sizes.
    arrangements: int = setting(LEAST_ARRANGEMENTS, least=LEAST_ARRANGEMENTS, most=MOST_UNITS)
    realisations: int = setting(3, least=LEAST_REALISATIONS, most=20)
    rows: int = setting(600, unit="pixels", least=LEAST_SIDE, most=4000)
    columns: int = setting(500, unit="pixels", least=LEAST_SIDE, most=4000)
    patch: int = setting(150, unit="pixels", least=32, most=LEAST_SIDE // 2)

    def __post_init__(self) -> None:
        check(self)

    def chain(self, **changes: Any) -> AcquisitionParameters:
        """Return the small detector at the size of these settings, with some parameters changed."""
        return dataclasses.replace(DETECTORS["small"], rows=self.rows, columns=self.columns, **changes)


def with_doses(fractions: Iterable[float]) -> dict[str, float]:
    """Return name -> mGy: low, high, and fractions of the high dose by the names that :func:`dose_name` gives."""
    high = DOSES_MGY[HIGH]
    return {LOW: DOSES_MGY[LOW], HIGH: high, **{dose_name(fraction): fraction * high for fraction in fractions}}


def dose_name(fraction: float) -> str:
    """Return the name of a dose that is a fraction of the high one: ``25 %``."""
    return f"{fraction:.0%}".replace("%", " %")
