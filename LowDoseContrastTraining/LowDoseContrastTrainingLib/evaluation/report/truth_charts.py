"""Noise power spectra and task transfer of the main methods."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from ..document import Evaluation
from ..truth_curves import TransferCurve
from .charts import Axis, Canvas, chart, grid, hide, legend_above, power_label
from .methods_shown import Look, described, main_methods

UNKNOWN = 0.3  # standard error above which a transfer is not drawn


def noise_chart(evaluation: Evaluation) -> Markup | None:
    """Return the spectra; None without them."""
    looks, known = main_methods(evaluation), evaluation.curves or {}
    curves = {name: curve for name in looks if name in known and (curve := known[name].noise)}
    if not curves:
        return None

    def draw(figure: Canvas) -> None:
        amount, colour = grid(figure, 1, 2, left=0.55, gap=0.62)[0]
        for name, curve in curves.items():
            frequency, nnps = (np.array(values, float) for values in (curve.frequency, curve.nnps))
            line = {**_line(looks[name]), "label": described(name)}
            amount.plot(frequency, nnps, **line)
            colour.plot(frequency, nnps / (np.nansum(nnps) or 1.0), **line)
        amount.set_yscale("log")
        amount.yaxis.set_major_formatter(power_label)
        amount.yaxis.set_minor_formatter(lambda *_: "")
        amount.set_title("a  NNPS (mm²)")
        colour.set_title("b  the same, area 1: colour of the noise")
        colour.set_ylim(0)
        for axis in (amount, colour):
            axis.set_xlabel("spatial frequency (lp/mm)")
            axis.set_xlim(0, max(float(curve.frequency[-1] or 0) for curve in curves.values()))
        colour.legend(handlelength=2.6)

    return chart(2.45, draw, "Normalised noise power spectra")


def transfer_chart(evaluation: Evaluation) -> Markup | None:
    """Return the transfer functions, one panel per task; None without them."""
    looks, known = main_methods(evaluation), evaluation.curves or {}
    curves = {name: known[name].transfer for name in looks if name in known}
    tasks = list(dict.fromkeys(task for curve in curves.values() for task in curve))
    if not tasks:
        return None
    across = min(len(tasks), 4)
    down = -(-len(tasks) // across)

    def draw(figure: Canvas) -> None:
        axes = grid(figure, down, across, left=0.4, top=0.5, gap=0.22, row_gap=0.62, sharey=True)
        hide(axes, len(tasks))
        for place, (task, axis) in enumerate(zip(tasks, axes.ravel(), strict=False)):
            for name, found in curves.items():
                if task in found:
                    _draw_transfer(axis, found[task], looks[name], described(name))
            axis.axhline(0.5, color="#999999", linewidth=0.5, zorder=0)
            axis.axhline(1, color="#dddddd", linewidth=0.5, zorder=0)
            axis.set_ylim(-0.1, 1.6)
            axis.set_xlim(0)
            axis.set_title(f"{'abcdefgh'[place % 8]}  {task}")
            axis.set_xlabel("spatial frequency (lp/mm)")
        every = {line.get_label(): line for axis in axes.ravel() for line in axis.get_lines()}
        named = {name: line for name, line in every.items() if not name.startswith("_")}
        legend_above(figure, named, handlelength=2.4)

    height = 0.95 + down * 1.45 + (down - 1) * 0.62
    return chart(height, draw, f"Task transfer functions of {', '.join(tasks)}")


def _line(look: Look) -> dict[str, str | float]:
    return {"color": look.colour, "linestyle": look.line, "linewidth": look.width}


def _draw_transfer(axis: Axis, found: TransferCurve, look: Look, name: str) -> None:
    frequency, transfer, error = (np.array(each, float) for each in (found.frequency, found.transfer, found.error))
    known = ~(error > UNKNOWN)
    end = len(known) if known.all() else int(np.argmin(known))
    frequency, transfer, error = frequency[:end], transfer[:end], error[:end]
    axis.fill_between(frequency, transfer - error, transfer + error, color=look.colour, alpha=0.15, linewidth=0)
    axis.plot(frequency, transfer, label=name, **_line(look))
