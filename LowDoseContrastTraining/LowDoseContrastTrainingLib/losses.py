"""The adversarial losses, and the learning rate's schedule."""

from __future__ import annotations

GAN_MODES = ("vanilla", "lsgan")


def gan_loss(logits, is_real: bool, mode: str):
    """Return the mean loss of a discriminator's map against the label real (1) or fake (0).

    ``vanilla``: binary cross entropy with logits (Goodfellow et al. 2014), log(1 + e^-z) for real
    and log(1 + e^z) for fake. ``lsgan``: mean square of z - label (Mao et al. 2017). The
    generator's loss is this with the label real on its fake.

    Args:
        logits: tensor of any shape.

    Returns:
        A scalar tensor, float32.

    Raises:
        ValueError: an unknown mode.
    """
    from torch.nn import functional

    logits = logits.float()
    if mode == "vanilla":
        return functional.softplus(-logits if is_real else logits).mean()
    if mode == "lsgan":
        return (logits - float(is_real)).square().mean()
    raise ValueError(f"unknown GAN mode '{mode}': choose one of {', '.join(GAN_MODES)}")


def rate_factor(epoch: int, epochs: int, epochs_decay: int, decay_step: str = "end") -> float:
    """Return what the learning rate is multiplied by during an epoch (counted from 0).

    1 - max(0, k + 1 - epochs) / (epochs_decay + 1), as the reference implementation, where k is
    how often its scheduler has been stepped: ``end`` steps after each epoch, so k is the epoch;
    ``start`` (releases before 2025) before it, so the last epoch runs at a rate of 0.
    """
    stepped = epoch + (1 if decay_step == "start" else 0)
    return 1.0 - max(0, stepped + 1 - epochs) / (epochs_decay + 1)
