"""How charts are drawn: one look, as SVG that needs no font."""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from .markup import image

Canvas = Any  # a matplotlib figure; matplotlib is imported when a chart is drawn
Axis = Any

WIDTH = 6.85  # inches, an A4 page less its margins
_STYLE = Path(__file__).parent / "templates" / "charts.mplstyle"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def is_drawable() -> bool:
    """Return whether matplotlib is installed; without it a report has tables alone."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return False
    return True


def chart(height: float, draw: Callable[[Canvas], None], description: str, width: float = WIDTH) -> Markup:
    """Return a chart as HTML.

    Args:
        height, width: inches.
        draw: called with a matplotlib figure.
        description: for those who cannot see it.
    """
    import matplotlib
    import matplotlib.figure

    with matplotlib.rc_context(fname=_STYLE):
        figure = matplotlib.figure.Figure((width, height))
        draw(figure)
        return drawn(figure, description)


def drawn(figure: Canvas, description: str) -> Markup:
    """Return a matplotlib figure as HTML."""
    import matplotlib

    stream = io.StringIO()
    with matplotlib.rc_context(fname=_STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")  # a name in letters that the font lacks
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return image(stream.getvalue().encode(), "image/svg+xml", description)


def grid(
    figure: Canvas,
    down: int,
    across: int,
    left: float,
    top: float = 0.28,
    gap: float = 0.5,
    row_gap: float = 0.8,
    **choices: Any,
) -> np.ndarray:
    """Return axes (down, across) with margins and gaps in inches: faster than to lay them out by what they hold."""
    right, bottom = 0.08, 0.42
    width, height = figure.get_size_inches()
    axes = figure.subplots(down, across, squeeze=False, **choices)
    wide = (width - left - right - gap * (across - 1)) / across
    high = (height - top - bottom - row_gap * (down - 1)) / down
    edges = left / width, bottom / height, 1 - right / width, 1 - top / height
    figure.subplots_adjust(*edges, gap / wide, row_gap / high)
    return axes


def hide(axes: np.ndarray, used: int) -> None:
    """Leave out the axes behind the first ``used`` ones."""
    for axis in axes.ravel()[used:]:
        axis.set_axis_off()


def legend_above(figure: Canvas, lines: dict[str, Any], handlelength: float) -> None:
    """Name lines, label -> line, in rows above all axes."""
    place = {"loc": "upper left", "bbox_to_anchor": (0.05, 1.0), "ncols": min(len(lines), 6)}
    figure.legend(lines.values(), lines, handlelength=handlelength, columnspacing=1.4, borderpad=0, **place)


def power_label(value: float, _position: int | None = None) -> str:
    """Return a power of ten as an axis shows it, without TeX's mathematics, which names of methods must not reach."""
    exponent = round(math.log10(value))
    return f"10{str(exponent).translate(_SUPERSCRIPT)}" if abs(value / 10.0**exponent - 1) < 1e-6 else ""


def better(axis: Axis, sign: int) -> None:
    """Note below an axis which way is better: +1 to the right, -1 to the left, 0 neither."""
    words, side = {1: ("better ▸", 1.0), -1: ("◂ better", 0.0)}.get(sign, ("", 0.0))
    look = {"ha": "right" if side else "left", "va": "top", "fontsize": 6, "color": "#555555"}
    axis.annotate(words, (side, 0), (0, -15), xycoords="axes fraction", textcoords="offset points", **look)
