"""A folder of simulated acquisitions, as the paper's data set: one study per arrangement."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from LowDoseContrastLib import __version__
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.steps import Clock, run_to_end

from ..common.file_names import SIMULATION_FILE
from ..common.run_folder import clear_leftovers, open_folder
from .acquisition import make_arrangement
from .contact_sheet import write_contact_sheet
from .dicom_exposure import exposure_dataset, oriented, uid, write_exposure
from .layout import image_path, truth_paths
from .parameters import DETECTORS, AcquisitionParameters, described, parameters_for
from .presentation import presentation_dataset
from .truth import write_truth
from .workers import can_start_processes, in_processes

PAPER_ARRANGEMENTS = 12  # the last of which has no high dose
_BYTES_PER_PIXEL = 3  # on the disk, for an image and its share of the truth; generous


@dataclass(frozen=True)
class SimulationPlan:
    """What is to be simulated.

    Attributes:
        seed: non-negative; everything follows from it.
        arrangements: how many, at least 1.
        doses: names of doses among ``parameters.doses_mgy``.
        parameters: the acquisition chain.
        realisations: independent noise draws of every image, at least 1.
        presentation: write the For Presentation counterpart of every image too.
        compress: lossless compression of the pixels.

    Raises:
        InputError: a value out of its range, or an unknown dose.
    """

    seed: int = 0
    arrangements: int = PAPER_ARRANGEMENTS
    doses: tuple[str, ...] = ("low", "automatic", "high")
    parameters: AcquisitionParameters = DETECTORS["essential"]
    realisations: int = 1
    presentation: bool = False
    compress: bool = True

    def __post_init__(self):
        if self.seed < 0:
            raise InputError("", f"{{seed}} must not be negative, it is {self.seed}")
        for name in ("arrangements", "realisations"):
            if getattr(self, name) < 1:
                raise InputError("", f"{{{name}}} must be at least 1, it is {getattr(self, name)}")
        known = self.parameters.doses_mgy
        unknown = [name for name in self.doses if name not in known]
        if unknown or not self.doses:
            raise InputError("", f"{{doses}}: choose from {', '.join(known)}, not '{', '.join(unknown)}'")
        if len(set(self.doses)) < len(self.doses):
            raise InputError("", "{doses}: names each dose once")

    def doses_of(self, number: int) -> tuple[str, ...]:
        """Return the doses of one arrangement: the last of the paper's set lacks its high dose."""
        lacks_high = self.arrangements == PAPER_ARRANGEMENTS and number == PAPER_ARRANGEMENTS - 1
        return tuple(dose for dose in self.doses if not (lacks_high and dose == "high"))

    def images(self) -> list[tuple[int, str, int, bool]]:
        """Return (arrangement, dose, realisation, for presentation) of every image, in order."""
        return [image for number in range(self.arrangements) for image in self.images_of(number)]

    def images_of(self, number: int) -> list[tuple[int, str, int, bool]]:
        """Return the images of one arrangement."""
        intents = (False, True) if self.presentation else (False,)
        return [(number, dose, draw, intent) for draw in range(self.realisations) for dose in self.doses_of(number) for intent in intents]

    def settings(self) -> dict:
        """Return the plan as JSON-able values, what a resumed run must agree with."""
        plain = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        plain |= {"version": __version__, "parameters": described(self.parameters)}
        return json.loads(json.dumps(plain))


def plan(seed=0, arrangements=PAPER_ARRANGEMENTS, detector="essential", doses=None, parameters=None, **choices):
    """Return a plan with a named detector (a key of ``DETECTORS``).

    Args:
        doses: names; all of the parameters' if None.
        parameters: a dictionary or file that overrides the detector's parameters.
        choices: further fields of :class:`SimulationPlan`.

    Raises:
        InputError: an unknown detector or parameter, or as :class:`SimulationPlan`.
    """
    chain = parameters_for(detector, parameters)
    return SimulationPlan(seed, arrangements, tuple(doses if doses is not None else chain.doses_mgy), chain, **choices)


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
