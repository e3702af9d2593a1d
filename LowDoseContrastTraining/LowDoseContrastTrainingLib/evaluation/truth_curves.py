"""The curves behind the figures against a truth: noise power and transfer of each method, means over arrangements."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from ..measurement.noise_texture import NoiseTexture
from ..measurement.transfer import TaskTransfer


@dataclass(frozen=True)
class MethodCurves:
    """Collects the curves of one method.

    Attributes:
        noise: one an arrangement where it could be measured.
        transfers: name of the task -> :class:`..measurement.transfer.TaskTransfer`, one an arrangement.
    """

    noise: list[NoiseTexture] = field(default_factory=list)
    transfers: list[dict[str, TaskTransfer]] = field(default_factory=list)

    def as_dict(self) -> dict:
        """Return the means over arrangements, JSON-able.

        ``noise`` has ``frequency`` (lp/mm) and ``nnps`` (mm^2); ``transfer`` has for each task ``frequency``, ``transfer`` and its
        standard ``error`` (None where there is one insert alone). ``arrangements`` says of how many. What could
        not be measured is not in it.
        """
        tasks = dict.fromkeys(name for each in self.transfers for name in each)
        transfers = {name: _mean_transfer([each[name] for each in self.transfers if name in each]) for name in tasks}
        noise = _alike(self.noise)
        found = {"noise": {"frequency": _listed(noise[0].frequency), "nnps": _listed(_mean(noise, "nnps")), "arrangements": len(noise)}} if noise else {}
        return {**found, "transfer": {name: each for name, each in transfers.items() if each}}


def _mean_transfer(transfers):
    """Rings are the same for all arrangements; the mean frequency within one differs a little."""
    found = _alike(transfers)
    if not found:
        return {}
    error = np.sqrt(np.sum([each.error**2 for each in found], axis=0)) / len(found)
    curves = {name: _listed(_mean(found, name)) for name in ("frequency", "transfer")}
    return {**curves, "error": _listed(error), "arrangements": len(found), "inserts": sum(each.inserts for each in found)}


def _alike(curves):
    """Those that are not empty and have as many frequencies as the first."""
    found = [each for each in curves if len(each.frequency)]
    return [each for each in found if len(each.frequency) == len(found[0].frequency)]


def _mean(curves, name):
    return np.mean([getattr(each, name) for each in curves], axis=0)


def _listed(values):
    """Six digits are more than is known."""
    return [float(f"{value:.6g}") if math.isfinite(value) else None for value in values]
