"""The normalisation layers that generator and discriminator share."""

from __future__ import annotations

import functools
from collections.abc import Callable

from torch import nn

from .choices import NORMS


def norm_layer(norm: str) -> Callable[[int], nn.Module]:
    """Returns a factory ``channels -> layer`` for ``batch``, ``instance`` or ``none``.

    Instance norm has neither affine parameters nor running statistics, as in the reference code.

    Raises:
        ValueError: ``norm`` is none of :data:`NORMS`.
    """
    if norm == "batch":
        return functools.partial(nn.BatchNorm2d, affine=True, track_running_stats=True)
    if norm == "instance":
        return functools.partial(nn.InstanceNorm2d, affine=False, track_running_stats=False)
    if norm == "none":
        return lambda channels: nn.Identity()
    raise ValueError(f"unknown norm '{norm}': choose one of {', '.join(NORMS)}")


def conv_has_bias(norm: str) -> bool:
    """Whether a convolution in front of ``norm`` carries a bias (the reference: only for instance norm)."""
    return norm == "instance"
