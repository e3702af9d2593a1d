"""The command ``evaluate``."""

from __future__ import annotations

from LowDoseContrastLib.cli import add_command, add_progress, progress_bar, table
from LowDoseContrastLib.device import DEVICES
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.steps import run_to_end


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

    from ..evaluation.evaluate import EvaluationSettings, evaluate

    if arguments.seed < 0:
        raise InputError("", f"{{seed}} must not be negative, it is {arguments.seed}")
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
