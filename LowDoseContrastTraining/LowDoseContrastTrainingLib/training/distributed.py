"""Several processes that train one model together, started by ``torchrun``.

Each process works on its part of every batch; DistributedDataParallel averages the gradients, so
that all processes hold the same weights. The first one alone judges and writes.
"""

from __future__ import annotations

import contextlib
import datetime
import inspect
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from LowDoseContrastLib.cli import EXIT_INPUT
from LowDoseContrastLib.errors import InputError
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

_RESTARTS = "TORCHELASTIC_RESTART_COUNT"
# The option's name from torch 2.12 on, and before.
_SYNC_BUFFERS = next(
    name
    for name in ("forward_sync_buffers", "broadcast_buffers")
    if name in inspect.signature(DistributedDataParallel).parameters
)
_TIMEOUT = datetime.timedelta(hours=2)  # the others wait while the first process judges an epoch


@dataclass(frozen=True)
class Team:
    """The processes of one training, as seen by the one of ``rank`` (from 0) among ``size``."""

    rank: int = 0
    size: int = 1
    device: str = "cpu"

    def parallel(self, network: torch.nn.Module) -> torch.nn.Module:
        """Return ``network`` so that its gradients are averaged over all processes.

        The batch norms' running statistics stay a process's own: nothing that is kept depends on
        them (see :mod:`.averaging`), and exchanging them between two passes of the discriminator
        would spoil its gradient.
        """
        return network if self.size == 1 else DistributedDataParallel(network, **{_SYNC_BUFFERS: False})

    def on_first(self, work: Callable[[], Any]) -> Any:
        """Return what ``work`` gives in the first process, which alone runs it.

        Raises:
            SystemExit: in the other processes, where the first one has raised; it says why.
        """
        if self.size == 1:
            return work()
        box: list[Any] = [None]
        if self.rank == 0:
            try:
                box = [(True, work())]
            except Exception:
                distributed.broadcast_object_list([(False, None)])
                raise
        distributed.broadcast_object_list(box)
        done, result = box[0]
        if not done:
            raise SystemExit(EXIT_INPUT)
        return result

    def in_turn(self, work: Callable[[], Any]) -> Any:
        """Return what ``work`` gives in each process, the first one first; so what is wrong is said once."""
        mine: list[Any] = []
        self.on_first(lambda: mine.append(work()))
        return mine[0] if mine else work()

    def mean(self, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the mean over the processes of rows of ``values`` (steps, columns) by ``weights`` (steps,)."""
        if self.size == 1:
            return values
        sums = torch.from_numpy(np.column_stack([values * weights[:, None], weights])).to(self.device)
        distributed.all_reduce(sums)
        sums = sums.cpu().numpy()
        return sums[:, :-1] / sums[:, -1:]


@contextlib.contextmanager
def joined_team(device: str) -> Iterator[Team]:
    """Join the processes that ``torchrun`` has started, or yield a team of one.

    Uses nccl on GPUs and gloo on processors. Each process takes the GPU of its local rank, and its
    share of the processor's threads unless ``OMP_NUM_THREADS`` was set to more than one.

    Raises:
        InputError: several processes on a device that cannot be shared so.
    """
    size, local = (int(os.environ.get(name, default)) for name, default in (("WORLD_SIZE", 1), ("LOCAL_RANK", 0)))
    if size == 1:
        yield Team(device=device)
        return
    if device not in ("cpu", "cuda"):
        raise InputError(
            f"device {device}", "several processes can train on cpu or cuda", "choose {device}, or start one process"
        )
    if device == "cuda":
        if local >= torch.cuda.device_count():
            raise InputError(
                "",
                f"this computer has {torch.cuda.device_count()} GPUs for more processes",
                f"start torchrun with --nproc_per_node {torch.cuda.device_count()}",
            )
        torch.cuda.set_device(local)
    elif os.environ.get("OMP_NUM_THREADS", "1") == "1":  # what torchrun sets, whatever the cores
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", size))))
    store, rank, size = next(distributed.rendezvous("env://", timeout=_TIMEOUT))
    # torchrun hands the same store to processes that it starts again: the addresses of the dead are still in it.
    fresh = distributed.PrefixStore(f"{os.environ.get(_RESTARTS, 0)}-{size}", store)
    distributed.init_process_group(
        "nccl" if device == "cuda" else "gloo", store=fresh, rank=rank, world_size=size, timeout=_TIMEOUT
    )
    try:
        yield Team(distributed.get_rank(), size, device)
    finally:
        distributed.destroy_process_group()


def is_first() -> bool:
    """Whether this process speaks for all: the first of those that ``torchrun`` started, or the only one."""
    return os.environ.get("RANK", "0") == "0"


def was_restarted() -> bool:
    """Whether ``torchrun`` has started the processes again after one of them died."""
    return int(os.environ.get(_RESTARTS, 0)) > 0
