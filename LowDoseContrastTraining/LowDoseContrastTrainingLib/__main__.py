import sys

from LowDoseContrastLib import cli
from LowDoseContrastLib.commands import COMMANDS as ENHANCEMENT_COMMANDS

from .commands import COMMANDS


def main(argv=None):
    """The ``lowdosecontrast`` program with all its commands; returns its exit code."""
    return cli.main(argv, (*ENHANCEMENT_COMMANDS, *COMMANDS))


if __name__ == "__main__":
    sys.exit(main())
