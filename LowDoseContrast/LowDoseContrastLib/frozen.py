"""A generator unrolled for inference: norms folded into convolutions, levels one after the other.

Folding is exact up to rounding: in eval mode a batch norm with running statistics is a fixed scale and
shift of each channel. One with the image's own statistics stays as it is. Unrolled levels let a
caller stop between them, so that a window stays alive even while one large image passes through.
"""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_weights

from .generator import OutermostBlock, SkipBlock, UNetGenerator
from .normalisation import ImageBatchNorm2d
from .steps import Progress, Steps, run_to_end


@dataclass(frozen=True)
class _Convolution:
    """Weights of one 4x4 stride-2 (transposed) convolution and the norm that could not be folded."""

    weight: torch.Tensor
    bias: torch.Tensor | None
    transposed: bool
    norm: nn.Module | None = None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        convolve = F.conv_transpose2d if self.transposed else F.conv2d
        x = convolve(x, self.weight, self.bias, stride=2, padding=1)
        return x if self.norm is None else self.norm(x)


def _split(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """``values`` as the sum of two terms that bfloat16 holds, exact to 16 bits of mantissa."""
    high = values.to(torch.bfloat16).to(values.dtype)
    return high, values - high


def _sub_pixel_weight(weight: torch.Tensor) -> torch.Tensor:
    """The 3x3 convolution that equals a 4x4 stride-2 transposed one, up to a pixel shuffle.

    ``weight`` (in, out, 4, 4) becomes (4 x out, in, 3, 3): one filter for each of the four output
    phases. Worth it where few channels come out, which transposed convolutions do slowly.
    """
    taps = {0: {0: 3, 1: 1}, 1: {1: 2, 2: 0}}  # output phase -> position in the 3-window -> tap of the 4
    inputs, outputs = weight.shape[:2]
    result = weight.new_zeros(outputs, 2, 2, inputs, 3, 3)
    for (row, row_taps), (column, column_taps) in itertools.product(taps.items(), taps.items()):
        for (y, tap_y), (x, tap_x) in itertools.product(row_taps.items(), column_taps.items()):
            result[:, row, column, :, y, x] = weight[:, :, tap_y, tap_x].T
    return result.view(4 * outputs, inputs, 3, 3)


class FrozenGenerator:
    """The eval-mode function of a :class:`LowDoseContrastLib.generator.UNetGenerator`.

    Args:
        generator: the network; it is not changed.
        device, dtype: where and in which precision the convolutions run. bfloat16 uses
            channels-last memory.

    Calling it maps (N, in_channels, H, W) to (N, out_channels, H, W), both float32 on ``device``.
    It keeps the memory of the last size it saw, so one instance serves one caller at a time.
    """

    def __init__(
        self, generator: UNetGenerator, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32
    ) -> None:
        self.multiple = generator.multiple
        self.device, self.dtype = torch.device(device), dtype
        self.memory_format = torch.channels_last if dtype == torch.bfloat16 else torch.contiguous_format
        blocks = generator.blocks()
        first, last = blocks[0].model[0], blocks[0].model[-2]
        weight = first.weight.detach()
        if dtype == torch.bfloat16:
            high, low = _split(weight)
            weight = torch.cat([high, high, low], dim=1)
        self._first = _Convolution(self._place(weight), self._move(first.bias), False)
        self._downs = [self._convolution(block, nn.Conv2d) for block in blocks[1:]]
        self._ups = [self._convolution(block, nn.ConvTranspose2d) for block in blocks[1:]]
        # The last layer takes its skip and its result apart, which spares joining the largest maps.
        halves = _sub_pixel_weight(last.weight.detach()).chunk(2, dim=1)
        self._last_weights = [self._place(half.contiguous()) for half in halves]
        self._last_bias = last.bias.detach().repeat_interleave(4).to(self.device).view(1, -1, 1, 1)
        self._channels = [block.model[1 if level else 0].out_channels for level, block in enumerate(blocks)]
        self._joined: list[torch.Tensor] = []
        self._joined_for: tuple[int, ...] | None = None

    def _move(self, bias: torch.Tensor | None) -> torch.Tensor | None:
        return None if bias is None else bias.detach().to(self.device, self.dtype)

    def _place(self, weight: torch.Tensor) -> torch.Tensor:
        return weight.detach().to(self.device, self.dtype).contiguous(memory_format=self.memory_format)

    def _convolution(self, block: OutermostBlock | SkipBlock, kind: type[nn.Module]) -> _Convolution:
        """The block's down (``nn.Conv2d``) or up (``nn.ConvTranspose2d``) convolution with its norm."""
        layers = list(block.model)
        position = next(i for i, layer in enumerate(layers) if isinstance(layer, kind))
        convolution, is_up = layers[position], kind is nn.ConvTranspose2d
        following = layers[position + 1] if position + 1 < len(layers) else None
        weight, bias = convolution.weight, convolution.bias
        norm = None
        if isinstance(following, ImageBatchNorm2d):
            norm = copy.deepcopy(following).to(self.device).eval()
        elif isinstance(following, nn.BatchNorm2d):
            statistics = following.running_mean, following.running_var, following.eps
            weight, bias = fuse_conv_bn_weights(weight, bias, *statistics, following.weight, following.bias, is_up)
        elif isinstance(following, nn.InstanceNorm2d):
            norm = following
        return _Convolution(self._place(weight), self._move(bias), is_up, norm)

    def _join_buffers(self, shape: tuple[int, ...]) -> list[torch.Tensor]:
        """For each level below the first the memory in which its skip and its result lie side by side.

        Kept between calls: fresh pages for every batch cost a tenth of the time.
        """
        if self._joined_for != shape:
            self._joined, self._joined_for = [], shape
            count, _, rows, columns = shape
            for level, channels in enumerate(self._channels[1:-1], start=2):
                size = (count, 2 * channels, rows >> level, columns >> level)
                buffer = torch.empty(size, device=self.device, dtype=self.dtype, memory_format=self.memory_format)
                self._joined.append(buffer)
        return self._joined

    def steps(self, x: torch.Tensor) -> Steps[torch.Tensor]:
        """Return what a call would; it pauses after each level."""
        levels = 2 * len(self._channels)
        with torch.inference_mode():
            joined = self._join_buffers(tuple(x.shape))
            x = x.to(self.device, torch.float32)
            if self.dtype == torch.bfloat16:
                # Rounding a radiograph to 8 bits of mantissa would cost as much as its noise: it
                # enters as two terms, and the features behind the first layer bear the rounding.
                high, low = _split(x)
                x = torch.cat([high, low, high], dim=1)
            x = self._first(x.to(self.dtype).contiguous(memory_format=self.memory_format))
            skip = F.relu(x)
            x = self._downs[0](F.leaky_relu_(x, 0.2))
        yield Progress(1 / levels)
        for level, (down, buffer) in enumerate(zip(self._downs[1:], joined, strict=True), start=2):
            with torch.inference_mode():
                # Every skip passes a ReLU on its way up, so it is kept rectified.
                torch.clamp_min(x, 0, out=buffer[:, : x.shape[1]])
                x = down(F.leaky_relu_(x, 0.2))
            yield Progress(level / levels)
        with torch.inference_mode():
            x = F.relu_(x)
        upwards = zip(reversed(self._ups[1:]), reversed(joined), strict=True)
        for level, (up, buffer) in enumerate(upwards, start=len(self._channels)):
            with torch.inference_mode():
                result = up(x)
                torch.clamp_min(result, 0, out=buffer[:, buffer.shape[1] // 2 :])
                x = buffer
            yield Progress(level / levels)
        with torch.inference_mode():
            x = F.relu_(self._ups[0](x))
        yield Progress((levels - 1) / levels)
        with torch.inference_mode():
            skipped, risen = (
                F.conv2d(half, weight, padding=1).float()
                for half, weight in zip((skip, x), self._last_weights, strict=True)
            )
            return torch.tanh_(F.pixel_shuffle(skipped.add_(risen).add_(self._last_bias), 2)).contiguous()

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return run_to_end(self.steps(x))
