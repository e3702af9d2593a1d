"""A command of the libraries in a process of its own, with its output in files."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .process_tree import birth, endTree, groupLives, ownGroup

if TYPE_CHECKING:
    from LowDoseContrastLib.errors import InputError
    from LowDoseContrastLib.steps import Progress

POLITE_SECONDS = 15  # how long a cancelled child may clean up before it is ended by force
TAIL_BYTES = 65536  # of standard error are looked at; a long training prints more
RECORD = "child.json"


class ChildError(RuntimeError):
    """The child failed; the message is what it said last.

    Attributes:
        input: the InputError that it met, or None.
    """

    def __init__(self, message: str, input: InputError | None = None) -> None:
        super().__init__(message)
        self.input = input


class ChildCancelled(ChildError):
    """The child was told to end, by this panel or another."""


class ChildProcess:
    """A running or ended child, known by the ``folder`` of its output.

    What it prints goes to files and not to pipes, so that it never waits for a reader, outlives
    whoever started it, and its progress can be read by anybody who knows the folder. PythonSlicer is
    a launcher whose death leaves Python alive; so the child leads a process group, and it is the
    group that ends.

    Attributes:
        folder: of the output; also the working directory.
        pid: of the launcher, which is the number of the group as well.
        cancelled: whether it was told to end by this object.
    """

    def __init__(self, folder: str | Path, pid: int | None, process: Any = None) -> None:
        self.folder = Path(folder)
        self.pid = pid
        self.cancelled = False
        self._process = process
        self._deadline: Any = None

    @classmethod
    def start(
        cls, arguments: Sequence[str], folder: str | Path, searchPaths: Sequence[str | Path] = ()
    ) -> ChildProcess:
        """``PythonSlicer`` with ``arguments``. Raises RuntimeError without PythonSlicer."""
        folder = Path(folder)
        with open(folder / "output.json", "wb") as output, open(folder / "errors.txt", "wb") as errors:
            process = subprocess.Popen(
                [_pythonSlicer(), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                cwd=folder,
                env=_environment(searchPaths),
                **ownGroup(),
            )
        record = {"pid": process.pid, "birth": birth(process.pid), "folder": str(folder.resolve())}
        (folder / RECORD).write_text(json.dumps(record) + "\n", encoding="utf-8")
        return cls(folder, process.pid, process)

    @classmethod
    def find(cls, folder: str | Path) -> ChildProcess | None:
        """The child whose output is in ``folder``; None if none was started there or its record is damaged.

        A child that does not run any more has ``pid`` None, also where its number has gone to
        another process, and in a copy of the folder.
        """
        try:
            record = json.loads(Path(folder, RECORD).read_text(encoding="utf-8"))
            pid, born, place = int(record["pid"]), record["birth"], Path(record["folder"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        isIt = born and birth(pid) == born and os.path.exists(place) and os.path.samefile(place, folder)
        return cls(folder, pid if isIt else None)

    def running(self) -> bool:
        """Whether it still runs; a cancelled child whose time is over is ended by force."""
        if self.pid is None:
            return False
        if self.cancelled and time.monotonic() > self._deadline:
            endTree(self.pid, force=True)
            if self._process:
                self._process.wait()
            return False
        if self._process:
            code = self._process.poll()
            # A launcher that ends by itself has waited for Python, one that was killed has not.
            return code is None or (code < 0 and groupLives(self.pid))
        return groupLives(self.pid)

    def wait(self) -> None:
        """Returns when it has ended."""
        while self.running():
            time.sleep(0.05)

    def cancel(self, seconds: float = POLITE_SECONDS) -> None:
        """Asks it to end, by force after ``seconds``; returns at once."""
        if not self.running():
            return
        self._deadline = time.monotonic() + seconds
        if not self.cancelled:  # a second signal would disturb the cleaning up
            self.cancelled = True
            endTree(self.pid)

    def progress(self) -> Progress | None:
        """The last progress that it printed, or None: a Progress of the library."""
        from LowDoseContrastLib.steps import Progress

        for said in self._objects():
            if "done" in said:
                return Progress(**said)
        return None

    def _objects(self) -> Iterator[dict[str, Any]]:
        """The JSON objects that it printed on standard error, the last first."""
        for line in reversed(self._lines()):
            if line.startswith("{"):
                try:
                    yield json.loads(line)
                except ValueError:
                    continue  # written half

    def messages(self) -> list[str]:
        """The lines of its standard error that are no progress."""
        return [line for line in self._lines() if line and not line.startswith("{")]

    def result(self) -> Any:
        """What it printed as JSON. Call it when it has ended. Raises ChildError, ChildCancelled."""
        from LowDoseContrastLib.errors import InputError

        code = self._process.returncode if self._process else None
        output = (self.folder / "output.json").read_text(encoding="utf-8", errors="replace")
        if not code and output.strip():
            return json.loads(output)
        said = self.messages()
        if self.cancelled or any(line.startswith("cancelled;") for line in said):
            raise ChildCancelled("cancelled")
        reasons = [line.removeprefix("error: ") for line in said if line.startswith("error: ")] or said
        parts = next((said["error"] for said in self._objects() if "error" in said), None)
        message = reasons[-1] if reasons else f"exit code {code}" if code else "it was ended from outside"
        raise ChildError(message, parts and InputError(**parts))

    def discard(self) -> None:
        """Removes its folder. Call it when it has ended."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _lines(self) -> list[str]:
        try:
            with open(self.folder / "errors.txt", "rb") as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(max(0, size - TAIL_BYTES))
                return stream.read().decode("utf-8", errors="replace").splitlines()
        except OSError:
            return []  # the folder was removed


def _pythonSlicer() -> str:
    """Slicer puts the folder of its Python on PATH, as ``slicer.util.executePythonModule`` relies on."""
    found = shutil.which("PythonSlicer")
    if not found:
        raise RuntimeError("PythonSlicer executable not found")
    return found


def _environment(searchPaths: Sequence[str | Path]) -> dict[str, str]:
    """Slicer's own environment, with further folders that Python finds packages in."""
    known = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    paths = [*map(str, searchPaths), *filter(None, known)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}
