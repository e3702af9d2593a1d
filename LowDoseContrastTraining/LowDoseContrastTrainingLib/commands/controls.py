"""The command ``controls``."""

from __future__ import annotations

from LowDoseContrastLib.cli import add_command, add_progress, progress_bar, table
from LowDoseContrastLib.device import DEVICES
from LowDoseContrastLib.steps import run_to_end


def add_controls(subparsers):
    """``lowdosecontrast controls``."""
    parser = add_command(
        subparsers,
        "controls",
        "Put the identity, the gain, the true high dose and models through adversarial controls, on scenes that are simulated for it",
        "lowdosecontrast controls controlled --model starter",
        run_controls,
        _show,
    )
    parser.add_argument("output", metavar="OUTDIR", help="folder for controls.md, controls.csv and controls.json; a control that is failed is a result, not an error")
    parser.add_argument("--model", action="append", default=[], metavar="NAME|FILE", help="a model to judge; may be given several times")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="every scene and every noise follows from it (default: %(default)s)")
    parser.add_argument("--device", default="auto", help=f"{', '.join(DEVICES)} (default: %(default)s, a GPU before the CPU)")
    parser.add_argument("--allow-out-of-domain", action="store_true", help="judge a model outside of its domain too; the dose sweep always does, and marks it")
    parser.add_argument("--overwrite", action="store_true", help="replace the results of an earlier run")
    add_progress(parser)


def run_controls(arguments):
    from ..controls.controls import controls
    from ..controls.settings import ControlSettings

    settings = ControlSettings(**{name: getattr(arguments, name) for name in ("seed", "device", "allow_out_of_domain")})
    steps = controls(arguments.output, arguments.model, settings, arguments.overwrite)
    return {**run_to_end(steps, progress_bar("controls", arguments.progress)), "output": arguments.output}


def _show(result):
    rows = [[each["method"], f"{each['passed']} of {each['controls']}", ", ".join(each["failed"]) or "none"] for each in result["summary"]]
    failed = [f"{row['method']} fails {row['control']}, {row['condition']}: expected: {row['expected']}" for row in result["rows"] if not row["passed"]]
    return "\n".join([table(rows, ("method", "controls passed", "failed")), "", *failed, result["notice"], result["table"]])
