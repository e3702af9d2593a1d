"""The tables of a report: likeness to the high dose, differences to the gain, figures against a truth, leakage."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence

from markupsafe import Markup

from ...baselines.base import CEILING
from ...baselines.intensity import Gain
from ..document import Evaluation, Leakage, Row, SizeClass
from ..leakage import COMPARED as OF_LEAKAGE
from ..verdict import DENOISER, GAIN
from .layout import Body, Heading, Line, Table, ungrouped
from .markup import DASH, decimals, joined, named, number
from .measures import COMPARED, GROUPS, HIGH, LIKENESS, LOW, ONE, TARGET, ZERO, Measure

_DIGITS = re.compile(r"[−-]?\d[\d.]*(?:e-?\d+)?")
_TITLES = {measure.key: measure.title for measure in COMPARED}
_OF_A_SIZE = (
    ("hotelling", "auc", "Hotelling", 3),
    ("eye-filter", "auc", "eye filter", 3),
    ("hotelling", "percent_correct", "4-AFC", 0),
)


def likeness_table(evaluation: Evaluation) -> Table:
    """Return the table of what output and target alone can say; input and target are rows of it."""
    rows, first = evaluation.rows, evaluation.rows[0]
    columns = [_Column(measure, rows, first) for measure in LIKENESS]
    ends = {"input (low dose)": "input", "target (high dose)": "target"}
    lines_of_ends = [_end_line(title, columns, first, key) for title, key in ends.items()]
    lines = [_line(row, [column.cell(row) for column in columns], row.verdict or DASH) for row in rows]
    bodies = [Body(lines_of_ends, kind="ends"), Body(lines)]
    return Table(_headings(LIKENESS), bodies, last="verdict")


def difference_table(evaluation: Evaluation) -> Table | None:
    """Return the table of differences with intervals and p; None where none were taken."""
    rows = [row for row in evaluation.rows if row.against]
    measures = [measure for measure in COMPARED if any(row.difference(GAIN, measure.key) for row in rows)]
    if not measures:
        return None
    bodies = [_differences(GAIN, f"less {Gain.name}", rows, measures)]
    opponents = dict.fromkeys(row.against[DENOISER].method for row in rows if DENOISER in row.against)
    models = [row for row in rows if row.is_model]
    for name in opponents if models else ():
        own = [row for row in models if DENOISER in row.against and row.against[DENOISER].method == name]
        bodies.append(_differences(DENOISER, f"less the best denoising baseline, {name}", own, measures))
    every = (
        difference for row in rows for against in row.against.values() for difference in against.differences.values()
    )
    notes = "; ".join(dict.fromkeys(each.note for each in every if each.note))
    return Table(ungrouped([measure.title for measure in measures]), bodies, notes=notes and f"{notes}.")


def truth_table(evaluation: Evaluation, of_table: Iterable[Measure]) -> Table | None:
    """Return a table of figures against the truth, with the reasons for missing ones as its notes; None without any."""
    rows, notes = evaluation.rows, Notes()
    measures = [each for each in of_table if any(row.states(each.key) for row in rows)]
    columns = [_Column(measure, rows) for measure in measures]
    lines = [_line(row, [column.cell(row, notes) for column in columns]) for row in rows]
    return Table(_headings(measures), [Body(lines)], notes=notes.html()) if columns else None


def size_table(evaluation: Evaluation) -> Table | None:
    """Return the detectability of calcifications by their size; None without a truth."""
    of_row = [(row, row.of_truth.by_size) for row in evaluation.rows if row.of_truth and row.of_truth.by_size]
    if not of_row:
        return None
    sizes, titles = of_row[0][1], [title for *_, title, _ in _OF_A_SIZE]
    lines = [
        _line(row, [_size_cell(size_class, *shown) for size_class in by_size for shown in _OF_A_SIZE])
        for row, by_size in of_row
    ]
    reasons = dict.fromkeys(f"{_millimetres(size)}: {size.reason}" for size in sizes if size.reason)
    headings = [Heading(titles, _millimetres(size)) for size in sizes]
    return Table(headings, [Body(lines)], notes="; ".join(reasons), has_widths=False)


def leakage_table(evaluation: Evaluation) -> Table | None:
    """Return the leakage gap; None where no random split was judged."""
    columns = ungrouped(["random split", "arrangements held out", "gap"])
    bodies = [
        Body([_leakage_line(entry, measure) for measure in OF_LEAKAGE], named(entry.recipe))
        for entry in evaluation.leakage
    ]
    return Table(columns, bodies, first="model less gain", has_widths=False) if bodies else None


def _headings(measures: Sequence[Measure]) -> list[Heading]:
    """Headings, the names of groups of neighbours above theirs."""
    of = {key: group for group, keys in GROUPS.items() for key in keys}
    runs = itertools.groupby(measures, lambda each: of.get(each.key, ""))
    return [heading for group, found in runs for heading in _run([each.title for each in found], group)]


def _run(titles: list[str], group: str) -> list[Heading]:
    return [Heading(titles, group)] if group else ungrouped(titles)


class _Column:
    """A column of values, which knows its decimals and which of them is best.

    Args:
        first: a row that states the target's values.
    """

    def __init__(self, measure: Measure, rows: Sequence[Row], first: Row | None = None) -> None:
        self.measure = measure
        self.places = decimals([row.value(measure.key) for row in rows], measure.digits)
        self._target = first.value(measure.key.replace("_output", "_target")) if first else None
        values = [self._distance(value) for row in rows if (value := self._judged(row)) is not None]
        self._best = min(values) if measure.goal and len(values) > 1 else None

    def _judged(self, row: Row) -> float | None:
        return None if row.kind == CEILING else row.value(self.measure.key)

    def _distance(self, value: float) -> float:
        aims: Mapping[str, float] = {ZERO: 0, ONE: 1, TARGET: self._target or 0}
        goal = self.measure.goal
        distance = abs(value - aims[goal]) if goal in aims else {HIGH: -value, LOW: value}.get(goal, 0.0)
        return round(distance, self.places)  # what looks equal is equal

    def cell(self, row: Row, notes: Notes | None = None) -> Markup:
        value, judged = row.value(self.measure.key), self._judged(row)
        if value is None:
            return Markup(DASH) + (notes.mark(row, self.measure) if notes else "")
        is_best = self._best is not None and judged is not None and self._distance(judged) <= self._best
        return Markup("<b>{}</b>" if is_best else "{}").format(number(value, self.places))


def _end_line(title: str, columns: Sequence[_Column], row: Row, end: str) -> Line:
    keys = [(column, column.measure.key.replace("_output", f"_{end}")) for column in columns]
    cells = [DASH if key == each.measure.key else number(row.value(key), each.places) for each, key in keys]
    return Line(title, cells, "end", DASH)


def _line(row: Row, cells: Sequence[str], last: str = "") -> Line:
    return Line(named(row.method), cells, row.kind, last)


def _differences(opponent: str, title: str, rows: Sequence[Row], measures: Sequence[Measure]) -> Body:
    places = {}
    for measure in measures:
        found = [difference for row in rows if (difference := row.difference(opponent, measure.key))]
        places[measure.key] = decimals([min((abs(one.mean) for one in found if one.mean), default=None)], 2)
    lines = [
        _line(row, [_difference(row, opponent, measure.key, places[measure.key]) for measure in measures])
        for row in rows
    ]
    return Body(lines, named(title))


def _difference(row: Row, opponent: str, measure: str, places: int) -> Markup:
    found = row.difference(opponent, measure)
    if not found:
        return Markup(DASH)
    p = (row.against[opponent].adjusted or {}).get(measure)
    interval = Markup("<small>no interval</small>")
    if found.low is not None:
        interval = Markup("<small>{} to {}</small>").format(number(found.low, places), number(found.high, places))
    tested = "" if p is None else Markup("<small><i>p</i> {}</small>").format(number(p, 2 if p >= 0.1 else 3))
    return number(found.mean, places, True) + interval + tested


def _size_cell(size: SizeClass, observer: str, figure: str, _title: str, places: int) -> Markup:
    found = size.observers[observer]
    error = found.auc_error if (observer, figure) == _OF_A_SIZE[0][:2] and found.auc is not None else None
    shown = number(getattr(found, figure), places)
    return shown if error is None else shown + Markup("<small>±{}</small>").format(number(error, 3))


def _millimetres(size: SizeClass) -> str:
    return "{:g} to {:g} mm".format(*size.size_mm)


def _leakage_line(entry: Leakage, measure: str) -> Line:
    values = (entry.random.over_gain[measure], entry.held_out.over_gain[measure], entry.gap[measure])
    return Line(_TITLES[measure], [number(value, 4, True) for value in values])


class Notes:
    """Reasons for missing values with a mark for each; those that differ by their figures alone share one."""

    def __init__(self) -> None:
        self._marks: dict[str, tuple[str, str]] = {}

    def mark(self, row: Row, measure: Measure) -> Markup:
        """Return the marks of the reasons that a row gives for a measure it lacks."""
        reasons = [_about(reason) for reason in (row.of_truth.reasons if row.of_truth else ())]
        fitting = [reason for reason in reasons if measure.reason and reason.startswith(measure.reason)]
        kinds = {_DIGITS.sub("#", each): each for each in reversed(fitting)}
        found = [
            self._marks.setdefault(kind, (_letter(len(self._marks)), each)) for kind, each in reversed(kinds.items())
        ]
        return Markup("<sup>{}</sup>").format(" ".join(mark for mark, _ in found)) if found else Markup()

    def html(self) -> Markup:
        """Return all reasons with their marks."""
        if not self._marks:
            return Markup()
        marked = (Markup("<span><sup>{}</sup> {}.</span>").format(*mark) for mark in self._marks.values())
        first = "The figures in these notes are those of the first such case"
        return joined(marked, " ") + Markup(f" {first}; all are <code>truth_reasons</code> in results.json.")


def _letter(place: int) -> str:
    return (chr(ord("a") + place // 26 - 1) if place >= 26 else "") + chr(ord("a") + place % 26)


def _about(reason: str) -> str:
    """A reason without the arrangement that it is of."""
    head, _, rest = reason.partition(": ")
    return rest if rest and (head.startswith("arrangement ") or head == "all arrangements") else reason
