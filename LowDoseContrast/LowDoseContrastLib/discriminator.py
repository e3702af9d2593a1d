"""The conditional PatchGAN discriminators of pix2pix; their input is A and B side by side as channels.

Source: Isola et al. 2017 (arXiv 1611.07004) and junyanz/pytorch-CycleGAN-and-pix2pix, whose
state_dict keys these modules reproduce.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from .choices import DISCRIMINATORS
from .normalisation import conv_has_bias, norm_layer

if TYPE_CHECKING:
    import torch


class PatchDiscriminator(nn.Module):
    """Judges overlapping patches: (N, in_channels, H, W) to a map of logits (N, 1, h, w).

    ``n_layers`` 1 to 5 gives a receptive field of 16, 34, 70, 142, 286 pixels.
    """

    def __init__(self, in_channels: int = 2, ndf: int = 64, n_layers: int = 3, norm: str = "batch") -> None:
        super().__init__()
        bias, make_norm = conv_has_bias(norm), norm_layer(norm)
        layers = [nn.Conv2d(in_channels, ndf, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        channels = ndf
        for level in range(1, n_layers + 1):
            before, channels = channels, ndf * min(2**level, 8)
            stride = 2 if level < n_layers else 1
            layers += [
                nn.Conv2d(before, channels, 4, stride=stride, padding=1, bias=bias),
                make_norm(channels),
                nn.LeakyReLU(0.2),
            ]
        layers.append(nn.Conv2d(channels, 1, 4, stride=1, padding=1))
        self.model = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)


class PixelDiscriminator(nn.Module):
    """Judges single pixels with 1x1 convolutions: (N, in_channels, H, W) to logits (N, 1, H, W)."""

    def __init__(self, in_channels: int = 2, ndf: int = 64, norm: str = "batch") -> None:
        super().__init__()
        bias = conv_has_bias(norm)
        self.net = nn.Sequential(
            nn.Conv2d(in_channels, ndf, 1),
            nn.LeakyReLU(0.2),
            nn.Conv2d(ndf, 2 * ndf, 1, bias=bias),
            norm_layer(norm)(2 * ndf),
            nn.LeakyReLU(0.2),
            nn.Conv2d(2 * ndf, 1, 1, bias=bias),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


def build_discriminator(
    kind: str = "basic", in_channels: int = 2, ndf: int = 64, n_layers: int = 3, norm: str = "batch"
) -> nn.Module:
    """Returns the discriminator ``basic`` (three layers), ``n_layers`` or ``pixel``.

    Raises:
        ValueError: an unknown kind, or a size below 1.
    """
    if min(in_channels, ndf, n_layers) < 1:
        raise ValueError("in_channels, ndf and n_layers must be at least 1")
    if kind == "basic":
        return PatchDiscriminator(in_channels, ndf, 3, norm)
    if kind == "n_layers":
        return PatchDiscriminator(in_channels, ndf, n_layers, norm)
    if kind == "pixel":
        return PixelDiscriminator(in_channels, ndf, norm)
    raise ValueError(f"unknown discriminator '{kind}': choose one of {', '.join(DISCRIMINATORS)}")
