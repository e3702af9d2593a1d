"""The manifest of the data set that the panel shows, read once; it lists every patch and can be long."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

LONG = 5_000_000  # bytes; reading takes more than a blink


class Manifests:
    """Keeps the last manifest, and whatever was made of it."""

    def __init__(self) -> None:
        self._state: Any = None
        self._read: Any = None
        self._made: dict[Any, Any] = {}

    def isLong(self, folder: str | Path) -> bool:
        """Whether reading the manifest of ``folder`` is still to be done and takes a while."""
        state = _state(folder)
        return state is not None and state != self._state and state[-1] > LONG

    def made(self, folder: str | Path, make: Callable[..., Any]) -> Any:
        """``make(folder, manifest, fingerprint)``, called once for each state of the file.

        Raises as it does, and InputError without a manifest.
        """
        from LowDoseContrastLib.errors import InputError
        from LowDoseContrastTrainingLib.dataset.manifest import read_manifest

        state = _state(folder)
        if state is None:
            raise InputError(folder, "is no prepared data set")
        if state != self._state:
            self._read, self._made = read_manifest(folder), {}
            self._state = state
        if make not in self._made:
            self._made[make] = make(folder, *self._read)
        return self._made[make]


def _state(folder: str | Path) -> Any:
    """Something that differs when another manifest is there; None without one."""
    path = Path(folder, "manifest.json")
    try:
        found = path.stat() if path.is_absolute() else None
    except OSError:
        return None
    return found and (str(folder), found.st_mtime_ns, found.st_size)


MANIFESTS = Manifests()
