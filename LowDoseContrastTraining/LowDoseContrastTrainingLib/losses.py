"""The adversarial losses, the gradient penalty, and the learning rate's schedule."""

from __future__ import annotations

import math

import torch
from torch.nn import functional

GAN_MODES = ("vanilla", "lsgan", "wgangp")
RATE_POLICIES = ("linear", "step", "cosine")
PENALTY_POINTS = ("mixed", "real", "fake")


def gan_loss(logits, is_real: bool, mode: str):
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


def gradient_penalty(critic, real, fake, points: str = "mixed", constant: float = 1.0, weight: float = 10.0):
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


def rate_factor(epoch: int, epochs: int, epochs_decay: int, decay_step: str = "end") -> float:
    """Return what the learning rate is multiplied by during an epoch (counted from 0).

    1 - max(0, k + 1 - epochs) / (epochs_decay + 1), as the reference implementation, where k is
    how often its scheduler has been stepped: ``end`` steps after each epoch, so k is the epoch;
    ``start`` (releases before 2025) before it, so the last epoch runs at a rate of 0.
    """
    stepped = epoch + (1 if decay_step == "start" else 0)
    return 1.0 - max(0, stepped + 1 - epochs) / (epochs_decay + 1)


def scheduled_rate(epoch: int, recipe) -> float:
    """Return what the learning rate is multiplied by during an epoch (from 0) by the recipe's ``lr_policy``.

    ``linear``: :func:`rate_factor`. ``step``: a tenth after every ``lr_step_epochs``. ``cosine``:
    (1 + cos(pi k / n)) / 2 over all n epochs; the reference counts only those before its decay and
    would rise again in the rest. k is stepped as in :func:`rate_factor`.
    """
    if recipe.lr_policy == "linear":
        return rate_factor(epoch, recipe.epochs, recipe.epochs_decay, recipe.decay_step)
    stepped = epoch + (1 if recipe.decay_step == "start" else 0)
    if recipe.lr_policy == "step":
        return 0.1 ** (stepped // recipe.lr_step_epochs)
    return (1 + math.cos(math.pi * stepped / recipe.total_epochs)) / 2
