"""The pix2pix generator: a U-Net of 4x4 convolutions with stride 2.

Source: Isola et al. 2017 (arXiv 1611.07004) and the published code of
junyanz/pytorch-CycleGAN-and-pix2pix, whose state_dict keys these modules reproduce.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .choices import DOWNSAMPLINGS
from .normalisation import conv_has_bias, norm_layer


class SkipBlock(nn.Module):
    """One level of the U-Net: down, the next level (``inner``), up, and the skip around it.

    Maps (N, ``outer_channels``, H, W) to (N, 2 x ``outer_channels``, H, W): the input beside the
    result. The children of ``model`` keep the positions that the reference code gives them.
    """

    def __init__(
        self,
        outer_channels: int,
        inner_channels: int,
        inner: nn.Module | None = None,
        norm: str = "batch",
        dropout: bool = False,
        norm_statistics: str = "running",
    ) -> None:
        super().__init__()
        bias = conv_has_bias(norm)
        make_norm = norm_layer(norm, norm_statistics)
        down = nn.Conv2d(outer_channels, inner_channels, 4, stride=2, padding=1, bias=bias)
        up_in = inner_channels if inner is None else 2 * inner_channels
        up = nn.ConvTranspose2d(up_in, outer_channels, 4, stride=2, padding=1, bias=bias)
        layers = [nn.LeakyReLU(0.2), down]
        if inner is not None:
            layers += [make_norm(inner_channels), inner]
        layers += [nn.ReLU(), up, make_norm(outer_channels)]
        if dropout:
            layers.append(nn.Dropout(0.5))
        self.model = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, self.model(x)], dim=1)


class OutermostBlock(nn.Module):
    """The first convolution, the levels below it, and the last transposed convolution with tanh."""

    def __init__(
        self, in_channels: int, out_channels: int, inner_channels: int, inner: nn.Module, norm: str = "batch"
    ) -> None:
        super().__init__()
        down = nn.Conv2d(in_channels, inner_channels, 4, stride=2, padding=1, bias=conv_has_bias(norm))
        up = nn.ConvTranspose2d(2 * inner_channels, out_channels, 4, stride=2, padding=1)
        self.model = nn.Sequential(down, inner, nn.ReLU(), up, nn.Tanh())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)


class UNetGenerator(nn.Module):
    """The pix2pix generator.

    Args:
        architecture: ``unet_128`` (7 down-samplings) or ``unet_256`` (8).
        in_channels, out_channels: image channels, 1 for mammograms.
        ngf: filters of the first convolution; deeper levels have 2, 4, then 8 times as many.
        norm: ``batch``, ``instance`` or ``none``.
        dropout: 0.5 in the intermediate levels of 8 x ngf.
        norm_statistics: of a batch norm in eval mode, see :func:`LowDoseContrastLib.normalisation.norm_layer`.

    Maps (N, in_channels, H, W) to (N, out_channels, H, W), both in [-1, 1]; H and W must be
    multiples of :attr:`multiple`.

    Raises:
        ValueError: an unknown architecture, norm or statistics, or a size below 1.
    """

    def __init__(
        self,
        architecture: str = "unet_256",
        in_channels: int = 1,
        out_channels: int = 1,
        ngf: int = 64,
        norm: str = "batch",
        dropout: bool = True,
        norm_statistics: str = "running",
    ) -> None:
        super().__init__()
        if architecture not in DOWNSAMPLINGS:
            raise ValueError(f"unknown generator '{architecture}': choose one of {', '.join(DOWNSAMPLINGS)}")
        if min(in_channels, out_channels, ngf) < 1:
            raise ValueError("in_channels, out_channels and ngf must be at least 1")
        self.architecture = architecture
        self.in_channels, self.out_channels, self.ngf = in_channels, out_channels, ngf
        self.norm, self.dropout, self.norm_statistics = norm, dropout, norm_statistics
        block = SkipBlock(8 * ngf, 8 * ngf, norm=norm, norm_statistics=norm_statistics)
        for _ in range(DOWNSAMPLINGS[architecture] - 5):
            block = SkipBlock(8 * ngf, 8 * ngf, block, norm, dropout, norm_statistics)
        for outer, inner in ((4, 8), (2, 4), (1, 2)):
            block = SkipBlock(outer * ngf, inner * ngf, block, norm, norm_statistics=norm_statistics)
        self.model = OutermostBlock(in_channels, out_channels, ngf, block, norm)

    @property
    def downsamplings(self) -> int:
        """Number of down-samplings: 7 or 8."""
        return DOWNSAMPLINGS[self.architecture]

    @property
    def multiple(self) -> int:
        """Side of the smallest image the network takes; every side is a multiple of it (pixels)."""
        return 2**self.downsamplings

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.model(x)

    def blocks(self) -> list[Any]:
        """The nested blocks from the outermost to the innermost."""
        found = [self.model]
        while True:
            inner = [m for m in found[-1].model if isinstance(m, SkipBlock)]
            if not inner:
                return found
            found.append(inner[0])
