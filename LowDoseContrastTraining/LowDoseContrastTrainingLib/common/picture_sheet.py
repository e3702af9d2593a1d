"""A contact sheet: a page of pictures that shows at a glance what a folder holds."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from LowDoseContrastLib.atomic import atomic_output

from .file_names import SHEET_FILE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEAD = 0.3  # inches above the pictures
# Of the text below them, inches.
_LINE, _CHARACTER, _MARGIN, _LEAST_WIDTH = 0.12, 0.0595, 0.1, 7.0


class Sheet(NamedTuple):
    """What a contact sheet shows.

    Attributes:
        grid: how many pictures (down, across).
        picture: (rows, columns) of a picture.
        draw: draws the pictures on the axes of the grid, an array of that shape.
        lines: of text below the pictures.
    """

    grid: tuple[int, int]
    picture: tuple[int, ...]
    draw: Callable[[np.ndarray], None]
    lines: Sequence[str] = ()


def write_sheet(folder: str | Path, content: Callable[[], Sheet], inches: float, dpi: int) -> Path | None:
    """Write ``contact-sheet.png`` into ``folder``: a black grid of pictures.

    Args:
        content: is only called if the sheet has to be made.
        inches: width of a picture.
        dpi: pixels per inch.

    Returns:
        The path; None where matplotlib is not installed. An existing sheet is kept.
    """
    try:
        import matplotlib.figure
    except ImportError:
        return None
    path = Path(folder) / SHEET_FILE
    if path.exists():
        return path
    (down, across), (rows, columns), draw, lines = content()
    wide, pictures = across * inches, down * inches * rows / columns
    text = _wrapped(lines, max(wide, _LEAST_WIDTH) if lines else wide)
    foot = len(text) * _LINE + _MARGIN if text else 0.0
    size = max(wide, _LEAST_WIDTH) if text else wide, pictures + _HEAD + foot
    figure = matplotlib.figure.Figure(size, facecolor="black")
    axes = figure.subplots(down, across, squeeze=False)
    bottom = 0.003 + foot / size[1]
    figure.subplots_adjust(0.003, bottom, 0.997 * wide / size[0], 1 - _HEAD / size[1], 0.05, 0.02)
    for axis in axes.ravel():
        axis.set_axis_off()
    draw(axes)
    if text:
        place = {"x": _MARGIN / size[0], "y": (foot - _MARGIN / 2) / size[1], "va": "top", "linespacing": 1.2}
        figure.text(s="\n".join(text), color="#dddddd", fontsize=7, family="monospace", parse_math=False, **place)
    with atomic_output(path) as temporary:
        figure.savefig(temporary, dpi=dpi, facecolor="black", metadata={"Software": None})
    return path


def _wrapped(lines: Sequence[str], inches: float) -> list[str]:
    """Return the lines broken to fit the width, continued lines indented."""
    characters = int((inches - 2 * _MARGIN) / _CHARACTER)
    return [part for line in lines for part in textwrap.wrap(line, characters, subsequent_indent="    ") or [""]]


def column_title(axis: Axes, text: str) -> None:
    """Write ``text`` above a column of pictures."""
    axis.set_title(text, color="#dddddd", fontsize=8, pad=4)


def thumbnail(image: np.ndarray, columns: int) -> np.ndarray:
    """Return the image averaged over square blocks, about ``columns`` pixels wide."""
    step = max(1, round(image.shape[1] / columns))
    rows, wide = (side - side % step for side in image.shape)
    return image[:rows, :wide].reshape(rows // step, step, wide // step, step).mean(axis=(1, 3))
