"""The one page of a reproduction: our numbers beside the paper's, and why they differ."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from LowDoseContrastLib import RESEARCH_NOTICE, __version__
from LowDoseContrastLib.atomic import atomic_output
from markupsafe import Markup, escape

from ..baselines.base import MODEL
from ..common.file_names import NUMBERS_FILE, PAGE_FILE
from ..evaluation.evaluate import POST_PROCESSING
from ..evaluation.report.layout import Body, Cell, Grid, Heading, Line, Table, ungrouped
from ..evaluation.report.markup import image, number
from ..evaluation.report.rendering import rendered
from ..training.samples import sample_path
from . import paper
from .comparison import CCI, DATA, FIDELITY, FIDELITY_MEASURES, GROUPS, LEAK, LOSSES, Number, of_table
from .explanations import explained
from .plan import HONEST, QUICK_EPOCHS, QUICK_FILTERS, RUNS, ReproductionPlan

TEMPLATES = Path(__file__).parent / "templates"
_TITLE = "The paper's experiment, repeated on simulated acquisitions"
_NAMES = {
    "cci_ratio_error": "CCI ratio error", "psnr": "PSNR, dB",
    "psnr_matched": "PSNR after an affine match, dB", "ssim_matched": "SSIM after an affine match",
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A table, and the files that its numbers were read from."""

    table: Table
    files: Sequence[str]


def write_page(folder: str | Path, plan: ReproductionPlan, numbers: Sequence[Number]) -> Path:
    """Write ``reproduction.html``, which holds its pictures itself, whole or not at all; return its path.

    Args:
        folder: of the reproduction, whose runs' sample patches are shown.
        numbers: see :func:`.comparison.comparison`.
    """
    path = Path(folder) / PAGE_FILE
    page = rendered(
        "reproduction.html",
        TEMPLATES,
        title=_TITLE,
        plan=plan,
        filters=QUICK_FILTERS,
        epochs=QUICK_EPOCHS,
        version=__version__,
        notice=RESEARCH_NOTICE,
        caution=POST_PROCESSING,
        honest=HONEST,
        why=explained(numbers),
        data=_part(numbers, DATA, _data),
        losses=_part(numbers, LOSSES, lambda found: _losses(found, plan)),
        patches=_part(numbers, CCI, _patches),
        triples=_triples(Path(folder), plan),
        groups=_part(numbers, GROUPS, _groups),
        fidelity=_part(numbers, FIDELITY, _fidelity),
        leakage=_part(numbers, LEAK, _leakage),
        file=NUMBERS_FILE,
    )
    with atomic_output(path, overwrite=True) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


Numbers = Sequence[Number]


def _part(numbers: Numbers, name: str, made: Callable[[Numbers], Table]) -> Part:
    found = of_table(numbers, name)
    return Part(made(found), list(dict.fromkeys(each.file for each in found)))


def _table(columns: Sequence[Heading], bodies: Sequence[Body], first: str = "") -> Table:
    return Table(columns, bodies, first, has_widths=False)


def _data(found: Numbers) -> Table:
    lines = [Line(each.quantity, [number(each.paper, 0), number(each.ours, 0)]) for each in found]
    return _table(ungrouped(["paper", "ours"]), [Body(lines)])


def _losses(found: Numbers, plan: ReproductionPlan) -> Table:
    bodies = []
    for run in RUNS:
        of_run = [each for each in found if each.subject == run]
        penalty, epochs, mode, init, ngf, ndf = paper.SETTINGS[run]
        own = plan.recipe(run)
        ours = f" (ours {own.total_epochs} epochs, {own.ngf}/{own.ndf})" if plan.quick else ""
        settings = f"λ {penalty}, {epochs} epochs, {mode}, {init}, {ngf}/{ndf} filters{ours}"
        values = {
            "paper": [each.paper for each in of_run],
            "ours, last iteration": [each.ours for each in of_run],
            "ours, mean of the last epoch": [each.beside["mean of the last epoch"] for each in of_run],
        }
        lines = [Line(title, [number(value, 3) for value in row]) for title, row in values.items()]
        bodies.append(Body(lines, Markup("<b>{}</b> {}").format(run, settings)))
    return _table(ungrouped(list(paper.LOSSES["run1"])), bodies)


def _patches(found: Numbers) -> Table:
    lines = []
    for run in RUNS:
        of_run = [each for each in found if each.subject == run]
        lines.append(Line(run, [*(number(each.paper, 3) for each in of_run), *map(_ranged, of_run)]))
    sides = ["input", "target", "output"]
    ours = "ours, mean of all held-out patches (5th to 95th percentile)"
    return _table([Heading(sides, "paper, one patch"), Heading(sides, ours)], [Body(lines)])


def _ranged(each: Number) -> Markup:
    low, high = (number(each.beside[name], 2) for name in ("5th percentile", "95th percentile"))
    return number(each.ours, 3) + Markup("<small>{} to {}</small>").format(low, high)


def _triples(folder: Path, plan: ReproductionPlan) -> Grid:
    """The last sample patches of each run, as the paper's figures 3 to 6."""
    paths = {run: sample_path(folder / run, plan.recipe(run).total_epochs) for run in RUNS}
    shown = [
        Cell(image(path.read_bytes(), "image/png", f"sample patches of {run}"), head=run)
        for run, path in paths.items()
        if path.is_file()
    ]
    return Grid(len(shown), shown)


def _groups(found: Numbers) -> Table:
    means: dict[Markup, list[float | None]] = {Markup("<b>paper</b>"): [*paper.GROUP_MEANS.values()]}
    for each in found:
        means.setdefault(escape(each.subject), []).append(each.ours)
    lines = []
    for name, (low, high) in means.items():
        ratio = high / low if low and high else None
        lines.append(Line(name, [number(low, 3), number(high, 3), number(ratio, 2)]))
    return _table(ungrouped(["group A, low", "group B, high", "high over low"]), [Body(lines)], "normalisation")


def _fidelity(found: Numbers) -> Table:
    lines = []
    for name in dict.fromkeys(each.subject for each in found):
        of_method = [each for each in found if each.subject == name]
        cells = [number(each.ours, 2 if "psnr" in each.quantity else 3) for each in of_method]
        lines.append(Line(name, cells, "model" if of_method[0].beside["kind"] == MODEL else "plain"))
    return _table(ungrouped([_NAMES[name] for name in FIDELITY_MEASURES]), [Body(lines)])


def _leakage(found: Numbers) -> Table:
    lines = []
    for each in found:
        values = (each.beside["random"], each.beside["held_out"], each.ours)
        lines.append(Line(_NAMES[each.quantity], [number(value, 3, True) for value in values]))
    columns = ungrouped(["random split", "arrangements held out", "gap"])
    return _table(columns, [Body(lines)], f"{HONEST} less the gain")
