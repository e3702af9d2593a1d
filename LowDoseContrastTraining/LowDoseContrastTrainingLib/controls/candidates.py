"""What the controls are asked of: baselines, models, or any method of the evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from LowDoseContrastLib.catalogue import find_model
from LowDoseContrastLib.model import load_model
from LowDoseContrastLib.steps import mapped, run_to_end

from ..baselines.intensity import Gain, Identity
from ..evaluation.methods import BASELINE, BaselineMethod, ModelMethod, name_apart


@dataclass(frozen=True)
class Candidate:
    """A method and what the controls must know besides.

    Attributes:
        method: with ``name``, ``kind``, ``described``, ``of``, ``steps`` and ``whole_steps`` as :class:`..evaluation.methods.BaselineMethod`.
        at_ratio: ratio of the doses -> the method for that ratio, where it is another one or may be used outside of its domain.
        domain: :class:`LowDoseContrastLib.card.Domain` of a model.
    """

    method: object
    at_ratio: Callable | None = None
    domain: object = None

    @property
    def name(self) -> str:
        return self.method.name

    def at(self, ratio: float):
        """Return the method for a high dose that is ``ratio`` times the low one."""
        return self.at_ratio(ratio) if self.at_ratio else self.method

    def outside(self, *mammograms) -> tuple[str, ...]:
        """Return in what images lie outside of the model's domain, each sentence once."""
        return tuple(dict.fromkeys(each for image in mammograms for each in self.domain.objections(image))) if self.domain else ()


def identity_and_gain(ratio: float, offset: float) -> list[Candidate]:
    """Return the baselines that every run has; the gain takes the ratio of any two doses.

    Args:
        ratio: high over low dose.
        offset: pixel value at no exposure.
    """
    gain = BaselineMethod(Gain(ratio, offset))
    return [Candidate(BaselineMethod(Identity())), Candidate(gain, lambda other: BaselineMethod(Gain(other, offset)))]


def models_of(names, device: str, allow_out_of_domain: bool, taken: list[str]) -> list[Candidate]:
    """Return the models of these names or files, each also without a limit to its domain, for other doses.

    Args:
        taken: names that others have; a model of one of them gets part of its hash.

    Raises:
        InputError: there is no such model, or its file is damaged.
    """
    found = []
    for name in names:
        model = load_model(find_model(name))
        methods = [ModelMethod(model, device, allowed) for allowed in (allow_out_of_domain, True)]
        found.append((model, methods))
    name_apart([methods[0] for _, methods in found], taken)
    return [Candidate(limited, lambda _, free=free: free, model.card.domain) for model, (limited, free) in found]


class Remembered:
    """A method that makes the output of an image only once; images are told by their ``source``.

    Attributes:
        name, kind, described: of the method.
    """

    def __init__(self, method):
        self.name, self.kind, self.described = method.name, method.kind, method.described
        self._method, self._made = method, {}

    def of(self, group: str) -> Remembered:
        """As :meth:`..evaluation.methods.BaselineMethod.of`."""
        return self

    def steps(self, mammogram):
        """As :meth:`..evaluation.methods.BaselineMethod.steps`."""
        return self._once(self._method.steps, mammogram)

    def whole_steps(self, mammogram):
        """As :meth:`..evaluation.methods.BaselineMethod.whole_steps`."""
        return self._once(self._method.whole_steps, mammogram)

    def _once(self, steps, mammogram):
        key = steps.__name__, mammogram.source
        if key not in self._made:
            self._made[key] = yield from mapped(steps(mammogram), lambda share: share)
        return self._made[key]


class TrueHighDose:
    """The true high dose as if a method had made it: what must pass every control, so that one can.

    Args:
        images: low-dose mammogram -> the high dose of the same object, (slices, rows, columns) pixel values.
    """

    name, kind, described = "high dose", BASELINE, {}

    def __init__(self, images: Callable):
        self._images = images

    def of(self, group: str) -> TrueHighDose:
        """As :meth:`..evaluation.methods.BaselineMethod.of`."""
        return self

    def steps(self, mammogram):
        """As :meth:`..evaluation.methods.BaselineMethod.steps`."""
        yield 0.0
        return np.asarray(self._images(mammogram), np.float32)

    whole_steps = steps


def output_of(method, mammogram) -> np.ndarray:
    """Return what a method makes of a whole image: (rows, columns) pixel values."""
    return np.asarray(run_to_end(method.whole_steps(mammogram))[0], np.float64)
