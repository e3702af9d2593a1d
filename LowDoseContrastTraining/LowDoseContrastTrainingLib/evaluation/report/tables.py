"""The tables of a report: likeness to the high dose, differences to the gain, figures against a truth."""

from __future__ import annotations

import itertools
import re

from ...baselines.intensity import Gain
from ..ceiling import CEILING
from ..verdict import DENOISER, GAIN
from .markup import DASH, decimals, is_number, named, number, text
from .measures import COMPARED, GROUPS, HIGH, LIKENESS, LOW, ONE, SEEN, TARGET, TEXTURE, ZERO, Measure
from .methods_shown import MODEL, rows_of_kind

_NOT_JUDGED = (CEILING,)
_FIGURES = re.compile(r"[−-]?\d[\d.]*(?:e-?\d+)?")


def likeness_table(document: dict, numbers) -> str:
    """Return the table of what can be said from output and target alone, as HTML; input and target are rows of it."""
    rows, first = document["rows"], document["rows"][0]
    columns = [_Column(each, rows, first) for each in LIKENESS]
    ends = [_end_row(title, columns, first, key) for title, key in (("input (low dose)", "input"), ("target (high dose)", "target"))]
    lines = [_row(row, [each.cell(row) for each in columns] + [f"<td class=word>{text(row.get('verdict', DASH))}</td>"]) for row in rows]
    caption = (
        "Means over arrangements of means over patches. CCI and CCI-norm are right where they equal the target's, the ratio error and the offset at 0, "
        "the slope at 1; “matched”: after the affine change that brings the output nearest to the target. "
        "Bold: nearest to what is right, or highest of PSNR and SSIM, among methods; models shaded."
    )
    body = f"{_head([each.measure for each in columns], 'verdict')}<tbody class=ends>{''.join(ends)}</tbody><tbody>{''.join(lines)}</tbody>"
    return numbers.table(body, "Likeness to the high dose.", caption)


def difference_table(document: dict, numbers) -> str:
    """Return the table of differences with intervals and p, as HTML; nothing where none were taken."""
    rows = [row for row in document["rows"] if row.get("against")]
    measures = [each for each in COMPARED if any(each.key in (row["against"].get(GAIN) or {}) for row in rows)]
    if not measures:
        return ""
    bodies = [_difference_rows(GAIN, f"less {Gain.name}", rows, measures)]
    denoisers = list(dict.fromkeys(row["against"][DENOISER]["method"] for row in rows if DENOISER in row["against"]))
    models = [row for row in rows_of_kind(document, MODEL) if row.get("against")]
    bodies += [_difference_rows(DENOISER, f"less the best denoising baseline, {name}", [row for row in models if _opponent(row) == name], measures) for name in denoisers if models]
    caption = (
        "Mean paired difference over arrangements, its 95% bootstrap interval (arrangements, then patches within), "
        "and to the gain the p of the exact sign-flip test, adjusted over the methods after Holm."
    )
    found = [each for row in rows for measured in row["against"].values() for each in measured.values() if isinstance(each, dict)]
    notes = "; ".join(dict.fromkeys(each["note"] for each in found if each.get("note")))
    return numbers.table(_head(measures, groups={}) + "".join(bodies), "Differences.", caption, text(f"{notes}.") if notes else "")


def truth_table(document: dict, numbers) -> str:
    """Return the tables of figures against the truth, as HTML, with the reasons for missing ones as their notes."""
    seen = (
        "On whole images of every realisation. Detectability of single calcifications of 0.1 to 0.3 mm: area under the ROC curve (0.5 by guessing) of a channelised Hotelling "
        "observer and of one with the eye's filter, and percent correct of the first in 4-alternative forced choice (25 by guessing). MNSE is B² + R<sub>N</sub>. Bold as before."
    )
    texture = (
        "50% frequency: where the transfer of inserts falls to a half. SDNR and d′ of noise count the noise from realisation to realisation alone; smoothing raises them, "
        "and by themselves they are no evidence. Seam index: 1 where no border of tiles can be told."
    )
    parts = (("Against the truth of the simulation.", seen, SEEN), ("Texture and sharpness against the truth.", texture, TEXTURE))
    return "".join(_truth_part(document["rows"], numbers, *part) for part in parts)


def _truth_part(rows, numbers, title, caption, measures):
    columns, notes = [_Column(each, rows, None) for each in measures if any(each.key in row for row in rows)], Notes()
    lines = [_row(row, [each.cell(row, notes) for each in columns]) for row in rows]
    return numbers.table(f"{_head([each.measure for each in columns])}<tbody>{''.join(lines)}</tbody>", title, caption, notes.html()) if columns else ""


def _head(measures, last="", groups=GROUPS):
    """Headings, the names of groups of neighbours above theirs."""
    of = {key: group for group, keys in groups.items() for key in keys}
    rows = 2 if of.keys() & {each.key for each in measures} else 1
    above, below = [f"<th rowspan={rows}>method</th>"], []
    for group, found in itertools.groupby(measures, lambda each: of.get(each.key, each)):
        found = list(found)
        if isinstance(group, str):
            above.append(f"<th colspan={len(found)} class=group>{group}</th>")
            below += [f"<th>{each.title}</th>" for each in found]
        else:
            above.append(f"<th rowspan={rows}>{found[0].title}</th>")
    above += [f"<th rowspan={rows} class=word>{last}</th>"] if last else []
    widths = f"<colgroup><col class=name>{'<col>' * len(measures)}{'<col class=last>' if last else ''}</colgroup>"
    lines = "".join(f"<tr>{''.join(line)}</tr>" for line in (above, below) if line)
    return f"{widths}<thead>{lines}</thead>"


class _Column:
    """A column of values, which knows its decimals and which of them is best."""

    def __init__(self, measure: Measure, rows, first):
        self.measure = measure
        self.places = decimals([row.get(measure.key) for row in rows], measure.digits)
        self._target = first and first.get(measure.key.replace("_output", "_target"))
        values = [self._distance(row[measure.key]) for row in rows if row.get("kind") not in _NOT_JUDGED and is_number(row.get(measure.key))]
        self._best = min(values) if measure.goal and len(values) > 1 else None

    def _distance(self, value):
        goal = {HIGH: lambda: -value, LOW: lambda: value, ZERO: lambda: abs(value), ONE: lambda: abs(value - 1), TARGET: lambda: abs(value - (self._target or 0))}
        return round(goal.get(self.measure.goal, lambda: 0.0)(), self.places)  # what looks equal is equal

    def cell(self, row, notes=None) -> str:
        value = row.get(self.measure.key)
        if not is_number(value):
            return f"<td>{DASH}{notes.mark(row, self.measure) if notes else ''}</td>"
        is_best = self._best is not None and row.get("kind") not in _NOT_JUDGED and self._distance(value) <= self._best
        return f"<td>{'<b>' if is_best else ''}{number(value, self.places)}{'</b>' if is_best else ''}</td>"


def _end_row(title, columns, row, end):
    keys = [each.measure.key.replace("_output", f"_{end}") if "_output" in each.measure.key else None for each in columns]
    cells = [f"<td>{number(row.get(key), each.places) if key else DASH}</td>" for key, each in zip(keys, columns)]
    return f"<tr class=end><th>{title}</th>{''.join(cells)}<td class=word>{DASH}</td></tr>"


def _row(row, cells):
    return f'<tr class="{text(row.get("kind", ""))}"><th>{named(row["method"])}</th>{"".join(cells)}</tr>'


def _opponent(row):
    return (row["against"].get(DENOISER) or {}).get("method")


def _difference_rows(opponent, title, rows, measures):
    means = {each.key: [_found(row, opponent, each).get("mean") for row in rows] for each in measures}
    places = {key: decimals([min((abs(value) for value in values if is_number(value) and value), default=None)], 2) for key, values in means.items()}
    lines = [_row(row, [_difference(_found(row, opponent, each), places[each.key]) for each in measures]) for row in rows]
    return f"<tbody><tr class=section><th colspan={len(measures) + 1}>{named(title)}</th></tr>{''.join(lines)}</tbody>"


def _found(row, opponent, measure):
    found = (row["against"].get(opponent) or {}).get(measure.key)
    return found if isinstance(found, dict) else {}


def _difference(found, places):
    if not is_number(found.get("mean")):
        return f"<td>{DASH}</td>"
    p = found.get("p_holm")
    interval = f"{number(found['low'], places)} to {number(found['high'], places)}" if is_number(found.get("low")) else "no interval"
    tested = f"<small><i>p</i> {number(p, 2 if p >= 0.1 else 3)}</small>" if is_number(p) else ""
    return f"<td>{number(found['mean'], places, True)}<small>{interval}</small>{tested}</td>"


class Notes:
    """Reasons for missing values, each with its mark; those that differ by their figures alone have one."""

    def __init__(self):
        self._marks = {}

    def mark(self, row: dict, measure: Measure) -> str:
        """Return the marks of the reasons that a row gives for a measure it lacks."""
        reasons = [_about(each) for each in row.get("truth_reasons") or ()]
        kinds = {_FIGURES.sub("#", each): each for each in reversed(reasons) if measure.reason and each.startswith(measure.reason)}
        marks = [self._marks.setdefault(kind, (_letter(len(self._marks)), reason))[0] for kind, reason in reversed(kinds.items())]
        return f"<sup>{' '.join(marks)}</sup>" if marks else ""

    def html(self) -> str:
        """Return all reasons with their marks."""
        if not self._marks:
            return ""
        found = " ".join(f"<span><sup>{mark}</sup> {text(reason)}.</span>" for mark, reason in self._marks.values())
        return f"{found} The figures in these notes are those of the first such case; all are <code>truth_reasons</code> in results.json."


def _letter(place):
    return (chr(ord("a") + place // 26 - 1) if place >= 26 else "") + chr(ord("a") + place % 26)


def _about(reason):
    """A reason without the arrangement that it is of."""
    head, _, rest = reason.partition(": ")
    return rest if rest and (head.startswith("arrangement ") or head == "all arrangements") else reason
