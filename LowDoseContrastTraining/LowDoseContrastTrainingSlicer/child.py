"""A command of the libraries in a process of its own, with its output in files."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

POLITE_SECONDS = 15  # how long a cancelled child may clean up before it is ended by force
TAIL_BYTES = 65536  # of standard error are looked at; a long training prints more


class ChildError(RuntimeError):
    """The child failed; the message is what it said last."""


class ChildProcess:
    """``PythonSlicer`` with ``arguments``, started at once.

    What it prints goes to files in ``folder`` and not to pipes, so that it never waits for a reader
    and its progress can be read by anybody who knows the folder. PythonSlicer is a launcher whose
    death leaves Python alive; so the child leads a process group, and it is the group that ends.

    Attributes:
        folder: of the output; also the working directory.
        cancelled: whether it was told to end.

    Raises:
        RuntimeError: there is no PythonSlicer.
    """

    def __init__(self, arguments, folder, searchPaths=()):
        self.folder = Path(folder)
        self.cancelled = False
        self._deadline = None
        with open(self._output, "wb") as output, open(self._errors, "wb") as errors:
            self._process = subprocess.Popen(
                [_pythonSlicer(), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                cwd=self.folder,
                env=_environment(searchPaths),
                **_ownGroup(),
            )

    @property
    def _output(self):
        return self.folder / "output.json"

    @property
    def _errors(self):
        return self.folder / "errors.txt"

    def running(self):
        """Whether it still runs; a cancelled child whose time is over is ended by force."""
        if self.cancelled and time.monotonic() > self._deadline:
            _end(self._process, force=True)
            self._process.wait()
            return False
        code = self._process.poll()
        # A launcher that ends by itself has waited for Python, one that was killed has not.
        return code is None or (code < 0 and _groupLives(self._process.pid))

    def wait(self):
        """Returns when it has ended."""
        while self.running():
            time.sleep(0.05)

    def cancel(self, seconds=POLITE_SECONDS):
        """Asks it to end, by force after ``seconds``; returns at once."""
        if not self.running():
            return
        self._deadline = time.monotonic() + seconds
        if not self.cancelled:  # a second signal would disturb the cleaning up
            self.cancelled = True
            _end(self._process)

    def progress(self):
        """The last progress that it printed, or None: a Progress of the library."""
        from LowDoseContrastLib.steps import Progress

        for line in reversed(self._lines()):
            if line.startswith("{"):
                try:
                    return Progress(**json.loads(line))
                except ValueError:
                    continue  # written half
        return None

    def messages(self):
        """The lines of its standard error that are no progress."""
        return [line for line in self._lines() if line and not line.startswith("{")]

    def result(self):
        """What it printed as JSON. Call it when it has ended. Raises ChildError."""
        if self._process.returncode:
            said = self.messages()
            reasons = [line.removeprefix("error: ") for line in said if line.startswith("error: ")] or said
            raise ChildError(reasons[-1] if reasons else f"exit code {self._process.returncode}")
        return json.loads(self._output.read_text(encoding="utf-8"))

    def discard(self):
        """Removes its folder. Call it when it has ended."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _lines(self):
        with open(self._errors, "rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - TAIL_BYTES))
            return stream.read().decode("utf-8", errors="replace").splitlines()


def _pythonSlicer():
    """Slicer puts the folder of its Python on PATH, as ``slicer.util.executePythonModule`` relies on."""
    found = shutil.which("PythonSlicer")
    if not found:
        raise RuntimeError("PythonSlicer executable not found")
    return found


def _environment(searchPaths):
    """Slicer's own environment, with further folders that Python finds packages in."""
    known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = [*map(str, searchPaths), *filter(None, known)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}


def _ownGroup():
    if os.name == "nt":
        return {"creationflags": subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _groupLives(leader):
    try:
        os.killpg(leader, 0)
    except (ProcessLookupError, PermissionError):  # the latter on macOS, for a group of the dead
        return False
    return True


def _end(process, force=False):
    """Ends a process and all that it started; Windows knows no polite way."""
    if os.name == "nt":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, creationflags=subprocess.CREATE_NO_WINDOW)
        return
    try:
        os.killpg(process.pid, signal.SIGKILL if force else signal.SIGTERM)
    except (ProcessLookupError, PermissionError):
        pass  # it has just ended
