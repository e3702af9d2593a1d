"""The files of the controls: JSON with everything, CSV with a line for each check, and a table to read."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from LowDoseContrastLib import RESEARCH_NOTICE
from LowDoseContrastLib.atomic import atomic_output

from ..common.file_names import CHECKS_FILE, CONTROLS_FILE, TABLE_FILE
from .rows import Controlled, ControlRow, Summary

FILES = (CONTROLS_FILE, CHECKS_FILE, TABLE_FILE)


def write_document(folder: Path, found: Controlled, overwrite: bool = False) -> None:
    """Write the three files, each whole or not at all."""
    document = found.to_json()
    rows, figures = document["rows"], _names(found.rows)
    path = folder / CHECKS_FILE
    with atomic_output(path, overwrite) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["control", "condition", "method", "passed", *figures, "expected", "out_of_domain"])
        for row in rows:
            head = [row[name] for name in ("control", "condition", "method", "passed")]
            values = [row["figures"].get(name) for name in figures]
            writer.writerow([*head, *values, row["expected"], "; ".join(row["out_of_domain"])])
    with atomic_output(folder / TABLE_FILE, overwrite) as temporary:
        temporary.write_text(markdown(found), encoding="utf-8")
    with atomic_output(folder / CONTROLS_FILE, overwrite) as temporary:
        temporary.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def markdown(found: Controlled) -> str:
    """Return the summary and one table for each control, as Markdown."""
    size = found.settings
    scenes = (
        f"Simulated from seed {size.seed}: {size.arrangements} arrangements and two phantoms with planted lesions, "
        f"{size.columns} x {size.rows} pixels, {size.realisations} realisations."
    )
    summary = _table(("method", "controls passed", "failed"), map(_summarised, found.summary))
    lines = ["# Adversarial controls", "", scenes, "", *summary, ""]
    for name, what in found.controls.items():
        rows = [row for row in found.rows if row.control == name]
        figures = _names(rows)
        header = ("condition", "method", *figures, "expected", "passed")
        lines += [f"## {name.capitalize()}", "", what, "", *_table(header, (_cells(row, figures) for row in rows)), ""]
    if any(row.outside for row in found.rows):
        lines += ["\\* the image lies outside of the model's domain.", ""]
    return "\n".join([*lines, RESEARCH_NOTICE, ""])


def _cells(row: ControlRow, figures: Iterable[str]) -> list[object]:
    method = row.method + (" \\*" if row.outside else "")
    values = row.to_json()["figures"]
    passed = "yes" if row.passed else "**no**"
    return [row.condition, method, *(values.get(name) for name in figures), row.expected, passed]


def _summarised(entry: Summary) -> list[object]:
    return [entry.method, f"{entry.passed} of {entry.controls}", "; ".join(_failed(entry)) or "none"]


def _failed(entry: Summary) -> Iterator[str]:
    """The controls that are failed, with the conditions: ``dose sweep (40 %, 50 %)``."""
    for name in entry.failed:
        conditions = (each.partition(": ")[2] for each in entry.checks_failed if each.startswith(f"{name}: "))
        yield f"{name} ({', '.join(conditions)})"


def _names(rows: Iterable[ControlRow]) -> list[str]:
    """The figures of some rows, in their order."""
    return list(dict.fromkeys(name for row in rows for name in row.figures))


def _table(headers: Sequence[object], rows: Iterable[Sequence[object]]) -> list[str]:
    cells = [headers, ["---"] * len(headers), *rows]
    return ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in cells]


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{round(value, 4) + 0.0:.4g}" if isinstance(value, float) else str(value)
