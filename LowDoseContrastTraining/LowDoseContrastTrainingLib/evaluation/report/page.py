"""``report.html``: the results of an evaluation as one page, to be read on a screen or on paper."""

from __future__ import annotations

from pathlib import Path

from LowDoseContrastLib.atomic import atomic_output

from ...common.file_names import REPORT_FILE
from .album import Pictures
from .arrangement_chart import arrangement_chart
from .charts import is_drawable
from .difference_chart import difference_chart
from .leakage_table import leakage_table
from .markup import Numbers, text
from .measures import has_truth
from .patch_figures import patch_figures
from .provenance import reproduction
from .size_table import size_table
from .style import STYLE
from .summary import heading, judged, title, verdicts
from .tables import difference_table, likeness_table, truth_table
from .training_charts import training_charts
from .truth_charts import noise_chart, transfer_chart

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_UNDRAWN = "<p class=small>matplotlib is not installed: the report was written without its figures.</p>"


def write_report(folder, document: dict, pictures: Pictures = Pictures(), overwrite: bool = False) -> Path:
    """Write ``report.html`` into ``folder``, whole or not at all; return its path.

    The page holds its images and needs no script, no other file and no network. Rows and columns that
    ``document`` lacks, or that have no value, are dashes or left out.

    Args:
        document: what ``results.json`` holds, see :func:`..evaluate.evaluate`.
        pictures: the patches to show.

    Raises:
        InputError: the file is there already, or cannot be written.
    """
    path = Path(folder) / REPORT_FILE
    page = report_page(document, pictures, folder)
    with atomic_output(path, overwrite) as temporary:
        temporary.write_bytes(page.encode("utf-8", "replace"))
    return path


def report_page(document: dict, pictures: Pictures = Pictures(), folder=".") -> str:
    """Return the page as HTML; ``folder`` is named in the command that reproduces it."""
    numbers = Numbers()
    with_truth = has_truth(document)
    tables = [likeness_table(document, numbers), difference_table(document, numbers), truth_table(document, numbers) if with_truth else ""]
    tables += [size_table(document, numbers), leakage_table(document, numbers)]
    figures = [each(document, numbers) for each in (difference_chart, arrangement_chart)] if is_drawable() else [_UNDRAWN]
    if is_drawable():
        figures += [patch_figures(document, pictures, numbers), noise_chart(document, numbers), transfer_chart(document, numbers), training_charts(document, numbers)]
    body = [
        heading(document),
        verdicts(document),
        judged(document),
        f"<section id=tables><h2>Results</h2>{''.join(tables)}</section>",
        f"<section id=figures><h2>Figures</h2>{''.join(figures)}</section>",
        reproduction(document, folder),
        f"<footer>LowDoseContrast {text(document.get('version', ''))}. {text(document.get('notice', ''))}</footer>",
    ]
    return document_page(title(document), "\n".join(body))


def document_page(heading: str, body: str) -> str:
    """Return a whole page in the look of the report; ``heading`` is plain text for the window, ``body`` HTML that fetches nothing."""
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{text(heading)}</title><style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n'
    )
