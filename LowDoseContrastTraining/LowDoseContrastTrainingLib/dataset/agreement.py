"""Whether two headers can be of one projection of one breast: what differs, and what is not known to agree.

Unknown is not equal: a fact that one image states and the other does not, and a view or side that neither states,
neither agrees nor differs. It then takes the pixels to decide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .acquisition_header import Acquisition

MAGNIFICATIONS = 1.05  # factor by which magnifications differ that are taken as one: thickness moves the estimate

# As far as both images state it; the first that differ are the reason that is given.
_FACTS = {
    "patient": "patients",
    "laterality": "sides",
    "view": "views",
    "magnification": "magnifications",
    "orientation": "orientations",
    "paddle": "paddles",
    "detector": "detectors",
}
# Without these nothing says that two images show the same.
_NEEDED = ("laterality", "view")
# Of the image itself and what made it: here one that is not stated differs from one that is.
_PIXELS = ("model", "rows", "columns", "spacing", "intent", "relationship", "sign", "photometric", "bits")
_NAMES = {"laterality": "side"}


@dataclass(frozen=True)
class Agreement:
    """How two headers compare.

    Attributes:
        differing: the fact that differs, as ``view`` or ``detector``; empty if none does.
        values: of both images in it.
        unknown: facts that are not known to agree, each with who does not state it.
    """

    differing: str = ""
    values: tuple[str, str] = ("", "")
    unknown: tuple[str, ...] = ()

    @property
    def difference(self) -> str:
        """What differs, as ``the two images differ in view: CC and MLO``; empty if nothing does."""
        return self.differing and f"the two images differ in {self.differing}: {self.values[0]} and {self.values[1]}"

    @property
    def plural(self) -> str:
        """The facts that differ, as ``sides``; empty for what is of the pixels."""
        fact = next((fact for fact, name in _NAMES.items() if name == self.differing), self.differing)
        return _FACTS.get(fact, "")


def rank(agreement: Agreement) -> int:
    """Return how many facts agree before the first that differs."""
    order = [*(_NAMES.get(fact, fact) for fact in _FACTS), *_PIXELS]
    return order.index(agreement.differing) if agreement.differing else len(order)


def compare(low: Acquisition, high: Acquisition, same_patient: bool = False) -> Agreement:
    """Compare the headers of two images.

    Args:
        same_patient: whether it is known otherwise that both are of one patient.
    """
    unknown: list[str] = []
    for fact in _FACTS:
        name = _NAMES.get(fact, fact)
        one, other = getattr(low, fact), getattr(high, fact)
        if fact == "patient" and same_patient:
            if one != other:
                unknown.append(f"patient ({one} and {other}, paired by the table)")
        elif one is not None and other is not None:
            if not _EQUAL.get(fact, _equal)(one, other):
                return Agreement(name, (str(one), str(other)))
        elif one is not None or other is not None:
            unknown.append(f"{name} (stated by the {'low' if other is None else 'high'} dose alone)")
        elif fact in _NEEDED:
            unknown.append(f"{name} (clearly stated by neither)")
        # Whoever states no modifiers states a plain view: most files have no place for them.
        if fact == "view" and low.modifiers != high.modifiers:
            return Agreement("view", (described_view(low), described_view(high)))
    for name in _PIXELS:
        one, other = getattr(low, name), getattr(high, name)
        if one != other:
            return Agreement(name, (_shown(one), _shown(other)))
    return Agreement(unknown=tuple(unknown))


def described_view(image: Acquisition) -> str:
    """Return side and view with modifiers, as ``L CC spot``."""
    parts = (image.laterality or "unknown side", image.view or "unknown view", *image.modifiers)
    return " ".join(parts)


def _equal(one: Any, other: Any) -> bool:
    return bool(one == other)


def _similar(one: float, other: float) -> bool:
    return max(one, other) <= MAGNIFICATIONS * min(one, other)


_EQUAL: dict[str, Callable[[Any, Any], bool]] = {"magnification": _similar}


def _shown(value: Any) -> str:
    return "not stated" if value is None else str(value)
