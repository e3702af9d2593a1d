"""The command ``prepare``."""

from __future__ import annotations

import argparse
from typing import Any

from LowDoseContrastLib.cli import add_command, add_progress, progress_bar
from LowDoseContrastLib.settings import add_options, from_arguments
from LowDoseContrastLib.steps import run_to_end

from ..dataset.prepare_settings import PrepareSettings


def add_prepare(subparsers: Any) -> None:
    """``lowdosecontrast prepare``."""
    parser = add_command(
        subparsers,
        "prepare",
        "Cut paired acquisitions into patches for training",
        "lowdosecontrast prepare acquisitions dataset --bits 16 --split arrangement",
        run_prepare,
        _show_prepare,
    )
    parser.add_argument(
        "input",
        metavar="DICOMDIR",
        help=(
            "folder with mammograms of each arrangement at a low and a high dose; of several realisations the first "
            "is paired"
        ),
    )
    parser.add_argument("output", metavar="OUTDIR", help="folder for the data set, new or of an interrupted run")
    add_options(parser, PrepareSettings, ("patch_size", "stride", "bits", "scale", "breast_part"))
    add_options(
        parser.add_argument_group("which images are pairs"),
        PrepareSettings,
        ("group_by", "doses", "max_shift", "align"),
    )
    add_options(
        parser.add_argument_group("what is held out"), PrepareSettings, ("split", "fold", "seed", "test", "validation")
    )
    add_progress(parser)


def run_prepare(arguments: argparse.Namespace) -> dict[str, Any]:
    from ..dataset.prepare import prepare

    settings = from_arguments(PrepareSettings, arguments)
    return run_to_end(prepare(arguments.input, arguments.output, settings), progress_bar("prepare", arguments.progress))


def _show_prepare(result: Any) -> str:
    counts = ", ".join(f"{result[name]} {name}" for name in ("train", "val", "test"))
    lines = [
        f"{result['pairs']} patch pairs of {result['arrangements']} arrangements ({counts}); {result['excluded']} "
        "mostly air"
    ]
    lines += [f"files: {line}" for line in result["files"]] + [f"warning: {line}" for line in result["warnings"]]
    return "\n".join([*lines, result["manifest"], *filter(None, [result["contact_sheet"]])])
