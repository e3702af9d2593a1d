"""The detectability of calcifications by their size, as a table of a report."""

from __future__ import annotations

from .markup import DASH, is_number, named, number, text

_SHOWN = (("hotelling", "auc", "Hotelling", 3), ("eye-filter", "auc", "eye filter", 3), ("hotelling", "percent_correct", "4-AFC", 0))


def size_table(document: dict, numbers) -> str:
    """Return the table as HTML; nothing without a truth."""
    rows = [row for row in document["rows"] if row.get("detectability_by_size")]
    if not rows:
        return ""
    classes = [entry["size_mm"] for entry in rows[0]["detectability_by_size"]]
    above = "".join(f"<th colspan={len(_SHOWN)} class=group>{low:g} to {high:g} mm</th>" for low, high in classes)
    below = "".join(f"<th>{title}</th>" for _ in classes for *_, title, _places in _SHOWN)
    lines = "".join(_row(row) for row in rows)
    clusters = ", ".join(f"{entry['clusters']}" for entry in rows[0]["detectability_by_size"])
    caption = (
        "Over the calcifications of all arrangements: area under the ROC curve of the channelised Hotelling observer (below it its standard error; regions of one cluster count as dependent) "
        f"and of the non-prewhitening observer with eye filter, and percent correct in 4-alternative forced choice. Clusters in the classes: {clusters}."
    )
    reasons = dict.fromkeys(f"{low:g} to {high:g} mm: {entry['reason']}" for entry, (low, high) in zip(rows[0]["detectability_by_size"], classes) if entry["reason"])
    head = f"<thead><tr><th rowspan=2>method</th>{above}</tr><tr>{below}</tr></thead>"
    return numbers.table(f"{head}<tbody>{lines}</tbody>", "Detectability of calcifications by size.", caption, text("; ".join(reasons)))


def _row(row):
    cells = "".join(_cell(entry, *shown) for entry in row["detectability_by_size"] for shown in _SHOWN)
    return f'<tr class="{text(row.get("kind", ""))}"><th>{named(row["method"])}</th>{cells}</tr>'


def _cell(entry, observer, figure, _title, places):
    found = entry[observer]
    if not is_number(found[figure]):
        return f"<td>{DASH}</td>"
    error = f"<small>±{number(found['auc_error'], 3)}</small>" if figure == "auc" and observer == "hotelling" and is_number(found["auc_error"]) else ""
    return f"<td>{number(found[figure], places)}{error}</td>"
