"""Processes of the operating system: which one it is, whether it lives, how it ends with all that it started."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import subprocess
from typing import Any


def ownGroup() -> dict[str, Any]:
    """Options of ``subprocess.Popen`` that let the process lead a group, or hide its window on Windows."""
    if os.name == "nt":
        return {"creationflags": getattr(subprocess, "CREATE_NO_WINDOW", 0)}
    return {"start_new_session": True}


def birth(pid: int) -> str | None:
    """A text that no other process has, on this computer or another; None if ``pid`` does not run or psutil is missing.

    The system gives the number of a process to another one when it has ended, so the number alone
    does not tell that it still is the same.
    """
    try:
        import psutil
    except ImportError:
        return None  # nothing is started without it
    try:
        process = psutil.Process(pid)
        return None if _isDead(process) else f"{platform.node()} {process.create_time():.2f}"
    except psutil.Error:
        return None


def groupLives(leader: int) -> bool:
    """Whether a process of the group of ``leader`` runs, be it the leader or not. On Windows: the leader."""
    import psutil

    if os.name == "nt":
        return psutil.pid_exists(leader)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # the latter on macOS, for a group of the dead
        os.killpg(leader, 0)
        return any(_groupOf(process) == leader and not _isDead(process) for process in psutil.process_iter())
    return False


def endTree(leader: int, force: bool = False) -> None:
    """Ends a process and all that it started; Windows knows no polite way."""
    if os.name != "nt":
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it has just ended
            os.killpg(leader, signal.SIGKILL if force else signal.SIGTERM)
        return
    import psutil

    with contextlib.suppress(psutil.Error):
        process = psutil.Process(leader)
        for each in (*process.children(recursive=True), process):
            with contextlib.suppress(psutil.Error):
                each.kill()


def _groupOf(process: Any) -> int | None:
    try:
        return os.getpgid(process.pid)
    except OSError:
        return None


def _isDead(process: Any) -> bool:
    """Whether it is what a dead process leaves until its parent asks, or not even that."""
    import psutil

    try:
        return process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.Error:
        return True
