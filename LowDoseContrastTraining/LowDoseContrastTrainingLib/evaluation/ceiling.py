"""The ceiling: a second realisation of the high dose, which no method can be expected to exceed."""

from __future__ import annotations

import numpy as np
from LowDoseContrastLib.cci import CciVariant

from ..dataset.manifest import PairedDataSet
from ..measurement.fidelity import Fidelity, fidelity
from .simulated_arrangements import SimulatedArrangement

CEILING = "ceiling"


class Ceiling:
    """The high dose as a row of the table.

    Attributes:
        name, kind, described: as :class:`.methods.BaselineMethod`.
    """

    kind, name = CEILING, "high dose"

    def __init__(self):
        self.described = {"parameters": {}}

    def of(self, group: str) -> Ceiling:
        """As :meth:`.methods.BaselineMethod.of`."""
        return self


def ceiling_fidelity(data: PairedDataSet, view, arrangement: SimulatedArrangement, span: float, variant: CciVariant) -> list[Fidelity]:
    """Return how near the second realisation of the high dose comes to the first on the patches of a view.

    Args:
        view: :class:`.held_out_views.View` of the arrangement.
        span: data range, pixel values.
    """
    pair = next(each for each in data.arrangements if each["number"] == view.number)
    image = arrangement.image(arrangement.high, 1)
    top, left = pair["overlap"][data.doses[1]]
    places = {each["name"]: (top + each["row"], left + each["column"]) for each in data.patches if each["arrangement"] == view.number}
    side = view.high.shape[1:]
    seconds = [_part(image.pixels[0], places[name], side) for name in view.names]
    return [fidelity(*images, view.low.full_scale, span, variant) for images in zip(view.low.pixels, seconds, view.high, view.mask)]


def _part(image: np.ndarray, start, side):
    return image[start[0] : start[0] + side[0], start[1] : start[1] + side[1]]
