"""The command ``evaluate``."""

from __future__ import annotations

import argparse
from typing import Any

from LowDoseContrastLib.cci import CciVariant
from LowDoseContrastLib.cli import add_command, add_progress, progress_bar, table
from LowDoseContrastLib.settings import add_options, from_arguments
from LowDoseContrastLib.steps import run_to_end

from ..evaluation.settings import EvaluationSettings


def add_evaluate(subparsers: Any) -> None:
    """Add ``lowdosecontrast evaluate``."""
    parser = add_command(
        subparsers,
        "evaluate",
        "Judge models beside baselines on what a data set holds out, or on a simulation with its truth",
        "lowdosecontrast evaluate --dataset pairs --model starter --model run/model.safetensors --output judged\n"
        "  lowdosecontrast evaluate --simulation acquisitions --model starter --output judged\n"
        "  lowdosecontrast evaluate --dataset fold1 --dataset fold2 --model run1/model.safetensors "
        "--model run2/model.safetensors --output judged",
        run_evaluate,
        _show_evaluate,
    )
    several: dict[str, Any] = {"action": "append", "default": []}
    parser.add_argument(
        "--dataset",
        metavar="DIR",
        help="folder made by 'prepare', best with --split arrangement; several are folds (--split loo --fold K), "
        "each judged by the models that were trained on it",
        **several,
    )
    parser.add_argument("--model", metavar="NAME|FILE", help="a model to judge; may be given several times", **several)
    parser.add_argument(
        "--output",
        required=True,
        metavar="DIR",
        help="folder for report.html, results.json and results.csv, with --simulation results-truth.csv too",
    )
    add_options(parser, EvaluationSettings)
    add_options(parser, CciVariant, ("scale",), {"scale": "--cci-scale"})
    parser.add_argument("--overwrite", action="store_true", help="replace the results of an earlier run")
    add_progress(parser)


def run_evaluate(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run the command; return what ``results.json`` holds, and the folder."""
    from ..evaluation.evaluate import evaluate

    settings = from_arguments(EvaluationSettings, arguments, cci=from_arguments(CciVariant, arguments))
    steps = evaluate(arguments.dataset, arguments.model, arguments.output, settings, arguments.overwrite)
    found = run_to_end(steps, progress_bar("evaluate", arguments.progress))
    return {**found.to_json(), "output": arguments.output}


_SHOWN = {
    "method": "method", "CCI": "cci_output", "CCI-norm": "cci_norm_output", "CCI error": "cci_ratio_error",
    "slope": "slope", "offset": "offset", "PSNR": "psnr", "SSIM": "ssim", "PSNR matched": "psnr_matched",
    "SSIM matched": "ssim_matched", "detectability": "detectability", "verdict": "verdict",
}  # fmt: skip
_TRUTH_SHOWN = {
    "against the truth": "method", "detectability": "detectability", "4-AFC %": "forced_choice",
    "eye filter": "detectability_eye", "bias": "bias", "false/cm2": "false_calcifications",
    "missed/cm2": "missed_calcifications", "sensitivity": "sensitivity", "noise": "residual_noise", "MNSE": "mnse",
    "slope": "truth_slope", "offset": "truth_offset", "NNPS error": "nnps_shape_error", "50% masses": "half_masses",
    "50% dense": "half_dense_calcifications", "SDNR masses": "sdnr_masses", "SDNR fibres": "sdnr_fibres",
    "d' noise": "dprime_noise", "seam": "seam_index", "seconds": "seconds_per_image",
}  # fmt: skip


def _show_evaluate(result: dict[str, Any]) -> str:
    rows = result["rows"]
    first, models = rows[0], [row for row in rows if row["kind"] == "model"]
    shown = [_SHOWN, *([_TRUTH_SHOWN] if result["settings"]["simulation"] else [])]
    lines = []
    for columns in shown:
        lines += [table([[row.get(key) for key in columns.values()] for row in rows], tuple(columns)), ""]
    return "\n".join(
        [
            *lines,
            f"CCI of the input {first['cci_input']:.4g}, of the target {first['cci_target']:.4g}. "
            "Closer to the target is better; higher is not.",
            f"PSNR and SSIM: data range {result['data_range']:.4g} pixel values "
            f"(0.5th to 99.5th percentile of the target); all: {result['mask']}.",
            *(f"{row['method']}: {row['verdict']}: {'; '.join(row['reasons'])}" for row in models),
            *map(_show_leakage, result["leakage"]),
            *(f"note: {note}" for note in result["notes"]),
            result["caution"],
            result["notice"],
            result["report"],
        ]
    )


def _show_leakage(entry: dict[str, Any]) -> str:
    sides = (("random", "on the random split"), ("held_out", "on held-out arrangements"))
    gains = ", ".join(f"{words} {entry[side]['over_gain']['psnr_matched']:+.2f} dB" for side, words in sides)
    gap = f"the random split looks {entry['gap']['psnr_matched']:+.2f} dB better"
    return f"leakage gap of {entry['recipe']}: matched PSNR over the gain's {gains}; {gap}"
