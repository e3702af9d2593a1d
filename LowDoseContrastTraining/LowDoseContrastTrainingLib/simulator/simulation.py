"""A folder of simulated acquisitions, like the paper's data set: one study per arrangement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.steps import Clock, Steps

from ..common.file_names import SIMULATION_FILE
from ..common.run_folder import clear_leftovers, open_folder
from .acquisition import Arrangement, make_arrangement
from .contact_sheet import write_contact_sheet
from .dicom_exposure import exposure_dataset, oriented, uid, write_exposure
from .layout import image_path, truth_paths
from .presentation import presentation_dataset
from .simulation_plan import SimulationPlan
from .truth import write_truth
from .workers import can_start_processes, in_processes

_BYTES_PER_PIXEL = 3  # on disk, for an image and its share of the truth; an upper limit


def simulate(folder: str | Path, plan: SimulationPlan, jobs: int = 1) -> Steps[dict[str, Any]]:
    """Make the images of a plan, the truth of its arrangements, and a contact sheet.

    Existing files are kept, so an interrupted run continues where it stopped. Every file appears whole
    or not at all; its bytes do not depend on ``jobs``.

    Args:
        jobs: number of processes, which make an arrangement each. There is only one inside an application
            that embeds Python, because it cannot start another interpreter.

    Yields:
        :class:`LowDoseContrastLib.steps.Progress`.

    Returns:
        ``files``, ``arrangements``, ``seed``, ``truth`` (folders) and ``contact_sheet`` (None without
        matplotlib).

    Raises:
        InputError: the folder holds something else or another simulation, or the disk is full.
    """
    folder = Path(folder)
    if jobs < 1:
        raise InputError("", f"{{jobs}} must be at least 1, it is {jobs}")
    (rows, columns), clock, total, done = plan.parameters.shape, Clock(), len(plan.images()), 0
    needed = rows * columns * _BYTES_PER_PIXEL * total
    with open_folder(folder, SIMULATION_FILE, plan.settings(), needed, "a simulation"):
        for number, count in _made(folder, plan, min(jobs, plan.arrangements)):
            done += count
            yield clock.progress(done / total * 0.99, f"arrangement {number + 1} of {plan.arrangements}")
        numbers = range(plan.arrangements)
        sheet = write_contact_sheet(folder, [(number, dose) for number in numbers for dose in plan.doses_of(number)])
        yield clock.progress(1.0, "contact sheet")
    return {
        "files": [str(image_path(folder, *image)) for image in plan.images()],
        "arrangements": plan.arrangements,
        "seed": plan.seed,
        "truth": [str(truth_paths(folder, number, ())["facts"].parent) for number in numbers],
        "contact_sheet": str(sheet) if sheet else None,
    }


def _made(folder: Path, plan: SimulationPlan, jobs: int) -> Iterator[tuple[int, int]]:
    """Make everything; yield (arrangement, how many more of its images are done)."""
    if jobs > 1 and can_start_processes():
        calls = [(folder, plan, number) for number in range(plan.arrangements)]
        try:
            with closing(in_processes(_make_whole, calls, jobs)) as finished:
                for number in finished:
                    yield number, len(plan.images_of(number))
        finally:
            clear_leftovers(folder)
    else:
        for number in range(plan.arrangements):
            for count in _make(folder, plan, number):
                yield number, count


def _make_whole(folder: Path, plan: SimulationPlan, number: int) -> int:
    for _ in _make(folder, plan, number):
        pass
    return number


def _make(folder: Path, plan: SimulationPlan, number: int) -> Iterator[int]:
    """Make an arrangement; yield how many images an exposure gave, once they are there."""
    doses, made = plan.doses_of(number), None
    paths = truth_paths(folder, number, doses)
    if not all(path.exists() for path in paths.values()):
        made = make_arrangement(plan.parameters, plan.seed, number)
        write_truth(paths, made, doses)
    intents = (False, True) if plan.presentation else (False,)
    for draw in range(plan.realisations):
        for dose in doses:
            images = [image_path(folder, number, dose, draw, intent) for intent in intents]
            if not all(path.exists() for path in images):
                made = made or make_arrangement(plan.parameters, plan.seed, number)
                _expose(made, dose, draw, plan.compress, *images)
            yield len(images)


def _expose(made: Arrangement, dose: str, draw: int, compress: bool, raw: Path, shown: Path | None = None) -> None:
    """Write an exposure, and its For Presentation counterpart to ``shown``, where they are missing."""
    exposure = made.exposure(dose, draw)
    header = exposure_dataset(made, exposure)
    raw.parent.mkdir(exist_ok=True)
    if shown is not None and not shown.exists():
        pixels, offset = oriented(exposure.pixels, made.number), made.parameters.offset
        instance, series = (uid(made, what, "presentation", dose, draw) for what in ("instance", "series"))
        write_exposure(shown, presentation_dataset(header, pixels, offset, instance, series), compress)
    if not raw.exists():
        write_exposure(raw, header, compress)
