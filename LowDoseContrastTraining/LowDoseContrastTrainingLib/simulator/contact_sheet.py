"""All images of a simulation on one page, shown as on a reader's workstation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from LowDoseContrastLib.atomic import atomic_output
from LowDoseContrastLib.files import read_mammogram

from .presentation import presented, windows

SHEET = "contact-sheet.png"
_INCHES = 1.9  # width of a picture
_DPI = 150


def write_contact_sheet(folder, images) -> Path | None:
    """Write ``contact-sheet.png`` of a simulation's For Processing images, a column per arrangement.

    Args:
        folder: of the simulation.
        images: (arrangement, dose) pairs.

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
    doses = list(dict.fromkeys(dose for _, dose in images))
    across = 1 + max(number for number, _ in images)
    pictures = {image: _picture(folder, *image) for image in images}
    rows, columns = next(iter(pictures.values()))[0].shape
    height = _INCHES * rows / columns
    figure = matplotlib.figure.Figure((across * _INCHES, len(doses) * height + 0.25), facecolor="black")
    axes = figure.subplots(len(doses), across, squeeze=False)
    figure.subplots_adjust(0, 0, 1, 1 - 0.25 / figure.get_figheight(), 0.01, 0.01)
    for each in axes.ravel():
        each.set_axis_off()
    for (number, dose), (picture, dose_mgy) in pictures.items():
        axis = axes[doses.index(dose), number]
        axis.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
        side, at = ("right", 0.97) if not number % 2 else ("left", 0.03)
        axis.text(at, 0.02, f"{dose}\n{dose_mgy:.2f} mGy", color="#bbbbbb", fontsize=6, ha=side, va="bottom", transform=axis.transAxes)
    for number, axis in enumerate(axes[0]):
        density = json.loads((Path(folder) / f"arrangement-{number + 1:02d}" / "truth" / "truth.json").read_text())["density"]
        axis.set_title(f"{number + 1}: density {100 * density:.0f}%", color="#dddddd", fontsize=7, pad=4)
    with atomic_output(path) as temporary:
        figure.savefig(temporary, dpi=_DPI, facecolor="black", metadata={"Software": None})
    return path


def _picture(folder, number, dose):
    """(8-bit picture at a third of the size, dose in mGy) of one image."""
    mammogram = read_mammogram(Path(folder) / f"arrangement-{number + 1:02d}" / f"{dose}.dcm")
    values = presented(mammogram.pixels[0], 0.0, mammogram.full_scale, mammogram.spacing[0])
    centre, width = windows(values)["NORMAL"]
    shown = np.clip((values.astype(np.float32) - centre) / width + 0.5, 0, 1) * 255
    step = max(1, round(shown.shape[1] / 400))
    rows, columns = (side - side % step for side in shown.shape)
    small = shown[:rows, :columns].reshape(rows // step, step, columns // step, step).mean(axis=(1, 3))
    return small.astype(np.uint8), mammogram.dose_mgy
