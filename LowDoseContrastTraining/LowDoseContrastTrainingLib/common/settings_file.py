"""Settings that users write as JSON or TOML."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from LowDoseContrastLib.errors import InputError


def read_settings(path: str | Path) -> dict[str, Any]:
    """Return the object in a ``.json`` or ``.toml`` file.

    Raises:
        InputError: the file cannot be read, is not valid, or holds something else.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise InputError(path, "is not a text file", "name a .json or .toml file") from error
    try:
        values = _toml(text, path) if path.suffix.lower() == ".toml" else json.loads(text)
    except ValueError as error:
        kind = path.suffix[1:].upper() or "JSON"
        raise InputError(path, f"is not valid {kind} ({error})") from error
    if not isinstance(values, dict):
        raise InputError(path, "must hold one object of settings")
    return values


def _toml(text: str, path: Path) -> dict[str, Any]:
    try:
        import tomllib
    except ImportError as error:  # Python 3.10
        raise InputError(path, "reading TOML needs Python 3.11", "write the settings as JSON") from error
    return tomllib.loads(text)
