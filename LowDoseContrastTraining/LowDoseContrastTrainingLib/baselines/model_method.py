"""A trained network as a method that is judged."""

from __future__ import annotations

import numpy as np
from LowDoseContrastLib.enhance import Enhancement, Enhancer, Settings
from LowDoseContrastLib.mammogram import Mammogram
from LowDoseContrastLib.model import Model
from LowDoseContrastLib.steps import Steps

from .base import MODEL, Method, Run


def recipe_of(model: Model) -> str:
    """Return the name of the recipe that a model was trained by, or its own where its card states none."""
    return model.card.recipe.get("name", model.name)


class ModelMethod(Method):
    """A model, run as ``enhance`` runs it, every patch as an image of its own.

    One that was trained on resampled patches runs in mode ``paper``.

    Args:
        enhancer: the model, loaded.
        name: in the table; that of the model where it is empty.
        kind: ``MODEL``, or ``BASELINE`` for one that was trained here to compare with.

    Attributes:
        model: :class:`LowDoseContrastLib.model.Model`.
    """

    def __init__(
        self,
        enhancer: Enhancer,
        allow_out_of_domain: bool,
        name: str = "",
        kind: str = MODEL,
        is_denoiser: bool = False,
    ) -> None:
        self.model: Model = enhancer.model
        self.name, self.kind, self.is_denoiser = name or self.model.name, kind, is_denoiser
        self.recipe = recipe_of(self.model)
        self._mode = "paper" if self.model.card.recipe.get("crop") == "resize" else "tiles"
        self._enhancer, self._allow_out_of_domain = enhancer, allow_out_of_domain
        self._objections: list[str] = []
        self._notes: list[str] = []
        self._seams: list[float] = []

    @property
    def runs(self) -> tuple[Run, ...]:
        """The model and what was noted while it ran."""
        return (
            Run(
                model=str(self.model.path),
                model_sha256=self.model.sha256,
                dataset=self.model.card.dataset,
                out_of_domain=tuple(self._objections),
                notes=tuple(self._notes),
                seam_index=float(np.mean(self._seams)) if self._seams else None,
                mode=self._mode,
            ),
        )

    def steps(self, mammogram: Mammogram) -> Steps[np.ndarray]:
        """Do as :meth:`.base.Method.steps`.

        Raises:
            OutOfDomainError: the patches lie outside of the model's domain and that is not allowed.
        """
        enhancement = yield from self._enhanced(mammogram, mask=False)
        return enhancement.mammogram.pixels

    def whole_steps(self, mammogram: Mammogram) -> Steps[np.ndarray]:
        """Do as :meth:`.base.Method.whole_steps`, exactly as ``enhance`` does: the air is left alone."""
        enhancement = yield from self._enhanced(mammogram, mask=True)
        if enhancement.report.seam_index is not None:
            self._seams.append(enhancement.report.seam_index)
        return enhancement.mammogram.pixels

    def _enhanced(self, mammogram: Mammogram, mask: bool) -> Steps[Enhancement]:
        settings = Settings(self._mode, mask=mask, allow_out_of_domain=self._allow_out_of_domain)
        steps = self._enhancer.steps(mammogram, settings)
        enhancement = yield from steps
        for kept, key in ((self._objections, "out_of_domain"), (self._notes, "notes")):
            kept += [each for each in getattr(enhancement.report, key) if each not in kept]
        return enhancement
