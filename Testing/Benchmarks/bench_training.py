"""Training against the plain loop of the reference implementation, in one run.

Peer: pix2pix written out in the reference's way (fp32, contiguous, batch 1, torch's default Adam,
losses with label tensors), unet_256 with 64 filters and the basic discriminator with 64, its
patches at hand. Ours: the same recipe (run1) with its input pipeline, from prepared patches of
150 x 150 pixels, as the command runs it. Then how long the pipeline keeps a step waiting, and what
memory bounds: the peak of a process that streams its patches beside one that keeps them.
"""

import dataclasses
import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from fields import matrix_rate
from LowDoseContrastLib.device import choose_placement
from LowDoseContrastLib.discriminator import build_discriminator
from LowDoseContrastLib.generator import UNetGenerator
from LowDoseContrastLib.initialisation import initialise
from LowDoseContrastTrainingLib.common.process_memory import keep_freed_memory
from LowDoseContrastTrainingLib.dataset.eight_bit_conversion import StoredScale
from LowDoseContrastTrainingLib.dataset.manifest import ImageEntry, PairedDataSet, PairEntry, PatchEntry
from LowDoseContrastTrainingLib.dataset.patch_store import PatchStore
from LowDoseContrastTrainingLib.dataset.png import write_png
from LowDoseContrastTrainingLib.training.batches import Batches
from LowDoseContrastTrainingLib.training.pix2pix import Pix2Pix, intensity_of
from LowDoseContrastTrainingLib.training.recipes import RECIPES
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

PATCHES, SIDE, ROUNDS, STEPS = 48, 150, 5, 4
MANY = 4000  # patches whose memory is measured


def plain_step():
    """A function (A, B) in [-1, 1] that makes one step of the loop, and nothing else."""
    torch.manual_seed(0)
    generator = initialise(UNetGenerator("unet_256", ngf=64, dropout=True)).train()
    discriminator = initialise(build_discriminator("basic", 2, 64)).train()
    adam = [
        torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999)) for network in (generator, discriminator)
    ]
    cross_entropy, l1 = nn.BCEWithLogitsLoss(), nn.L1Loss()
    real, false = torch.ones(()), torch.zeros(())

    def step(low, high):
        fake = generator(low)
        discriminator.requires_grad_(True)
        adam[1].zero_grad()
        judged = discriminator(torch.cat([low, fake], 1).detach())
        d_fake = cross_entropy(judged, false.expand_as(judged))
        judged = discriminator(torch.cat([low, high], 1))
        d_real = cross_entropy(judged, real.expand_as(judged))
        ((d_fake + d_real) * 0.5).backward()
        adam[1].step()
        discriminator.requires_grad_(False)
        adam[0].zero_grad()
        judged = discriminator(torch.cat([low, fake], 1))
        (cross_entropy(judged, real.expand_as(judged)) + 100 * l1(fake, high)).backward()
        adam[0].step()

    return step


def written(folder: Path, count: int) -> PairedDataSet:
    """A prepared data set of noise, which costs as much to read as any other."""
    rng, scale, patches = np.random.default_rng(0), StoredScale(0.0, 12000.0, 255), []
    for number in range(count):
        name, digests = f"{number:05d}.png", {}
        for side in "AB":
            path = folder / side / "train" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            write_png(path, rng.integers(20, 200, (SIDE, SIDE), np.uint8))
            digests[side] = hashlib.sha256(path.read_bytes()).hexdigest()
        patches.append(PatchEntry(name, "train", "train", digests))
    low, high = (ImageEntry(dose, (20.0, 100.0, 200.0)) for dose in (3.359, 11.523))
    pair = PairEntry(14, (0.1, 0.1), "FOR PROCESSING", "LIN", 1, low, high)
    return PairedDataSet(folder, scale, (pair,), tuple(patches), "")


class Timed:
    """One way of training; ``run`` gives the seconds a patch of some steps, and notes how long they waited for batches."""

    def __init__(self, data, placement, **fields):
        recipe = dataclasses.replace(RECIPES["run1"], precision=placement.precision, **fields)
        self.pix2pix = Pix2Pix(recipe, *intensity_of(recipe, data), placement)
        self.batches, self.size = Batches(PatchStore(data, "train", 1e9), data.scale, recipe), recipe.batch_size
        self.waited = self.busy = 0.0
        self._stream = self._endless()

    def _endless(self):
        for epoch in range(2**31):
            yield from self.batches.epoch(epoch)

    def run(self):
        start = time.perf_counter()
        for _ in range(STEPS):
            asked = time.perf_counter()
            batch = next(self._stream)
            self.waited += time.perf_counter() - asked
            self.pix2pix.step(batch.low, batch.high)
        elapsed = time.perf_counter() - start
        self.busy += elapsed
        return elapsed / (STEPS * self.size)


class Plain:
    """The peer, in a process of its own, which what ours asks of the system's memory does not reach."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, __file__, "plain"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def end(self):
        self.process.communicate()


def serve_plain():
    """Makes some steps of the plain loop whenever a line comes in; prints the seconds a patch."""
    step, rng = plain_step(), torch.Generator().manual_seed(0)
    pair = [2 * torch.rand(1, 1, 256, 256, generator=rng) - 1 for _ in range(2)]
    for _ in sys.stdin:
        start = time.perf_counter()
        for _ in range(STEPS):
            step(*pair)
        print((time.perf_counter() - start) / STEPS, flush=True)


def operations():
    """Floating-point operations of a step, a patch: all forward and backward passes."""
    step = plain_step()
    with FlopCounterMode(display=False) as counter:
        step(*[torch.zeros(1, 1, 256, 256)] * 2)
    return counter.get_total_flops()


def peak(folder, room):
    """Peak memory in bytes of a process that makes an epoch of batches from patches in ``folder``."""
    return json.loads(
        subprocess.run([sys.executable, __file__, folder, str(room)], check=True, capture_output=True, text=True).stdout
    )


def measure(folder, room):
    patches = tuple(map(PatchEntry.from_json, json.loads((Path(folder) / "patches.json").read_text())))
    data = PairedDataSet(Path(folder), StoredScale(0.0, 12000.0, 255), (), patches, "")
    store = PatchStore(data, "train", room)
    before = time.perf_counter()
    for _ in Batches(store, data.scale, dataclasses.replace(RECIPES["run1"], batch_size=4)).epoch(0):
        pass
    seconds = time.perf_counter() - before
    print(json.dumps({"peak": peak_bytes(), "kept": store.kept_bytes, "seconds": seconds / MANY}))


def peak_bytes():
    """Peak memory of this process alone; ru_maxrss would begin with that of the process that started it."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def show_speed():
    best = choose_placement("cpu", "auto")
    with tempfile.TemporaryDirectory() as folder:
        data = written(Path(folder), PATCHES)
        ways = {
            "plain loop, fp32, batch 1": Plain(),
            "ours, batch 1, fp32": Timed(data, choose_placement("cpu", "fp32")),
            f"ours, batch 1, {best.precision}": Timed(data, best),
            f"ours, batch 4, {best.precision}": Timed(data, best, batch_size=4),
        }
        seconds = {name: [] for name in ways}
        for way in ways.values():
            way.run()
        for _ in range(ROUNDS):
            for name, way in ways.items():
                seconds[name].append(way.run())
        ways["plain loop, fp32, batch 1"].end()
    rate = {
        precision: max(matrix_rate(dtype) for _ in range(3))
        for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16))
    }
    count, medians = operations(), {name: float(np.median(each)) for name, each in seconds.items()}
    peer = medians["plain loop, fp32, batch 1"]
    print(
        f"unet_256 ngf 64, ndf 64, {torch.get_num_threads()} threads, {best.precision}: {best.reason}; "
        f"{count / 1e9:.0f} GFLOP a patch"
    )
    print(f"matrix rate {rate['fp32'] / 1e9:.0f} GFLOP/s fp32, {rate['bf16'] / 1e9:.0f} bf16")
    print(f"{'':28}{'ms a patch':>12}{'fastest':>9}{'ratio':>7}{'of matrix rate':>16}{'waited':>8}")
    for name, way in ways.items():
        share = count / medians[name] / rate[name.split(", ")[-1] if "ours" in name else "fp32"]
        waited = f"{way.waited / way.busy:.1%}" if isinstance(way, Timed) else "-"
        print(
            f"{name:28}{1e3 * medians[name]:12.0f}{1e3 * min(seconds[name]):9.0f}{peer / medians[name]:7.2f}{share:16.0%}{waited:>8}"
        )
    print("asked: at least 1.3 at batch 1, 2.5 at batch 4 with bf16")


def show_memory():
    with tempfile.TemporaryDirectory() as folder:
        data = written(Path(folder), MANY)
        (Path(folder) / "patches.json").write_text(json.dumps([patch.to_json() for patch in data.patches]))
        rows = {
            name: peak(folder, room) for name, room in (("kept", 1e12), ("half kept", MANY * SIDE**2), ("streamed", 0))
        }
    print(
        f"\n{MANY} pairs of {SIDE} x {SIDE} patches, an epoch of batches "
        f"alone\n{'':12}{'patches MB':>12}{'peak MB':>9}{'ms a patch':>12}"
    )
    for name, row in rows.items():
        print(f"{name:12}{row['kept'] / 1e6:12.0f}{row['peak'] / 1e6:9.0f}{1e3 * row['seconds']:12.2f}")


if __name__ == "__main__":
    if sys.argv[1:] == ["plain"]:
        serve_plain()
    elif len(sys.argv) == 3:
        measure(sys.argv[1], float(sys.argv[2]))
    else:
        keep_freed_memory()
        show_speed()
        show_memory()
