"""Which rows of the table are what, and how each method looks in all charts."""

from __future__ import annotations

from dataclasses import dataclass

from ...baselines.intensity import Gain
from ..ceiling import CEILING
from ..verdict import DENOISER

MODEL = "model"
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")  # Okabe and Ito, told apart by colour-blind readers
_LONGEST, _LONGEST_ARRANGEMENT = 26, 10  # characters of a name in a chart


@dataclass(frozen=True)
class Look:
    """How a method is drawn."""

    colour: str
    line: str
    width: float
    marker: str


_GAIN, _DENOISER, _CEILING = Look("#8a8a8a", "--", 1.1, "s"), Look("#9a7b3f", "-.", 1.1, "D"), Look("#111111", "-", 1.1, "^")


def rows_of_kind(document: dict, kind: str) -> list[dict]:
    """Return the rows of ``model``, ``baseline`` or ``ceiling``."""
    return [row for row in document["rows"] if row.get("kind") == kind]


def versions(row: dict) -> list[dict]:
    """Return what was run for a row: itself, or its version of each fold."""
    return row.get("folds") or [row]


def best_denoiser(document: dict) -> str | None:
    """Return the name of the best denoising baseline that the others are compared with, if there is one."""
    found = [row["against"][DENOISER]["method"] for row in document["rows"] if DENOISER in (row.get("against") or {})]
    return found[0] if found else None


def main_methods(document: dict) -> dict[str, Look]:
    """Return name -> look of those that charts of curves show: the gain, the best denoising baseline, the models, the true high dose."""
    names = [row["method"] for row in document["rows"]]
    looks = {Gain.name: _GAIN, best_denoiser(document): _DENOISER}
    looks |= {row["method"]: Look(_COLOURS[place % len(_COLOURS)], "-", 1.6, "o") for place, row in enumerate(rows_of_kind(document, MODEL))}
    looks |= {row["method"]: _CEILING for row in rows_of_kind(document, CEILING)}
    return {name: look for name, look in looks.items() if name in names}


def arrangement_names(document: dict) -> dict[str, str]:
    """Return arrangement -> the name by which the page calls it: its own, or a number from 1 where those are long."""
    groups = list(dict.fromkeys(group for row in document["rows"] for group in row.get("arrangements") or {}))
    fits = all(len(group) <= _LONGEST_ARRANGEMENT and group.isprintable() for group in groups)
    return {group: group if fits else str(number) for number, group in enumerate(groups, 1)}


def label(name) -> str:
    """Return a name as a chart can draw it: printable and short."""
    clean = "".join(each if each.isprintable() else "?" for each in str(name))
    return clean if len(clean) <= _LONGEST else f"{clean[: _LONGEST - 1]}…"


def described(name: str) -> str:
    """Return the label of a method in charts, where the gain's own name would say too little."""
    return "low × gain" if name == Gain.name else label(name)
