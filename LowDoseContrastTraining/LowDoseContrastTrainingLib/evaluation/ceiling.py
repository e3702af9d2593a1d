"""The ceiling: the true high dose, as if a method had made it, which no method can be expected to exceed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
from LowDoseContrastLib.mammogram import Mammogram
from LowDoseContrastLib.steps import Progress, Steps

from ..baselines.base import CEILING, Method
from ..dataset.manifest import PairedDataSet
from ..simulator.layout import image_path
from .held_out_views import View
from .simulated_arrangements import SimulatedArrangement


class TrueHighDose(Method):
    """Answers every low-dose image with an exposure of the same object at the high dose.

    Args:
        images: low-dose mammogram -> the high dose, (slices, rows, columns) pixel values.
    """

    name = "high dose"

    def __init__(self, images: Callable[[Mammogram], np.ndarray], kind: str = CEILING) -> None:
        self.kind, self._images = kind, images

    def steps(self, mammogram: Mammogram) -> Steps[np.ndarray]:
        yield Progress(0.0)
        return np.asarray(self._images(mammogram), np.float32)


def ceiling(held_out: Iterable[tuple[PairedDataSet, View, SimulatedArrangement]]) -> TrueHighDose:
    """Return the method that knows the high dose of held-out patches, and of the whole images they were cut from.

    Patches are of the first realisation, so it answers with the second; a whole image has the high dose of its own.
    """
    answers: dict[str, Callable[[], np.ndarray]] = {}
    for data, view, arrangement in held_out:
        answers[view.low.source] = partial(_patches, data, view, arrangement)
        for number in range(arrangement.realisations):
            source = str(image_path(arrangement.folder, arrangement.number, arrangement.low, number))
            answers[source] = partial(_whole, arrangement, number)
    return TrueHighDose(lambda mammogram: answers[mammogram.source]())


def _whole(arrangement: SimulatedArrangement, realisation: int) -> np.ndarray:
    return arrangement.image(arrangement.high, realisation).pixels


def _patches(data: PairedDataSet, view: View, arrangement: SimulatedArrangement) -> np.ndarray:
    image = _whole(arrangement, 1)[0]
    pair = next(arrangement for arrangement in data.arrangements if arrangement.number == view.number)
    assert pair.overlap is not None  # it was prepared from a simulation
    top, left = pair.overlap.start(data.doses[1])
    patches = [patch for patch in data.patches if patch.arrangement == view.number]
    corners = {patch.name: (top + patch.row, left + patch.column) for patch in patches}
    rows, columns = view.high.shape[1:]
    starts = [corners[name] for name in view.names]
    return np.stack([image[row : row + rows, column : column + columns] for row, column in starts])
