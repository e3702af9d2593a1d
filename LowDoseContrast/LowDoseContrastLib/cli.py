"""The command line: what all commands share.

Exit codes: 0 done, 2 the input or the usage is wrong (one line on standard error), 1 an unexpected
failure, 130 cancelled.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from . import RESEARCH_NOTICE, __version__
from .errors import Cancelled, InputError

if TYPE_CHECKING:
    from .steps import Progress

_PACKAGES = {"skimage": "scikit-image", "PIL": "pillow"}  # import name -> what is installed
EXIT_DONE, EXIT_FAILED, EXIT_INPUT, EXIT_CANCELLED = 0, 1, 2, 130


class PartialFailure(Exception):
    """Some inputs of several failed; their lines are printed already. ``results`` are those that did not."""

    def __init__(self, results: list[Any]) -> None:
        super().__init__("some inputs failed")
        self.results = results


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the usage in one line."""

    def error(self, message: str) -> NoReturn:
        report_error(f"{message}; see '{self.prog} --help'")
        self.exit(EXIT_INPUT)


def build_parser(commands: Sequence[Callable[[Any], None]]) -> argparse.ArgumentParser:
    """The parser of ``lowdosecontrast`` with ``commands``: functions that add one subparser each.

    A subparser sets ``run`` (arguments -> result, JSON-able) and ``show`` (result -> text).
    """
    parser = _Parser(
        prog="lowdosecontrast", description=f"Low-dose mammograms in their high-dose appearance. {RESEARCH_NOTICE}"
    )
    parser.add_argument("--version", action="version", version=f"LowDoseContrast {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in commands:
        add(subparsers)
    for command in _leaves(subparsers):
        command.set_defaults(
            options={action.dest: action.option_strings[-1] for action in command._actions if action.option_strings}
        )
    return parser


def _leaves(subparsers: Any) -> Iterator[argparse.ArgumentParser]:
    """The parsers of all commands that have no commands of their own."""
    for parser in subparsers.choices.values():
        nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        yield from _leaves(nested[0]) if nested else [parser]


def add_command(
    subparsers: Any,
    name: str,
    summary: str,
    example: str,
    run: Callable[[argparse.Namespace], Any],
    show: Callable[[Any], str],
) -> argparse.ArgumentParser:
    """Adds one command and returns its parser, with ``--json`` and an example in its help."""
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=f"{summary}. {RESEARCH_NOTICE}",
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output and nothing else")
    parser.set_defaults(run=run, show=show)
    return parser


def main(argv: Sequence[str] | None, commands: Sequence[Callable[[Any], None]]) -> int:
    """Runs the command that ``argv`` names among ``commands`` and returns its exit code."""
    arguments = build_parser(commands).parse_args(argv)
    _cancel_on_terminate()
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions:  # as Python does with warnings that are not for users
                warnings.simplefilter("ignore")
            result = arguments.run(arguments)
        _print(result, arguments)
        return EXIT_DONE
    except PartialFailure as failure:
        _print(failure.results, arguments)
        return EXIT_INPUT
    except InputError as error:
        report_error(error, arguments)
        return EXIT_INPUT
    except (KeyboardInterrupt, Cancelled):
        print("cancelled; nothing half-written was left", file=sys.stderr)
        return EXIT_CANCELLED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
    except Exception as error:  # the one place where an unexpected failure becomes an exit code
        if os.environ.get("LOWDOSECONTRAST_DEBUG"):
            raise
        package = _missing_package(error)
        if package:
            report_error(f"the Python package {package} is needed for this and not installed")
            return EXIT_INPUT
        print(f"unexpected {type(error).__name__}: {error} (set LOWDOSECONTRAST_DEBUG=1 for details)", file=sys.stderr)
        return EXIT_FAILED


def _missing_package(error: BaseException) -> str:
    """What must be installed for an import that failed; empty where that is not the reason."""
    name = (getattr(error, "name", None) or "").split(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    return "" if name.startswith("LowDoseContrast") else _PACKAGES.get(name, name)


def report_error(error: object, arguments: argparse.Namespace | None = None) -> None:
    """One line on standard error, in which settings go by the options of the command that ``arguments`` came from.

    With ``--progress lines`` an object with the parts of an :class:`InputError` goes before it, for a program that has
    other names for them.
    """
    text = str(error)
    if isinstance(error, InputError):
        text = error.told(lambda field: getattr(arguments, "options", {}).get(field, field))
        if getattr(arguments, "progress", "") == "lines":
            parts = {name: getattr(error, name) for name in ("subject", "problem", "remedy", "field")}
            print(json.dumps({"error": parts}), file=sys.stderr)
    line = "".join(each if each.isprintable() else "?" for each in " ".join(text.split()))
    print(f"error: {line}", file=sys.stderr)


def _print(result: Any, arguments: argparse.Namespace) -> None:
    if arguments.json:
        print(json.dumps(result, allow_nan=False))
    else:
        print(arguments.show(result))


def _cancel_on_terminate() -> None:
    """A polite kill cancels as Ctrl+C does, so that temporary files are removed."""

    def cancel(*_: object) -> None:
        raise KeyboardInterrupt

    with contextlib.suppress(ValueError):  # not in the main thread, as when Slicer or a notebook calls main()
        signal.signal(signal.SIGTERM, cancel)


def for_each_input(arguments: argparse.Namespace, work: Callable[[str], Any]) -> Any:
    """``work`` on each of ``arguments.input``; with several, a bad one does not keep the others from being done.

    Returns the result of the only input, or a list.

    Raises:
        PartialFailure: some of several inputs were bad.
        InputError: the only input was.
    """
    if len(arguments.input) == 1:
        return work(arguments.input[0])
    results, failed = [], False
    for each in arguments.input:
        try:
            results.append(work(each))
        except InputError as error:
            report_error(error, arguments)
            failed = True
    if failed:
        raise PartialFailure(results)
    return results


def add_progress(parser: Any) -> None:
    """Adds ``--progress`` to a command whose work is long; its value goes to :func:`progress_bar`."""
    parser.add_argument(
        "--progress",
        choices=("bar", "lines"),
        default="bar",
        help="on standard error: a bar on a terminal, or one JSON object a line for programs",
    )


def progress_bar(label: str, style: str = "bar") -> Callable[[Progress], object]:
    """A function taking :class:`LowDoseContrastLib.steps.Progress` that shows it on standard error.

    ``style`` bar draws on a terminal, or writes a line now and then where the package tqdm is
    missing; lines prints ``{"done": 0 to 1, "message": text, "remaining":
    seconds or null}`` for a program that reads it.
    """
    if style == "lines":
        return lambda progress: print(json.dumps(_parts(progress)), file=sys.stderr, flush=True)
    try:
        from tqdm import tqdm
    except ImportError:  # Slicer's Python has none
        return _tenths(label)

    # No bar where standard error is a file, and none before the first progress, so that a wrong
    # input leaves nothing but its one line.
    bar = None

    def update(progress: Progress) -> None:
        nonlocal bar
        if bar is None:
            bar = tqdm(
                total=100,
                desc=label,
                file=sys.stderr,
                disable=None,
                leave=False,
                bar_format="{desc}: {percentage:3.0f}% |{bar}| {elapsed}<{remaining}",
            )
        bar.update(100 * progress.done - bar.n)

    return update


def _parts(progress: Progress) -> dict[str, Any]:
    return {"done": progress.done, "message": progress.message, "remaining": progress.remaining}


def _tenths(label: str) -> Callable[[Progress], object]:
    """Shows progress as a line on a terminal for each further tenth; nothing where standard error is a file."""
    shown = -1

    def update(progress: Progress) -> None:
        nonlocal shown
        tenth = int(10 * progress.done)
        if tenth > shown and sys.stderr.isatty():
            left = "" if progress.remaining is None else f", {progress.remaining:.0f} s left"
            print(f"{label}: {10 * tenth}%{left}", file=sys.stderr, flush=True)
            shown = tenth

    return update


def table(rows: Sequence[Sequence[Any]], headers: Sequence[str]) -> str:
    """Text table: columns as wide as their widest cell, numbers to the right."""
    cells = [list(headers), *[[_cell(v) for v in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(headers))]
    numeric = [all(isinstance(row[i], (int, float, type(None))) for row in rows) for i in range(len(headers))]
    lines = [
        "  ".join(c.rjust(w) if n else c.ljust(w) for c, w, n in zip(row, widths, numeric, strict=True)).rstrip()
        for row in cells
    ]
    lines.insert(1, "  ".join("-" * w for w in widths))
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
