"""Averaged weights (EMA) with batch-norm statistics of their own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from LowDoseContrastLib.generator import UNetGenerator

    from .pix2pix import Pix2Pix


class AveragedGenerator:
    """An exponential moving average of a generator's weights.

    Averaging evens out the last steps of adversarial training. A ``decay`` of 0 follows the
    generator exactly. The average of a ``fresh`` generator starts as a plain mean, so that its
    random weights do not linger; that of a trained one starts from its weights.
    """

    def __init__(self, generator: UNetGenerator, decay: float, fresh: bool = True) -> None:
        # So many steps that the mean of their weights would move as slowly as the decay says.
        self.decay, self.steps = decay, 0 if fresh else math.ceil(1 / (1 - decay))
        self.weights = {name: value.detach().clone() for name, value in generator.named_parameters()}

    @torch.no_grad()
    def update(self, generator: UNetGenerator) -> None:
        """Take in the weights after one step."""
        self.steps += 1
        share = 1 - min(self.decay, 1 - 1 / self.steps)
        values = [value.detach() for _, value in generator.named_parameters()]
        torch._foreach_lerp_(list(self.weights.values()), values, share)

    def generator(self, pix2pix: Pix2Pix, batches: Any, count: int) -> UNetGenerator:
        """Return the averaged generator in eval mode.

        Its batch-norm statistics are the mean over ``count`` training batches instead of the
        last few steps' running mean: frozen statistics are what inference uses.

        Args:
            batches: iterable of :class:`.batches.Batch`.
        """
        averaged = pix2pix.new_generator()
        averaged.load_state_dict({**pix2pix.generator.state_dict(), **self.weights})
        norms = [m for m in averaged.modules() if isinstance(m, nn.BatchNorm2d)]
        momenta = [norm.momentum for norm in norms]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
        averaged.train()
        for module in averaged.modules():
            if isinstance(module, nn.Dropout):
                module.eval()
        with torch.no_grad():
            for _, batch in zip(range(count if norms else 0), batches, strict=False):
                pix2pix.enhance(batch.low, averaged)
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        return averaged.eval()

    def state_dict(self) -> dict:
        """Return the state for a checkpoint."""
        return {"steps": self.steps, "weights": self.weights}

    def load_state_dict(self, state: dict) -> None:
        """Take the state of a checkpoint."""
        self.steps = state["steps"]
        for name, value in state["weights"].items():
            self.weights[name].copy_(value)
