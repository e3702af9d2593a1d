"""How large the scenes of the controls are."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from LowDoseContrastLib.errors import InputError

from ..evaluation.simulated_arrangements import LEAST_REALISATIONS
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

    seed: int = 1
    device: str = "auto"
    allow_out_of_domain: bool = False
    arrangements: int = LEAST_ARRANGEMENTS
    realisations: int = 3
    rows: int = 600
    columns: int = 500
    patch: int = 150

    def __post_init__(self):
        limits = {
            "seed": (0, 2**31 - 1), "arrangements": (LEAST_ARRANGEMENTS, MOST_UNITS), "realisations": (LEAST_REALISATIONS, 20),
            "rows": (LEAST_SIDE, 4000), "columns": (LEAST_SIDE, 4000), "patch": (32, LEAST_SIDE // 2),
        }  # fmt: skip
        for name, (low, high) in limits.items():
            if not low <= getattr(self, name) <= high:
                option = "--seed" if name == "seed" else name  # the command has no options for the others
                raise InputError("", f"{option} must be {low} to {high}, it is {getattr(self, name)}")

    def chain(self, **changes) -> AcquisitionParameters:
        """Return the small detector at the size of these settings, with some parameters changed."""
        return dataclasses.replace(DETECTORS["small"], rows=self.rows, columns=self.columns, **changes)


def with_doses(fractions) -> dict[str, float]:
    """Return name -> mGy: low, high, and fractions of the high dose by the names that :func:`dose_name` gives."""
    return {LOW: DOSES_MGY[LOW], HIGH: DOSES_MGY[HIGH], **{dose_name(each): each * DOSES_MGY[HIGH] for each in fractions}}


def dose_name(fraction: float) -> str:
    """Return the name of a dose that is a fraction of the high one: ``25 %``."""
    return f"{fraction:.0%}".replace("%", " %")
