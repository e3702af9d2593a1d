from __future__ import annotations

import sys
from collections.abc import Sequence

from . import cli
from .commands import COMMANDS


def main(argv: Sequence[str] | None = None) -> int:
    """The commands of the enhancement library; returns the exit code."""
    return cli.main(argv, COMMANDS)


if __name__ == "__main__":
    sys.exit(main())
