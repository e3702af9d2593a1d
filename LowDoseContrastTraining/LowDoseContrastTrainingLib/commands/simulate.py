"""The command ``simulate``."""

from __future__ import annotations

import argparse
from typing import Any

from LowDoseContrastLib.cli import add_command, add_progress, progress_bar
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.settings import add_options
from LowDoseContrastLib.steps import run_to_end

from ..simulator.parameters import DETECTORS, DOSES_MGY
from ..simulator.simulation_plan import SimulationPlan, plan


def add_simulate(subparsers: Any) -> None:
    """``lowdosecontrast simulate``."""
    parser = add_command(
        subparsers,
        "simulate",
        "Simulate paired-dose acquisitions of a structured breast phantom, or reduce the dose of existing ones, "
        "as DICOM",
        "lowdosecontrast simulate acquisitions --arrangements 12 --seed 1\n  lowdosecontrast simulate pairs "
        "--from raw/*.dcm --dose-fraction 0.29 --flats flat-*.dcm",
        run_simulate,
        _show_simulate,
    )
    parser.add_argument("output", metavar="OUTDIR", help="folder for the images, new or of an interrupted run")
    add_options(parser, SimulationPlan)
    parser.set_defaults(arrangements=None)  # so that it is known whether it was given
    parser.add_argument("--detector", help=f"{', '.join(DETECTORS)} (default: essential)")
    parser.add_argument(
        "--doses", metavar="LIST", help=f"which doses, with commas between (default: {','.join(DOSES_MGY)})"
    )
    parser.add_argument(
        "--parameters",
        metavar="FILE",
        help=".json or .toml with parameters that differ from the detector's; simulation.json of any run lists all",
    )
    parser.add_argument(
        "--jobs", type=int, metavar="N", help="arrangements made at the same time (default: by cores and memory)"
    )
    reduction = parser.add_argument_group("pairs from acquisitions at one dose")
    reduction.add_argument(
        "--from",
        dest="inputs",
        nargs="+",
        metavar="INPUT",
        help="For Processing mammograms whose dose is to be reduced; nothing is simulated from scratch",
    )
    reduction.add_argument("--dose-fraction", type=float, metavar="F", help="part of their dose, between 0 and 1")
    reduction.add_argument(
        "--noise",
        metavar="TEXT|FILE",
        help="known values of the noise model, as xi_q=0.031,xi_e=2.8, or .json or .toml; the others are estimated",
    )
    reduction.add_argument(
        "--flats",
        nargs="+",
        metavar="FILE",
        help="flat fields at two or more doses to estimate the noise from (default: from each INPUT itself)",
    )
    add_progress(parser)


_FROM_SCRATCH = ("arrangements", "detector", "doses", "presentation", "parameters", "jobs")
_FROM_IMAGES = ("dose_fraction", "noise", "flats")


def run_simulate(arguments: argparse.Namespace) -> dict[str, Any]:
    other, needs = (_FROM_IMAGES, "needs") if arguments.inputs is None else (_FROM_SCRATCH, "cannot be used with")
    for name in other:
        if getattr(arguments, name) not in (None, False):
            raise InputError("", f"{{{name}}} {needs} {{inputs}}")
    return _simulate(arguments) if arguments.inputs is None else _reduce(arguments)


def _reduce(arguments: argparse.Namespace) -> dict[str, Any]:
    from ..dose_reduction.noise_model import given_values
    from ..dose_reduction.pairs import ReductionPlan, reduce_dose

    if arguments.dose_fraction is None:
        raise InputError("", "{inputs} needs {dose_fraction}, the part of the dose that is to be left")
    given = given_values(arguments.noise) if arguments.noise is not None else {}
    chosen = ReductionPlan(
        tuple(arguments.inputs),
        arguments.dose_fraction,
        arguments.seed,
        arguments.realisations,
        given,
        tuple(arguments.flats or ()),
    )
    return run_to_end(reduce_dose(arguments.output, chosen), progress_bar("reduce", arguments.progress))


def _simulate(arguments: argparse.Namespace) -> dict[str, Any]:
    from ..simulator.simulation import simulate
    from ..simulator.workers import default_jobs

    doses = None if arguments.doses is None else [name.strip() for name in arguments.doses.split(",") if name.strip()]
    stated = {
        name: getattr(arguments, name) for name in ("arrangements", "detector") if getattr(arguments, name) is not None
    }
    chosen = plan(
        arguments.seed,
        doses=doses,
        parameters=arguments.parameters,
        realisations=arguments.realisations,
        presentation=arguments.presentation,
        **stated,
    )
    jobs = default_jobs() if arguments.jobs is None else arguments.jobs
    return run_to_end(simulate(arguments.output, chosen, jobs), progress_bar("simulate", arguments.progress))


def _show_simulate(result: Any) -> str:
    if "noise_models" in result:
        return _show_reduced(result)
    made = f"{len(result['files'])} images of {result['arrangements']} arrangements (seed {result['seed']})"
    return made + (f"\n{result['contact_sheet']}" if result["contact_sheet"] else "")


def _show_reduced(result: Any) -> str:
    from ..dose_reduction.noise_model import NoiseModel

    lines = [f"{len(result['files'])} images of {result['arrangements']} acquisitions (seed {result['seed']})"]
    models = dict.fromkeys((NoiseModel(**model).described(), *model["notes"]) for model in result["noise_models"])
    lines += [f"noise: {described}" + "".join(f"\n  {note}" for note in notes) for described, *notes in models]
    if any(result["saturated"]):
        lines.append(
            f"{sum(result['saturated'])} pixels inside the breast are saturated in the inputs: there the reduced "
            "images are scaled and have no noise"
        )
    return "\n".join(lines)
