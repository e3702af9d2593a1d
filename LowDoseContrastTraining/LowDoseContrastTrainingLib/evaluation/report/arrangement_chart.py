"""The measures of the main methods, arrangement by arrangement."""

from __future__ import annotations

from .charts import chart, grid, legend_above
from .markup import is_number
from .measures import DRAWN, HIGH, has_truth
from .methods_shown import arrangement_names, described, main_methods

_ACROSS = 3


def arrangement_chart(document: dict, numbers) -> str:
    """Return the figure as HTML; nothing where no measure is known by arrangement."""
    rows = {row["method"]: row for row in document["rows"]}
    looks = main_methods(document)
    groups = arrangement_names(document)
    measures = [each for each in DRAWN if any(_values(rows[name], groups, each.key) for name in looks)]
    if not groups or not measures:
        return ""
    down = -(-len(measures) // _ACROSS)

    def draw(figure):
        axes = grid(figure, down, _ACROSS, left=0.45, top=0.5, gap=0.5, row_gap=0.62)
        for number, axis in enumerate(axes.ravel()):
            if number >= len(measures):
                axis.set_axis_off()
                continue
            for shift, (name, look) in enumerate(looks.items()):
                found = _values(rows[name], groups, measures[number].key)
                places = [place + (shift - (len(looks) - 1) / 2) * 0.09 for place, _ in found]
                line = {"color": look.colour, "markersize": 3.4, "linestyle": "-", "linewidth": 0.5}
                axis.plot(places, [value for _, value in found], look.marker, label=described(name), **line)
            axis.set_xlim(-0.5, len(groups) - 0.5)
            axis.set_xticks(range(len(groups)), groups.values())
            axis.set_title(f"{measures[number].title}, {'higher' if measures[number].goal == HIGH else 'lower'} is better")
            axis.set_xlabel("arrangement" if number >= len(measures) - _ACROSS else "")
        lines = {line.get_label(): line for axis in axes.ravel() for line in axis.get_lines()}
        legend_above(figure, lines, handlelength=1.5)

    body = chart(0.95 + down * 1.3 + (down - 1) * 0.6, draw, f"By arrangement: {', '.join(each.title for each in measures)}")
    against = ", and figures against its truth" if has_truth(document) else ""
    caption = f"Means over its patches{against}. Methods are compared within arrangements: the intervals rest on what these agree on."
    return numbers.figure(body, "Every arrangement by itself.", caption)


def _values(row, groups, key):
    """(place of the arrangement, value) where there is one."""
    found = row.get("arrangements") or {}
    return [(place, found[group][key]) for place, group in enumerate(groups) if is_number((found.get(group) or {}).get(key))]
