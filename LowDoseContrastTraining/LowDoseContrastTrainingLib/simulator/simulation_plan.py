"""What is to be simulated; fast to import, for command line and panel."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LowDoseContrastLib import __version__
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.settings import check, setting

from .parameters import DETECTORS, AcquisitionParameters, documented, parameters_for

PAPER_ARRANGEMENTS = 12  # the last of which has no high dose


@dataclass(frozen=True)
class SimulationPlan:
    """What is to be simulated.

    Attributes:
        seed: non-negative; everything follows from it.
        arrangements: how many, at least 1.
        doses: names of doses among ``parameters.doses_mgy``.
        parameters: the acquisition chain.
        realisations: independent noise draws of every image, at least 1.
        presentation: also write the For Presentation counterpart of every image.
        compress: compress the pixels without loss.

    Raises:
        InputError: a value out of its range, or an unknown dose.
    """

    seed: int = setting(0, "everything follows from it", least=0, metavar="S")
    arrangements: int = setting(
        PAPER_ARRANGEMENTS,
        "how many phantoms",
        least=1,
        metavar="N",
        default_help=f"{PAPER_ARRANGEMENTS}, the last without its high dose, as in the paper",
    )
    doses: tuple[str, ...] = ("low", "automatic", "high")
    parameters: AcquisitionParameters = DETECTORS["essential"]
    realisations: int = setting(1, "independent noise draws of every image, for evaluation", least=1, metavar="N")
    presentation: bool = setting(False, "write the For Presentation counterpart of every image too")
    compress: bool = True

    def __post_init__(self) -> None:
        check(self)
        known = self.parameters.doses_mgy
        unknown = [name for name in self.doses if name not in known]
        if unknown or not self.doses:
            raise InputError("", f"{{doses}}: choose from {', '.join(known)}, not '{', '.join(unknown)}'")
        if len(set(self.doses)) < len(self.doses):
            raise InputError("", "{doses}: names each dose once")

    def doses_of(self, number: int) -> tuple[str, ...]:
        """Return the doses of an arrangement; the last one of the paper's set lacks its high dose."""
        lacks_high = self.arrangements == PAPER_ARRANGEMENTS and number == PAPER_ARRANGEMENTS - 1
        return tuple(dose for dose in self.doses if not (lacks_high and dose == "high"))

    def images(self) -> list[tuple[int, str, int, bool]]:
        """Return (arrangement, dose, realisation, for presentation) of every image, in order."""
        return [image for number in range(self.arrangements) for image in self.images_of(number)]

    def images_of(self, number: int) -> list[tuple[int, str, int, bool]]:
        """Return the images of an arrangement."""
        intents = (False, True) if self.presentation else (False,)
        return [
            (number, dose, draw, intent)
            for draw in range(self.realisations)
            for dose in self.doses_of(number)
            for intent in intents
        ]

    def settings(self) -> dict[str, Any]:
        """Return the plan as JSON-able values; a continued run must have the same."""
        plain = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        plain |= {"version": __version__, "parameters": documented(self.parameters)}
        return json.loads(json.dumps(plain))


def plan(
    seed: int = 0,
    arrangements: int = PAPER_ARRANGEMENTS,
    detector: str = "essential",
    doses: Iterable[str] | None = None,
    parameters: Mapping[str, Any] | str | Path | None = None,
    **choices: Any,
) -> SimulationPlan:
    """Return a plan with a named detector (a key of ``DETECTORS``).

    Args:
        doses: their names; None takes all doses of the parameters.
        parameters: what differs from the detector's, see :func:`.parameters.parameters_for`.
        choices: other fields of :class:`SimulationPlan`.

    Raises:
        InputError: an unknown detector or parameter, or as :class:`SimulationPlan`.
    """
    chain = parameters_for(detector, parameters)
    return SimulationPlan(seed, arrangements, tuple(doses if doses is not None else chain.doses_mgy), chain, **choices)
