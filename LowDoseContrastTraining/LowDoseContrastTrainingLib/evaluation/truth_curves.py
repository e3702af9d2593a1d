"""The curves behind the figures against a truth: noise power and transfer of a method, means over arrangements."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

from ..measurement.noise_texture import NoiseTexture
from ..measurement.transfer import TaskTransfer

Values = list[float | None]
_Curve = TypeVar("_Curve", NoiseTexture, TaskTransfer)


@dataclass(frozen=True)
class NoiseCurve:
    """A normalised noise power spectrum: ``frequency`` in lp/mm, ``nnps`` in mm^2, mean over so many arrangements."""

    frequency: Values
    nnps: Values
    arrangements: int


@dataclass(frozen=True)
class TransferCurve:
    """The transfer of one task; ``error`` is its standard error over ``inserts``, None for a single one."""

    frequency: Values
    transfer: Values
    error: Values
    arrangements: int
    inserts: int


@dataclass(frozen=True)
class Curves:
    """Means over arrangements.

    Attributes:
        noise: None where it could not be measured.
        transfer: name of the task -> curve, of the tasks that could be measured.
    """

    noise: NoiseCurve | None = None
    transfer: dict[str, TransferCurve] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        noise = {"noise": dataclasses.asdict(self.noise)} if self.noise else {}
        return {**noise, "transfer": {name: dataclasses.asdict(each) for name, each in self.transfer.items()}}

    @classmethod
    def from_json(cls, stated: dict[str, Any]) -> Curves:
        noise = NoiseCurve(**stated["noise"]) if stated.get("noise") else None
        return cls(noise, {name: TransferCurve(**each) for name, each in (stated.get("transfer") or {}).items()})


@dataclass(frozen=True)
class MethodCurves:
    """Collects the curves of one method.

    Attributes:
        noise: of every arrangement whose noise could be measured.
        transfers: of every arrangement, name of the task -> transfer.
    """

    noise: list[NoiseTexture] = field(default_factory=list)
    transfers: list[dict[str, TaskTransfer]] = field(default_factory=list)

    def mean(self) -> Curves:
        """Return the means over arrangements, to six digits."""
        tasks = dict.fromkeys(name for transfer in self.transfers for name in transfer)
        found = {
            name: _mean_transfer([transfer[name] for transfer in self.transfers if name in transfer]) for name in tasks
        }
        noise = _alike(self.noise)
        spectrum = NoiseCurve(_listed(noise[0].frequency), _mean(noise, "nnps"), len(noise)) if noise else None
        return Curves(spectrum, {name: each for name, each in found.items() if each})


def _mean_transfer(transfers: list[TaskTransfer]) -> TransferCurve | None:
    """The rings are the same for all arrangements; the mean frequency within one differs a little."""
    found = _alike(transfers)
    if not found:
        return None
    error = np.sqrt(np.sum([each.error**2 for each in found], axis=0)) / len(found)
    inserts = sum(each.inserts for each in found)
    return TransferCurve(_mean(found, "frequency"), _mean(found, "transfer"), _listed(error), len(found), inserts)


def _alike(curves: list[_Curve]) -> list[_Curve]:
    """Those that are not empty and have as many frequencies as the first."""
    found = [curve for curve in curves if len(curve.frequency)]
    return [each for each in found if len(each.frequency) == len(found[0].frequency)]


def _mean(curves: list[_Curve], name: str) -> Values:
    return _listed(np.mean([getattr(curve, name) for curve in curves], axis=0))


def _listed(values: Iterable[float]) -> Values:
    """Six digits are more than the precision."""
    return [float(f"{value:.6g}") if math.isfinite(value) else None for value in values]
