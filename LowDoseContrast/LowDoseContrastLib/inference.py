"""A network over an image: window by window, in steps that a caller can stop between."""

import gc
import itertools

import numpy as np
import torch
from torch.nn import functional as F

from .device import Placement, choose_placement, is_out_of_memory
from .frozen import FrozenGenerator
from .steps import mapped
from .tiling import Blender, cut

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
PRECISION_LIMIT = 1e-3  # mean difference to fp32 that bf16 may make, of full scale


class Runner:
    """Runs one model on one device; keeps the frozen networks between images.

    Args:
        model: :class:`LowDoseContrastLib.model.Model`.
        device, precision: see :func:`LowDoseContrastLib.device.choose_placement`.

    Attributes:
        placement: the choice; bf16 may fall back to fp32, a GPU to the CPU.
        notes: what had to be changed on the way, one sentence each.
        precision_is_open: whether bf16 was chosen here and has yet to prove itself
            (:meth:`settle_steps`).
    """

    def __init__(self, model, device="auto", precision="auto"):
        self.model = model
        self.placement = choose_placement(device, precision)
        self.notes = []
        self.precision_is_open = precision == "auto" and self.placement.precision == "bf16"
        self._batch = _batch_size(model.card.architecture.ngf, self.placement.device)
        self._frozen = self._freeze(self.placement.precision)

    def _freeze(self, precision, device=None):
        return FrozenGenerator(self.model.generator, device or self.placement.device, _DTYPES[precision])

    def settle_steps(self, window, full_scale):
        """Generator, yields None: compares bf16 with fp32 on one ``window`` of pixel values and falls back to fp32 if it must.

        Done once for a model; the mean difference in units of ``full_scale`` is in the reason.
        """
        scale, composition = self.model.card.intensity, self.model.card.composition
        pixels = torch.from_numpy(np.ascontiguousarray(window, dtype=np.float32))[None, None]
        seen = scale.normalise(pixels)
        images = []
        for frozen in (self._frozen, self._freeze("fp32")):
            answer = yield from frozen.steps(seen)
            images.append(composition.compose(scale, pixels, answer.cpu()))
        difference = float((images[0] - images[1]).abs().mean()) / full_scale
        reason = f"{self.placement.reason}, differs from fp32 by {difference:.4%} of full scale"
        if difference <= PRECISION_LIMIT:
            self.placement = Placement(self.placement.device, "bf16", reason)
        else:
            self.placement = Placement(self.placement.device, "fp32", reason)
            self._frozen = self._freeze("fp32")
        self.precision_is_open = False

    def answer_steps(self, image, plan):
        """Generator: yields the share done in [0, 1]; returns the network's answer for ``image``.

        ``image``: (rows, columns) pixel values as the model expects them; the answer is float32 in
        [-1, 1] of that shape, 0 where ``plan`` has no window.
        """
        blender = Blender(image.shape, plan)
        position, total = 0, len(plan.origins)
        while position < total:
            origins = plan.origins[position : position + self._batch]
            try:
                answers = yield from mapped(
                    self._batch_steps(image, origins, plan), lambda share, first=position, count=len(origins): (first + share * count) / total
                )
            except (RuntimeError, MemoryError) as error:
                # One large window is no smaller on the CPU; the caller cuts it into tiles instead.
                if not is_out_of_memory(error) or plan.is_whole or not self._make_smaller(len(origins)):
                    raise
                continue
            for origin, answer in zip(origins, answers):
                blender.add(origin, answer)
            position += len(origins)
        return blender.result()

    def _batch_steps(self, image, origins, plan):
        """Generator: yields the share of the batch done; returns the answers, float32 (N, rows, columns)."""
        windows = np.stack([cut(image, origin, plan.shape) for origin in origins]).astype(np.float32)
        seen = self.model.card.intensity.normalise(torch.from_numpy(windows)[:, None])
        channels = self.model.card.architecture.in_channels
        seen = _resample(seen, plan.network_shape).expand(-1, channels, -1, -1)
        level, levels = itertools.count(1), 2 * self.model.generator.downsamplings
        answer = yield from mapped(self._frozen.steps(seen), lambda _: next(level) / levels)
        return _resample(answer.mean(dim=1, keepdim=True).cpu(), plan.shape)[:, 0].numpy()

    def _make_smaller(self, size):
        """After running out of memory with ``size`` windows: fewer at a time, then the CPU.

        False if nothing smaller is left.
        """
        self._frozen = None  # its memory goes first
        gc.collect()
        if self.placement.device == "cuda":
            torch.cuda.empty_cache()
        shrinkable = size > 1 or self.placement.device != "cpu"
        if size > 1:
            self._batch = size // 2
            self.notes.append(f"memory ran out: went on with {self._batch} windows at a time")
        elif shrinkable:
            reason = f"memory of the {self.placement.device} device ran out"
            self.placement = Placement("cpu", choose_placement("cpu").precision, reason)
            self.notes.append(f"{reason}: went on with the processor")
        self._frozen = self._freeze(self.placement.precision)
        return shrinkable


def _batch_size(ngf, device):
    """Windows at a time: enough to keep the processor busy, few enough to stop soon and stay small."""
    return 16 if device == "cuda" else max(1, min(16, 512 // ngf))


def _resample(images, shape):
    """Bicubic resampling of (N, 1, rows, columns) to ``shape``; nothing where the shape fits."""
    if tuple(images.shape[-2:]) == tuple(shape):
        return images
    return F.interpolate(images, size=tuple(shape), mode="bicubic", antialias=True).clamp(-1, 1)
