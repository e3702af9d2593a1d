"""The adversarial losses and the gradient penalty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from .choices import GAN_MODES, PENALTY_POINTS

if TYPE_CHECKING:
    from torch import nn


def gan_loss(logits: torch.Tensor, is_real: bool, mode: str) -> torch.Tensor:
    """Return the mean loss of a discriminator's map against the label real (1) or fake (0).

    ``vanilla``: binary cross entropy with logits (Goodfellow et al. 2014), log(1 + e^-z) for real
    and log(1 + e^z) for fake. ``lsgan``: mean square of z - label (Mao et al. 2017). ``wgangp``:
    the critic's -z for real and z for fake (Arjovsky et al. 2017), which needs
    :func:`gradient_penalty`. The generator's loss is this with the label real on its fake.

    Args:
        logits: tensor of any shape.

    Returns:
        A scalar tensor, float32.

    Raises:
        ValueError: an unknown mode.
    """
    logits = logits.float()
    if mode == "vanilla":
        return functional.softplus(-logits if is_real else logits).mean()
    if mode == "lsgan":
        return (logits - float(is_real)).square().mean()
    if mode == "wgangp":
        return -logits.mean() if is_real else logits.mean()
    raise ValueError(f"unknown GAN mode '{mode}': choose one of {', '.join(GAN_MODES)}")


def gradient_penalty(
    critic: nn.Module,
    real: torch.Tensor,
    fake: torch.Tensor,
    points: str = "mixed",
    constant: float = 1.0,
    weight: float = 10.0,
) -> torch.Tensor:
    """Return weight x mean of (|gradient of the critic| - constant)^2 over the batch.

    The gradient is that of the critic's summed map with respect to all it sees of one sample, at
    the ``real`` input, the ``fake`` one, or ``mixed``: a random point on the line between them, one
    draw a sample (Gulrajani et al. 2017; the defaults are the reference implementation's). The
    result can be differentiated, so that the critic learns from it.

    Args:
        critic: function of a tensor (N, ...) to logits of any shape.
        real, fake: tensors (N, ...).

    Raises:
        ValueError: unknown ``points``.
    """
    if points not in PENALTY_POINTS:
        raise ValueError(f"unknown points '{points}': choose one of {', '.join(PENALTY_POINTS)}")
    share = {"real": 1.0, "fake": 0.0}.get(points)
    if share is None:
        share = real.new_empty(len(real), *[1] * (real.dim() - 1)).uniform_()
    at = (share * real + (1 - share) * fake).detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(at).float().sum(), at, create_graph=True)
    # The tiny number keeps the norm differentiable where the slope is zero.
    return weight * ((slope.flatten(1) + 1e-16).norm(dim=1) - constant).square().mean()
