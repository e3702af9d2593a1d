import sys

from . import cli
from .commands import COMMANDS


def main(argv=None):
    """The commands of the enhancement library; returns the exit code."""
    return cli.main(argv, COMMANDS)


if __name__ == "__main__":
    sys.exit(main())
