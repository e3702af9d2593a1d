"""What is judged, each method as a row of the table: baselines and models."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
from LowDoseContrastLib.catalogue import find_model
from LowDoseContrastLib.enhance import Enhancer, Settings
from LowDoseContrastLib.model import load_model
from LowDoseContrastLib.steps import mapped


class BaselineMethod:
    """A baseline that is fitted.

    Attributes:
        name: in the table.
        kind: ``baseline``.
        described: JSON-able, what it was run with.
    """

    kind = "baseline"

    def __init__(self, fitted):
        self._fitted, self.name = fitted, fitted.name
        self.described = {"parameters": dataclasses.asdict(fitted)}

    def steps(self, mammogram):
        """Generator: yields the share done; returns float32 (patches, rows, columns) pixel values."""
        made = []
        for number, patch in enumerate(mammogram.pixels):
            yield number / len(mammogram.pixels)
            made.append(self._fitted.apply(patch))
        return np.stack(made)

    def whole_steps(self, mammogram):
        """:meth:`steps` of a whole image."""
        return self.steps(mammogram)


class ModelMethod:
    """A model, run as ``enhance`` runs it, each patch as an image of its own.

    Attributes:
        name: in the table.
        kind: ``model``.
        model: :class:`LowDoseContrastLib.model.Model`.
        described: JSON-able, what it was run with.
    """

    kind = "model"

    def __init__(self, model, device, allow_out_of_domain):
        self.model, self.name = model, model.name
        self.described = {"model": str(model.path), "model_sha256": model.sha256, "dataset": model.card.dataset, "out_of_domain": [], "notes": []}
        self._enhancer = Enhancer(model, device)
        self._allow_out_of_domain = allow_out_of_domain

    def steps(self, mammogram):
        """As :meth:`BaselineMethod.steps`.

        Raises:
            OutOfDomainError: the patches lie outside of the model's domain and that is not allowed.
        """
        return self._steps(mammogram, Settings(mask=False, allow_out_of_domain=self._allow_out_of_domain))

    def whole_steps(self, mammogram):
        """:meth:`steps` of a whole image, exactly as ``enhance`` runs it: the air is left alone."""
        return self._steps(mammogram, Settings(allow_out_of_domain=self._allow_out_of_domain))

    def _steps(self, mammogram, settings):
        enhancement = yield from mapped(self._enhancer.steps(mammogram, settings), lambda progress: progress.done)
        for key in ("out_of_domain", "notes"):
            self.described[key] += [each for each in enhancement.report[key] if each not in self.described[key]]
        return enhancement.mammogram.pixels


def model_methods(names, device: str, allow_out_of_domain: bool, taken: list[str]) -> list[ModelMethod]:
    """Return the models of these names or files; those of a name that is ``taken`` or comes twice get part of their hash.

    Raises:
        InputError: there is no such model, or its file is damaged.
    """
    found = [ModelMethod(load_model(find_model(name)), device, allow_out_of_domain) for name in names]
    counts = Counter([*taken, *(each.name for each in found)])
    for each in found:
        if counts[each.name] > 1:
            each.name = f"{each.name} ({each.model.sha256[:8]})"
    return found
