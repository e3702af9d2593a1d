"""Runs the self-tests as 3D Slicer's ctest does, with the Python packages that Slicer has and no others.

Testing/run.py slicer-tests starts it. Each file that Testing/CMakeLists.txt registers runs in a process of its own:
the modules are loaded from a copy that has the files of a build tree, there is no pytest, the working directory
is elsewhere, and sys.executable is no Python. The headless host stands in for the application.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

TESTING = Path(__file__).resolve().parent
ROOT = TESTING.parent
MODULES = ("LowDoseContrast", "LowDoseContrastTraining")
VENV = ROOT / ".venv-slicer"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "setup.txt"

OF_SLICER = ("numpy", "scipy", "SimpleITK", "pydicom", "requests", "packaging", "setuptools")
OF_THE_EXTENSION = ("torch==2.13.0", "safetensors", "scikit-image", "matplotlib", "psutil")
OF_THE_HOST = ("slicer-core", "slicer-layer-dm", "trame-slicer", "vtk", "PySide6-Essentials", "shiboken6")
ABSENT = (
    "tqdm",
    "tensorboard",
    "monai",
    "imagecodecs",
    "pylibjpeg",
    "pytest",
)  # a guard against what the host may bring one day


def main(arguments):
    """Runs the tests and prints the table; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="run.py slicer-tests", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="files to run, without .py (default: all that are registered)")
    options = parser.parse_args(arguments)
    known = {path.stem: path for path in registered()}
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"not registered: {', '.join(unknown)}; there are: {', '.join(known)}")
    make_environment()
    with tempfile.TemporaryDirectory() as folder:
        tree = build_tree(Path(folder, "tree"))
        reports = [report(known[name], tree) for name in options.names or known]
    print(table(reports))
    return int(any(each["failed"] for each in reports))


def registered():
    """The files that Slicer's ctest runs: those of Testing/CMakeLists.txt, and the modules themselves."""
    text = (TESTING / "CMakeLists.txt").read_text(encoding="utf-8")
    pattern = re.search(r"file\(GLOB self_tests CONFIGURE_DEPENDS \$\{CMAKE_CURRENT_SOURCE_DIR\}/(\S+)\)", text)[1]
    excluded = re.findall(r'list\(FILTER self_tests EXCLUDE REGEX "([^"]+)"\)', text)
    files = [
        path for path in sorted(TESTING.glob(pattern)) if not any(re.search(each, path.as_posix()) for each in excluded)
    ]
    return files + [ROOT / name / f"{name}.py" for name in MODULES]


def build_tree(folder):
    """A folder with the files that a build copies for Slicer to load."""
    for name in MODULES:
        text = (ROOT / name / "CMakeLists.txt").read_text(encoding="utf-8").replace("${MODULE_NAME}", name)
        for pattern in re.findall(r"^  (\S+\.(?:py|png|ui))$", text, re.MULTILINE):
            for path in (ROOT / name).glob(pattern):
                _copy(path, folder / path.relative_to(ROOT / name))
    for name in ("Models", "SampleData", "requirements.txt"):
        _copy(ROOT / "Resources" / name, folder / "Resources" / "LowDoseContrast" / name)
    return folder


def _copy(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copyfile(source, target)


def make_environment():
    """Makes .venv-slicer, in the versions of requirements.txt, unless it is there and up to date."""
    pins = TESTING / "requirements.txt"
    packages = [*OF_SLICER, *OF_THE_EXTENSION, *OF_THE_HOST]
    fingerprint = hashlib.sha256(pins.read_bytes() + repr((packages, sys.version_info[:2])).encode()).hexdigest()
    if STAMP.is_file() and STAMP.read_text() == fingerprint:
        return
    print("Making the environment of Slicer's packages in .venv-slicer (some minutes)", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    subprocess.run(
        [PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q", "-c", pins, *packages],
        check=True,
    )
    STAMP.write_text(fingerprint)


# --- one file, from outside ------------------------------------------------------


def report(path, tree):
    """Runs one file; returns what became of it: file, tests, skipped {test: reason}, failed, seconds."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder, "report.json")
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        environment["QT_QPA_PLATFORM"] = environment.get("QT_QPA_PLATFORM", "offscreen")
        command = [PYTHON, __file__, "--inside", path, tree, found]
        done = subprocess.run(
            [str(each) for each in command],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        result = (
            json.loads(found.read_text()) if found.is_file() else {"tests": 0, "skipped": {}, "failed": ["the process"]}
        )
    result.update(file=path.stem, seconds=time.monotonic() - start)
    if done.returncode and not result["failed"]:
        result["failed"] = [f"exit code {done.returncode}"]
    if result["failed"]:
        print(done.stdout, flush=True)
    print(_line(result), flush=True)
    return result


def _line(result):
    return f"{result['file']:32} {result['tests']:5} {len(result['skipped']):8} {len(result['failed']):7} {result['seconds']:8.0f}"


def table(reports):
    """The reports for people."""
    lines = ["", f"{'file':32} {'tests':>5} {'skipped':>8} {'failed':>7} {'seconds':>8}", *map(_line, reports)]
    for each in reports:
        lines += [f"skipped: {each['file']} {name}: {reason}" for name, reason in each["skipped"].items()]
        lines += [f"FAILED: {each['file']} {name}" for name in each["failed"]]
    return "\n".join(lines)


# --- one file, in its process ------------------------------------------------------


def inside(path, tree, found):
    """What Slicer does with one file: starts, loads the modules, and hands the file to unittest."""
    host = _start(Path(tree))
    sys.path.extend([os.getcwd(), str(Path(path).parent)])
    suite = unittest.TestLoader().loadTestsFromName(Path(path).stem)
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    failed = [str(test) for test, _text in result.failures + result.errors] + [
        str(test) for test in result.unexpectedSuccesses
    ]
    report = {
        "tests": result.testsRun,
        "skipped": {str(test): reason for test, reason in result.skipped},
        "failed": failed,
    }
    Path(found).write_text(json.dumps(report))
    host.reset()
    return int(bool(failed))


def _start(tree):
    """The host with both modules, made as unlike a development set-up as Slicer is."""
    sys.path[:] = [each for each in sys.path if Path(each).resolve() != TESTING] + [str(TESTING)]
    import SlicerHost

    host = SlicerHost.start()
    host.app._testing = True  # as Slicer's --testing: no dialog waits for an answer
    for name in MODULES:
        host.loadModule(tree / f"{name}.py")
    present = [name for name in ABSENT if _is_there(name)]
    if present:
        raise RuntimeError(f"Slicer does not have {', '.join(present)}")
    sys.path.remove(str(TESTING))
    _hide_host()
    application = Path(os.getcwd(), "SlicerApp-real")
    application.write_text("#!/bin/sh\necho 'error: 3D Slicer was started where Python was meant' >&2\nexit 99\n")
    application.chmod(0o755)
    sys.executable = str(application)
    return host


def _is_there(name):
    import importlib.util

    return importlib.util.find_spec(name) is not None


def _hide_host():
    """Lets nobody but the host itself import it."""
    import builtins

    known = builtins.__import__

    def guarded(name, scope=None, *arguments, **keywords):
        level = keywords.get("level", arguments[2] if len(arguments) > 2 else 0)
        if (
            not level
            and name.split(".")[0] == "SlicerHost"
            and not (scope or {}).get("__name__", "").startswith("SlicerHost")
        ):
            raise ImportError("there is no SlicerHost in 3D Slicer", name=name)
        return known(name, scope, *arguments, **keywords)

    builtins.__import__ = guarded


if __name__ == "__main__":
    sys.exit(inside(*sys.argv[2:]) if sys.argv[1:2] == ["--inside"] else main(sys.argv[1:]))
