"""What tells one file from another."""

from __future__ import annotations

import hashlib
from pathlib import Path


def file_sha256(path: str | Path) -> str:
    """The SHA-256 of a file's bytes, hexadecimal. Raises OSError."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()
