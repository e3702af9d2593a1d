"""The differences of all methods to the gain, with their intervals (a forest plot)."""

from __future__ import annotations

import numpy as np

from ..verdict import GAIN
from .charts import better, chart, grid
from .markup import is_number, plain
from .measures import DRAWN, HIGH, has_truth
from .methods_shown import MODEL, label, main_methods

_ACROSS = 3
_ROW = 0.165  # inches
_FAR = 3.0  # times the typical size, beyond which a baseline does not stretch the axis
_GREY = "#777777"
_ROOM = {False: 0.08, True: 0.32}  # of the range, beside it; more where the values of what lies beyond are written


def difference_chart(document: dict, numbers) -> str:
    """Return the figure as HTML; nothing without differences."""
    rows = [row for row in document["rows"] if (row.get("against") or {}).get(GAIN)]
    measures = [each for each in DRAWN if any(each.key in row["against"][GAIN] for row in rows)]
    if not rows or not measures:
        return ""
    down = -(-len(measures) // _ACROSS)
    looks = main_methods(document)

    def draw(figure):
        axes = grid(figure, down, _ACROSS, left=1.32, gap=0.2, row_gap=0.72)
        for place, axis in enumerate(axes.ravel()):
            if place >= len(measures):
                axis.set_axis_off()
                continue
            _panel(axis, rows, measures[place], looks, with_names=place % _ACROSS == 0)

    body = chart(0.7 + down * (_ROW * len(rows) + 0.15) + (down - 1) * 0.6, draw, f"Differences to the gain: {', '.join(each.title for each in measures)}")
    caption = (
        "Mean over arrangements of the method less the gain, on the same patches; bars: 95% bootstrap interval; hollow: no interval. "
        "Models in colour. An arrow with its value marks what lies beyond the axis."
        + (" Only detectability, bias and false calcifications can speak for an improvement." if has_truth(document) else "")
    )
    return numbers.figure(body, "Differences to the gain.", caption)


def _panel(axis, rows, measure, looks, with_names):
    found = {place: row["against"][GAIN][measure.key] for place, row in enumerate(rows) if is_number(row["against"][GAIN].get(measure.key, {}).get("mean"))}
    low, high = _range(found, {place for place, row in enumerate(rows) if row.get("kind") == MODEL})
    means, span = [each["mean"] for each in found.values()], high - low
    left, right = low - _ROOM[min(means) < low] * span, high + _ROOM[max(means) > high] * span
    axis.axvline(0, color="#222222", linewidth=0.6, zorder=1)
    for place, row in enumerate(rows):
        is_model = row.get("kind") == MODEL
        if is_model:
            axis.axhspan(place - 0.5, place + 0.5, color="#f1f4f8", linewidth=0, zorder=0)
        if place in found:
            colour = looks[row["method"]].colour if is_model else _GREY
            if low <= found[place]["mean"] <= high:
                _bar(axis, place, found[place], colour)
            else:
                _beyond(axis, place, found[place]["mean"], colour, left, right)
    axis.set_xlim(left, right)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.set_yticks(range(len(rows)), [label(row["method"]) for row in rows] if with_names else [])
    axis.tick_params(axis="y", length=0)
    axis.spines["left"].set_visible(False)
    axis.locator_params(axis="x", nbins=4)
    axis.set_title(measure.title)
    better(axis, 1 if measure.goal == HIGH else -1)


def _bar(axis, place, difference, colour):
    has_interval = is_number(difference.get("low"))
    if has_interval:
        axis.plot([difference["low"], difference["high"]], [place, place], color=colour, linewidth=1.3, solid_capstyle="butt", zorder=2)
    axis.plot(difference["mean"], place, "o", color=colour, markersize=3.6, markerfacecolor=colour if has_interval else "white", zorder=3)


def _beyond(axis, place, mean, colour, left, right):
    """The value of what the axis does not hold, on its side."""
    at, side, words = (left, "left", f"◂ {plain(mean, 2)}") if mean < 0 else (right, "right", f"{plain(mean, 2)} ▸")
    axis.text(at, place, words, ha=side, va="center", fontsize=6, color=colour)


def _range(found, models):
    """From the lowest to the highest of zero, all models and all baselines but those that lie far beyond the typical."""
    extents = {place: [value for value in (each["mean"], each.get("low"), each.get("high")) if is_number(value)] for place, each in found.items()}
    sizes = {place: max(map(abs, values)) for place, values in extents.items()}
    typical = float(np.median([size for size in sizes.values() if size] or [1.0]))
    widest = max([_FAR * typical, *(sizes[place] for place in models if place in sizes)])
    kept = [value for place, values in extents.items() if sizes[place] <= widest for value in values] + [0.0]
    return min(kept), max(kept) if max(kept) > min(kept) else min(kept) + 1.0
