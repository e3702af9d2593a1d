"""Adam whose fused step needs no copies of weights that lie channels last in memory."""

from __future__ import annotations

from typing import Any

import torch


class DenseAdam(torch.optim.Adam):
    """Adam (Kingma and Ba 2015, arXiv 1412.6980), fused where torch can: each weight is read and written once a step.

    On processors, torch's fused step first copies every tensor that is not in the usual order of
    memory. So the steps are made on views of the weights in the order of their memory, which
    changes no number; states are kept and restored in the weights' own order.

    Args:
        parameters: iterable of the weights.
        settings: of ``torch.optim.Adam``.
    """

    def __init__(self, parameters: Any, **settings: Any) -> None:
        self._weights = list(parameters)
        self._moved = [weight.dim() == 4 and not weight.is_contiguous() for weight in self._weights]
        views = [_dense(weight.detach(), moved) for weight, moved in zip(self._weights, self._moved, strict=True)]
        try:
            super().__init__(views, fused=True, **settings)
        except RuntimeError:  # torch before 2.4 fuses on GPUs only
            super().__init__(views, **settings)

    def zero_grad(self) -> None:
        """Forget the weights' gradients."""
        for weight in self._weights:
            weight.grad = None

    def step(self) -> None:
        """Change every weight that has a gradient."""
        for view, weight, moved in zip(self.param_groups[0]["params"], self._weights, self._moved, strict=True):
            view.grad = None if weight.grad is None else _dense(weight.grad, moved)
        super().step()
        for view in self.param_groups[0]["params"]:
            view.grad = None

    def state_dict(self) -> dict:
        """Return the state for a checkpoint, moments in the order of the weights."""
        state = super().state_dict()
        return {**state, "state": self._rearranged(state["state"], (0, 3, 1, 2))}

    def load_state_dict(self, state: dict) -> None:
        """Take the state of a checkpoint."""
        super().load_state_dict({**state, "state": self._rearranged(state["state"], (0, 2, 3, 1))})

    def _rearranged(self, states: dict, order: tuple) -> dict:
        moved = {index for index, each in enumerate(self._moved) if each}
        return {
            index: {
                name: value.permute(order).contiguous() if index in moved and value.dim() == 4 else value
                for name, value in state.items()
            }
            for index, state in states.items()
        }


def _dense(tensor: torch.Tensor, moved: bool) -> torch.Tensor:
    return tensor.permute(0, 2, 3, 1) if moved else tensor
