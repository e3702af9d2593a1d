"""Where and in which precision a network runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .errors import InputError

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "fp32", "bf16")


@dataclass(frozen=True)
class Placement:
    """The choice and why.

    Attributes:
        device: ``cpu``, ``cuda`` or ``mps``.
        precision: ``fp32`` or ``bf16``.
        reason: one line for the report.
    """

    device: str
    precision: str
    reason: str


def choose_placement(device: str = "auto", precision: str = "auto") -> Placement:
    """Resolves ``auto``: a GPU before the CPU, bf16 where the hardware has it natively.

    Raises:
        InputError: an unknown name or a device that is not there.
    """
    import torch

    if device not in DEVICES:
        raise InputError("", f"{{device}} must be one of {', '.join(DEVICES)}, it is {device!r}")
    if precision not in PRECISIONS:
        raise InputError("", f"{{precision}} must be one of {', '.join(PRECISIONS)}, it is {precision!r}")
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        device = next(name for name in ("cuda", "mps", "cpu") if present[name])
    if not present[device]:
        raise InputError("", f"{{device}}: this computer has no {device} that torch can use", "choose auto or cpu")
    if precision != "auto":
        return Placement(device, precision, "asked for")
    native = has_native_bf16(device)
    reason = f"{'native' if native else 'no native'} bf16 on this {'processor' if device == 'cpu' else 'GPU'}"
    return Placement(device, "bf16" if native else "fp32", reason)


@cache
def has_native_bf16(device: str) -> bool:
    """Whether bfloat16 products are done in hardware; elsewhere they are slower than float32."""
    import torch

    if device == "cuda":
        return torch.cuda.get_device_capability()[0] >= 8
    if device == "mps":
        return False
    return bool(_processor_flags() & {"avx512_bf16", "amx_bf16", "bf16"})


def _processor_flags() -> set[str]:
    """The feature flags of the processor, where the system shows them."""
    import torch

    flags = set()
    for name, flag in (("_is_avx512_bf16_supported", "avx512_bf16"), ("_is_amx_tile_supported", "amx_bf16")):
        probe = getattr(torch.cpu, name, None)
        if probe is not None and probe():
            flags.add(flag)
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(errors="ignore").splitlines():
            if line.lower().startswith(("flags", "features")):
                return flags | set(line.split(":", 1)[1].split())
    return flags


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that memory ran out, on the GPU or on the host."""
    import torch

    # The name that all devices share came with torch 2.5.
    if isinstance(error, (MemoryError, getattr(torch, "OutOfMemoryError", torch.cuda.OutOfMemoryError))):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "out of memory" in text or "not enough memory" in text or "can't allocate" in text
    )
