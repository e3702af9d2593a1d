"""The held-out arrangements of a data set in the simulation that it was prepared from: images and truth."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.files import read_mammogram
from LowDoseContrastLib.mammogram import Mammogram

from ..common.file_names import SIMULATION_FILE
from ..dataset.acquisition_header import read_acquisition
from ..dataset.manifest import PairedDataSet, PairEntry
from ..measurement.truth_places import Truth, read_truth
from ..simulator.layout import image_path, truth_paths
from .settings import LEAST_REALISATIONS

Images = dict[str | None, tuple[int, str]]  # SOP Instance UID -> (arrangement, dose)


@dataclass(frozen=True)
class SimulatedArrangement:
    """A held-out arrangement, in the simulation.

    Attributes:
        group: its name in the data set.
        entry: number of its pair in the manifest.
        folder: of the simulation.
        number: in the simulation, from 0.
        low, high: the simulation's names of the two doses of the pair.
        realisations: of every image.
    """

    group: str
    entry: int
    folder: Path
    number: int
    low: str
    high: str
    realisations: int

    def image(self, dose: str, realisation: int) -> Mammogram:
        """Return an image, float32 pixel values.

        Raises:
            InputError: its file is missing or damaged.
        """
        mammogram = read_mammogram(image_path(self.folder, self.number, dose, realisation))
        return mammogram.with_pixels(mammogram.pixels.astype(np.float32))

    def images(self, dose: str) -> list[Mammogram]:
        """Return all realisations of an image."""
        return [self.image(dose, number) for number in range(self.realisations)]

    def truth(self) -> Truth:
        """Return what the simulation knows of it.

        Raises:
            InputError: a file of the truth is missing or damaged.
        """
        return read_truth(truth_paths(self.folder, self.number, ())["facts"].parent)


def simulated_arrangements(
    folder: str | Path, data: PairedDataSet, entries: Iterable[int]
) -> list[SimulatedArrangement]:
    """Find pairs of a data set in a simulation; images are identified by their SOP Instance UIDs.

    Args:
        folder: made by ``simulate`` with two realisations or more.
        entries: numbers of pairs in the manifest.

    Raises:
        InputError: no simulation or one without realisations, a pair that is not in it, truth that is missing,
            or a data set that takes realisations of one arrangement for several, or several for one.
    """
    folder = Path(folder)
    settings = simulation_settings(folder)
    if settings.realisations < LEAST_REALISATIONS:
        remedy = f"simulate with {{realisations}} {LEAST_REALISATIONS} or more"
        raise InputError(folder, "holds one realisation of every image", remedy, "simulation")
    images = dict(_images(folder, settings))
    pairs = {arrangement.number: arrangement for arrangement in data.arrangements}
    _check_distinct(folder, pairs.values(), images)
    found = [_found(folder, pairs[number], data, images, settings.realisations) for number in entries]
    if len({each.group for each in found}) < len(found):
        remedy = "prepare it with {group_by} study"
        raise InputError(data.folder, f"takes several arrangements of {folder} for one", remedy, "simulation")
    for each in found:
        each.truth().noise_free(each.high)  # before the long work
    return found


@dataclass(frozen=True)
class SimulationSettings:
    """What a simulation holds; ``doses`` are name -> mGy."""

    arrangements: int
    realisations: int
    doses: dict[str, float]


def simulation_settings(folder: str | Path) -> SimulationSettings:
    """Return what a simulation holds.

    Raises:
        InputError: ``folder`` does not hold a simulation.
    """
    try:
        settings = json.loads((Path(folder) / SIMULATION_FILE).read_text())
        levels = settings["parameters"]["doses_mgy"]["value"]
        doses = {name: float(levels[name]) for name in settings["doses"]}
        return SimulationSettings(int(settings["arrangements"]), int(settings["realisations"]), doses)
    except (OSError, ValueError, LookupError, TypeError) as error:
        problem = f"is no simulation (no readable {SIMULATION_FILE})"
        raise InputError(folder, problem, "name the folder that 'simulate' wrote", "simulation") from error


def _images(folder: Path, settings: SimulationSettings) -> Iterator[tuple[str | None, tuple[int, str]]]:
    """Yield (SOP Instance UID, (arrangement, dose)) of the images that are there."""
    numbers, realisations = range(settings.arrangements), range(settings.realisations)
    for number, dose, realisation in itertools.product(numbers, settings.doses, realisations):
        path = image_path(folder, number, dose, realisation)
        image = read_acquisition(path) if path.is_file() else None
        if image is not None and not isinstance(image, str):
            yield image.uid, (number, dose)


def _check_distinct(folder: Path, pairs: Iterable[PairEntry], images: Images) -> None:
    """Realisations of one arrangement as several would be in training and held out at the same time."""
    owners: dict[int, str] = {}
    for pair in pairs:
        image = images.get(pair.low.uid)
        if image and owners.setdefault(image[0], pair.group) != pair.group:
            problem = f"the data set takes realisations of arrangement {image[0] + 1} of it for several arrangements"
            raise InputError(folder, problem, "prepare it with {group_by} study", "simulation")


def _found(
    folder: Path, pair: PairEntry, data: PairedDataSet, images: Images, realisations: int
) -> SimulatedArrangement:
    low, high = (images.get(pair.image(name).uid) for name in data.doses)
    if low is None or high is None or low[0] != high[0]:
        problem = f"does not hold arrangement {pair.group} of {data.folder}"
        raise InputError(folder, problem, "name the simulation that the data set was prepared from", "simulation")
    return SimulatedArrangement(pair.group, pair.number, folder, low[0], low[1], high[1], realisations)
