"""Processes of the operating system: which one it is, whether it lives, how it ends with all that it started."""

import os
import platform
import signal
import subprocess
from pathlib import Path

_HIDDEN = {"creationflags": getattr(subprocess, "CREATE_NO_WINDOW", 0)}
_STILL_ACTIVE = 259  # Windows' exit code of a process that has none yet
_QUERY = 0x1000  # Windows' right to ask for no more than that


def ownGroup():
    """Options of ``subprocess.Popen`` that let the process lead a group, or hide its window on Windows."""
    return _HIDDEN if os.name == "nt" else {"start_new_session": True}


def birth(pid):
    """A text that no other process has, on this computer or another; None if ``pid`` does not run.

    The system gives the number of a process to another one when it has ended, so the number alone
    does not tell that it still is the same.
    """
    started = _startOnWindows(pid) if os.name == "nt" else _startOnPosix(pid)
    return f"{platform.node()} {started}" if started else None


def groupLives(leader):
    """Whether a process of the group of ``leader`` runs, be it the leader or not. On Windows: the leader."""
    if os.name == "nt":
        return _startOnWindows(leader) is not None
    try:
        os.killpg(leader, 0)
    except (ProcessLookupError, PermissionError):  # the latter on macOS, for a group of the dead
        return False
    if _startOnPosix(leader):
        return True
    return any(state not in "ZX" for _pid, group, state in _table() if group == leader)


def endTree(leader, force=False):
    """Ends a process and all that it started; Windows knows no polite way."""
    if os.name == "nt":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(leader)], capture_output=True, **_HIDDEN)
        return
    try:
        os.killpg(leader, signal.SIGKILL if force else signal.SIGTERM)
    except (ProcessLookupError, PermissionError):
        pass  # it has just ended


def _startOnPosix(pid):
    """When the process began; None if there is none, or only what a dead one leaves until its parent asks."""
    if Path("/proc/self/stat").exists():
        fields = _statistics(pid)
        if fields is None or fields[0] in "ZX":
            return None
        return f"{_bootId()} {fields[19]}"  # counted since the computer started
    state, _, started = _ps("-o", "stat=,lstart=", "-p", str(pid)).strip().partition(" ")
    return None if not started or state[0] == "Z" else started.strip()


def _bootId():
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"  # as in some containers


def _statistics(pid):
    """The fields of /proc/PID/stat from the state on; the name before them may hold anything."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def _table():
    """(process, its group, its state) of all processes."""
    if Path("/proc/self/stat").exists():
        found = ((int(name), _statistics(name)) for name in os.listdir("/proc") if name.isdigit())
        return [(pid, int(fields[2]), fields[0]) for pid, fields in found if fields]
    rows = (line.split() for line in _ps("-A", "-o", "pid=,pgid=,stat=").splitlines())
    return [(int(pid), int(group), state[0]) for pid, group, state in rows]


def _ps(*arguments):
    return subprocess.run(["ps", *arguments], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}).stdout


def _startOnWindows(pid):
    import ctypes
    from ctypes import wintypes

    kernel = ctypes.WinDLL("kernel32")
    kernel.OpenProcess.restype = wintypes.HANDLE
    handle = kernel.OpenProcess(_QUERY, False, pid)
    if not handle:
        return None
    try:
        code, times = wintypes.DWORD(), [wintypes.FILETIME() for _ in range(4)]
        known = kernel.GetExitCodeProcess(wintypes.HANDLE(handle), ctypes.byref(code))
        known = known and kernel.GetProcessTimes(wintypes.HANDLE(handle), *map(ctypes.byref, times))
        return f"{times[0].dwHighDateTime} {times[0].dwLowDateTime}" if known and code.value == _STILL_ACTIVE else None
    finally:
        kernel.CloseHandle(wintypes.HANDLE(handle))
