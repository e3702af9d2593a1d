"""How pixel values become what a network sees, and its answer pixel values again.

A model owns one :class:`IntensityScale` (pixel values to the network's range [-1, 1]) and one
:class:`Composition` (the network's answer to pixel values). Both work on numpy arrays and on
torch tensors, and nothing is clipped except what the network merely looks at.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

SCALES = ("linear", "log")
COMPOSITIONS = ("direct", "residual")


def _functions(values: Any) -> Any:
    """Returns numpy or torch, whichever ``values`` belongs to; the names used here are common to both."""
    if isinstance(values, (np.ndarray, np.generic, float, int)):
        return np
    import torch

    return torch


@dataclass(frozen=True)
class IntensityScale:
    """A fixed map of pixel values onto [-1, 1].

    ``linear`` maps ``low`` to -1 and ``high`` to 1. ``log`` does so for the logarithm of the
    values, in which a change of dose is a shift and attenuation is linear in thickness.
    ``levels`` (255 for the paper's 8-bit patches) rounds to that many steps first.

    Raises:
        ValueError: ``low`` is not below ``high``, a log scale does not start above 0, or ``levels`` is below 1.

    >>> scale = IntensityScale("log", 10.0, 1000.0)
    >>> [round(float(scale.normalise(value)), 3) for value in (10, 100, 1000)]  # a factor is a shift
    [-1.0, 0.0, 1.0]
    """

    kind: str
    low: float
    high: float
    levels: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in SCALES:
            raise ValueError(f"unknown intensity scale '{self.kind}': choose one of {', '.join(SCALES)}")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"intensity scale: low ({self.low}) must be below high ({self.high})")
        if self.kind == "log" and self.low <= 0:
            raise ValueError(f"a log intensity scale must start above 0, not at {self.low}")
        if self.levels is not None and self.levels < 1:
            raise ValueError(f"intensity scale: levels must be at least 1, not {self.levels}")

    @property
    def span(self) -> float:
        """Width of the scale: pixel values if linear, nepers if log."""
        return self.high - self.low if self.kind == "linear" else math.log(self.high / self.low)

    def normalise(self, values: Any) -> Any:
        """Pixel values to [-1, 1]; what lies outside of the scale is seen as its end (network input only)."""
        lib = _functions(values)
        values = lib.clip(values, self.low, self.high)
        unit = (values - self.low) / self.span if self.kind == "linear" else lib.log(values / self.low) / self.span
        if self.levels is not None:
            unit = lib.round(unit * self.levels) / self.levels
        return 2 * unit - 1

    def invert(self, normalised: Any) -> Any:
        """[-1, 1] to pixel values; the exact inverse of :meth:`normalise` inside the scale."""
        unit = (normalised + 1) / 2
        if self.levels is not None:
            unit = _functions(normalised).round(unit * self.levels) / self.levels
        if self.kind == "linear":
            return self.low + self.span * unit
        return self.low * _functions(normalised).exp(self.span * unit)


@dataclass(frozen=True)
class Composition:
    """How the network's answer g in [-1, 1] becomes the enhanced image.

    ``direct``: the scale's inverse of g (the published pix2pix).
    ``residual``: the input times ``gain`` (the dose ratio), corrected by the network. On a linear
    scale ``gain x I + strength x span / 2 x g``; on a log scale
    ``gain x I x exp(strength x span / 2 x g)``. ``offset`` is the detector's pixel value at zero
    exposure and is neither amplified nor corrected. A residual cannot clip.
    """

    kind: str = "direct"
    gain: float = 1.0
    strength: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in COMPOSITIONS:
            raise ValueError(f"unknown composition '{self.kind}': choose one of {', '.join(COMPOSITIONS)}")
        if not (math.isfinite(self.gain) and self.gain > 0 and math.isfinite(self.strength) and self.strength > 0):
            raise ValueError("composition: gain and strength must be finite and above 0")

    def compose(self, scale: IntensityScale, values: Any, answer: Any) -> Any:
        """Pixel values of the enhanced image from the input ``values`` and the network's ``answer``."""
        if self.kind == "direct":
            return scale.invert(answer)
        base = self.gain * (values - self.offset)
        correction = self.strength * scale.span / 2 * answer
        if scale.kind == "linear":
            return self.offset + base + correction
        return self.offset + base * _functions(answer).exp(correction)
