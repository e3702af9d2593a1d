#!/usr/bin/env python3
"""Set up, demonstrate, test and measure LowDoseContrast without 3D Slicer.

    python3 Testing/run.py demo                enhance the bundled mammogram
    python3 Testing/run.py test [PYTEST...]    check the code and run the self-tests; with options pytest alone, e.g. test -k cci
    python3 Testing/run.py check               check the code alone: ruff and mypy
    python3 Testing/run.py slicer-tests [NAME...]  the same as 3D Slicer runs them, with its packages only
    python3 Testing/run.py figures [ROOT]      count the code: statements, functions, hints
    python3 Testing/run.py bench [NAME...]     run the benchmarks, all or those named
    python3 Testing/run.py fuzz [--inputs N]   put mutated files through the commands
    python3 Testing/run.py panel [--output D]  draw both module panels to PNG files
    python3 Testing/run.py paths [PATH...]     draw panel and views on the paths that people take
    python3 Testing/run.py setup               only make the environment

Every command first makes the environment in .venv, once, and then is quick; slicer-tests has one of its own.
This file needs nothing but Python's standard library.
"""

import sys

if not (3, 10) <= sys.version_info[:2] <= (3, 13):  # before anything that old Pythons lack
    sys.stderr.write(
        "error: Python 3.10 to 3.13 is needed, this is %d.%d; start this file with "
        "another one, such as python3.12\n" % sys.version_info[:2]
    )
    sys.exit(2)

import argparse
import ctypes
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTING = ROOT / "Testing"
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "setup.json"  # written last, so it vouches for the whole
STARTED = VENV / "setup.started"  # there while a set-up is under way
LOG = VENV / "setup.log"

# Libraries that the wheels of Qt and VTK take from the system, and who has them in Debian.
SYSTEM_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libexpat.so.1": "libexpat1",
    "libstdc++.so.6": "libstdc++6",
}
NETWORK_TROUBLE = re.compile(
    r"NewConnectionError|NameResolutionError|Temporary failure in name resolution|"
    r"Failed to establish a new connection|Network is unreachable|Connection refused|"
    r"ConnectTimeout|Read timed out|ProxyError|getaddrinfo failed|SSLError|Max retries exceeded"
)
PROBE = (
    "from SlicerHost import start\n"
    "pixels = start().renderSliceView('Red', (64, 64))\n"
    "assert pixels.shape == (64, 64, 3)\n"
)


class SetupError(Exception):
    """Something the user can put right; shown as one line."""


def say(text):
    print(text, flush=True)


# --- the environment ---------------------------------------------------------


def fingerprint():
    """What the environment was made from: the pins, the project file and the Python."""
    digest = hashlib.sha256(("%d.%d " % sys.version_info[:2] + str(ROOT)).encode())
    for path in (TESTING / "requirements.txt", ROOT / "pyproject.toml"):
        digest.update(path.read_bytes() if path.exists() else b"-")
    return digest.hexdigest()


def is_ready():
    try:
        return (
            json.loads(STAMP.read_text())["fingerprint"] == fingerprint() and PYTHON.exists() and not STARTED.exists()
        )
    except (OSError, ValueError, KeyError):
        return False


def setup():
    """Make the environment unless it is there and up to date."""
    if is_ready():
        return
    start = time.monotonic()
    make_environment()
    mark_started()
    STAMP.unlink(missing_ok=True)
    LOG.write_text("")
    say("Installing the pinned packages (the first time takes some minutes; log: .venv/setup.log)")
    pip("install", "-r", str(TESTING / "requirements.txt"))
    if (ROOT / "pyproject.toml").exists():
        say("Installing LowDoseContrast itself, in place")
        pip("install", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    say("Trying Qt and off-screen rendering")
    probe()
    STAMP.write_text(json.dumps({"fingerprint": fingerprint()}) + "\n")
    STARTED.unlink()
    say("The environment is ready (%.0f s)" % (time.monotonic() - start))


def mark_started():
    """Leave a mark that stays behind when the set-up is killed."""
    VENV.mkdir(exist_ok=True)
    STARTED.write_text("a set-up began here and has not ended\n")


def make_environment():
    """Create .venv; one that was left half-finished, or belongs to another Python, is made anew."""
    if VENV.exists() and (STARTED.exists() or not works()):
        say("The environment in .venv is unfinished or of another Python; making it anew")
        shutil.rmtree(VENV)
    if VENV.exists():
        say("Updating the environment in .venv")
        return
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        raise SetupError(
            "Python's venv module is missing: apt-get install python3-venv (or python%d.%d-venv)" % sys.version_info[:2]
        ) from None
    say("Making the environment in .venv with Python %d.%d" % sys.version_info[:2])
    mark_started()
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True)
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise SetupError("the environment could not be made: " + last_line(made.stdout + made.stderr))


def works():
    """Whether .venv has a running Python of this version, with pip."""
    code = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
    try:
        found = subprocess.run([str(PYTHON), "-c", code], capture_output=True, text=True)
    except OSError:
        return False
    return found.stdout.strip() == "%d.%d" % sys.version_info[:2]


def pip(*arguments):
    """Run pip, its words in the log; SetupError with the reason when it fails."""
    command = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    with open(LOG, "a", encoding="utf-8") as log:
        code = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT).returncode
    if code == 0:
        return
    text = LOG.read_text(encoding="utf-8", errors="replace")
    if NETWORK_TROUBLE.search(text):
        raise SetupError(
            "the package index cannot be reached; check the network and try again "
            "(pip, in .venv/setup.log: %s)" % last_line(text)
        )
    if "No space left on device" in text:
        raise SetupError("the disk is full; the environment needs about 6 GB")
    raise SetupError("pip failed, see .venv/setup.log: %s" % last_line(text))


def last_line(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.upper().startswith("ERROR")]
    return (errors or lines or ["no output"])[-1]


# --- the system's libraries ----------------------------------------------------


def probe():
    """Start the headless Slicer and draw one small view."""
    tried = subprocess.run([str(PYTHON), "-c", PROBE], capture_output=True, text=True, cwd=TESTING, env=environment())
    if tried.returncode == 0:
        return
    with open(LOG, "a", encoding="utf-8") as log:
        log.write(tried.stdout + tried.stderr)
    raise SetupError(explain(tried.returncode, tried.stderr))


def explain(code, text):
    """Why the headless Slicer did not start, and what to install."""
    named = re.findall(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file", text)
    missing = named + [name for name in SYSTEM_LIBRARIES if not can_load(name)]
    if missing:
        names = list(dict.fromkeys(missing))
        packages = sorted({SYSTEM_LIBRARIES.get(name, name) for name in names})
        return "system libraries are missing (%s): apt-get install %s" % (", ".join(names), " ".join(packages))
    if code < 0 or "OpenGL" in text or "EGL" in text:
        return (
            "off-screen rendering does not work here: apt-get install libegl1 libgl1 "
            "libgl1-mesa-dri, or libosmesa6 where there is no EGL (see .venv/setup.log)"
        )
    return "the headless Slicer does not start, see .venv/setup.log: " + last_line(text)


def can_load(name):
    if not sys.platform.startswith("linux"):
        return True
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def provide_validator():
    """Install dciodvfy, which checks DICOM files in the tests, where apt can do it unasked."""
    if shutil.which("dciodvfy"):
        return
    reason = "it comes with Debian's package dicom3tools"
    if shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0:
        say("Installing dicom3tools, whose dciodvfy checks DICOM files (log: .venv/setup.log)")
        if apt("install", "-y", "--no-install-recommends", "dicom3tools") or (
            apt("update") and apt("install", "-y", "--no-install-recommends", "dicom3tools")
        ):
            return
        reason = "apt-get could not install dicom3tools"
    say("There is no dciodvfy (%s): the tests that need it are skipped" % reason)


def apt(*arguments):
    """Run apt-get, its words in the log; whether it succeeded."""
    variables = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    with open(LOG, "a", encoding="utf-8") as log:
        try:
            return (
                subprocess.run(
                    ["apt-get", *arguments],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=variables,
                    timeout=300,
                ).returncode
                == 0
            )
        except (OSError, subprocess.TimeoutExpired):
            return False


# --- the commands ----------------------------------------------------------------


def environment():
    """The environment variables of everything that runs in .venv."""
    variables = dict(os.environ, QT_QPA_PLATFORM=os.environ.get("QT_QPA_PLATFORM", "offscreen"), PYTHONUNBUFFERED="1")
    variables.pop("PYTHONHOME", None)
    paths = [TESTING, ROOT / "LowDoseContrast", ROOT / "LowDoseContrastTraining"]
    variables["PYTHONPATH"] = os.pathsep.join(
        [str(path) for path in paths] + [p for p in [os.environ.get("PYTHONPATH")] if p]
    )
    return variables


def run_python(*arguments):
    """Run .venv's Python from the root of the repository; returns its exit code."""
    process = subprocess.Popen([str(PYTHON), *map(str, arguments)], cwd=ROOT, env=environment())
    while True:
        try:
            code = process.wait()
            return code if code >= 0 else 128 - code
        except KeyboardInterrupt:
            continue  # the child got it as well and ends by itself


def command_setup(options, rest):
    say("Ready: %s" % PYTHON.relative_to(ROOT))
    return 0


def command_demo(options, rest):
    return run_python(TESTING / "demo.py", *rest)


def command_test(options, rest):
    """The whole run reads the code first and counts what the tests reach; with options, pytest alone."""
    provide_validator()
    if rest:
        return run_python("-m", "pytest", *rest)
    return worst(check_code() + [run_python("-m", "pytest", "--cov", "--cov-report=term:skip-covered")])


def check_code():
    """What ruff and mypy say of the code; their exit codes."""
    say("Reading the code (ruff, mypy)")
    return [run_python("-m", "ruff", "check", "--quiet"), run_python("-m", "mypy", "--no-error-summary")]


def worst(codes):
    return max(codes, key=abs)


def command_check(options, rest):
    return worst(check_code())


def command_slicer_tests(options, rest):
    """Has an environment of its own."""
    return subprocess.call([sys.executable, str(TESTING / "slicer_tests.py"), *rest], cwd=ROOT)


def command_figures(options, rest):
    return run_python(TESTING / "code_figures.py", *rest)


def command_panel(options, rest):
    return run_python(TESTING / "panel.py", "--output", options.output.resolve(), *rest)


def command_paths(options, rest):
    return run_python(TESTING / "paths.py", *rest)


def command_fuzz(options, rest):
    return run_python(TESTING / "fuzz.py", *rest)


def command_bench(options, rest):
    names = [item for item in rest if not item.startswith("-")]
    flags = [item for item in rest if item.startswith("-")]
    known = {path.stem[len("bench_") :]: path for path in sorted((TESTING / "Benchmarks").glob("bench_*.py"))}
    unknown = [name for name in names if name not in known]
    if unknown or not known:
        raise SetupError(
            "no such benchmark: %s; there are: %s" % (", ".join(unknown) or "none at all", ", ".join(known) or "none")
        )
    worst = 0
    for name in names or known:
        say("== %s" % name)
        worst = max(worst, run_python(known[name], *flags))
    return worst


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    texts = {
        "setup": "make the environment in .venv",
        "demo": "enhance the bundled low-dose mammogram; further options go to Testing/demo.py",
        "test": "check the code and run the self-tests; with further options, which go to pytest, only these, e.g. test -k cci",
        "check": "read the code with ruff and mypy, as test does first",
        "figures": "count the code: statements, functions, hints; with a folder, another checkout",
        "slicer-tests": "run the self-tests as 3D Slicer does, with its packages only; further options name files",
        "bench": "run the benchmarks of Testing/Benchmarks, all or those named",
        "fuzz": "put mutated files through the commands; further options go to Testing/fuzz.py, e.g. fuzz --inputs 20000",
        "panel": "draw both module panels to PNG files",
        "paths": "draw panel and views on the paths that people take; further options go to Testing/paths.py",
    }
    for name, text in texts.items():
        sub = commands.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            epilog="Example: python3 Testing/run.py %s" % name,
        )
        if name == "panel":
            sub.add_argument(
                "--output",
                type=Path,
                default=ROOT / "Outputs" / "Panels",
                help="folder of the pictures (default: Outputs/Panels)",
            )
    options, rest = parser.parse_known_args(arguments)
    if rest and options.command in ("setup", "check", "panel"):
        parser.error("unrecognized arguments: " + " ".join(rest))
    return options, rest


def main(arguments=None):
    options, rest = parse(arguments)
    try:
        if options.command != "slicer-tests":
            setup()
        return globals()["command_" + options.command.replace("-", "_")](options, rest)
    except SetupError as error:
        sys.stderr.write("error: %s\n" % error)
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("cancelled\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
