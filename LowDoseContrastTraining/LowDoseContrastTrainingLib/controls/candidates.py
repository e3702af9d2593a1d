"""What the controls judge: baselines, models, or any method of the evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.card import Domain
from LowDoseContrastLib.mammogram import Mammogram
from LowDoseContrastLib.steps import Steps, run_to_end

from ..baselines.base import Method
from ..baselines.intensity import Gain, Identity
from ..baselines.model_method import ModelMethod
from ..evaluation.methods import loaded, names_apart


@dataclass(frozen=True)
class Candidate:
    """A method and what else the controls must know about it.

    Attributes:
        method: what is judged.
        at_ratio: ratio of the doses -> the method for that ratio, where it is another one or may be used outside of its
            domain.
        domain: of a model.
    """

    method: Method
    at_ratio: Callable[[float], Method] | None = None
    domain: Domain | None = None

    @property
    def name(self) -> str:
        return self.method.name

    def at(self, ratio: float) -> Method:
        """Return the method for a high dose that is ``ratio`` times the low one."""
        return self.at_ratio(ratio) if self.at_ratio else self.method

    def outside(self, *mammograms: Mammogram) -> tuple[str, ...]:
        """Return how images lie outside of the model's domain, in sentences, without repetition."""
        if not self.domain:
            return ()
        return tuple(dict.fromkeys(objection for image in mammograms for objection in self.domain.objections(image)))


def identity_and_gain(ratio: float, offset: float) -> list[Candidate]:
    """Return the baselines that every run has; the gain takes the ratio of any two doses.

    Args:
        ratio: high over low dose.
        offset: pixel value at no exposure.
    """
    return [Candidate(Identity()), Candidate(Gain(ratio, offset), lambda other: Gain(other, offset))]


def models_of(names: Iterable[str], device: str, allow_out_of_domain: bool, taken: Iterable[str]) -> list[Candidate]:
    """Return the models of these names or files; at other doses than their own, they run outside of their domain too.

    Args:
        taken: names that others have; a model of one of them gets part of its hash.

    Raises:
        InputError: there is no such model, or its file is damaged.
    """
    enhancers = loaded(names, device)
    found = []
    for enhancer, name in zip(enhancers, names_apart([enhancer.model for enhancer in enhancers], taken), strict=True):
        limited, free = (ModelMethod(enhancer, allowed, name) for allowed in (allow_out_of_domain, True))
        found.append(Candidate(limited, _always(free), enhancer.model.card.domain))
    return found


def _always(method: Method) -> Callable[[float], Method]:
    return lambda _: method


Making = Callable[[Mammogram], Steps[np.ndarray]]


class Changed(Method):
    """A method whose outputs go through :meth:`changed`; it has the name and the kind of the one it is made of."""

    def __init__(self, method: Method, name: str = "") -> None:
        self.name, self.kind, self.is_denoiser = name or method.name, method.kind, method.is_denoiser
        self._method = method

    def steps(self, mammogram: Mammogram) -> Steps[np.ndarray]:
        return self.changed(self._method.steps, mammogram)

    def whole_steps(self, mammogram: Mammogram) -> Steps[np.ndarray]:
        return self.changed(self._method.whole_steps, mammogram)

    def changed(self, make: Making, mammogram: Mammogram) -> Steps[np.ndarray]:
        """Return what becomes of the output of ``make``."""
        return (yield from make(mammogram))


class Remembered(Changed):
    """A method that makes the output of an image only once; images are told apart by their ``source``."""

    def __init__(self, method: Method) -> None:
        super().__init__(method)
        self._made: dict[tuple[str, str], np.ndarray] = {}

    def changed(self, make: Making, mammogram: Mammogram) -> Steps[np.ndarray]:
        key = make.__name__, mammogram.source
        if key not in self._made:
            self._made[key] = yield from make(mammogram)
        return self._made[key]


def output_of(method: Method, mammogram: Mammogram) -> np.ndarray:
    """Return what a method makes of a whole image: (rows, columns) pixel values."""
    return np.asarray(run_to_end(method.whole_steps(mammogram))[0], np.float64)
