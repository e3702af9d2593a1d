"""One process that puts mutated inputs through the commands, and says of each how it ended.

    python worker.py SEEDS WORK SEED          then lines "KIND NUMBER" on standard input

What is tried follows from SEED, KIND and NUMBER alone. Outcomes, one JSON object a line: ``result``, ``refused``
(one line on standard error, exit code 2), ``failed`` (another exception), ``talked`` (further lines on standard
error), ``left`` (a temporary file, or an output beside a refusal), ``memory`` (beyond the limit).
"""

import contextlib
import io
import json
import os
import resource
import shutil
import sys
import time
import traceback
import zlib
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / "Python")]
from Fuzzing.mutations import mutated  # noqa: E402
from Fuzzing.seeds import write_seeds  # noqa: E402

LIMIT_BYTES = 2 * 1024**3  # more than what the libraries need by themselves
IMAGES = ("dicom", "png", "tiff", "nrrd", "nifti")


class Case:
    """One mutated input in a folder of its own."""

    def __init__(self, kind, number, seed, seeds, folder, work):
        self.rng = np.random.default_rng([seed, zlib.crc32(kind.encode()), number])
        self.kind, self.folder, self.work = kind, folder, work
        source = seeds[kind][self.rng.integers(len(seeds[kind]))]
        folder.mkdir()
        self.path = folder / source.name
        if kind == "manifest":
            shutil.copytree(source.parent, folder / "set")
            self.path = folder / "set" / source.name
        self.path.write_bytes(mutated(source.read_bytes(), kind, source.name, self.rng))
        self.before = set(folder.rglob("*"))

    def command(self):
        """Arguments of a command that reads the input."""
        path, out, work = self.path, self.folder / "out", self.work
        if self.kind in IMAGES:
            choice = self.rng.random()
            if choice < 0.35:
                return ["cci", path, "--mask", "none" if choice < 0.1 else "breast", "--json"]
            if choice < 0.5 and _has("inspect"):
                return ["inspect", path, "--json"]
            if self.kind == "dicom" and choice < 0.58:
                return ["simulate", out, "--from", path, "--dose-fraction", "0.5"]
            if self.kind == "dicom" and choice < 0.66:
                shutil.copy(work / "high.dcm", self.folder)
                self.before = set(self.folder.rglob("*"))
                return ["prepare", self.folder, work / f"made-{os.getpid()}", "--patch-size", "64"]
            endings = [".nrrd", ".png", ".tif", ".nii.gz"] + [".dcm"] * 4 * (self.kind == "dicom")
            return [
                *("enhance", path, "--output", f"{out}{endings[self.rng.integers(len(endings))]}", "--model"),
                *(work / "small.safetensors", "--device", "cpu", "--precision", "fp32", "--json"),
                *["--allow-out-of-domain"] * (self.rng.random() < 0.9),
            ]
        if self.kind == "model":
            choice = self.rng.integers(3)
            if choice < 2:
                return ["models", ("show", "verify")[choice], path]
            return ["enhance", work / "native.dcm", "--output", f"{out}.dcm", "--model", path, "--device", "cpu"]
        if self.kind == "checkpoint":
            return ["models", "import", path, "--output", f"{out}.safetensors"]
        if self.kind == "manifest":
            return ["train", self.folder / "set", out, "--recipe", work / "tiny.json", "--device", "cpu"]
        return None

    def outcome(self):
        """(outcome, detail) of the command, or of reading a recipe."""
        arguments = self.command()
        try:
            with quietened(self.folder.parent / "errors") as errors:
                code, printed = _read_recipe(self.path) if arguments is None else _run(arguments)
        except MemoryError:
            return "memory", _where()
        except BaseException:  # SystemExit and what a command makes of a signal, too
            return "failed", _where()
        finally:
            shutil.rmtree(self.work / f"made-{os.getpid()}", ignore_errors=True)
        lines = errors.read_text(errors="replace").splitlines()
        if (code == 2) != (len(lines) == 1 and lines[0].startswith("error: ")) or (code == 0 and lines):
            return "talked", f"exit code {code}: {lines[:5]}"
        if code not in (0, 2):
            return "failed", f"exit code {code}: {lines[:5]}"
        if code == 0 and arguments and "--json" in arguments:
            json.loads(printed, parse_constant=_no_constant)
        made = set(self.folder.rglob("*")) - self.before
        wrong = [path for path in made if code == 2 or path.name.startswith((".writing", ".writer"))]
        if wrong:
            return "left", f"exit code {code}: {sorted(map(str, wrong))[:3]}, {lines[:1]}"
        return ("refused", lines[0][:300]) if code else ("result", "")


def _no_constant(name):
    raise ValueError(f"{name} in the JSON output")


def _has(command):
    from LowDoseContrastLib import commands

    return any(each.__name__ == f"add_{command}" for each in commands.COMMANDS)


def _run(arguments):
    from LowDoseContrastTrainingLib.__main__ import main

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        return main([str(argument) for argument in arguments]), printed.getvalue()


def _read_recipe(path):
    from LowDoseContrastLib.errors import InputError
    from LowDoseContrastTrainingLib.training.recipes import load_recipe

    try:
        load_recipe(str(path))
        return 0, ""
    except InputError as error:
        print("error:", " ".join(str(error).split()), file=sys.stderr)
        return 2, ""


def _where():
    """The exception at hand and where in this project it passed last."""
    kind, error, trace = sys.exc_info()
    frames = [f for f in traceback.extract_tb(trace) if "LowDoseContrast" in f.filename] or traceback.extract_tb(trace)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].name}"
    return f"{kind.__name__} in {place}: {' '.join(str(error).split())[:200]}"


@contextlib.contextmanager
def quietened(path):
    """Lead standard error, as Python and C know it, into a file, whose path it yields."""
    kept, python = os.dup(2), sys.stderr
    with open(path, "w") as stream:
        os.dup2(stream.fileno(), 2)
        sys.stderr = stream
        try:
            yield path
        finally:
            sys.stderr = python
            os.dup2(kept, 2)
            os.close(kept)


def main(seeds_folder, work, seed):
    import torch

    os.environ["LOWDOSECONTRAST_DEBUG"] = "1"  # so that unexpected exceptions come out of main
    torch.set_num_threads(1)
    work, replies = Path(work), os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    seeds_folder = Path(seeds_folder)
    listed = seeds_folder / "seeds.json"
    if not listed.exists():
        found = write_seeds(seeds_folder)
        listed.write_text(json.dumps({kind: [str(path) for path in paths] for kind, paths in found.items()}))
    seeds = {kind: [Path(path) for path in paths] for kind, paths in json.loads(listed.read_text()).items()}
    with quietened(work / "errors"):  # everything is loaded before memory is limited
        _run(
            [
                "enhance",
                seeds_folder / "native.dcm",
                "--output",
                work / "warm.dcm",
                "--model",
                seeds["model"][0],
                "--device",
                "cpu",
            ]
        )
        _run(["cci", *seeds["tiff"][:1], *seeds["nrrd"][:1]])
        _run(["train", seeds_folder / "set", work / "warm", "--recipe", seeds_folder / "tiny.json", "--device", "cpu"])
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + LIMIT_BYTES, resource.RLIM_INFINITY))
    print("ready", file=replies, flush=True)
    for line in sys.stdin:
        kind, number = line.split()
        folder, start = work / "case", time.process_time()
        shutil.rmtree(folder, ignore_errors=True)
        outcome, detail = Case(kind, int(number), int(seed), seeds, folder, seeds_folder).outcome()
        seconds = time.process_time() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps([outcome, detail, round(seconds, 3), peak]), file=replies, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
