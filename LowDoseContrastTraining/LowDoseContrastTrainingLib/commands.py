"""The commands of the training library: simulate, prepare, train, evaluate, controls, reproduce."""

from LowDoseContrastLib.cli import EXIT_DONE, add_command, add_progress, progress_bar, table
from LowDoseContrastLib.device import DEVICES
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.steps import mapped, run_to_end

from .controls.command import add_controls
from .simulator.parameters import DETECTORS, DOSES_MGY


def add_simulate(subparsers):
    """``lowdosecontrast simulate``."""
    parser = add_command(
        subparsers,
        "simulate",
        "Simulate paired-dose acquisitions of a structured breast phantom, or reduce the dose of existing ones, as DICOM",
        "lowdosecontrast simulate acquisitions --arrangements 12 --seed 1\n  lowdosecontrast simulate pairs --from raw/*.dcm --dose-fraction 0.29 --flats flat-*.dcm",
        run_simulate,
        _show_simulate,
    )
    parser.add_argument("output", metavar="OUTDIR", help="folder for the images, new or of an interrupted run")
    parser.add_argument("--arrangements", type=int, metavar="N", help="how many phantoms (default: 12, the last without its high dose, as in the paper)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="everything follows from it (default: %(default)s)")
    parser.add_argument("--detector", help=f"{', '.join(DETECTORS)} (default: essential)")
    parser.add_argument("--doses", metavar="LIST", help=f"which doses, with commas between (default: {','.join(DOSES_MGY)})")
    parser.add_argument("--realisations", type=int, default=1, metavar="N", help="independent noise draws of every image, for evaluation (default: %(default)s)")
    parser.add_argument("--presentation", action="store_true", help="write the For Presentation counterpart of every image too")
    parser.add_argument("--parameters", metavar="FILE", help=".json or .toml with parameters that differ from the detector's; simulation.json of any run lists all")
    parser.add_argument("--jobs", type=int, metavar="N", help="arrangements made at the same time (default: by cores and memory)")
    reduction = parser.add_argument_group("pairs from acquisitions at one dose")
    reduction.add_argument("--from", dest="inputs", nargs="+", metavar="INPUT", help="For Processing mammograms whose dose is to be reduced; nothing is simulated from scratch")
    reduction.add_argument("--dose-fraction", type=float, metavar="F", help="part of their dose, between 0 and 1")
    reduction.add_argument("--noise", metavar="TEXT|FILE", help="known values of the noise model, as xi_q=0.031,xi_e=2.8, or .json or .toml; the others are estimated")
    reduction.add_argument("--flats", nargs="+", metavar="FILE", help="flat fields at two or more doses to estimate the noise from (default: from each INPUT itself)")
    add_progress(parser)


_FROM_SCRATCH = ("arrangements", "detector", "doses", "presentation", "parameters", "jobs")
_FROM_IMAGES = ("dose_fraction", "noise", "flats")


def run_simulate(arguments):
    other, needs = (_FROM_IMAGES, "needs") if arguments.inputs is None else (_FROM_SCRATCH, "cannot be used with")
    for name in other:
        if getattr(arguments, name) not in (None, False):
            raise InputError(f"--{name.replace('_', '-')} {needs} --from")
    return _simulate(arguments) if arguments.inputs is None else _reduce(arguments)


def _reduce(arguments):
    from .dose_reduction.noise_model import given_values
    from .dose_reduction.pairs import ReductionPlan, reduce_dose

    if arguments.dose_fraction is None:
        raise InputError("--from needs --dose-fraction, the part of the dose that is to be left")
    given = given_values(arguments.noise) if arguments.noise is not None else {}
    chosen = ReductionPlan(tuple(arguments.inputs), arguments.dose_fraction, arguments.seed, arguments.realisations, given, tuple(arguments.flats or ()))
    return run_to_end(reduce_dose(arguments.output, chosen), progress_bar("reduce", arguments.progress))


def _simulate(arguments):
    from .simulator.simulation import plan, simulate
    from .simulator.workers import default_jobs

    doses = None if arguments.doses is None else [name.strip() for name in arguments.doses.split(",") if name.strip()]
    stated = {name: getattr(arguments, name) for name in ("arrangements", "detector") if getattr(arguments, name) is not None}
    chosen = plan(
        arguments.seed, doses=doses, parameters=arguments.parameters, realisations=arguments.realisations, presentation=arguments.presentation, **stated
    )
    jobs = default_jobs() if arguments.jobs is None else arguments.jobs
    return run_to_end(simulate(arguments.output, chosen, jobs), progress_bar("simulate", arguments.progress))


def _show_simulate(result):
    if "noise_models" in result:
        return _show_reduced(result)
    made = f"{len(result['files'])} images of {result['arrangements']} arrangements (seed {result['seed']})"
    return made + (f"\n{result['contact_sheet']}" if result["contact_sheet"] else "")


def _show_reduced(result):
    from .dose_reduction.noise_model import NoiseModel

    lines = [f"{len(result['files'])} images of {result['arrangements']} acquisitions (seed {result['seed']})"]
    models = dict.fromkeys((NoiseModel(**model).described(), *model["notes"]) for model in result["noise_models"])
    lines += [f"noise: {described}" + "".join(f"\n  {note}" for note in notes) for described, *notes in models]
    if any(result["saturated"]):
        lines.append(f"{sum(result['saturated'])} pixels inside the breast are saturated in the inputs: there the reduced images are scaled and have no noise")
    return "\n".join(lines)


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
    parser.add_argument("input", metavar="DICOMDIR", help="folder with mammograms of each arrangement at a low and a high dose; of several realisations the first is paired")
    parser.add_argument("output", metavar="OUTDIR", help="folder for the data set, new or of an interrupted run")
    parser.add_argument("--patch-size", type=int, default=150, metavar="N", help="pixels (default: %(default)s)")
    parser.add_argument("--stride", type=int, metavar="N", help="pixels from patch to patch (default: the patch size)")
    parser.add_argument("--bits", type=int, default=8, help="8 as the paper, or 16 for exact pixel values (default: %(default)s)")
    parser.add_argument("--scale", default="auto", metavar="auto|full|LO,HI", help="pixel values at the ends of the PNG's range (default: auto, up to the brightest of the breast in 8 bits, every value in 16)")
    parser.add_argument("--breast-part", type=float, default=0.6, metavar="F", help="least part of a patch inside the breast (default: %(default)s)")
    pairing = parser.add_argument_group("which images are pairs")
    pairing.add_argument("--group-by", default="auto", metavar="HOW", help="what tells arrangements apart: study, folder, a DICOM keyword, or a .csv file with the columns file and arrangement (default: auto, study or else folder)")
    pairing.add_argument("--doses", default="low=3.359,high=11.523", metavar="LEVELS", help="entrance doses in mGy, by the dose tag or else by the ratio of the exposures (default: %(default)s)")
    pairing.add_argument("--max-shift", type=float, default=8.0, metavar="PIXELS", help="leave out pairs that lie further apart (default: %(default)s)")
    pairing.add_argument("--align", action="store_true", help="correct shifts by whole pixels, keeping what both images show")
    split = parser.add_argument_group("what is held out")
    split.add_argument("--split", default="random", help="random patches as the paper (test and training share phantoms), whole arrangements (arrangement), or one of them (loo) (default: %(default)s)")
    split.add_argument("--fold", type=int, metavar="K", help="the arrangement that loo holds out, from 1")
    split.add_argument("--seed", type=int, default=0, metavar="S", help="of the split (default: %(default)s)")
    split.add_argument("--test", type=int, metavar="N", help="patch pairs or arrangements held out (default: 188 pairs or a sixth of the arrangements)")
    split.add_argument("--validation", type=int, metavar="N", help="patch pairs or arrangements watched while training (default: a twentieth, or 1)")
    add_progress(parser)


def run_prepare(arguments):
    import dataclasses

    from .prepare import prepare
    from .prepare_settings import PrepareSettings

    values = {each.name: getattr(arguments, each.name) for each in dataclasses.fields(PrepareSettings)}
    if values["stride"] is None:
        values["stride"] = arguments.patch_size
    return run_to_end(prepare(arguments.input, arguments.output, PrepareSettings(**values)), progress_bar("prepare", arguments.progress))


def _show_prepare(result):
    counts = ", ".join(f"{result[name]} {name}" for name in ("train", "val", "test"))
    lines = [f"{result['pairs']} patch pairs of {result['arrangements']} arrangements ({counts}); {result['excluded']} mostly air"]
    lines += [f"files: {line}" for line in result["files"]] + [f"warning: {line}" for line in result["warnings"]]
    return "\n".join([*lines, result["manifest"], *filter(None, [result["contact_sheet"]])])


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
    from .distributed import is_first
    from .process_memory import keep_freed_memory
    from .recipe import load_recipe
    from .training import train

    recipe = load_recipe(arguments.recipe, arguments.epochs)
    if arguments.memory is not None and not arguments.memory >= 0:
        raise InputError(f"--memory must not be negative, it is {arguments.memory:g}")
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


def add_evaluate(subparsers):
    """``lowdosecontrast evaluate``."""
    parser = add_command(
        subparsers,
        "evaluate",
        "Judge models beside baselines on what a data set holds out, or on a simulation with its truth",
        "lowdosecontrast evaluate --dataset pairs --model starter --model run/model.safetensors --output judged\n"
        "  lowdosecontrast evaluate --simulation acquisitions --model starter --output judged\n"
        "  lowdosecontrast evaluate --dataset fold1 --dataset fold2 --model run1/model.safetensors --model run2/model.safetensors --output judged",
        run_evaluate,
        _show_evaluate,
    )
    parser.add_argument("--dataset", action="append", default=[], metavar="DIR", help="folder made by 'prepare', best with --split arrangement; several are folds (--split loo --fold K), each judged by the models that were trained on it")
    parser.add_argument("--simulation", metavar="DIR", help="a folder of 'simulate', with --realisations 2 or more: measures against its truth too. With --dataset, the one that it was prepared from; without, all of its arrangements are judged, baselines fitted on one half for the other")
    parser.add_argument("--model", action="append", default=[], metavar="NAME|FILE", help="a model to judge; may be given several times")
    parser.add_argument("--random", metavar="DIR", help="a data set of the same acquisitions made with --split random: how much better the --model trained on it looks on its own test part is the leakage gap")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder for report.html, results.json and results.csv, with --simulation results-truth.csv too")
    parser.add_argument("--baselines", default="all", metavar="all|LIST", help="which baselines, with commas between; the gain is always among them (default: %(default)s)")
    parser.add_argument("--split", default="test", help="which patches are judged: test, val, or all (both) (default: %(default)s)")
    parser.add_argument("--noise", metavar="TEXT|FILE", help="known values of the detector's noise, as xi_q=0.031,xi_e=2.8,offset=1.9, or .json or .toml (default: estimated from the training pairs)")
    parser.add_argument("--cci-scale", default="full", metavar="SCALE", help="of the CCI, as the scales of 'cci' (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of the bootstrap (default: %(default)s)")
    parser.add_argument("--device", default="auto", help=f"{', '.join(DEVICES)} (default: %(default)s, a GPU before the CPU)")
    parser.add_argument("--allow-out-of-domain", action="store_true", help="judge a model outside of its domain too")
    parser.add_argument("--overwrite", action="store_true", help="replace the results of an earlier run")
    add_progress(parser)


def run_evaluate(arguments):
    from LowDoseContrastLib.cci import CciVariant

    from .evaluation.evaluate import EvaluationSettings, evaluate

    if arguments.seed < 0:
        raise InputError(f"--seed must not be negative, it is {arguments.seed}")
    names = ("baselines", "split", "noise", "device", "allow_out_of_domain", "seed", "simulation", "random")
    settings = EvaluationSettings(cci=CciVariant(arguments.cci_scale), **{name: getattr(arguments, name) for name in names})
    steps = evaluate(arguments.dataset, arguments.model, arguments.output, settings, arguments.overwrite)
    return {**run_to_end(steps, progress_bar("evaluate", arguments.progress)), "output": arguments.output}


_TRUTH_SHOWN = {
    "against the truth": "method", "detectability": "detectability", "4-AFC %": "forced_choice", "eye filter": "detectability_eye", "bias": "bias",
    "false/cm2": "false_calcifications", "missed/cm2": "missed_calcifications", "sensitivity": "sensitivity", "noise": "residual_noise", "MNSE": "mnse", "slope": "truth_slope", "offset": "truth_offset", "NNPS error": "nnps_shape_error", "50% masses": "half_masses",
    "50% dense": "half_dense_calcifications", "SDNR masses": "sdnr_masses", "SDNR fibres": "sdnr_fibres", "d' noise": "dprime_noise",
    "seam": "seam_index", "seconds": "seconds_per_image",
}  # fmt: skip


def _show_evaluate(result):
    shown = {
        "method": "method", "CCI": "cci_output", "CCI-norm": "cci_norm_output", "CCI error": "cci_ratio_error", "slope": "slope", "offset": "offset",
        "PSNR": "psnr", "SSIM": "ssim", "PSNR matched": "psnr_matched", "SSIM matched": "ssim_matched", "detectability": "detectability", "verdict": "verdict",
    }  # fmt: skip
    rows = result["rows"]
    lines = [table([[row[key] for key in shown.values()] for row in rows], tuple(shown)), ""]
    if result["settings"]["simulation"]:
        lines += [table([[row.get(key) for key in _TRUTH_SHOWN.values()] for row in rows], tuple(_TRUTH_SHOWN)), ""]
    lines += [f"CCI of the input {rows[0]['cci_input']:.4g}, of the target {rows[0]['cci_target']:.4g}. Closer to the target is better; higher is not."]
    lines += [f"PSNR and SSIM: data range {result['data_range']:.4g} pixel values (0.5th to 99.5th percentile of the target); all: {result['mask']}."]
    lines += [f"{row['method']}: {row['verdict']}: {'; '.join(row['reasons'])}" for row in rows if row["kind"] == "model"]
    lines += [_show_leakage(each) for each in result["leakage"]]
    return "\n".join([*lines, *(f"note: {note}" for note in result["notes"]), result["caution"], result["notice"], result["report"]])


def _show_leakage(entry):
    sides = ", ".join(f"{words} {entry[side]['over_gain']['psnr_matched']:+.2f} dB" for side, words in (("random", "on the random split"), ("held_out", "on held-out arrangements")))
    return f"leakage gap of {entry['recipe']}: matched PSNR over the gain's {sides}; the random split looks {entry['gap']['psnr_matched']:+.2f} dB better"


def add_reproduce(subparsers):
    """``lowdosecontrast reproduce``."""
    parser = add_command(
        subparsers,
        "reproduce",
        "Repeat the paper's experiment on simulated acquisitions, ending in one page with its numbers and ours",
        "lowdosecontrast reproduce reproduction --quick",
        run_reproduce,
        _show_reproduce,
    )
    parser.add_argument("output", metavar="OUTDIR", help="folder, new or of an interrupted run, which goes on where it stopped")
    parser.add_argument("--quick", action="store_true", help="a quarter of the filters and a 50th of the epochs: under half an hour on two processor cores")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="everything follows from it (default: %(default)s)")
    parser.add_argument("--device", default="auto", help=f"{', '.join(DEVICES)} (default: %(default)s, a GPU before the CPU)")
    add_progress(parser)


def run_reproduce(arguments):
    import sys

    from .process_memory import keep_freed_memory
    from .reproduction.plan import ReproductionPlan
    from .reproduction.reproduce import reproduce

    keep_freed_memory()
    plan = ReproductionPlan(arguments.quick, arguments.seed)
    told = None if arguments.progress == "lines" else lambda text: print(text, file=sys.stderr, flush=True)
    steps = reproduce(arguments.output, plan, arguments.device, told)
    return run_to_end(steps, progress_bar("reproduce", arguments.progress))


def _show_reproduce(result):
    compared = [each for each in result["numbers"] if each["paper"] is not None]
    rows = [[each["table"], each["subject"], each["quantity"], each["paper"], each["ours"]] for each in compared]
    return "\n".join([table(rows, ("table", "of", "number", "paper", "ours")), result["page"]])


COMMANDS = (add_simulate, add_prepare, add_train, add_evaluate, add_controls, add_reproduce)
