"""How far a training is."""

from __future__ import annotations

from dataclasses import dataclass

from LowDoseContrastLib.steps import Progress

from .pix2pix import LOSS_NAMES


@dataclass(frozen=True)
class TrainingProgress(Progress):
    """How far a whole training is, with the step just done.

    Attributes:
        epoch, epochs, step, steps: counted from 1; ``steps`` are those of an epoch.
        losses: of the step, in the order of ``LOSS_NAMES``.
    """

    epoch: int = 1
    epochs: int = 1
    step: int = 1
    steps: int = 1
    losses: tuple[float, ...] = ()


def after_step(
    epoch: int, epochs: int, step: int, steps: int, losses: tuple[float, ...], remaining: float
) -> TrainingProgress:
    """Return the progress after a step; its message has the losses."""
    named = ", ".join(f"{name} {value:.3g}" for name, value in zip(LOSS_NAMES, losses, strict=True))
    done = (epoch - 1 + step / steps) / epochs
    return TrainingProgress(done, f"epoch {epoch} of {epochs}: {named}", remaining, epoch, epochs, step, steps, losses)
