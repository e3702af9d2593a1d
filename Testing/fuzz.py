#!/usr/bin/env python3
"""Puts mutated files through the commands: DICOM, PNG, TIFF, NRRD, NIfTI, models, checkpoints, manifests, recipes.

Every input must end in a result or in one line that says what is wrong with it. Anything else (another exception,
further lines on standard error, a crash, 10 seconds of work, 2 GB of memory, a temporary or half-written file) is a
finding: it is printed with the numbers that make it again, and its files are kept.

    python3 Testing/run.py fuzz --inputs 20000 --seconds 3600
    python3 Testing/run.py fuzz --only dicom:17 --seed 1      the same input again

The worker (Fuzzing/worker.py) is started anew after a crash or a hang, and after every BATCH inputs.
"""

import argparse
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

TESTING = Path(__file__).resolve().parent
ROOT = TESTING.parent
KINDS = ("dicom", "png", "tiff", "nrrd", "nifti", "model", "checkpoint", "manifest", "recipe")
SHARES = (6, 2, 3, 2, 2, 2, 1, 1, 3)  # how many of each kind in turn
BATCH = 500
LONGEST_S = 10  # of work, for one input
PATIENCE_S = 40  # of waiting, on a computer that is busy otherwise
GOOD = ("result", "refused")


class Worker:
    """A process that is asked for one input after the other."""

    def __init__(self, seeds, work, seed):
        path = [TESTING, TESTING / "Python", ROOT / "LowDoseContrast", ROOT / "LowDoseContrastTraining"]
        self.work = Path(work)
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        self.process = subprocess.Popen(
            [sys.executable, str(TESTING / "Fuzzing" / "worker.py"), str(seeds), str(work), str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path)), "TMPDIR": str(self.work)},
        )
        self.done = 0
        if self._reply(300) != "ready":
            raise SystemExit("error: the worker does not start")

    def _reply(self, seconds):
        """Its next line, empty at its end, None where none comes in time."""
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        return self.process.stdout.readline().strip() if ready else None

    def ask(self, kind, number):
        """(outcome, detail, seconds, peak of memory in bytes)."""
        self.done += 1
        start = time.monotonic()
        self.process.stdin.write(f"{kind} {number}\n")
        self.process.stdin.flush()
        line = self._reply(PATIENCE_S)
        if line:
            outcome, detail, seconds, peak = json.loads(line)
            if seconds > LONGEST_S and outcome in GOOD:
                outcome, detail = "slow", f"{seconds:.0f} s of work"
            return outcome, detail, seconds, peak
        if line is None:
            self.end()
            return "hung", f"no answer in {PATIENCE_S} s", time.monotonic() - start, 0
        code = self.process.wait()
        detail = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return "crashed", detail, time.monotonic() - start, 0

    def end(self):
        self.process.kill()
        self.process.communicate()

    @property
    def is_used_up(self):
        return self.done >= BATCH or self.process.poll() is not None


def inputs(count, only):
    """(kind, number) of all inputs in turn."""
    if only:
        kind, _, number = only.partition(":")
        yield kind, int(number)
        return
    turn = [kind for place in range(max(SHARES)) for kind, share in zip(KINDS, SHARES) if place < share]
    for number in range(count):
        yield turn[number % len(turn)], number


def fuzz(count, seed, seconds, keep, only=None, told=print):
    """Try inputs; return (kind -> outcomes, findings, figures)."""
    outcomes, findings, seen = defaultdict(Counter), [], Counter()
    start, longest, peak, worker = time.monotonic(), 0.0, (0, ""), None
    with tempfile.TemporaryDirectory() as name:
        seeds = Path(name) / "seeds"
        seeds.mkdir()
        try:
            for kind, number in inputs(count, only):
                if time.monotonic() - start > seconds:
                    break
                if worker is None or worker.is_used_up:
                    if worker:
                        worker.end()
                    worker = Worker(seeds, Path(name) / "work", seed)
                outcome, detail, taken, most = worker.ask(kind, number)
                outcomes[kind][outcome] += 1
                longest = max(longest, taken)
                if most > peak[0]:
                    peak = most, f"{kind}:{number}"
                if outcome in GOOD and not only:
                    continue
                what = f"{outcome}: {detail}"
                alike = what.split(": ")[0] + (what.split(": ")[1].split(" (")[0] if ": " in what else "")
                seen[kind, alike] += 1
                findings.append({"kind": kind, "number": number, "outcome": outcome, "detail": detail})
                if seen[kind, alike] <= 3:
                    told(f"{kind}:{number} --seed {seed}  {what}")
                    target = Path(keep) / f"{kind}-{number}-seed-{seed}"
                    shutil.rmtree(target, ignore_errors=True)
                    shutil.copytree(Path(name) / "work" / "case", target)
        finally:
            if worker:
                worker.end()
    tried = sum(sum(each.values()) for each in outcomes.values())
    figures = {
        "inputs": tried,
        "seed": seed,
        "seconds": round(time.monotonic() - start, 1),
        "longest_seconds": round(longest, 2),
        "peak_bytes": peak[0],
        "peak_at": peak[1],
        "findings": len(findings),
    }
    return outcomes, findings, figures


def table(outcomes):
    """The outcomes as a Markdown table."""
    names = list(GOOD) + sorted({name for each in outcomes.values() for name in each} - set(GOOD))
    rows = [["kind", "inputs", *names], ["---", *["--:"] * (len(names) + 1)]]
    for kind in [kind for kind in KINDS if kind in outcomes]:
        rows.append([kind, sum(outcomes[kind].values()), *(outcomes[kind][name] for name in names)])
    rows.append(["all", *(sum(row[column] for row in rows[2:]) for column in range(1, len(names) + 2))])
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="run.py fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=200, metavar="N", help="how many (default: %(default)s)")
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="everything follows from it (default: %(default)s)"
    )
    parser.add_argument(
        "--seconds", type=float, default=3600, metavar="T", help="at most so long (default: %(default)g)"
    )
    parser.add_argument("--only", metavar="KIND:NUMBER", help="one input alone, as a finding names it")
    parser.add_argument(
        "--keep", type=Path, default=ROOT / "Outputs" / "Fuzzing", metavar="DIR", help="where the files of findings go"
    )
    options = parser.parse_args(arguments)
    outcomes, _, figures = fuzz(options.inputs, options.seed, options.seconds, options.keep, options.only)
    sys.stdout.write(table(outcomes) + "\n")
    print(json.dumps(figures))
    return 1 if figures["findings"] and not options.only else 0


if __name__ == "__main__":
    sys.exit(main())
