"""What raises the CCI of any output and shows nothing more: it must not be called an improvement."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.cci import CciVariant
from LowDoseContrastLib.steps import mapped
from scipy import ndimage

from ..baselines.contrast import UnsharpMask
from ..baselines.intensity import Gain
from ..common.randomness import stream
from ..evaluation.judging import judged, span_of
from ..evaluation.methods import BASELINE
from ..evaluation.results import rows_of
from ..evaluation.truth_measures import truth_results
from ..evaluation.verdict import IMPROVEMENT
from .arrangements import Arrangements
from .candidates import TrueHighDose
from .rows import ControlRow

NAME = "cheats"
WHAT = (
    "Every output with a further gain of 1.2, with that and white noise that doubles the local standard deviation, and unsharp masked, "
    "each judged as a method of its own beside the gain and a denoising baseline. "
    "After the true high dose the verdict must be an improvement, or these scenes could not tell."
)
GAIN = 1.2
# White noise of standard deviation s adds s sqrt(8/9) to the population standard deviation of 3x3 pixels; to double that
# of the image, the variance that is added is three times its own.
_NOISE = np.sqrt(3 / (8 / 9))


@dataclass(frozen=True)
class Cheat:
    """One way to raise the CCI.

    Attributes:
        name: what is done to the output.
        change: (pixels (rows, columns), pixel value at no exposure, random stream) -> pixels.
    """

    name: str
    change: Callable


def _gained(pixels, offset, _):
    return Gain(GAIN, offset).apply(pixels)


def _noisy(pixels, offset, rng):
    gained = _gained(pixels, offset, rng)
    return gained + np.float32(_NOISE * _local_deviation(gained)) * rng.standard_normal(gained.shape, dtype=np.float32)


def _local_deviation(pixels):
    """Median over the image of the population standard deviation of 3x3 pixels."""
    values = np.asarray(pixels, np.float64) - np.mean(pixels)
    mean, square = (ndimage.uniform_filter(each, 3) for each in (values, values**2))
    return float(np.median(np.sqrt(np.maximum(square - mean**2, 0))))


def _sharpened(pixels, offset, _):
    return UnsharpMask(Gain(1.0, offset)).apply(pixels)


CHEATS = (Cheat(f"gain {GAIN:g}", _gained), Cheat(f"gain {GAIN:g} and noise", _noisy), Cheat("unsharp mask", _sharpened))


class Cheated:
    """A method whose output is cheated with.

    Args:
        method: see :class:`.candidates.Candidate`.
        cheat: what is done.
        offset: pixel value at no exposure.
        seed: of the noise.

    Attributes:
        name, kind, described: as of any method; a row of its own.
    """

    kind = BASELINE

    def __init__(self, method, cheat: Cheat, offset: float, seed: int):
        self.name, self.described = f"{method.name}, {cheat.name}", {"cheat": cheat.name}
        self._method, self._cheat, self._offset, self._seed = method, cheat, offset, seed

    def of(self, group: str) -> Cheated:
        """As :meth:`..evaluation.methods.BaselineMethod.of`."""
        return self

    def steps(self, mammogram):
        """As :meth:`..evaluation.methods.BaselineMethod.steps`."""
        return self._changed(self._method.steps, mammogram)

    def whole_steps(self, mammogram):
        """As :meth:`..evaluation.methods.BaselineMethod.whole_steps`."""
        return self._changed(self._method.whole_steps, mammogram)

    def _changed(self, steps, mammogram):
        made = yield from mapped(steps(mammogram), lambda share: share)
        streams = (stream(self._seed, "cheat", mammogram.uid, number) for number in range(len(made)))
        return np.stack([np.asarray(self._cheat.change(each, self._offset, rng), np.float32) for each, rng in zip(made, streams)])


@dataclass(frozen=True)
class Judgement:
    """What the evaluation says of the methods on the arrangements.

    Attributes:
        rows: name of a method -> its row of :func:`..evaluation.results.rows_of`.
        truth: as :func:`..evaluation.truth_measures.truth_results`.
        opponents: the methods that every verdict compares with: the gain and a denoising baseline.
    """

    rows: dict
    truth: dict
    opponents: tuple


def cheats(candidates, opponents, scenes: Arrangements):
    """Generator: yields the share done, returns (a :class:`.rows.ControlRow` for each candidate and cheat, :class:`Judgement`).

    Args:
        opponents: (the gain, a denoising baseline), methods.
    """
    seed, methods = scenes.settings.seed, [each.method for each in candidates]
    cheated = {method.name: [Cheated(method, cheat, scenes.offset, seed) for cheat in CHEATS] for method in methods}
    named = {each.name: each for each in [*opponents, *methods, *(one for several in cheated.values() for one in several)]}
    every, views = list(named.values()), [scenes.view(index) for index in range(len(scenes.found))]
    results = yield from mapped(judged(every, views, span_of(views), CciVariant()), lambda share: 0.3 * share)
    truth = yield from mapped(truth_results(every, scenes.found), lambda share: 0.3 + 0.7 * share)
    found = {row["method"]: row for row in rows_of(results, every, seed, truth)}
    outside = {each.name: each.outside(*scenes.lows) for each in candidates}
    pairs = [(name, one, cheat) for name, several in cheated.items() for one, cheat in zip(several, CHEATS)]
    rows = [compared(found[name], found[one.name], cheat, outside[name]) for name, one, cheat in pairs]
    rows += [_sensitive(found[method.name]) for method in methods if method.name == TrueHighDose.name]
    return rows, Judgement(found, truth, tuple(opponents))


def compared(own: dict, cheated: dict, cheat: Cheat, outside: tuple[str, ...] = ()) -> ControlRow:
    """Return the row of one cheat; a verdict that the method has without it is not earned by it.

    Args:
        own, cheated: rows of :func:`..evaluation.results.rows_of` of a method and of its output after the cheat.
        outside: see :class:`.rows.ControlRow`.
    """
    figures = {
        "CCI before": own["cci_output"],
        "CCI after": cheated["cci_output"],
        "CCI error before": own["cci_ratio_error"],
        "CCI error after": cheated["cci_ratio_error"],
        "detectability difference": _difference(own["detectability"], cheated["detectability"]),
        "verdict before": own["verdict"],
        "verdict after": cheated["verdict"],
    }
    earned = cheated["verdict"] == IMPROVEMENT != own["verdict"]
    passed = cheated["cci_output"] > own["cci_output"] and not earned
    return ControlRow(NAME, cheat.name, own["method"], figures, f"CCI rises, and the cheat earns no {IMPROVEMENT}", passed, outside)


def _difference(before, after):
    return None if before is None or after is None else after - before


def _sensitive(own):
    """Whether the verdict can be earned on these arrangements at all."""
    figures = {"CCI before": own["cci_output"], "CCI error before": own["cci_ratio_error"], "verdict before": own["verdict"]}
    return ControlRow(NAME, "none", own["method"], figures, f"the verdict is {IMPROVEMENT}: these scenes tell one", own["verdict"] == IMPROVEMENT)
