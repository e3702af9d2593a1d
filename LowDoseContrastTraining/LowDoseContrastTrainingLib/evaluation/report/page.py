"""``report.html``: the results of an evaluation as one page, to be read on a screen or on paper."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from LowDoseContrastLib import RESEARCH_NOTICE
from LowDoseContrastLib.atomic import atomic_output

from ...common.file_names import REPORT_FILE
from ..document import Evaluation
from . import provenance, summary
from .album import CHOICE, Pictures
from .arrangement_chart import arrangement_chart
from .charts import is_drawable
from .difference_chart import difference_chart
from .measures import SEEN, TEXTURE, has_truth
from .patch_figures import patch_figures
from .rendering import rendered
from .tables import difference_table, leakage_table, likeness_table, size_table, truth_table
from .training_charts import training_charts
from .truth_charts import UNKNOWN, noise_chart, transfer_chart


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
    with_truth, drawable = has_truth(evaluation), is_drawable()
    return rendered(
        "report.html",
        evaluation=evaluation,
        title=summary.title(evaluation),
        notice=RESEARCH_NOTICE,
        has_truth=with_truth,
        models=[row for row in evaluation.rows if row.is_model],
        facts=summary.facts(evaluation),
        likeness=likeness_table(evaluation),
        differences=difference_table(evaluation),
        seen=truth_table(evaluation, SEEN) if with_truth else None,
        texture=truth_table(evaluation, TEXTURE) if with_truth else None,
        sizes=size_table(evaluation),
        leakage=leakage_table(evaluation),
        is_drawable=drawable,
        **(_drawn(evaluation, pictures) if drawable else {}),
        **provenance.sections(evaluation, folder),
    )


def _drawn(evaluation: Evaluation, pictures: Pictures) -> dict[str, Any]:
    charts = {
        "differences": difference_chart(evaluation),
        "arrangements": arrangement_chart(evaluation),
        "noise": noise_chart(evaluation),
        "transfer": transfer_chart(evaluation),
    }
    patches, trainings = patch_figures(evaluation, pictures), training_charts(evaluation)
    return {"charts": charts, "patches": patches, "choice": CHOICE, "trainings": trainings, "unknown": UNKNOWN}
