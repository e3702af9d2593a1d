"""What a report ends with: what made it, so that it can be made again."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ..document import Evaluation, finite
from .markup import DASH, named, plain
from .methods_shown import arrangement_names

_LONGEST = 12  # values of a list that are shown
_OF_THE_NOISE = ("source", "errors", "notes")  # said once, above


def sections(evaluation: Evaluation, folder: str | Path) -> dict[str, Any]:
    """Return what the end of the page shows; ``folder`` is named in its command."""
    rows = evaluation.rows
    settings = dataclasses.asdict(evaluation.settings) if evaluation.settings else {}
    chosen = {"version": evaluation.version or None, **settings}
    return {
        "command": command_line(evaluation, folder),
        "hashed": hashed,
        "remarks": [
            Markup("{}: {}").format(named(row.method), remark)
            for row in rows
            if row.is_model
            for run in row.runs
            for remark in (*run.out_of_domain, *run.notes)
        ],
        "data": _data(evaluation),
        "chosen": [(name, _value(value)) for name, value in chosen.items() if value is not None],
        "parameters": [(row.method, _value(run.parameters)) for row in rows for run in row.runs if run.parameters],
        "verdicts": [
            (row.method, f"{row.verdict}: {'; '.join(row.reasons)}") for row in rows if not row.is_model and row.verdict
        ],
    }


def hashed(value: str) -> Markup:
    """Return a hash as HTML, or a dash."""
    return Markup("<span class=hash>{}</span>").format(value or DASH)


def command_line(evaluation: Evaluation, folder: str | Path) -> str:
    """Return the command that makes these results, one option a line; settings that were not given are left out."""
    settings = evaluation.settings
    options: list[tuple[str, object]] = [("dataset", data_set) for data_set in evaluation.datasets]
    options += [("model", run.model) for row in evaluation.rows if row.is_model for run in row.runs if run.model]
    if settings:
        options.append(("cci-scale", settings.cci.scale))
        options += [
            (each.name.replace("_", "-"), getattr(settings, each.name))
            for each in dataclasses.fields(settings)
            if each.name != "cci"
        ]
    words = ["lowdosecontrast evaluate"]
    for name, value in [*options, ("output", folder)]:
        if value:
            words.append(f"--{name}" if value is True else f"--{name} {shlex.quote(str(value))}")
    return " \\\n    ".join(words)


def _data(evaluation: Evaluation) -> list[tuple[str, Markup]]:
    prints = evaluation.fingerprints
    names = [Path(data_set).name for data_set in evaluation.datasets]
    names = names or [f"half {number}" for number in range(1, len(prints) + 1)]
    found = [(name, hashed(mark)) for name, mark in zip(names, prints)]  # noqa: B905  a file may lack some
    short = arrangement_names(evaluation)
    return found + [(f"arrangement {name}", hashed(group)) for group, name in short.items() if name != group]


def _value(value: object) -> str:
    """A setting as a reader wants it; of long lists the ends."""
    if isinstance(value, dict):
        kept = {name: each for name, each in value.items() if not ("xi_q" in value and name in _OF_THE_NOISE)}
        return "; ".join(f"{name} {_value(each)}" for name, each in kept.items())
    if isinstance(value, (list, tuple)):
        if len(value) > _LONGEST:
            return f"{len(value)} values from {_value(value[0])} to {_value(value[-1])}"
        return ", ".join(map(_value, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain(value, 6) if finite(value) is not None else str(value)
