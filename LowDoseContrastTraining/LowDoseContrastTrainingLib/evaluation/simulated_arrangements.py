"""The held-out arrangements of a data set in the simulation that it was prepared from: their images, realisation by realisation, and their truth."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.files import read_mammogram
from LowDoseContrastLib.mammogram import Mammogram

from ..common.file_names import SIMULATION_FILE
from ..dataset.acquisition_header import read_acquisition
from ..dataset.manifest import PairedDataSet
from ..measurement.truth_places import Truth, read_truth
from ..simulator.layout import image_path, truth_paths

LEAST_REALISATIONS = 2


@dataclass(frozen=True)
class SimulatedArrangement:
    """A held-out arrangement where the simulation keeps it.

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

    def truth(self) -> Truth:
        """Return what the simulation knows of it.

        Raises:
            InputError: a file of the truth is missing or damaged.
        """
        return read_truth(truth_paths(self.folder, self.number, ())["facts"].parent)


def simulated_arrangements(folder, data: PairedDataSet, entries) -> list[SimulatedArrangement]:
    """Return where some pairs of a data set lie in a simulation; images are told by their SOP Instance UIDs.

    Args:
        folder: made by ``simulate`` with two realisations or more.
        entries: numbers of pairs in the manifest.

    Raises:
        InputError: no simulation or one without realisations, a pair that is not in it, truth that is missing,
            or a data set that takes realisations of one arrangement for several, or several for one.
    """
    folder = Path(folder)
    settings = _settings(folder)
    places = dict(_places(folder, settings))
    pairs = {each["number"]: each for each in data.arrangements}
    _check_distinct(folder, pairs.values(), places)
    found = [_found(folder, pairs[number], data, places, settings["realisations"]) for number in entries]
    if len({each.group for each in found}) < len(found):
        raise InputError("", f"{{simulation}}: {data.folder} takes several arrangements of {folder} for one", "prepare it with {group_by} study")
    for each in found:
        each.truth().noise_free(each.high)  # before the long work
    return found


def _settings(folder):
    settings = simulation_settings(folder)
    if settings["realisations"] < LEAST_REALISATIONS:
        raise InputError("", f"{{simulation}}: {folder} holds one realisation of every image", f"simulate with {{realisations}} {LEAST_REALISATIONS} or more")
    return settings


def simulation_settings(folder) -> dict:
    """Return ``arrangements``, ``realisations`` and ``doses`` (name -> mGy) of a simulation.

    Raises:
        InputError: ``folder`` is none.
    """
    try:
        settings = json.loads((Path(folder) / SIMULATION_FILE).read_text())
        levels = settings["parameters"]["doses_mgy"]["value"]
        doses = {name: float(levels[name]) for name in settings["doses"]}
        return {"arrangements": int(settings["arrangements"]), "realisations": int(settings["realisations"]), "doses": doses}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InputError("", f"{{simulation}}: {folder} is no simulation (no readable {SIMULATION_FILE})", "name the folder that 'simulate' wrote") from error


def _places(folder, settings):
    """Yield (SOP Instance UID, (arrangement, dose)) of the images that are there."""
    for number in range(settings["arrangements"]):
        for dose in settings["doses"]:
            for realisation in range(settings["realisations"]):
                path = image_path(folder, number, dose, realisation)
                image = read_acquisition(path) if path.is_file() else None
                if image is not None and not isinstance(image, str):
                    yield image.uid, (number, dose)


def _check_distinct(folder, pairs, places):
    """Realisations of one arrangement as several would be in training and held out at the same time."""
    owners = {}
    for pair in pairs:
        place = places.get(pair["low"].get("uid"))
        if place and owners.setdefault(place[0], pair["group"]) != pair["group"]:
            raise InputError("", f"{{simulation}}: the data set takes realisations of arrangement {place[0] + 1} of {folder} for several arrangements", "prepare it with {group_by} study")


def _found(folder, pair, data, places, realisations):
    low, high = (places.get(pair[name].get("uid")) for name in data.doses)
    if low is None or high is None or low[0] != high[0]:
        raise InputError("", f"{{simulation}}: {folder} does not hold arrangement {pair['group']} of {data.folder}", "name the simulation that the data set was prepared from")
    return SimulatedArrangement(pair["group"], pair["number"], folder, low[0], low[1], high[1], realisations)
