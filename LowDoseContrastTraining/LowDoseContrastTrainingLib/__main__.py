from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from LowDoseContrastLib import cli
from LowDoseContrastLib.commands import COMMANDS as ENHANCEMENT_COMMANDS

from .commands.all_commands import COMMANDS


def main(argv: Sequence[str] | None = None) -> int:
    """The ``lowdosecontrast`` program with all its commands; returns its exit code."""
    return cli.main(argv, (*ENHANCEMENT_COMMANDS, *COMMANDS))


def _leave(code: int) -> None:
    """Ends the process; a worker of ``torchrun`` at once, for a thread of its process group that meets an ending Python
    aborts it.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        sys.exit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    try:
        exit_code = main()
    except SystemExit as ending:
        exit_code = int(ending.code or 0)
    _leave(exit_code)
