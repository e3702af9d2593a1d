"""The command ``controls``."""

from __future__ import annotations

import argparse
from typing import Any

from LowDoseContrastLib.cli import add_command, add_progress, progress_bar, table
from LowDoseContrastLib.settings import add_options, from_arguments
from LowDoseContrastLib.steps import run_to_end

from ..controls.settings import ControlSettings


def add_controls(subparsers: Any) -> None:
    """Add ``lowdosecontrast controls``."""
    parser = add_command(
        subparsers,
        "controls",
        "Put the identity, the gain, the true high dose and models through adversarial controls, on scenes that are "
        "simulated for it",
        "lowdosecontrast controls controlled --model starter",
        run_controls,
        _show,
    )
    parser.add_argument(
        "output",
        metavar="OUTDIR",
        help="folder for controls.md, controls.csv and controls.json; "
        "a control that is failed is a result, not an error",
    )
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="NAME|FILE",
        help="a model to judge; may be given several times",
    )
    add_options(parser, ControlSettings)
    parser.add_argument("--overwrite", action="store_true", help="replace the results of an earlier run")
    add_progress(parser)


def run_controls(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the command; return what ``controls.json`` holds, and the folder."""
    from ..controls.controls import controls

    settings = from_arguments(ControlSettings, arguments)
    steps = controls(arguments.output, arguments.model, settings, arguments.overwrite)
    found = run_to_end(steps, progress_bar("controls", arguments.progress))
    return {**found.to_json(), "output": arguments.output}


def _show(result: dict[str, Any]) -> str:
    rows = [
        [each["method"], f"{each['passed']} of {each['controls']}", ", ".join(each["failed"]) or "none"]
        for each in result["summary"]
    ]
    failed = [
        f"{row['method']} fails {row['control']}, {row['condition']}: expected: {row['expected']}"
        for row in result["rows"]
        if not row["passed"]
    ]
    headers = ("method", "controls passed", "failed")
    return "\n".join([table(rows, headers), "", *failed, result["notice"], result["table"]])
