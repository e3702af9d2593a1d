"""Some pairs of a data set on one page: the low dose above the high dose, with the patches on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..common.picture_sheet import title, write_sheet

_MOST = 8  # pairs on the page
_COLOURS = {"train": "#66bb66", "val": "#ffcc33", "test": "#ff6655"}


def write_pair_sheet(folder, examined, patches, size: int) -> Path | None:
    """Write ``contact-sheet.png``: a column for each of up to 8 pairs, patches framed by their split.

    Args:
        folder: of the data set.
        examined: :class:`.examination.Examined` pairs.
        patches: as in the manifest.
        size: of a patch, pixels.

    Returns:
        The path; None where matplotlib is not installed. A sheet that is there already is kept.
    """
    chosen = [examined[index] for index in np.unique(np.linspace(0, len(examined) - 1, _MOST).astype(int))]

    def draw(axes):
        for column, each in zip(axes.T, chosen):
            title(column[0], f"{each.pair.number}: A above B")
            for axis, name, picture in zip(column, ("low", "high"), each.pictures):
                _show(axis, picture, each, name)
                _frame(axis, [patch for patch in patches if patch["arrangement"] == each.pair.number], size, each.overlap.shape[1] / picture.shape[1])

    return write_sheet(folder, lambda: ((2, len(chosen)), chosen[0].pictures[0].shape, draw), inches=1.6, dpi=150)


def _show(axis, picture, examined, name):
    """One picture, windowed to its breast, dense tissue bright."""
    image = getattr(examined.pair, name)
    low, _, high = examined.signal[name]
    axis.imshow(picture, cmap="gray_r" if image.sign == 1 else "gray", vmin=low, vmax=max(high, low + 1), interpolation="antialiased")
    axis.text(0.5, 0.01, f"{name} {image.dose_mgy:.2f} mGy", color="#6699ff", fontsize=6.5, ha="center", va="bottom", transform=axis.transAxes)


def _frame(axis, patches, size, step):
    from matplotlib.patches import Rectangle

    for patch in patches:
        at = patch["column"] / step - 0.5, patch["row"] / step - 0.5
        axis.add_patch(Rectangle(at, size / step, size / step, fill=False, linewidth=0.4, edgecolor=_COLOURS[patch["split"]]))
