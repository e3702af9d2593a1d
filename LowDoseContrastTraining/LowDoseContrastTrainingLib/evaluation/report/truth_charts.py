"""Noise power spectra and task transfer of the main methods, from ``curves`` of the results."""

from __future__ import annotations

import numpy as np

from .charts import chart, grid, legend_above, power_label
from .methods_shown import described, main_methods

_UNKNOWN = 0.3  # standard error above which a transfer is not drawn


def noise_chart(document: dict, numbers) -> str:
    """Return the spectra as HTML; nothing without them."""
    curves, looks = _curves(document, "noise")
    if not curves:
        return ""

    def draw(figure):
        amount, colour = grid(figure, 1, 2, left=0.55, gap=0.62)[0]
        for name, each in curves.items():
            frequency, nnps = each["frequency"], each["nnps"]
            line = {"color": looks[name].colour, "linestyle": looks[name].line, "linewidth": looks[name].width, "label": described(name)}
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
            axis.set_xlim(0, max(each["frequency"][-1] for each in curves.values()))
        colour.legend(handlelength=2.6)

    caption = (
        "Radial average, of the noise from realisation to realisation on whole images; mean over arrangements. "
        "A method whose curve lies below the high dose's smooths; one whose colour (b) differs turns the noise into another pattern. "
        "NNPS shape error in the table is the distance in b."
    )
    return numbers.figure(chart(2.45, draw, "Normalised noise power spectra"), "Noise power spectra.", caption)


def transfer_chart(document: dict, numbers) -> str:
    """Return the transfer functions as HTML, one panel a task; nothing without them."""
    curves, looks = _curves(document, "transfer")
    tasks = list(dict.fromkeys(task for each in curves.values() for task in each))
    if not tasks:
        return ""
    across = min(len(tasks), 4)
    down = -(-len(tasks) // across)

    def draw(figure):
        axes = grid(figure, down, across, left=0.4, top=0.5, gap=0.22, row_gap=0.62, sharey=True)
        for axis in axes.ravel()[len(tasks) :]:
            axis.set_axis_off()
        for place, (task, axis) in enumerate(zip(tasks, axes.ravel())):
            for name, found in curves.items():
                if task in found:
                    _draw_transfer(axis, found[task], looks[name], described(name))
            axis.axhline(0.5, color="#999999", linewidth=0.5, zorder=0)
            axis.axhline(1, color="#dddddd", linewidth=0.5, zorder=0)
            axis.set_ylim(-0.1, 1.6)
            axis.set_xlim(0)
            axis.set_title(f"{'abcdefgh'[place % 8]}  {task}")
            axis.set_xlabel("spatial frequency (lp/mm)")
        lines = {line.get_label(): line for axis in axes.ravel() for line in axis.get_lines() if not line.get_label().startswith("_")}
        legend_above(figure, lines, handlelength=2.4)

    caption = (
        "Detail of inserts that is kept, against the noise-free high dose (1 is all of it); mean over arrangements of the mean over realisations; "
        "bands: ± one standard error over inserts. "
        f"Not drawn where the standard error exceeds {_UNKNOWN:g}. The detector's own sharpness is divided out."
    )
    return numbers.figure(chart(0.95 + down * 1.45 + (down - 1) * 0.62, draw, f"Task transfer functions of {', '.join(tasks)}"), "Task transfer.", caption)


def _draw_transfer(axis, found, look, name):
    frequency, transfer, error = (np.array(found[key], float) for key in ("frequency", "transfer", "error"))
    known = ~(error > _UNKNOWN)
    end = len(known) if known.all() else int(np.argmin(known))
    frequency, transfer, error = frequency[:end], transfer[:end], error[:end]
    axis.fill_between(frequency, transfer - error, transfer + error, color=look.colour, alpha=0.15, linewidth=0)
    axis.plot(frequency, transfer, color=look.colour, linestyle=look.line, linewidth=look.width, label=name)


def _curves(document, kind):
    """(main method -> its curves of a kind, with arrays of numbers for those of the noise; looks)."""
    looks, found = main_methods(document), document.get("curves") or {}
    curves = {name: found[name][kind] for name in looks if (found.get(name) or {}).get(kind)}
    if kind == "noise":
        curves = {name: {key: np.array(each[key], float) for key in ("frequency", "nnps")} for name, each in curves.items()}
    return curves, looks
