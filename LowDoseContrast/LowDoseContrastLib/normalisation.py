"""The normalisation layers that generator and discriminator share."""

from __future__ import annotations

import functools
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional as F

from .choices import NORM_STATISTICS, NORMS


class ImageBatchNorm2d(nn.BatchNorm2d):
    """A batch norm that outside of training, too, uses the statistics of what it sees, each image by itself.

    So does the published code, whose ``test.py`` puts one image after the other through a network that
    was not switched to evaluation.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            return super().forward(x)
        return F.instance_norm(x.float(), weight=self.weight, bias=self.bias, eps=self.eps).to(x.dtype)


def norm_layer(norm: str, statistics: str = "running") -> Callable[[int], nn.Module]:
    """Returns a factory ``channels -> layer`` for ``batch``, ``instance`` or ``none``.

    Instance norm has neither affine parameters nor running statistics, as in the reference code.
    ``statistics`` is what a batch norm uses outside of training: ``running`` or ``image``.

    Raises:
        ValueError: ``norm`` is none of :data:`NORMS`, or ``statistics`` none of :data:`NORM_STATISTICS`.
    """
    if statistics not in NORM_STATISTICS:
        raise ValueError(f"unknown statistics of norms '{statistics}': choose one of {', '.join(NORM_STATISTICS)}")
    if norm == "batch":
        kind = ImageBatchNorm2d if statistics == "image" else nn.BatchNorm2d
        return functools.partial(kind, affine=True, track_running_stats=True)
    if norm == "instance":
        return functools.partial(nn.InstanceNorm2d, affine=False, track_running_stats=False)
    if norm == "none":
        return lambda channels: nn.Identity()
    raise ValueError(f"unknown norm '{norm}': choose one of {', '.join(NORMS)}")


def conv_has_bias(norm: str) -> bool:
    """Whether a convolution in front of ``norm`` carries a bias (the reference: only for instance norm)."""
    return norm == "instance"
