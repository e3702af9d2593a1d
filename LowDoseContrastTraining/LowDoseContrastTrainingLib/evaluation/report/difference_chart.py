"""The differences of all methods to the gain, with their intervals (a forest plot)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from ..document import Evaluation, Row
from ..statistics import PairedDifference
from ..verdict import GAIN
from .charts import Axis, Canvas, better, chart, grid, hide
from .markup import plain
from .measures import DRAWN, HIGH, Measure
from .methods_shown import Look, label, main_methods

_ACROSS = 3
_ROW = 0.165  # inches
_FAR = 3.0  # times the typical size, beyond which a baseline does not stretch the axis
_GREY = "#777777"
_ROOM = {False: 0.08, True: 0.32}  # of the range, beside it; more where the values of what lies beyond are written


def difference_chart(evaluation: Evaluation) -> Markup | None:
    """Return the figure; None without differences."""
    rows = [row for row in evaluation.rows if GAIN in row.against]
    measures = [measure for measure in DRAWN if any(row.difference(GAIN, measure.key) for row in rows)]
    if not measures:
        return None
    down = -(-len(measures) // _ACROSS)
    looks = main_methods(evaluation)

    def draw(figure: Canvas) -> None:
        axes = grid(figure, down, _ACROSS, left=1.32, gap=0.2, row_gap=0.72)
        hide(axes, len(measures))
        for place, (measure, axis) in enumerate(zip(measures, axes.ravel(), strict=False)):
            _panel(axis, rows, measure, looks)
            axis.set_yticks(range(len(rows)), [] if place % _ACROSS else [label(row.method) for row in rows])

    height = 0.7 + down * (_ROW * len(rows) + 0.15) + (down - 1) * 0.6
    return chart(height, draw, f"Differences to the gain: {', '.join(measure.title for measure in measures)}")


def _panel(axis: Axis, rows: Sequence[Row], measure: Measure, looks: dict[str, Look]) -> None:
    found = {place: each for place, row in enumerate(rows) if (each := row.difference(GAIN, measure.key))}
    low, high = _range(found, {place for place, row in enumerate(rows) if row.is_model})
    means, span = [each.mean for each in found.values()], high - low
    left, right = low - _ROOM[min(means) < low] * span, high + _ROOM[max(means) > high] * span
    axis.axvline(0, color="#222222", linewidth=0.6, zorder=1)
    for place, row in enumerate(rows):
        if row.is_model:
            axis.axhspan(place - 0.5, place + 0.5, color="#f1f4f8", linewidth=0, zorder=0)
        if place in found:
            colour = looks[row.method].colour if row.is_model else _GREY
            if low <= found[place].mean <= high:
                _bar(axis, place, found[place], colour)
            else:
                _beyond(axis, place, found[place].mean, colour, left, right)
    axis.set_xlim(left, right)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.locator_params(axis="x", nbins=4)
    axis.set_title(measure.title)
    better(axis, 1 if measure.goal == HIGH else -1)


def _bar(axis: Axis, place: int, difference: PairedDifference, colour: str) -> None:
    has_interval = difference.low is not None
    if has_interval:
        ends, line = [difference.low, difference.high], {"linewidth": 1.3, "solid_capstyle": "butt"}
        axis.plot(ends, [place, place], color=colour, zorder=2, **line)
    fill = colour if has_interval else "white"
    axis.plot(difference.mean, place, "o", color=colour, markersize=3.6, markerfacecolor=fill, zorder=3)


def _beyond(axis: Axis, place: int, mean: float, colour: str, left: float, right: float) -> None:
    """The value of what the axis does not hold, on its side."""
    at, side, words = (left, "left", f"◂ {plain(mean, 2)}") if mean < 0 else (right, "right", f"{plain(mean, 2)} ▸")
    axis.text(at, place, words, ha=side, va="center", fontsize=6, color=colour)


def _range(found: dict[int, PairedDifference], models: set[int]) -> tuple[float, float]:
    """From the lowest to the highest of zero, all models and all baselines but those far beyond the typical."""
    extents = {
        place: [value for value in (each.mean, each.low, each.high) if value is not None]
        for place, each in found.items()
    }
    sizes = {place: max(map(abs, values)) for place, values in extents.items()}
    typical = float(np.median([size for size in sizes.values() if size] or [1.0]))
    widest = max([_FAR * typical, *(sizes[place] for place in models if place in sizes)])
    kept = [value for place, values in extents.items() if sizes[place] <= widest for value in values] + [0.0]
    return min(kept), max(kept) if max(kept) > min(kept) else min(kept) + 1.0
