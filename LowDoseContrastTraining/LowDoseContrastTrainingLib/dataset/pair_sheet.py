"""Some pairs of a data set on one page, the low dose above the high dose, with their patches framed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..common.file_names import MANIFEST_FILE
from ..common.picture_sheet import Sheet, column_title, write_sheet
from .examination import Examined
from .manifest import PatchEntry

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 8  # pairs on the page
_LINES = 40  # about files that were left out
_NO_IMAGE = "not a "  # how the reasons of files begin that are no mammograms
_COLOURS = {"train": "#66bb66", "val": "#ffcc33", "test": "#ff6655"}


def write_pair_sheet(
    folder: Path,
    examined: Sequence[Examined],
    patches: Sequence[PatchEntry],
    size: int,
    table: Sequence[Mapping[str, Any]],
) -> Path | None:
    """Write ``contact-sheet.png``: a column for each of up to 8 pairs; the frames' colour shows the split.

    Below them stand the mammograms that were left out, each with its reason, and what is not certain of pairs.

    Args:
        folder: of the data set.
        size: of a patch, pixels.
        table: what became of every file, as in the manifest.

    Returns:
        As :func:`..common.picture_sheet.write_sheet`.
    """
    chosen = [examined[index] for index in np.unique(np.linspace(0, len(examined) - 1, _MOST).astype(int))]

    def draw(axes: np.ndarray) -> None:
        for column, each in zip(axes.T, chosen, strict=True):
            column_title(column[0], f"{each.pair.number}: A above B")
            own = [patch for patch in patches if patch.arrangement == each.pair.number]
            for axis, name, picture in zip(column, ("low", "high"), each.pictures, strict=True):
                _show(axis, picture, each, name)
                _frame(axis, own, size, each.overlap.shape[1] / picture.shape[1])

    sheet = Sheet((2, len(chosen)), chosen[0].pictures[0].shape, draw, _left_out(table))
    return write_sheet(folder, lambda: sheet, inches=1.6, dpi=150)


def _left_out(table: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for every mammogram that is in no pair or uncertain; files that are none are only counted."""
    images = [row for row in table if row["fate"] != "paired" and not row["why"].startswith(_NO_IMAGE)]
    others = sum(row["fate"] != "paired" for row in table) - len(images)
    lines = [f"{row['file']}: {row['why']}" for row in images]
    more = [f"{len(lines) - _LINES} more: see 'files' in {MANIFEST_FILE}"] if len(lines) > _LINES else []
    head = [f"mammograms left out: {len(images)}; other files: {others}"] if lines else []
    notes = list(dict.fromkeys(f"{row['file']}: {row['note']}" for row in table if "note" in row))
    uncertain = ["paired, but see:", *notes[:_LINES]] if notes else []
    return [*head, *lines[:_LINES], *more, *uncertain]


def _show(axis: Axes, picture: np.ndarray, examined: Examined, name: str) -> None:
    """Show a picture, windowed to its breast, dense tissue bright."""
    image = examined.pair.image(name)
    low, _, high = examined.signal[name]
    colours = "gray_r" if image.sign == 1 else "gray"
    axis.imshow(picture, cmap=colours, vmin=low, vmax=max(high, low + 1), interpolation="antialiased")
    style = {"color": "#6699ff", "fontsize": 6.5, "ha": "center", "va": "bottom"}
    axis.text(0.5, 0.01, f"{name} {image.dose_mgy:.2f} mGy", **style, transform=axis.transAxes)


def _frame(axis: Axes, patches: Sequence[PatchEntry], size: int, step: float) -> None:
    from matplotlib.patches import Rectangle

    for patch in patches:
        at, side, colour = (patch.column / step - 0.5, patch.row / step - 0.5), size / step, _COLOURS[patch.split]
        axis.add_patch(Rectangle(at, side, side, fill=False, linewidth=0.4, edgecolor=colour))
