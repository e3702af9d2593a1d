"""The command ``train``."""

from __future__ import annotations

import argparse
from typing import Any

from LowDoseContrastLib.cli import EXIT_DONE, add_command, add_progress, progress_bar, table
from LowDoseContrastLib.settings import add_options, from_arguments
from LowDoseContrastLib.steps import run_to_end

from ..training.run_settings import RunSettings


def add_train(subparsers: Any) -> None:
    """``lowdosecontrast train``."""
    parser = add_command(
        subparsers,
        "train",
        "Train a pix2pix model on a prepared data set",
        "lowdosecontrast train dataset run --recipe compact\n  lowdosecontrast train mine tuned --recipe compact "
        "--from run/model.safetensors",
        run_train,
        _show_train,
    )
    parser.add_argument("dataset", metavar="DATASET", help="folder made by 'prepare'")
    parser.add_argument("output", metavar="OUTDIR", help="new folder for the training run")
    parser.add_argument(
        "--recipe",
        required=True,
        metavar="NAME|FILE",
        help="run1 to run4 (the paper's), compact, starter, or a .json or .toml file",
    )
    parser.add_argument(
        "--from",
        dest="start",
        metavar="NAME|FILE",
        help=(
            "start the generator from a model, or from a *_net_G.pth of the published pix2pix code; the discriminator "
            "starts afresh"
        ),
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run in OUTDIR")
    add_options(parser, RunSettings)
    add_progress(parser)


def run_train(arguments: argparse.Namespace) -> dict[str, Any]:
    from ..common.process_memory import keep_freed_memory
    from ..training.distributed import is_first
    from ..training.recipes import load_recipe
    from ..training.train import train

    settings = from_arguments(RunSettings, arguments)
    recipe = load_recipe(arguments.recipe, settings.epochs)
    keep_freed_memory()
    steps = train(arguments.dataset, arguments.output, recipe, arguments.resume, arguments.start, settings)
    if not is_first():
        run_to_end(steps)
        raise SystemExit(EXIT_DONE)  # the first process tells the result
    return run_to_end(steps, progress_bar("train", arguments.progress))


def _show_train(result: Any) -> str:
    keys = ("method", "l1", "l1_scaled", "psnr", "ssim", "fine_ratio", "cci_ratio")
    lines = [f"{result['epochs']} epochs, the model of epoch {result['best_epoch']} is kept: {result['model']}"]
    for title, rows in (("validation", result["validation"]), ("test", result["test"])):
        if rows:
            lines += [
                f"\n{title} (pixel values; decibels; structural similarity; fine detail and 3x3 standard "
                "deviation over those of the true image)"
            ]
            lines += [table([[row[key] for key in keys] for row in rows], keys)]
    return "\n".join(lines)
