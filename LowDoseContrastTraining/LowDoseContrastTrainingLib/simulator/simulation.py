"""A folder of simulated acquisitions, as the paper's data set: one study per arrangement."""

from __future__ import annotations

from pathlib import Path

from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.steps import Clock, run_to_end

from ..common.file_names import SIMULATION_FILE
from ..common.run_folder import clear_leftovers, open_folder
from .acquisition import make_arrangement
from .contact_sheet import write_contact_sheet
from .dicom_exposure import exposure_dataset, oriented, uid, write_exposure
from .layout import image_path, truth_paths
from .presentation import presentation_dataset
from .simulation_plan import SimulationPlan
from .truth import write_truth
from .workers import can_start_processes, in_processes

_BYTES_PER_PIXEL = 3  # on the disk, for an image and its share of the truth; generous


def simulate(folder, plan: SimulationPlan, jobs: int = 1):
    """Make the images of a plan and the truth of each arrangement, and a contact sheet of them.

    What is there already is kept, so an interrupted run goes on where it stopped. Every file
    appears whole or not at all, with the same bytes whatever ``jobs`` is.

    Args:
        jobs: arrangements made at the same time, each in a process of its own; one after the other inside
            of an application, which is no Python to start further ones of.

    Yields:
        :class:`LowDoseContrastLib.steps.Progress`.

    Returns:
        A dictionary with ``files``, ``arrangements``, ``seed``, ``truth`` (folders) and
        ``contact_sheet`` (None without matplotlib).

    Raises:
        InputError: the folder holds something else or another simulation, or the disk is full.
    """
    folder = Path(folder)
    if jobs < 1:
        raise InputError("", f"{{jobs}} must be at least 1, it is {jobs}")
    rows, columns = plan.parameters.shape
    open_folder(folder, SIMULATION_FILE, plan.settings(), rows * columns * _BYTES_PER_PIXEL * len(plan.images()), "a simulation")
    clock, total = Clock(), len(plan.images())
    done = 0
    for number, path in _made(folder, plan, min(jobs, plan.arrangements)):
        done += 1 if path else len(plan.images_of(number))
        yield clock.progress(done / total * 0.99, f"arrangement {number + 1} of {plan.arrangements}")
    sheet = write_contact_sheet(folder, [(number, dose) for number in range(plan.arrangements) for dose in plan.doses_of(number)])
    yield clock.progress(1.0, "contact sheet")
    return {
        "files": [str(image_path(folder, *image)) for image in plan.images()],
        "arrangements": plan.arrangements,
        "seed": plan.seed,
        "truth": [str(truth_paths(folder, n, ())["facts"].parent) for n in range(plan.arrangements)],
        "contact_sheet": str(sheet) if sheet else None,
    }


def _made(folder, plan, jobs):
    """Make everything; yields (arrangement, path), the path None where all its images are made."""
    if jobs > 1 and can_start_processes():
        calls = [(folder, plan, number) for number in range(plan.arrangements)]
        try:
            yield from ((number, None) for number in in_processes(_make_whole, calls, jobs))
        finally:
            clear_leftovers(folder)
    else:
        for number in range(plan.arrangements):
            yield from ((number, path) for path in _make(folder, plan, number))


def _make_whole(folder, plan, number) -> int:
    """One arrangement in a process of its own."""
    run_to_end(_make(folder, plan, number))
    return number


def _make(folder, plan, number):
    """Make one arrangement; yields the path of every image as it is there."""
    doses, made = plan.doses_of(number), None
    paths = truth_paths(folder, number, doses)
    if not all(path.exists() for path in paths.values()):
        made = make_arrangement(plan.parameters, plan.seed, number)
        write_truth(paths, made, doses)
    for draw in range(plan.realisations):
        for dose in doses:
            raw, shown = (image_path(folder, number, dose, draw, intent) for intent in (False, True))
            if not raw.exists() or (plan.presentation and not shown.exists()):
                made = made or make_arrangement(plan.parameters, plan.seed, number)
                _write_exposure(made, dose, draw, raw, shown if plan.presentation else None, plan.compress)
            yield raw
            if plan.presentation:
                yield shown


def _write_exposure(made, dose, draw, raw, shown, compress):
    exposure = made.exposure(dose, draw)
    header = exposure_dataset(made, exposure)
    raw.parent.mkdir(exist_ok=True)
    if shown is not None and not shown.exists():
        pixels = oriented(exposure.pixels, made.number)
        instance, series = (uid(made, what, "presentation", dose, draw) for what in ("instance", "series"))
        write_exposure(shown, presentation_dataset(header, pixels, made.parameters.offset, instance, series), compress)
    if not raw.exists():
        write_exposure(raw, header, compress)
