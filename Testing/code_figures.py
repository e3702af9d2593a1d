"""Figures of the code, by a count that no line length changes: files, statements, hints, and arrows that point up.

Run by ``python3 Testing/run.py figures [ROOT]``; ROOT is another checkout to be counted in the same way. A statement
is a logical line that is neither a docstring nor an import; outside of functions stand declarations and tables.
"""

import argparse
import ast
import io
import sys
import tokenize
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
MODULES = ("LowDoseContrast", "LowDoseContrastTraining")
FLOORS = (
    {"common"}, {"simulator"}, {"measurement"}, {"dose_reduction", "dataset"}, {"training"}, {"baselines"},
    {"evaluation"}, {"controls", "reproduction"}, {"commands"},
)  # fmt: skip


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", type=Path, default=HERE)
    root = parser.parse_args(arguments).root
    folders = {}
    for path in sorted(path for module in MODULES for path in (root / module).rglob("*.py")):
        folders.setdefault(str(path.parent.relative_to(root)), []).append(path)
    print(f"{'folder':76}{'files':>6}{'statements':>12}{'in functions':>14}{'functions':>11}{'hinted':>8}")
    total = [0] * 5
    for folder, paths in folders.items():
        counted = [figures(path) for path in paths]
        row = [len(paths), *(sum(column) for column in zip(*counted))]
        total = [a + b for a, b in zip(total, row)]
        print(f"{folder:76}{row[0]:6}{row[1]:12}{row[2]:14}{row[3]:11}{row[4]:8}")
    print(
        f"{'all':76}{total[0]:6}{total[1]:12}{total[2]:14}{total[3]:11}{total[4]:8}  ({total[4] / total[3]:.0%} with complete hints)"
    )
    print(f"arrows up between the folders of the training library: {arrows_up(root)}")
    return 0


def figures(path):
    """(statements, those inside functions, functions, functions with complete hints) of a file."""
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    left_out = {number for node in ast.walk(tree) for number in _lines_of_no_logic(node)}
    inside = {
        number
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for number in range(node.body[0].lineno, node.end_lineno + 1)
    }
    lines, in_functions, first = 0, 0, None
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type in (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING):
            continue
        first = token.start[0] if first is None else first
        if token.type == tokenize.NEWLINE:
            lines += first not in left_out
            in_functions += first not in left_out and first in inside
            first = None
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return lines, in_functions, len(functions), sum(map(_is_hinted, functions))


def _lines_of_no_logic(node):
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        yield node.lineno
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
        yield node.body[0].lineno


def _is_hinted(function):
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
    own = every[1:] if every and every[0].arg in ("self", "cls") else every
    return function.returns is not None and all(argument.annotation is not None for argument in own)


def arrows_up(root):
    """How many imports of the training library's folders lead to a folder that stands higher."""
    library = root / MODULES[1] / "LowDoseContrastTrainingLib"
    floor = {folder: number for number, folders in enumerate(FLOORS) for folder in folders}
    found = 0
    for path in library.rglob("*.py"):
        own = path.relative_to(library).parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level and node.module:
                target = node.module.split(".")[0]
                found += floor.get(target, -1) > floor.get(own, len(FLOORS))
    return found


if __name__ == "__main__":
    sys.exit(main())
