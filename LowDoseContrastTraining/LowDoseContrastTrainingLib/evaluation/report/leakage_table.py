"""The leakage gap, as a table of a report."""

from __future__ import annotations

from ..leakage import COMPARED as OF_LEAKAGE
from .markup import named, number
from .measures import COMPARED

_TITLES = {each.key: each.title for each in COMPARED}


def leakage_table(document: dict, numbers) -> str:
    """Return the table as HTML; nothing where no random split was judged."""
    entries = document.get("leakage") or ()
    rows = "".join(f"<tr class=section><th colspan=4>{named(each['recipe'])}</th></tr>{''.join(_row(each, measure) for measure in OF_LEAKAGE)}" for each in entries)
    caption = (
        "Model less gain, means over arrangements: of a model that was trained on a random split of patches, on the test part of that split; "
        "and of the same recipe on arrangements that it has not seen. The difference is what the random split flatters by."
    )
    head = "<thead><tr><th>model less gain</th><th>random split</th><th>arrangements held out</th><th>gap</th></tr></thead>"
    return numbers.table(f"{head}<tbody>{rows}</tbody>", "The leakage gap.", caption) if entries else ""


def _row(entry, measure):
    values = (*(entry[side]["over_gain"][measure] for side in ("random", "held_out")), entry["gap"][measure])
    return f"<tr><th>{_TITLES[measure]}</th>{''.join(f'<td>{number(value, 4, True)}</td>' for value in values)}</tr>"
