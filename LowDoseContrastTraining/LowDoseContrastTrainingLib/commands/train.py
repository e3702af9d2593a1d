"""The command ``train``."""

from __future__ import annotations

from LowDoseContrastLib.cli import EXIT_DONE, add_command, add_progress, progress_bar, table
from LowDoseContrastLib.device import DEVICES
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.steps import mapped, run_to_end


def add_train(subparsers):
    """``lowdosecontrast train``."""
    parser = add_command(
        subparsers,
        "train",
        "Train a pix2pix model on a prepared data set",
        "lowdosecontrast train dataset run --recipe compact\n  lowdosecontrast train mine tuned --recipe compact --from run/model.safetensors",
        run_train,
        _show_train,
    )
    parser.add_argument("dataset", metavar="DATASET", help="folder made by 'prepare'")
    parser.add_argument("output", metavar="OUTDIR", help="new folder for the training run")
    parser.add_argument("--recipe", required=True, metavar="NAME|FILE", help="run1 to run4 (the paper's), compact, starter, or a .json or .toml file")
    parser.add_argument("--from", dest="start", metavar="NAME|FILE", help="start the generator from a model, or from a *_net_G.pth of the published pix2pix code; the discriminator starts afresh")
    parser.add_argument("--resume", action="store_true", help="go on with the run in OUTDIR")
    parser.add_argument("--epochs", type=int, metavar="N", help="epochs in all, constant rate and decay in the recipe's proportion")
    parser.add_argument("--tensorboard", action="store_true", help="write event files to OUTDIR/tensorboard (needs the package tensorboard)")
    parser.add_argument("--device", default="auto", help=f"{', '.join(DEVICES)} (default: %(default)s, a GPU before the CPU)")
    parser.add_argument("--threads", type=int, metavar="N", help="of the processor (default: all cores)")
    parser.add_argument("--memory", type=float, metavar="GB", help="that decoded patches may take, in each process; the others are read when needed (default: a quarter of the computer's)")
    add_progress(parser)


def run_train(arguments):
    from ..common.process_memory import keep_freed_memory
    from ..training.distributed import is_first
    from ..training.recipes import load_recipe
    from ..training.train import train

    recipe = load_recipe(arguments.recipe, arguments.epochs)
    if arguments.memory is not None and not arguments.memory >= 0:
        raise InputError("", f"{{memory}} must not be negative, it is {arguments.memory:g}")
    keep_freed_memory()
    names = ("resume", "threads", "device", "start", "tensorboard")
    memory = None if arguments.memory is None else arguments.memory * 1e9
    steps = train(arguments.dataset, arguments.output, recipe, memory=memory, **{name: getattr(arguments, name) for name in names})
    if not is_first():
        run_to_end(steps)
        raise SystemExit(EXIT_DONE)  # the first process tells the result
    return run_to_end(mapped(steps, lambda step: step.overall), progress_bar("train", arguments.progress))


def _show_train(result):
    keys = ("method", "l1", "l1_scaled", "psnr", "ssim", "fine_ratio", "cci_ratio")
    lines = [f"{result['epochs']} epochs, the model of epoch {result['best_epoch']} is kept: {result['model']}"]
    for title, rows in (("validation", result["validation"]), ("test", result["test"])):
        if rows:
            lines += [f"\n{title} (pixel values; decibels; structural similarity; fine detail and 3x3 standard deviation over those of the true image)"]
            lines += [table([[row[key] for key in keys] for row in rows], keys)]
    return "\n".join(lines)
