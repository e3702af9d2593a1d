"""A network over an image: window by window, in steps that a caller can stop between."""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence

import numpy as np
import torch
from torch.nn import functional as F

from .device import Placement, choose_placement, is_out_of_memory
from .frozen import FrozenGenerator
from .model import Model
from .steps import Steps, part
from .tiling import Blender, Plan, cut

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
PRECISION_LIMIT = 1e-3  # mean difference to fp32 that bf16 may make, of full scale
SLOWNESS_LIMIT = 2.0  # times the seconds of fp32 that bf16 may take; it is there to be faster


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

    def __init__(self, model: Model, device: str = "auto", precision: str = "auto") -> None:
        self.model = model
        self.placement = choose_placement(device, precision)
        self.notes: list[str] = []
        self.precision_is_open = precision == "auto" and self.placement.precision == "bf16"
        self._batch = _batch_size(model.card.architecture.ngf, self.placement.device)
        self._frozen = self._freeze(self.placement.precision)

    def _freeze(self, precision: str, device: str | None = None) -> FrozenGenerator:
        return FrozenGenerator(self.model.generator, device or self.placement.device, _DTYPES[precision])

    def settle_steps(self, window: np.ndarray, full_scale: float) -> Steps[None]:
        """Compare bf16 with fp32 on one ``window`` of pixel values, and fall back to fp32 if it must be.

        It must where the answers differ, or where bf16 is the slower one, as in some builds of torch.
        Done once for a model; the mean difference in units of ``full_scale`` is in the reason.
        """
        scale, composition = self.model.card.intensity, self.model.card.composition
        pixels = torch.from_numpy(np.ascontiguousarray(window, dtype=np.float32))[None, None]
        seen = scale.normalise(pixels)
        exact = self._freeze("fp32")
        images, seconds = [], []
        for frozen in (self._frozen, exact):
            answer, taken = yield from _timed_answer(frozen, seen)
            images.append(composition.compose(scale, pixels, answer.cpu()))
            seconds.append(taken)
        difference = float((images[0] - images[1]).abs().mean()) / full_scale
        reason = f"{self.placement.reason}, differs from fp32 by {difference:.4%} of full scale"
        slow = seconds[0] > SLOWNESS_LIMIT * seconds[1]
        if slow:  # the first call of a network makes its kernels; only the second tells
            slow = (yield from _timed_answer(self._frozen, seen))[1] > SLOWNESS_LIMIT * seconds[1]
        if difference > PRECISION_LIMIT or slow:
            reason += ", and is slower" * slow
            self.placement, self._frozen = Placement(self.placement.device, "fp32", reason), exact
        else:
            self.placement = Placement(self.placement.device, "bf16", reason)
        self.precision_is_open = False

    def answer_steps(self, image: np.ndarray, plan: Plan) -> Steps[np.ndarray]:
        """Return the network's answer for ``image``.

        ``image``: (rows, columns) pixel values as the model expects them; the answer is float32 in
        [-1, 1] of that shape, 0 where ``plan`` has no window.
        """
        architecture = self.model.card.architecture
        if (architecture.norm, architecture.norm_statistics) == ("batch", "image") and len(plan.origins) > 1:
            count = len(plan.origins)
            self.notes.append(f"each of the {count} windows has its own statistics of batch norms: mode whole has one")
        blender = Blender(image.shape, plan)
        position, total = 0, len(plan.origins)
        while position < total:
            origins = plan.origins[position : position + self._batch]
            work = self._batch_steps(image, origins, plan)
            try:
                answers = yield from part(work, position / total, (position + len(origins)) / total)
            except (RuntimeError, MemoryError) as error:
                # One large window is no smaller on the CPU; the caller cuts it into tiles instead.
                if not is_out_of_memory(error) or plan.is_whole or not self._make_smaller(len(origins)):
                    raise
                continue
            for origin, answer in zip(origins, answers, strict=True):
                blender.add(origin, answer)
            position += len(origins)
        return blender.result()

    def _batch_steps(self, image: np.ndarray, origins: Sequence[tuple[int, int]], plan: Plan) -> Steps[np.ndarray]:
        """The answers for a batch of windows, float32 (N, rows, columns)."""
        windows = np.stack([cut(image, origin, plan.shape) for origin in origins]).astype(np.float32)
        seen = self.model.card.intensity.normalise(torch.from_numpy(windows)[:, None])
        channels = self.model.card.architecture.in_channels
        seen = _resample(seen, plan.network_shape).expand(-1, channels, -1, -1)
        answer = yield from self._frozen.steps(seen)
        return _resample(answer.mean(dim=1, keepdim=True).cpu(), plan.shape)[:, 0].numpy()

    def _make_smaller(self, size: int) -> bool:
        """After running out of memory with ``size`` windows: fewer at a time, then the CPU.

        False if nothing smaller is left.
        """
        del self._frozen  # its memory goes first
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


def _timed_answer(frozen: FrozenGenerator, seen: torch.Tensor) -> Steps[tuple[torch.Tensor, float]]:
    """(the answer, the seconds it took without those of whoever looks on between the steps)."""
    seconds, steps = 0.0, frozen.steps(seen)
    while True:
        start = time.perf_counter()
        try:
            update = next(steps)
        except StopIteration as stop:
            return stop.value, seconds + time.perf_counter() - start
        seconds += time.perf_counter() - start
        yield update


def _batch_size(ngf: int, device: str) -> int:
    """Windows at a time: enough to keep the processor busy, few enough to stop soon and stay small."""
    return 16 if device == "cuda" else max(1, min(16, 512 // ngf))


def _resample(images: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    """Bicubic resampling of (N, 1, rows, columns) to ``shape``; nothing where the shape fits."""
    if tuple(images.shape[-2:]) == tuple(shape):
        return images
    return F.interpolate(images, size=tuple(shape), mode="bicubic", antialias=True).clamp(-1, 1)
