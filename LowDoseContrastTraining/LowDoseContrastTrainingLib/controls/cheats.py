"""Changes that raise the CCI of any output and show nothing more: none may be called an improvement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.cci import CciVariant
from LowDoseContrastLib.mammogram import Mammogram
from LowDoseContrastLib.steps import Steps, part
from scipy import ndimage

from ..baselines.base import BASELINE, Method
from ..baselines.contrast import UnsharpMask
from ..baselines.intensity import Gain
from ..common.randomness import stream
from ..evaluation.ceiling import TrueHighDose
from ..evaluation.document import Row
from ..evaluation.judging import judged, span_of
from ..evaluation.results import rows_of
from ..evaluation.truth_measures import TruthResult, truth_results
from ..evaluation.verdict import IMPROVEMENT
from .arrangements import Arrangements
from .candidates import Candidate, Changed, Making
from .rows import ControlRow

NAME = "cheats"
WHAT = (
    "Every output with a further gain of 1.2, with that and white noise that doubles the local standard deviation, "
    "and unsharp masked, each judged as a method of its own beside the gain and a denoising baseline. "
    "After the true high dose the verdict must be an improvement, or these scenes could not tell."
)
GAIN = 1.2
# White noise of standard deviation s adds s sqrt(8/9) to the population standard deviation of 3x3 pixels; to double
# that of the image, the variance that is added is three times its own.
_NOISE = np.sqrt(3 / (8 / 9))


@dataclass(frozen=True)
class Cheat:
    """One way to raise the CCI.

    Attributes:
        name: what is done to the output.
        change: (pixels (rows, columns), pixel value at no exposure, random stream) -> pixels.
    """

    name: str
    change: Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


def _gained(pixels: np.ndarray, offset: float, _: np.random.Generator) -> np.ndarray:
    return Gain(GAIN, offset).apply(pixels)


def _noisy(pixels: np.ndarray, offset: float, rng: np.random.Generator) -> np.ndarray:
    gained = _gained(pixels, offset, rng)
    return gained + np.float32(_NOISE * _local_deviation(gained)) * rng.standard_normal(gained.shape, dtype=np.float32)


def _local_deviation(pixels: np.ndarray) -> float:
    """Median over the image of the population standard deviation of 3x3 pixels."""
    values = np.asarray(pixels, np.float64) - np.mean(pixels)
    mean, square = (ndimage.uniform_filter(each, 3) for each in (values, values**2))
    return float(np.median(np.sqrt(np.maximum(square - mean**2, 0))))


def _sharpened(pixels: np.ndarray, offset: float, _: np.random.Generator) -> np.ndarray:
    return UnsharpMask(Gain(1.0, offset)).apply(pixels)


CHEATS = (
    Cheat(f"gain {GAIN:g}", _gained),
    Cheat(f"gain {GAIN:g} and noise", _noisy),
    Cheat("unsharp mask", _sharpened),
)


class Cheated(Changed):
    """A method with a cheat applied to its output; it has a row of its own.

    Args:
        method: see :class:`.candidates.Candidate`.
        cheat: what is done.
        offset: pixel value at no exposure.
        seed: of the noise.
    """

    def __init__(self, method: Method, cheat: Cheat, offset: float, seed: int) -> None:
        super().__init__(method, f"{method.name}, {cheat.name}")
        self.kind, self.is_denoiser = BASELINE, False
        self._cheat, self._offset, self._seed = cheat, offset, seed

    def changed(self, make: Making, mammogram: Mammogram) -> Steps[np.ndarray]:
        changed = []
        for number, pixels in enumerate((yield from make(mammogram))):
            rng = stream(self._seed, "cheat", str(mammogram.uid), number)
            changed.append(np.asarray(self._cheat.change(pixels, self._offset, rng), np.float32))
        return np.stack(changed)


@dataclass(frozen=True)
class Judgement:
    """What the evaluation says of the methods on the arrangements.

    Attributes:
        truth: name of a method -> its figures against the truth.
        opponents: the methods that every verdict compares with: the gain and a denoising baseline.
    """

    truth: dict[str, TruthResult]
    opponents: tuple[Method, ...]


def cheats(
    candidates: Sequence[Candidate], opponents: Iterable[Method], scenes: Arrangements
) -> Steps[tuple[list[ControlRow], Judgement]]:
    """Return (a row for each candidate and cheat, what the evaluation says besides).

    Args:
        opponents: (the gain, a denoising baseline).
    """
    seed, methods = scenes.settings.seed, [candidate.method for candidate in candidates]
    pairs = [
        (candidate, cheat, Cheated(candidate.method, cheat, scenes.offset, seed))
        for candidate in candidates
        for cheat in CHEATS
    ]
    named = {each.name: each for each in [*opponents, *methods, *(cheated for *_, cheated in pairs)]}
    every, views = list(named.values()), [scenes.view(index) for index in range(len(scenes.found))]
    results = yield from part(judged(every, views, span_of(views), CciVariant()), 0.0, 0.3)
    truth = yield from part(truth_results(every, scenes.found), 0.3, 1.0)
    found = {row.method: row for row in rows_of(results, every, seed, truth)}
    outside = {candidate.name: candidate.outside(*scenes.lows) for candidate in candidates}
    rows = [compared(found[own.name], found[cheated.name], cheat, outside[own.name]) for own, cheat, cheated in pairs]
    rows += [_sensitive(found[method.name]) for method in methods if method.name == TrueHighDose.name]
    return rows, Judgement(truth, tuple(opponents))


def compared(own: Row, cheated: Row, cheat: Cheat, outside: tuple[str, ...] = ()) -> ControlRow:
    """Return the row of one cheat; a verdict that the method has without it is not earned by it.

    Args:
        own, cheated: rows of the evaluation, of a method and of its output after the cheat.
        outside: see :class:`.rows.ControlRow`.
    """
    before, after = (each.value("cci_output") for each in (own, cheated))
    seen, seen_after = (each.value("detectability") for each in (own, cheated))
    figures = {
        "CCI before": before,
        "CCI after": after,
        "CCI error before": own.value("cci_ratio_error"),
        "CCI error after": cheated.value("cci_ratio_error"),
        "detectability difference": None if seen is None or seen_after is None else seen_after - seen,
        "verdict before": own.verdict,
        "verdict after": cheated.verdict,
    }
    rises = before is not None and after is not None and after > before
    earned = cheated.verdict == IMPROVEMENT != own.verdict
    expected = f"CCI rises, and the cheat earns no {IMPROVEMENT}"
    return ControlRow(NAME, cheat.name, own.method, figures, expected, rises and not earned, outside)


def _sensitive(own: Row) -> ControlRow:
    """Whether the verdict can be earned on these arrangements at all."""
    figures = {
        "CCI before": own.value("cci_output"),
        "CCI error before": own.value("cci_ratio_error"),
        "verdict before": own.verdict,
    }
    expected = f"the verdict is {IMPROVEMENT}: these scenes tell one"
    return ControlRow(NAME, "none", own.method, figures, expected, own.verdict == IMPROVEMENT)
