"""The measures of the main methods, arrangement by arrangement."""

from __future__ import annotations

from .charts import chart, grid
from .markup import is_number
from .measures import DRAWN, HIGH
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
        for place, axis in enumerate(axes.ravel()):
            if place >= len(measures):
                axis.set_axis_off()
                continue
            for shift, (name, look) in enumerate(looks.items()):
                found = _values(rows[name], groups, measures[place].key)
                offset = (shift - (len(looks) - 1) / 2) * 0.09
                axis.plot([x + offset for x, _ in found], [y for _, y in found], look.marker, color=look.colour, markersize=3.4, linestyle="-", linewidth=0.5, label=described(name))
            axis.set_xlim(-0.5, len(groups) - 0.5)
            axis.set_xticks(range(len(groups)), groups.values())
            axis.set_title(f"{measures[place].title}, {'higher' if measures[place].goal == HIGH else 'lower'} is better")
            axis.set_xlabel("arrangement" if place >= len(measures) - _ACROSS else "")
        lines = {line.get_label(): line for axis in axes.ravel() for line in axis.get_lines()}
        figure.legend(lines.values(), lines, loc="upper left", bbox_to_anchor=(0.055, 1.0), ncols=min(len(lines), 6), handlelength=1.5, columnspacing=1.4, borderpad=0)

    body = chart(0.95 + down * 1.3 + (down - 1) * 0.6, draw, f"By arrangement: {', '.join(each.title for each in measures)}")
    return numbers.figure(body, "Every arrangement by itself.", "Means over its patches, and figures against its truth. Methods are compared within arrangements: the intervals rest on what these agree on.")


def _values(row, groups, key):
    """(place of the arrangement, value) where there is one."""
    found = row.get("arrangements") or {}
    return [(place, found[group][key]) for place, group in enumerate(groups) if is_number((found.get(group) or {}).get(key))]
