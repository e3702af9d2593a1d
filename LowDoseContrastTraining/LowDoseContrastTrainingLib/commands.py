"""The commands of the training library: simulate, prepare, train."""

from LowDoseContrastLib.cli import add_command, add_progress, progress_bar, table
from LowDoseContrastLib.steps import Progress, run_to_end

from .simulator.parameters import DETECTORS, DOSES_MGY


def add_simulate(subparsers):
    """``lowdosecontrast simulate``."""
    parser = add_command(
        subparsers,
        "simulate",
        "Simulate paired-dose acquisitions of a structured breast phantom as DICOM",
        "lowdosecontrast simulate acquisitions --arrangements 12 --seed 1",
        run_simulate,
        _show_simulate,
    )
    parser.add_argument("output", metavar="OUTDIR", help="folder for the images, new or of an interrupted run")
    parser.add_argument("--arrangements", type=int, default=12, metavar="N", help="how many phantoms (default: %(default)s, the last without its high dose, as in the paper)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="everything follows from it (default: %(default)s)")
    parser.add_argument("--detector", default="essential", help=f"{', '.join(DETECTORS)} (default: %(default)s)")
    parser.add_argument("--doses", metavar="LIST", help=f"which doses, with commas between (default: {','.join(DOSES_MGY)})")
    parser.add_argument("--realisations", type=int, default=1, metavar="N", help="independent noise draws of every image, for evaluation (default: %(default)s)")
    parser.add_argument("--presentation", action="store_true", help="write the For Presentation counterpart of every image too")
    parser.add_argument("--parameters", metavar="FILE", help=".json or .toml with parameters that differ from the detector's; simulation.json of any run lists all")
    parser.add_argument("--jobs", type=int, metavar="N", help="arrangements made at the same time (default: by cores and memory)")
    add_progress(parser)


def run_simulate(arguments):
    from .simulator.simulation import plan, simulate
    from .simulator.workers import default_jobs

    doses = None if arguments.doses is None else [name.strip() for name in arguments.doses.split(",") if name.strip()]
    chosen = plan(
        arguments.seed,
        arguments.arrangements,
        arguments.detector,
        doses,
        arguments.parameters,
        realisations=arguments.realisations,
        presentation=arguments.presentation,
    )
    jobs = default_jobs() if arguments.jobs is None else arguments.jobs
    return run_to_end(simulate(arguments.output, chosen, jobs), progress_bar("simulate", arguments.progress))


def _show_simulate(result):
    made = f"{len(result['files'])} images of {result['arrangements']} arrangements (seed {result['seed']})"
    return made + (f"\n{result['contact_sheet']}" if result["contact_sheet"] else "")


def add_prepare(subparsers):
    """``lowdosecontrast prepare``."""
    parser = add_command(
        subparsers,
        "prepare",
        "Cut paired acquisitions into patches for training",
        "lowdosecontrast prepare acquisitions dataset --bits 16 --split arrangement",
        run_prepare,
        _show_prepare,
    )
    parser.add_argument("input", metavar="DICOMDIR", help="folder with mammograms of each arrangement at a low and a high dose")
    parser.add_argument("output", metavar="OUTDIR", help="new folder for the data set")
    parser.add_argument("--patch-size", type=int, default=150, metavar="N", help="pixels (default: %(default)s)")
    parser.add_argument("--stride", type=int, metavar="N", help="pixels from patch to patch (default: the patch size)")
    parser.add_argument("--bits", type=int, default=8, help="8 as the paper, or 16 for exact pixel values (default: %(default)s)")
    parser.add_argument("--split", default="random", help="random patches as the paper (test and training share phantoms), or whole arrangements: arrangement (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the split (default: %(default)s)")
    parser.add_argument("--test", type=int, metavar="N", help="patch pairs or arrangements held out (default: 188 pairs or a sixth of the arrangements)")
    parser.add_argument("--validation", type=int, metavar="N", help="patch pairs or arrangements watched while training (default: a twentieth, or 1)")
    parser.add_argument("--breast-part", type=float, default=0.9, metavar="F", help="least part of a patch inside the breast (default: %(default)s)")


def run_prepare(arguments):
    from .prepare import PrepareSettings, prepare

    stride = arguments.patch_size if arguments.stride is None else arguments.stride
    settings = PrepareSettings(
        arguments.patch_size, stride, arguments.bits, arguments.split, arguments.test, arguments.validation, arguments.seed, arguments.breast_part
    )
    return _drive(prepare(arguments.input, arguments.output, settings), "prepare", lambda step: (step[0], step[1]))


def _show_prepare(result):
    counts = ", ".join(f"{result[name]} {name}" for name in ("train", "val", "test"))
    return f"{result['pairs']} patch pairs of {result['arrangements']} arrangements ({counts}); {result['excluded']} mostly air"


def add_train(subparsers):
    """``lowdosecontrast train``."""
    parser = add_command(
        subparsers,
        "train",
        "Train a pix2pix model on a prepared data set",
        "lowdosecontrast train dataset run --recipe compact",
        run_train,
        _show_train,
    )
    parser.add_argument("dataset", metavar="DATASET", help="folder made by 'prepare'")
    parser.add_argument("output", metavar="OUTDIR", help="new folder for the training run")
    parser.add_argument("--recipe", required=True, metavar="NAME|FILE", help="run1 to run4 (the paper's), compact, starter, or a .json or .toml file")
    parser.add_argument("--resume", action="store_true", help="go on with the run in OUTDIR")
    parser.add_argument("--epochs", type=int, metavar="N", help="epochs in all, constant rate and decay in the recipe's proportion")
    parser.add_argument("--threads", type=int, metavar="N", help="of the processor (default: all cores)")


def run_train(arguments):
    from .recipe import load_recipe
    from .training import train

    recipe = load_recipe(arguments.recipe, arguments.epochs)
    steps = train(arguments.dataset, arguments.output, recipe, arguments.resume, arguments.threads)
    return _drive(steps, "train", lambda p: ((p.epoch - 1) * p.steps + p.step, p.epochs * p.steps))


def _show_train(result):
    keys = ("method", "l1", "l1_scaled", "psnr", "fine_ratio", "cci_ratio")
    lines = [f"{result['epochs']} epochs: {result['model']}"]
    for title, rows in (("validation", result["validation"]), ("test", result["test"])):
        if rows:
            lines += [f"\n{title} (pixel values; decibels; fine detail and 3x3 standard deviation over those of the true high dose)"]
            lines += [table([[row[key] for key in keys] for row in rows], keys)]
    return "\n".join(lines)


def _drive(steps, label, done_of):
    """Run a generator of steps to its end with a bar on a terminal's standard error; return its result."""
    update = progress_bar(label)

    def show(step):
        done, total = done_of(step)
        update(Progress(done / total))

    return run_to_end(steps, show)


COMMANDS = (add_simulate, add_prepare, add_train)
