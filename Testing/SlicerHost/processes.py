"""Child processes as ``slicer.util`` of Slicer 5.13 starts them, and the Python that they run."""

from __future__ import annotations

import importlib
import logging
import os
import queue
import shlex
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import qt
import slicer

_POLL_MS = 20


def put_python_on_path(folder):
    """Make ``PythonSlicer`` in ``folder`` and put the folder on PATH, as Slicer's launcher does.

    As there it is a launcher, which waits for the interpreter and dies alone when it is killed.
    """
    launcher = Path(folder, "PythonSlicer")
    launcher.parent.mkdir(parents=True, exist_ok=True)
    launcher.write_text(f'#!/bin/sh\n{shlex.quote(sys.executable)} "$@"\nexit $?\n')
    launcher.chmod(0o755)
    os.environ["PATH"] = os.pathsep.join([str(launcher.parent), os.environ.get("PATH", "")])


def launchConsoleProcess(
    args,
    useStartupEnvironment=True,
    updateEnvironment=None,
    cwd=None,
    blocking=True,
    logCallback=None,
    completedCallback=None,
):
    """Start a process and return it.

    With ``blocking=False`` its lines go to ``logCallback(line)`` and its return code
    to ``completedCallback(code)``, both on the main thread while events are handled.
    """
    environment = slicer.util.startupEnvironment() if useStartupEnvironment else os.environ.copy()
    environment.update(updateEnvironment or {})
    process = subprocess.Popen(
        args, env=environment, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True
    )
    if not blocking:
        _Follower(process, logCallback, completedCallback)
    return process


class _Follower:
    """Reads a process in a thread and tells the main thread from a timer."""

    def __init__(self, process, on_line, on_end):
        self._process = process
        self._on_line = on_line or print
        self._on_end = on_end or self._report_failure
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        qt.QTimer.singleShot(0, self._deliver)

    def _read(self):
        while True:
            try:
                line = self._process.stdout.readline()
            except UnicodeDecodeError:
                continue
            if not line:
                break
            self._lines.put(line.rstrip())
        self._process.wait()
        self._lines.put(None)

    def _deliver(self):
        while not self._lines.empty():
            line = self._lines.get()
            if line is None:
                self._on_end(self._process.returncode)
                return
            self._on_line(line)
        qt.QTimer.singleShot(_POLL_MS, self._deliver)

    def _report_failure(self, code):
        if code:
            logging.error(f"Process failed with return code {code}: {self._process.args}")


def logProcessOutput(proc, logCallback=None):
    """Print a process's lines until it ends; CalledProcessError when it failed."""
    for line in proc.stdout:
        line = line.rstrip()
        print(line)
        if logCallback:
            logCallback(line)
        slicer.app.processEvents()
    proc.wait()
    if proc.returncode:
        raise subprocess.CalledProcessError(proc.returncode, proc.args, output=proc.stdout, stderr=proc.stderr)


def executePythonModule(module, args, blocking=True, logCallback=None, completedCallback=None):
    """Run ``PythonSlicer -m module``."""
    python = shutil.which("PythonSlicer")
    if not python:
        raise RuntimeError("PythonSlicer executable not found")
    command = [python, "-m", module, *args]
    if blocking:
        logProcessOutput(launchConsoleProcess(command, useStartupEnvironment=False), logCallback=logCallback)
        return
    launchConsoleProcess(
        command,
        useStartupEnvironment=False,
        blocking=False,
        logCallback=logCallback,
        completedCallback=completedCallback,
    )


class LazyImport:
    """A module (``"pkg.mod"``) or attribute (``"pkg.mod:name"``), imported on first use."""

    def __init__(self, target):
        self._target = target

    def __getattr__(self, name):
        return getattr(self._resolve(), name)

    def __call__(self, *args, **kwargs):
        return self._resolve()(*args, **kwargs)

    def _resolve(self):
        module, _, attribute = self.__dict__["_target"].partition(":")
        found = importlib.import_module(module)
        return getattr(found, attribute) if attribute else found


def findChild(widget, name, properties=None):
    """The first child of that name whose Qt properties have the given values."""
    found = slicer.util.findChildren(widget, name=name) if name else slicer.util.findChildren(widget)
    for child in found:
        if all(child.property(key) == value for key, value in (properties or {}).items()):
            return child
    raise RuntimeError(f"Widget with name={name!r}, properties={properties} does not exist.")


def extend_util(util):
    """Bring slicer-core's ``slicer.util`` up to the functions of Slicer 5.13."""
    for item in (launchConsoleProcess, logProcessOutput, executePythonModule, LazyImport, findChild):
        setattr(util, item.__name__, item)
