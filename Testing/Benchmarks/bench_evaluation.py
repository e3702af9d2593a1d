"""One evaluation against the truth: how long, how much memory, and which part takes what.

Eleven simulated arrangements with five realisations of every image, all baselines and the starter
model, in a process of its own so that the peak is its own. Asked: 30 minutes and 3 GB on two
cores. ``bench evaluation --arrangements 2 --realisations 2`` is a short look.
"""

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

ARRANGEMENTS, REALISATIONS = 11, 5


def option(name, default):
    """The number after ``--name`` on the command line."""
    return int(sys.argv[sys.argv.index(f"--{name}") + 1]) if f"--{name}" in sys.argv else default


def run(*arguments):
    """A command of the tool; returns its result."""
    command = [sys.executable, "-m", "LowDoseContrastTrainingLib", *map(str, arguments), "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main():
    arrangements, realisations = option("arrangements", ARRANGEMENTS), option("realisations", REALISATIONS)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        run(
            "simulate",
            place / "acquisitions",
            "--arrangements",
            arrangements,
            "--doses",
            "low,high",
            "--realisations",
            realisations,
            "--seed",
            9,
        )
        simulated = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        found = run(
            "evaluate", "--simulation", place / "acquisitions", "--model", "starter", "--output", place / "judged"
        )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    show(found, arrangements * realisations, peak if peak > simulated else None)


def show(found, images, peak):
    """The parts and, of the truth, the methods."""
    total = sum(found["seconds"].values())
    memory = f"{peak * 1024 / 1e9:.2f} GB" if peak else "less than the simulation"
    print(f"{total / 60:.1f} minutes in all, {memory} at most; asked: 30 minutes, 3 GB")
    for name, seconds in found["seconds"].items():
        print(f"  {name:<28}{seconds:>8.0f} s{seconds / total:>7.0%}")
    making = {
        row["method"]: row["seconds_per_image"] * images
        for row in found["rows"]
        if row["seconds_per_image"] is not None
    }
    print(f"of the truth, {images} whole images a method:")
    for name, seconds in {**making, "measuring": found["seconds"]["truth"] - sum(making.values())}.items():
        print(f"  {name:<28}{seconds:>8.0f} s{seconds / total:>7.0%}")


if __name__ == "__main__":
    main()
