"""A generator unrolled for inference: norms folded into convolutions, levels one after the other.

Folding is exact up to rounding: in eval mode a batch norm is a fixed scale and shift of each
channel. Unrolled levels let a caller stop between them, so that a window stays alive even while
one large image passes through.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class _Convolution:
    """Weights of one 4x4 stride-2 (transposed) convolution and the norm that could not be folded."""

    weight: torch.Tensor
    bias: torch.Tensor | None
    transposed: bool
    norm: nn.Module | None = None

    def __call__(self, x):
        convolve = F.conv_transpose2d if self.transposed else F.conv2d
        x = convolve(x, self.weight, self.bias, stride=2, padding=1)
        return x if self.norm is None else self.norm(x)


def _fold(convolution, norm):
    """The float32 weight and bias of ``convolution`` followed by the batch norm ``norm``."""
    weight, bias = convolution.weight.detach(), convolution.bias
    bias = torch.zeros(convolution.out_channels) if bias is None else bias.detach()
    scale = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
    shape = (1, -1, 1, 1) if isinstance(convolution, nn.ConvTranspose2d) else (-1, 1, 1, 1)
    return weight * scale.view(shape), (bias - norm.running_mean) * scale + norm.bias.detach()


def _sub_pixel_weight(weight):
    """The 3x3 convolution that equals a 4x4 stride-2 transposed one, up to a pixel shuffle.

    ``weight`` (in, out, 4, 4) becomes (4 x out, in, 3, 3): one filter for each of the four output
    phases. Worth it where few channels come out, which transposed convolutions do slowly.
    """
    taps = {0: {0: 3, 1: 1}, 1: {1: 2, 2: 0}}  # output phase -> position in the 3-window -> tap of the 4
    inputs, outputs = weight.shape[:2]
    result = weight.new_zeros(outputs, 2, 2, inputs, 3, 3)
    for row, row_taps in taps.items():
        for column, column_taps in taps.items():
            for y, tap_y in row_taps.items():
                for x, tap_x in column_taps.items():
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

    def __init__(self, generator, device="cpu", dtype=torch.float32):
        self.multiple = generator.multiple
        self.device, self.dtype = torch.device(device), dtype
        self.memory_format = torch.channels_last if dtype == torch.bfloat16 else torch.contiguous_format
        blocks = generator.blocks()
        self._downs = [self._convolution(block, nn.Conv2d) for block in blocks]
        # Rounding a radiograph to the 8 bits of bfloat16 would cost as much as its noise; the
        # features behind the first layer are small differences and bear it.
        first = blocks[0].model[0]
        bias = None if first.bias is None else first.bias.detach().float().to(self.device)
        weight = first.weight.detach().float().to(self.device).contiguous(memory_format=self.memory_format)
        self._downs[0] = _Convolution(weight, bias, False)
        self._ups = [self._convolution(block, nn.ConvTranspose2d) for block in blocks[1:]]
        last = blocks[0].model[-2]
        self._last_weight = self._place(_sub_pixel_weight(last.weight.detach()))
        self._last_bias = last.bias.detach().repeat_interleave(4).to(self.device, self.dtype)
        self._joined, self._joined_for = [], None

    def _place(self, weight):
        return weight.to(self.device, self.dtype).contiguous(memory_format=self.memory_format)

    def _convolution(self, block, kind):
        """The block's down (``nn.Conv2d``) or up (``nn.ConvTranspose2d``) convolution with its norm."""
        layers = list(block.model)
        position = next(i for i, layer in enumerate(layers) if isinstance(layer, kind))
        following = layers[position + 1] if position + 1 < len(layers) else None
        convolution, norm = layers[position], None
        weight, bias = convolution.weight.detach(), convolution.bias
        if isinstance(following, nn.BatchNorm2d):
            weight, bias = _fold(convolution, following)
        elif isinstance(following, nn.InstanceNorm2d):
            norm = following
        bias = None if bias is None else bias.detach().to(self.device, self.dtype)
        return _Convolution(self._place(weight), bias, kind is nn.ConvTranspose2d, norm)

    def _join_buffers(self, shape):
        """For each inner level the memory in which its skip and its result lie side by side.

        Kept between calls: fresh pages for every batch cost a tenth of the time.
        """
        if self._joined_for != shape:
            self._joined, self._joined_for = [], shape
            count, _, rows, columns = shape
            for level, down in enumerate(self._downs[:-1], start=1):
                channels = down.weight.shape[0]
                size = (count, 2 * channels, rows >> level, columns >> level)
                buffer = torch.empty(size, device=self.device, dtype=self.dtype, memory_format=self.memory_format)
                self._joined.append(buffer)
        return self._joined

    def steps(self, x):
        """Generator: yields None after each level and returns the result, as a call would."""
        with torch.inference_mode():
            joined = self._join_buffers(tuple(x.shape))
            x = x.to(self.device, torch.float32).contiguous(memory_format=self.memory_format)
            x = self._downs[0](x).to(self.dtype)
        for down, buffer in zip(self._downs[1:], joined):
            with torch.inference_mode():
                # Every skip passes a ReLU on its way up, so it is kept rectified.
                torch.clamp_min(x, 0, out=buffer[:, : x.shape[1]])
                x = down(F.leaky_relu_(x, 0.2))
            yield
        with torch.inference_mode():
            x = F.relu_(x)
        for up, buffer in zip(reversed(self._ups), reversed(joined)):
            with torch.inference_mode():
                result = up(x)
                torch.clamp_min(result, 0, out=buffer[:, buffer.shape[1] // 2 :])
                x = buffer
            yield
        with torch.inference_mode():
            x = F.conv2d(x, self._last_weight, self._last_bias, padding=1).float()
            return torch.tanh_(F.pixel_shuffle(x, 2)).contiguous()

    def __call__(self, x):
        run = self.steps(x)
        while True:
            try:
                next(run)
            except StopIteration as stop:
                return stop.value
