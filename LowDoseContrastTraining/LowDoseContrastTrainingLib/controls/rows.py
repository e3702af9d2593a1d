"""The results of the controls for one method, and their summary."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from LowDoseContrastLib import RESEARCH_NOTICE, __version__

from ..baselines.base import Run
from ..evaluation.statistics import number_or_none
from .settings import ControlSettings

Figure = float | str | None


@dataclass(frozen=True)
class ControlRow:
    """One check.

    Attributes:
        control: name of the control.
        condition: of the scene, or of what was done to the output.
        method: name of the method.
        figures: name -> number, word, or None where it is not known.
        expected: what must hold, in words.
        passed: whether it does.
        outside: how the images lie outside of the model's domain, in sentences.
    """

    control: str
    condition: str
    method: str
    figures: Mapping[str, Figure]
    expected: str
    passed: bool
    outside: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "control": self.control,
            "condition": self.condition,
            "method": self.method,
            "figures": {name: _plain(value) for name, value in self.figures.items()},
            "expected": self.expected,
            "passed": bool(self.passed),
            "out_of_domain": list(self.outside),
        }


def _plain(value: Figure) -> Figure:
    return number_or_none(value) if isinstance(value, (float, np.number)) else value


@dataclass(frozen=True)
class Summary:
    """Of one method: how many controls it passed, of how many, and which it failed; then the same of single checks.

    A control is passed where every check of it is; ``checks_failed`` names the others as ``control: condition``.
    """

    method: str
    passed: int
    controls: int
    failed: tuple[str, ...]
    checks: int
    checks_failed: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}


def summary_of(rows: Iterable[ControlRow]) -> tuple[Summary, ...]:
    """Return a summary for each method."""
    by_method: dict[str, list[ControlRow]] = {}
    for row in rows:
        by_method.setdefault(row.method, []).append(row)
    found = []
    for method, own in by_method.items():
        controls, missed = dict.fromkeys(row.control for row in own), [row for row in own if not row.passed]
        failed = dict.fromkeys(row.control for row in missed)
        conditions = tuple(f"{row.control}: {row.condition}" for row in missed)
        passed = len(controls) - len(failed)
        in_order = tuple(name for name in controls if name in failed)
        found.append(Summary(method, passed, len(controls), in_order, len(own), conditions))
    return tuple(found)


@dataclass(frozen=True)
class Controlled:
    """What ``controls.json`` holds.

    Attributes:
        settings: of the scenes.
        controls: name of a control -> what it shows.
        methods: name of a candidate -> what it was run with.
        rows: one for each check.
        seconds: part of the work -> how long it took.
        table: path of ``controls.md``.
    """

    settings: ControlSettings
    controls: dict[str, str]
    methods: dict[str, Run]
    rows: Sequence[ControlRow]
    seconds: dict[str, float]
    table: str = ""

    @property
    def summary(self) -> tuple[Summary, ...]:
        return summary_of(self.rows)

    def to_json(self) -> dict[str, Any]:
        return {
            "notice": RESEARCH_NOTICE,
            "version": __version__,
            "settings": dataclasses.asdict(self.settings),
            "controls": self.controls,
            "methods": {name: run.to_json() for name, run in self.methods.items()},
            "summary": [entry.to_json() for entry in self.summary],
            "rows": [row.to_json() for row in self.rows],
            "seconds": self.seconds,
            "table": self.table,
        }
