"""A folder of simulated acquisitions, as the paper's data set: one study per arrangement."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

from LowDoseContrastLib.atomic import atomic_output
from LowDoseContrastLib.errors import InputError

from .acquisition import DETECTORS, AcquisitionParameters, simulate_arrangement
from .acquisition_dicom import exposure_dataset, laterality_of, write_exposure

SETTINGS_FILE = "simulation.json"
PAPER_ARRANGEMENTS = 12  # the last of which has no high dose


@dataclass(frozen=True)
class SimulationPlan:
    """What is to be simulated.

    Attributes:
        seed: non-negative; everything follows from it.
        arrangements: how many, at least 1.
        doses: names of doses among ``parameters.doses_mgy``.
        parameters: the acquisition chain.
        compress: lossless compression of the pixels.

    Raises:
        InputError: a value out of its range, or an unknown dose.
    """

    seed: int = 0
    arrangements: int = PAPER_ARRANGEMENTS
    doses: tuple[str, ...] = ("low", "automatic", "high")
    parameters: AcquisitionParameters = DETECTORS["essential"]
    compress: bool = True

    def __post_init__(self):
        if self.seed < 0:
            raise InputError(f"--seed must not be negative, it is {self.seed}")
        if self.arrangements < 1:
            raise InputError(f"--arrangements must be at least 1, it is {self.arrangements}")
        known = self.parameters.doses_mgy
        unknown = [name for name in self.doses if name not in known]
        if unknown or not self.doses:
            raise InputError(f"--doses: choose from {', '.join(known)}, not '{', '.join(unknown)}'")

    def images(self):
        """Return (arrangement, dose name) of every image, in the order they are made."""
        made = []
        for number in range(self.arrangements):
            lacks_high = self.arrangements == PAPER_ARRANGEMENTS and number == PAPER_ARRANGEMENTS - 1
            made += [(number, dose) for dose in self.doses if not (lacks_high and dose == "high")]
        return made

    def settings(self) -> dict:
        """Return the plan as JSON-able values, what a resumed run must agree with."""
        plain = dataclasses.asdict(self)
        return json.loads(json.dumps(plain))


def plan(seed=0, arrangements=PAPER_ARRANGEMENTS, detector="essential", doses=None, compress=True):
    """Return a plan with a named detector (a key of ``DETECTORS``).

    Raises:
        InputError: an unknown detector, or as :class:`SimulationPlan`.
    """
    if detector not in DETECTORS:
        raise InputError(f"--detector: choose from {', '.join(DETECTORS)}, not '{detector}'")
    parameters = DETECTORS[detector]
    chosen = tuple(doses) if doses is not None else tuple(parameters.doses_mgy)
    return SimulationPlan(seed, arrangements, chosen, parameters, compress)


def image_path(folder: Path, arrangement: int, dose: str) -> Path:
    """Return where an image lies: ``arrangement-01/low.dcm`` and so on."""
    return Path(folder) / f"arrangement-{arrangement + 1:02d}" / f"{dose}.dcm"


def simulate(folder, plan: SimulationPlan):
    """Make the images of a plan; a generator that yields ``(done, total, path)`` per image.

    Images that are there already are kept, so an interrupted run goes on where it stopped.
    Every file appears whole or not at all.

    Returns:
        A dictionary with ``files``, ``arrangements`` and ``seed``.

    Raises:
        InputError: the folder holds something else, or another simulation.
    """
    folder = Path(folder)
    _open_folder(folder, plan)
    images = plan.images()
    total, done = len(images), 0
    for number in range(plan.arrangements):
        wanted = [(image_path(folder, number, dose), dose) for k, dose in images if k == number]
        missing = tuple(dose for path, dose in wanted if not path.exists())
        made = simulate_arrangement(plan.parameters, plan.seed, number, missing) if missing else None
        if made is not None:
            _write_truth(folder, made)
        for path, dose in wanted:
            if dose in missing:
                exposure = next(e for e in made.exposures if e.name == dose)
                write_exposure(path, exposure_dataset(made, exposure), plan.compress)
            done += 1
            yield done, total, path
    files = [str(image_path(folder, *image)) for image in images]
    return {"files": files, "arrangements": plan.arrangements, "seed": plan.seed}


def _open_folder(folder: Path, plan: SimulationPlan) -> None:
    settings = folder / SETTINGS_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")]
    except OSError as error:
        raise InputError(f"{folder}: cannot be used as a folder ({error.strerror}); choose another") from error
    if settings.exists():
        if json.loads(settings.read_text()) != plan.settings():
            raise InputError(f"{folder}: holds a simulation with other settings; choose another folder")
    elif others:
        raise InputError(f"{folder}: is not empty (it holds {sorted(others)[0]}); choose another folder")
    else:
        with atomic_output(settings) as temporary:
            temporary.write_text(json.dumps(plan.settings(), indent=1) + "\n")


def _write_truth(folder: Path, made) -> None:
    """Write where every insert is (mm from the first pixel's corner, as the files show it)."""
    width = made.parameters.columns * made.parameters.pixel_mm
    inserts = [dataclasses.asdict(insert) for insert in made.phantom.inserts]
    if laterality_of(made.number) == "R":
        for insert in inserts:
            insert["column_mm"] = width - insert["column_mm"]
    truth = {
        "arrangement": made.number + 1,
        "density": made.phantom.density,
        "laterality": laterality_of(made.number),
        "inserts": inserts,
    }
    path = folder / f"arrangement-{made.number + 1:02d}" / "truth.json"
    path.parent.mkdir(exist_ok=True)
    with atomic_output(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(truth, indent=1) + "\n")
