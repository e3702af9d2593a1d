"""``report.html``: the results of an evaluation as one page, to be read on a screen or on paper."""

from __future__ import annotations

from pathlib import Path

from LowDoseContrastLib import RESEARCH_NOTICE
from LowDoseContrastLib.atomic import atomic_output

from ...common.file_names import REPORT_FILE
from ..document import Evaluation
from . import provenance, summary
from .album import Pictures
from .arrangement_chart import arrangement_chart
from .charts import is_drawable
from .difference_chart import difference_chart
from .layout import Figure
from .measures import has_truth
from .patch_figures import patch_figures
from .rendering import rendered
from .tables import difference_table, leakage_table, likeness_table, size_table, truth_tables
from .training_charts import training_charts
from .truth_charts import noise_chart, transfer_chart


def write_report(
    folder: str | Path,
    evaluation: Evaluation,
    pictures: Pictures = Pictures(),  # noqa: B008  frozen
    overwrite: bool = False,
) -> Path:
    """Write ``report.html`` into ``folder``, whole or not at all; return its path.

    The page holds its images and needs no script, no other file and no network. Rows and columns that have no value
    are dashes or left out.

    Args:
        pictures: the patches to show.

    Raises:
        InputError: the file is there already, or cannot be written.
    """
    path = Path(folder) / REPORT_FILE
    page = report_page(evaluation, pictures, folder)
    with atomic_output(path, overwrite) as temporary:
        temporary.write_bytes(page.encode("utf-8", "replace"))
    return path


def report_page(
    evaluation: Evaluation,
    pictures: Pictures = Pictures(),  # noqa: B008  frozen
    folder: str | Path = ".",
) -> str:
    """Return the page as HTML; ``folder`` is named in the command that reproduces it."""
    with_truth = has_truth(evaluation)
    figures, undrawn = _figures(evaluation, pictures) if is_drawable() else (None, [])
    return rendered(
        "report.html",
        evaluation=evaluation,
        title=summary.title(evaluation),
        notice=RESEARCH_NOTICE,
        has_truth=with_truth,
        models=[row for row in evaluation.rows if row.is_model],
        facts=summary.facts(evaluation),
        tables=[
            likeness_table(evaluation),
            difference_table(evaluation),
            *(truth_tables(evaluation) if with_truth else ()),
            size_table(evaluation),
            leakage_table(evaluation),
        ],
        figures=figures,
        undrawn=undrawn,
        **provenance.sections(evaluation, folder),
    )


def _figures(evaluation: Evaluation, pictures: Pictures) -> tuple[list[Figure | None], list[str]]:
    """(the figures in their order, sentences on trainings that could not be drawn)."""
    trainings, undrawn = training_charts(evaluation)
    drawn = [difference_chart(evaluation), arrangement_chart(evaluation), *patch_figures(evaluation, pictures)]
    return [*drawn, noise_chart(evaluation), transfer_chart(evaluation), *trainings], undrawn
