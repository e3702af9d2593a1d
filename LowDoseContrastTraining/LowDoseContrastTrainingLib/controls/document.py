"""The files of the controls: JSON with everything, CSV with a line a check, and a table to read."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from LowDoseContrastLib.atomic import atomic_output

from ..common.file_names import CHECKS_FILE, CONTROLS_FILE, TABLE_FILE

FILES = (CONTROLS_FILE, CHECKS_FILE, TABLE_FILE)


def write_document(folder: Path, document: dict, overwrite: bool = False) -> None:
    """Write the three files, each whole or not at all.

    Args:
        document: what :func:`.controls.judged_controls` returns.
    """
    rows = document["rows"]
    figures = _names(rows)
    with atomic_output(folder / CHECKS_FILE, overwrite) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["control", "condition", "method", "passed", *figures, "expected", "out_of_domain"])
        for row in rows:
            values = [row["figures"].get(name) for name in figures]
            writer.writerow([row["control"], row["condition"], row["method"], row["passed"], *values, row["expected"], "; ".join(row["out_of_domain"])])
    with atomic_output(folder / TABLE_FILE, overwrite) as temporary:
        temporary.write_text(markdown(document), encoding="utf-8")
    with atomic_output(folder / CONTROLS_FILE, overwrite) as temporary:
        temporary.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def markdown(document: dict) -> str:
    """Return the summary and one table for each control, as Markdown."""
    size = document["settings"]
    scenes = (
        f"Simulated from seed {size['seed']}: {size['arrangements']} arrangements and two phantoms with planted lesions, "
        f"{size['columns']} x {size['rows']} pixels, {size['realisations']} realisations."
    )
    lines = ["# Adversarial controls", "", scenes, "", *_table(("method", "controls passed", "failed"), [_summarised(each) for each in document["summary"]]), ""]
    for name, what in document["controls"].items():
        rows = [row for row in document["rows"] if row["control"] == name]
        figures = _names(rows)
        lines += [f"## {name.capitalize()}", "", what, ""]
        cells = [[row["condition"], _marked(row), *(row["figures"].get(each) for each in figures), row["expected"], "yes" if row["passed"] else "**no**"] for row in rows]
        lines += [*_table(("condition", "method", *figures, "expected", "passed"), cells), ""]
    if any(row["out_of_domain"] for row in document["rows"]):
        lines += ["\\* the image lies outside of the model's domain.", ""]
    return "\n".join([*lines, document["notice"], ""])


def _summarised(entry):
    return [entry["method"], f"{entry['passed']} of {entry['controls']}", "; ".join(_failed(entry)) or "none"]


def _failed(entry):
    """Each control that is failed, with the conditions: ``dose sweep (40 %, 50 %)``."""
    for name in entry["failed"]:
        yield f"{name} ({', '.join(each.partition(': ')[2] for each in entry['checks_failed'] if each.startswith(name + ': '))})"


def _marked(row):
    return row["method"] + (" \\*" if row["out_of_domain"] else "")


def _names(rows):
    """The figures of some rows, in their order."""
    return list(dict.fromkeys(name for row in rows for name in row["figures"]))


def _table(headers, rows):
    cells = [headers, ["---"] * len(headers), *rows]
    return ["| " + " | ".join(_cell(each) for each in row) + " |" for row in cells]


def _cell(value):
    if value is None:
        return ""
    return f"{round(value, 4) + 0.0:.4g}" if isinstance(value, float) else str(value)
