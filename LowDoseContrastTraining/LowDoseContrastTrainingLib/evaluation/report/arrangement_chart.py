"""The measures of the main methods, arrangement by arrangement."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from ..document import Evaluation, Row, finite
from .charts import Canvas, chart, grid, hide, legend_above
from .measures import DRAWN, HIGH
from .methods_shown import arrangement_names, described, main_methods

_ACROSS = 3


def arrangement_chart(evaluation: Evaluation) -> Markup | None:
    """Return the figure; None where no measure is known by arrangement."""
    rows = {row.method: row for row in evaluation.rows}
    looks, groups = main_methods(evaluation), arrangement_names(evaluation)
    measures = [measure for measure in DRAWN if any(_values(rows[name], groups, measure.key) for name in looks)]
    if not groups or not measures:
        return None
    down = -(-len(measures) // _ACROSS)

    def draw(figure: Canvas) -> None:
        axes = grid(figure, down, _ACROSS, left=0.45, top=0.5, gap=0.5, row_gap=0.62)
        hide(axes, len(measures))
        for place, (measure, axis) in enumerate(zip(measures, axes.ravel(), strict=False)):
            for shift, (name, look) in enumerate(looks.items()):
                found = _values(rows[name], groups, measure.key)
                across = [group + (shift - (len(looks) - 1) / 2) * 0.09 for group, _ in found]
                line = {"color": look.colour, "markersize": 3.4, "linestyle": "-", "linewidth": 0.5}
                axis.plot(across, [value for _, value in found], look.marker, label=described(name), **line)
            axis.set_xlim(-0.5, len(groups) - 0.5)
            axis.set_xticks(range(len(groups)), groups.values())
            better = "higher" if measure.goal == HIGH else "lower"
            axis.set_title(f"{measure.title}, {better} is better")
            axis.set_xlabel("arrangement" if place >= len(measures) - _ACROSS else "")
        lines = {line.get_label(): line for axis in axes.ravel() for line in axis.get_lines()}
        legend_above(figure, lines, handlelength=1.5)

    description = f"By arrangement: {', '.join(measure.title for measure in measures)}"
    return chart(0.95 + down * 1.3 + (down - 1) * 0.6, draw, description)


def _values(row: Row, groups: Iterable[str], key: str) -> list[tuple[int, float]]:
    """(place of the arrangement, value) where there is one."""
    found = [(place, finite(row.arrangements.get(group, {}).get(key))) for place, group in enumerate(groups)]
    return [(place, value) for place, value in found if value is not None]
