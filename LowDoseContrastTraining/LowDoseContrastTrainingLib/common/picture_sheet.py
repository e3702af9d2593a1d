"""A page of pictures that shows at a glance what a folder holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from LowDoseContrastLib.atomic import atomic_output

from .file_names import SHEET_FILE

_HEAD = 0.3  # inches above the pictures


def write_sheet(folder, content, inches: float, dpi: int) -> Path | None:
    """Write ``contact-sheet.png`` into ``folder``: a black grid of pictures.

    Args:
        content: called where the sheet is to be made; returns (rows and columns of the grid, rows and
            columns of a picture, a function that draws on the grid's axes).
        inches: width of a picture.
        dpi: pixels per inch.

    Returns:
        The path; None where matplotlib is not installed. A sheet that is there already is kept.
    """
    try:
        import matplotlib.figure
    except ImportError:
        return None
    path = Path(folder) / SHEET_FILE
    if path.exists():
        return path
    (down, across), (rows, columns), draw = content()
    size = across * inches, down * inches * rows / columns + _HEAD
    figure = matplotlib.figure.Figure(size, facecolor="black")
    axes = figure.subplots(down, across, squeeze=False)
    figure.subplots_adjust(0.003, 0.003, 0.997, 1 - _HEAD / size[1], 0.05, 0.02)
    for axis in axes.ravel():
        axis.set_axis_off()
    draw(axes)
    with atomic_output(path) as temporary:
        figure.savefig(temporary, dpi=dpi, facecolor="black", metadata={"Software": None})
    return path


def title(axis, text: str) -> None:
    """Write ``text`` above a column of pictures."""
    axis.set_title(text, color="#dddddd", fontsize=8, pad=4)


def reduced(image: np.ndarray, columns: int) -> np.ndarray:
    """Return the image averaged over blocks, about ``columns`` pixels wide."""
    step = max(1, round(image.shape[1] / columns))
    rows, wide = (side - side % step for side in image.shape)
    return image[:rows, :wide].reshape(rows // step, step, wide // step, step).mean(axis=(1, 3))
