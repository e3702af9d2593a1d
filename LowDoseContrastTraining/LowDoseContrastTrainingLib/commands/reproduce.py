"""The command ``reproduce``."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from LowDoseContrastLib.cli import add_command, add_progress, progress_bar, table
from LowDoseContrastLib.device import DEVICES
from LowDoseContrastLib.settings import add_options, from_arguments
from LowDoseContrastLib.steps import run_to_end

from ..reproduction.plan import ReproductionPlan


def add_reproduce(subparsers: Any) -> None:
    """Add ``lowdosecontrast reproduce``."""
    parser = add_command(
        subparsers,
        "reproduce",
        "Repeat the paper's experiment on simulated acquisitions, ending in one page with its numbers and ours",
        "lowdosecontrast reproduce reproduction --quick",
        run_reproduce,
        _show_reproduce,
    )
    parser.add_argument(
        "output", metavar="OUTDIR", help="folder, new or of an interrupted run, which goes on where it stopped"
    )
    add_options(parser, ReproductionPlan)
    parser.add_argument(
        "--device", default="auto", help=f"{', '.join(DEVICES)} (default: %(default)s, a GPU before the CPU)"
    )
    add_progress(parser)


def run_reproduce(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the command; return where the page is, and all numbers."""
    from ..common.process_memory import keep_freed_memory
    from ..reproduction.reproduce import reproduce

    keep_freed_memory()
    plan = from_arguments(ReproductionPlan, arguments)
    told = None if arguments.progress == "lines" else lambda text: print(text, file=sys.stderr, flush=True)
    steps = reproduce(arguments.output, plan, arguments.device, told)
    return run_to_end(steps, progress_bar("reproduce", arguments.progress)).to_json()


def _show_reproduce(result: dict[str, Any]) -> str:
    compared = [each for each in result["numbers"] if each["paper"] is not None]
    rows = [[each["table"], each["subject"], each["quantity"], each["paper"], each["ours"]] for each in compared]
    return "\n".join([table(rows, ("table", "of", "number", "paper", "ours")), result["page"]])
