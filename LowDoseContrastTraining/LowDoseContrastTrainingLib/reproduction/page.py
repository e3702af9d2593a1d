"""The one page of a reproduction: our numbers beside the paper's, and why they differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from LowDoseContrastLib import RESEARCH_NOTICE, __version__
from LowDoseContrastLib.atomic import atomic_output
from markupsafe import Markup

from ..common.file_names import NUMBERS_FILE, PAGE_FILE
from ..evaluation.evaluate import POST_PROCESSING
from ..evaluation.report.layout import Body, Cell, Figure, Grid, Heading, Line, Table, ungrouped
from ..evaluation.report.markup import image, joined, named, number
from ..evaluation.report.rendering import rendered
from ..training.samples import sample_path
from . import explanations, paper
from .comparison import CCI, DATA, FIDELITY, FIDELITY_MEASURES, GROUPS, LEAK, LOSSES, Number, of_table
from .plan import HONEST, QUICK_EPOCHS, QUICK_FILTERS, RUNS, ReproductionPlan

TEMPLATES = Path(__file__).parent / "templates"
_TITLE = "The paper's experiment, repeated on simulated acquisitions"
_NAMES = {
    "cci_ratio_error": "CCI ratio error",
    "psnr": "PSNR, dB",
    "psnr_matched": "PSNR after an affine match, dB",
    "ssim_matched": "SSIM after an affine match",
}


@dataclass(frozen=True)
class Part:
    """A table with the reasons why its numbers differ, and a figure below them."""

    table: Table
    reasons: Sequence[str]
    figure: Figure | None = None


@dataclass(frozen=True)
class Section:
    """Parts under one heading."""

    title: str
    parts: Sequence[Part]


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
        sections=[
            Section("Data", [_data(of_table(numbers, DATA))]),
            Section("Losses (the paper's tables 4 to 7)", [_losses(of_table(numbers, LOSSES), plan)]),
            Section("CCI of input, target and output", [_patches(of_table(numbers, CCI), Path(folder), plan)]),
            Section("CCI of whole images", [_groups(of_table(numbers, GROUPS))]),
            Section(
                "What the paper does not tell",
                [_fidelity(of_table(numbers, FIDELITY)), _leakage(of_table(numbers, LEAK), plan)],
            ),
        ],
        file=NUMBERS_FILE,
    )
    with atomic_output(path, overwrite=True) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def _table(title: str, caption: str, found: Iterable[Number], columns: Sequence[Heading], bodies: Sequence[Body], first: str = "") -> Table:
    """A table whose caption ends with the files that its numbers were read from."""
    files = (Markup("<code>{}</code>").format(named(file)) for file in dict.fromkeys(each.file for each in found))
    read = Markup("{}Read from {}.").format(caption and f"{caption} ", joined(files, ", "))
    return Table(title, read, columns, bodies, first, has_widths=False)


def _data(found: Sequence[Number]) -> Part:
    lines = [Line(each.quantity, [number(each.paper, 0), number(each.ours, 0)]) for each in found]
    return Part(_table("Data.", "", found, ungrouped(["paper", "ours"]), [Body(lines)]), explanations.of_data(found))


def _losses(found: Sequence[Number], plan: ReproductionPlan) -> Part:
    bodies = []
    for run in RUNS:
        of_run = [each for each in found if each.subject == run]
        penalty, epochs, mode, init, ngf, ndf = paper.SETTINGS[run]
        own = plan.recipe(run)
        ours = f" (ours {own.total_epochs} epochs, {own.ngf}/{own.ndf})" if plan.quick else ""
        label = Markup("<b>{}</b> ").format(run) + f"λ {penalty}, {epochs} epochs, {mode}, {init}, {ngf}/{ndf} filters{ours}"
        values = {
            "paper": [each.paper for each in of_run],
            "ours, last iteration": [each.ours for each in of_run],
            "ours, mean of the last epoch": [each.beside["mean of the last epoch"] for each in of_run],
        }
        lines = [Line(title, [number(value, 3) for value in row]) for title, row in values.items()]
        bodies.append(Body(lines, label))
    caption = "G_L1 with λ, D_real and D_fake before the half."
    table = _table("Losses.", caption, found, ungrouped(list(paper.LOSSES["run1"])), bodies)
    return Part(table, explanations.of_losses(found, plan))


def _patches(found: Sequence[Number], folder: Path, plan: ReproductionPlan) -> Part:
    lines = []
    for run in RUNS:
        of_run = [each for each in found if each.subject == run]
        lines.append(Line(run, [*(number(each.paper, 3) for each in of_run), *(_ranged(each) for each in of_run)]))
    sides = ["input", "target", "output"]
    ours = "ours, mean of all held-out patches (5th to 95th percentile)"
    columns = [Heading(sides, "paper, one patch"), Heading(sides, ours)]
    table = _table("CCI of patches.", "On their 8 bits.", found, columns, [Body(lines)])
    return Part(table, explanations.of_patches(found), _triples(folder, plan))


def _ranged(each: Number) -> Markup:
    low, high = (number(each.beside[name], 2) for name in ("5th percentile", "95th percentile"))
    return number(each.ours, 3) + Markup("<small>{} to {}</small>").format(low, high)


def _triples(folder: Path, plan: ReproductionPlan) -> Figure | None:
    """The last sample patches of each run, as the paper's figures 3 to 6."""
    paths = {run: sample_path(folder / run, plan.recipe(run).total_epochs) for run in RUNS}
    shown = [
        Cell(image(path.read_bytes(), "image/png", f"sample patches of {run}"), head=run)
        for run, path in paths.items()
        if path.is_file()
    ]
    caption = (
        "Of each run, after its last epoch: input times gain, output, target. "
        "The window of each row is the target's; dense tissue is bright."
    )
    return Figure("Patches that were watched while training.", caption, [Grid(len(shown), shown)]) if shown else None


def _groups(found: Sequence[Number]) -> Part:
    means = {"": tuple(paper.GROUP_MEANS.values())}
    for each in found:
        means[each.subject] = (*means.get(each.subject, ()), each.ours)
    lines = [
        Line(name or Markup("<b>paper</b>"), [number(low, 3), number(high, 3), number(high / low, 2)])
        for name, (low, high) in means.items()
    ]
    columns = ungrouped(["group A, low", "group B, high", "high over low"])
    title = "Group means of CCI over whole 8-bit images."
    table = _table(title, "", found, columns, [Body(lines)], "normalisation")
    return Part(table, explanations.of_groups(found))


def _fidelity(found: Sequence[Number]) -> Part:
    lines = []
    for name in dict.fromkeys(each.subject for each in found):
        of_method = [each for each in found if each.subject == name]
        cells = [number(each.ours, 2 if "psnr" in each.quantity else 3) for each in of_method]
        lines.append(Line(name, cells, "model" if of_method[0].beside["kind"] == "model" else "plain"))
    columns = ungrouped([_NAMES[name] for name in FIDELITY_MEASURES])
    title = "How near the outputs come to the target."
    table = _table(title, "On the same held-out patches.", found, columns, [Body(lines)])
    return Part(table, explanations.of_fidelity())


def _leakage(found: Sequence[Number], plan: ReproductionPlan) -> Part:
    lines = []
    for each in found:
        values = (each.beside["random"], each.beside["held_out"], each.ours)
        lines.append(Line(_NAMES[each.quantity], [number(value, 3, True) for value in values]))
    caption = (
        f"{HONEST} once on the paper's random split of patches, once with whole arrangements held out; "
        "each less the gain's value on the same patches."
    )
    columns = ungrouped(["random split", "arrangements held out", "gap"])
    table = _table("The leakage gap.", caption, found, columns, [Body(lines)], f"{HONEST} less the gain")
    return Part(table, explanations.of_leakage(found, plan))
