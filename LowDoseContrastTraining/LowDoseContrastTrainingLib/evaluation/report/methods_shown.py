"""Which methods the charts show, and how each looks in all of them."""

from __future__ import annotations

from dataclasses import dataclass

from ...baselines.base import CEILING
from ...baselines.intensity import Gain
from ..document import Evaluation
from ..verdict import DENOISER

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")  # Okabe and Ito, for colour-blind readers
_LONGEST, _LONGEST_ARRANGEMENT = 26, 10  # characters of a name in a chart


@dataclass(frozen=True)
class Look:
    """How a method is drawn."""

    colour: str
    line: str
    width: float
    marker: str


_GAIN, _DENOISER = Look("#8a8a8a", "--", 1.1, "s"), Look("#9a7b3f", "-.", 1.1, "D")
_CEILING = Look("#111111", "-", 1.1, "^")


def best_denoiser(evaluation: Evaluation) -> str | None:
    """Return the name of the best denoising baseline that the others are compared with, if there is one."""
    return next((row.against[DENOISER].method for row in evaluation.rows if DENOISER in row.against), None)


def main_methods(evaluation: Evaluation) -> dict[str, Look]:
    """Return name -> look of those in charts of curves: gain, best denoising baseline, models, true high dose."""
    models = [row.method for row in evaluation.rows if row.is_model]
    looks = {Gain.name: _GAIN, best_denoiser(evaluation) or "": _DENOISER}
    looks |= {name: Look(_COLOURS[place % len(_COLOURS)], "-", 1.6, "o") for place, name in enumerate(models)}
    looks |= {row.method: _CEILING for row in evaluation.of_kind(CEILING)}
    names = {row.method for row in evaluation.rows}
    return {name: look for name, look in looks.items() if name in names}


def arrangement_names(evaluation: Evaluation) -> dict[str, str]:
    """Return arrangement -> the name by which the page calls it: its own, or a number from 1 where those are long."""
    groups = evaluation.groups
    fits = all(len(group) <= _LONGEST_ARRANGEMENT and group.isprintable() for group in groups)
    return {group: group if fits else str(number) for number, group in enumerate(groups, 1)}


def label(name: str) -> str:
    """Return a name as a chart can draw it: printable and short."""
    clean = "".join(each if each.isprintable() else "?" for each in name)
    return clean if len(clean) <= _LONGEST else f"{clean[: _LONGEST - 1]}…"


def described(name: str) -> str:
    """Return the label of a method in charts, where the gain's own name would say too little."""
    return "low × gain" if name == Gain.name else label(name)
