"""A generator unrolled for inference: norms folded into convolutions, levels one after the other.

Folding is exact up to rounding: in eval mode a batch norm is a fixed scale and shift of each
channel. Unrolled levels let a caller stop between them, so that a window stays alive even while
one large image passes through.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from .steps import run_to_end

TYPICAL_SIDE, TYPICAL_BATCH = 256, 8


@dataclass(frozen=True)
class _Convolution:
    """Weights of one 4x4 stride-2 (transposed) convolution and the norm that could not be folded."""

    weight: torch.Tensor
    bias: torch.Tensor | None
    transposed: bool
    norm: nn.Module | None = None

    def packed(self, input_shape):
        """The same with its weight in the order in which oneDNN reads it, where this torch can do that.

        Otherwise oneDNN reorders the weight at each call, a twelfth of the time. These calls of
        torch are not public, so anything unexpected leaves the convolution as it is.
        """
        if self.weight.dtype != torch.bfloat16 or self.weight.device.type != "cpu" or self.norm is not None:
            return self
        try:
            return _PackedConvolution(self, input_shape)
        except (AttributeError, RuntimeError, TypeError):
            return self

    def __call__(self, x):
        convolve = F.conv_transpose2d if self.transposed else F.conv2d
        x = convolve(x, self.weight, self.bias, stride=2, padding=1)
        return x if self.norm is None else self.norm(x)


class _PackedConvolution:
    """A :class:`_Convolution` in oneDNN's own layout; tried out when it is made."""

    def __init__(self, plain, input_shape):
        self._transposed, self._bias = plain.transposed, plain.bias
        around = ([1, 1], [0, 0], [2, 2], [1, 1], 1) if plain.transposed else ([1, 1], [2, 2], [1, 1], 1)
        if plain.transposed:
            reorder = torch.ops.mkldnn._reorder_convolution_transpose_weight
            self._weight = reorder(plain.weight, *around, list(input_shape))
        else:
            self._weight = torch._C._nn.mkldnn_reorder_conv2d_weight(plain.weight.to_mkldnn(), *around, list(input_shape))
        self._around = around
        count = math.prod(input_shape)
        trial = torch.linspace(-1, 1, count).reshape(input_shape).to(plain.weight.dtype).contiguous(memory_format=torch.channels_last)
        if not torch.equal(self(trial), plain(trial)):
            raise RuntimeError("the packed convolution differs")

    def __call__(self, x):
        ops = torch.ops.mkldnn
        convolve = ops._convolution_transpose_pointwise if self._transposed else ops._convolution_pointwise
        return convolve(x, self._weight, self._bias, *self._around, "none", [], "")


def _fold(convolution, norm):
    """The float32 weight and bias of ``convolution`` followed by the batch norm ``norm``."""
    weight, bias = convolution.weight.detach(), convolution.bias
    bias = torch.zeros(convolution.out_channels) if bias is None else bias.detach()
    scale = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
    shape = (1, -1, 1, 1) if isinstance(convolution, nn.ConvTranspose2d) else (-1, 1, 1, 1)
    return weight * scale.view(shape), (bias - norm.running_mean) * scale + norm.bias.detach()


def _split(values):
    """``values`` as the sum of two terms that bfloat16 holds, exact to 16 bits of mantissa."""
    high = values.to(torch.bfloat16).to(values.dtype)
    return high, values - high


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
        self._pack()
        self._joined, self._joined_for = [], None

    def _pack(self):
        """Weights in the layout that windows of 256 pixels ask for; other sizes work too."""
        with torch.inference_mode():
            for index, (down, up) in enumerate(zip(self._downs, self._ups)):
                side = TYPICAL_SIDE >> (index + 1)
                self._downs[index] = down.packed((TYPICAL_BATCH, down.weight.shape[1], side, side))
                self._ups[index] = up.packed((TYPICAL_BATCH, up.weight.shape[0], side // 2, side // 2))

    def _move(self, bias):
        return None if bias is None else bias.detach().to(self.device, self.dtype)

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
        return _Convolution(self._place(weight), self._move(bias), kind is nn.ConvTranspose2d, norm)

    def _join_buffers(self, shape):
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

    def steps(self, x):
        """Generator: yields None after each level and returns the result, as a call would."""
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
        yield
        for down, buffer in zip(self._downs[1:], joined):
            with torch.inference_mode():
                # Every skip passes a ReLU on its way up, so it is kept rectified.
                torch.clamp_min(x, 0, out=buffer[:, : x.shape[1]])
                x = down(F.leaky_relu_(x, 0.2))
            yield
        with torch.inference_mode():
            x = F.relu_(x)
        for up, buffer in zip(reversed(self._ups[1:]), reversed(joined)):
            with torch.inference_mode():
                result = up(x)
                torch.clamp_min(result, 0, out=buffer[:, buffer.shape[1] // 2 :])
                x = buffer
            yield
        with torch.inference_mode():
            x = F.relu_(self._ups[0](x))
        yield
        with torch.inference_mode():
            parts = [F.conv2d(part, weight, padding=1).float() for part, weight in zip((skip, x), self._last_weights)]
            return torch.tanh_(F.pixel_shuffle(parts[0].add_(parts[1]).add_(self._last_bias), 2)).contiguous()

    def __call__(self, x):
        return run_to_end(self.steps(x))
