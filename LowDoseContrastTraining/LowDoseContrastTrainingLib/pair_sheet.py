"""Some pairs of a data set on one page: the low dose above the high dose, with the patches on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from LowDoseContrastLib.atomic import atomic_output

SHEET = "contact-sheet.png"
_MOST = 8  # pairs on the page
_INCHES = 1.6  # width of a picture
_HEAD = 0.3  # inches above the pictures
_DPI = 150
_COLOURS = {"train": "#66bb66", "val": "#ffcc33", "test": "#ff6655"}


def write_pair_sheet(folder, examined, patches, size: int) -> Path | None:
    """Write ``contact-sheet.png``: a column for each of up to 8 pairs, patches framed by their split.

    Args:
        folder: of the data set.
        examined: :class:`LowDoseContrastTrainingLib.examination.Examined` pairs.
        patches: as in the manifest.
        size: of a patch, pixels.

    Returns:
        The path; None where matplotlib is not installed. A sheet that is there already is kept.
    """
    try:
        import matplotlib.figure
    except ImportError:
        return None
    path = Path(folder) / SHEET
    if path.exists():
        return path
    chosen = [examined[index] for index in np.unique(np.linspace(0, len(examined) - 1, _MOST).astype(int))]
    rows, columns = chosen[0].pictures[0].shape
    inches = len(chosen) * _INCHES, 2 * _INCHES * rows / columns + _HEAD
    figure = matplotlib.figure.Figure(inches, facecolor="black")
    axes = figure.subplots(2, len(chosen), squeeze=False)
    figure.subplots_adjust(0.003, 0.003, 0.997, 1 - _HEAD / inches[1], 0.05, 0.02)
    for column, each in zip(axes.T, chosen):
        column[0].set_title(f"{each.pair.number}: A above B", color="#dddddd", fontsize=8, pad=4)
        for axis, name, picture in zip(column, ("low", "high"), each.pictures):
            _show(axis, picture, each, name)
            _frame(axis, [patch for patch in patches if patch["arrangement"] == each.pair.number], size, each.overlap.shape[1] / picture.shape[1])
    with atomic_output(path) as temporary:
        figure.savefig(temporary, dpi=_DPI, facecolor="black", metadata={"Software": None})
    return path


def _show(axis, picture, examined, name):
    """One picture, windowed to its breast, dense tissue bright."""
    image = getattr(examined.pair, name)
    low, _, high = examined.signal[name]
    axis.imshow(picture, cmap="gray_r" if image.sign == 1 else "gray", vmin=low, vmax=max(high, low + 1), interpolation="antialiased")
    axis.text(0.5, 0.01, f"{name} {image.dose_mgy:.2f} mGy", color="#6699ff", fontsize=6.5, ha="center", va="bottom", transform=axis.transAxes)
    axis.set_axis_off()


def _frame(axis, patches, size, step):
    from matplotlib.patches import Rectangle

    for patch in patches:
        at = patch["column"] / step - 0.5, patch["row"] / step - 0.5
        axis.add_patch(Rectangle(at, size / step, size / step, fill=False, linewidth=0.4, edgecolor=_COLOURS[patch["split"]]))
