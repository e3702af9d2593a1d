"""All images of a simulation on one page, shown as on a reader's workstation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from LowDoseContrastLib.atomic import atomic_output
from LowDoseContrastLib.files import read_mammogram

from .layout import image_path, truth_paths
from .presentation import presented, windows

SHEET = "contact-sheet.png"
_SHARE = 0.74  # of the columns, from the chest wall: the rest is air
_INCHES = 1.45  # width of a picture
_HEAD = 0.3  # inches above the pictures
_DPI = 170


def write_contact_sheet(folder, images) -> Path | None:
    """Write ``contact-sheet.png`` of a simulation's For Processing images, a column per arrangement.

    All share one window width above their fattest tissue, so that densities can be compared.

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
    width = float(np.median([each["width"] for each in pictures.values()]))
    rows, columns = pictures[images[0]]["values"].shape
    size = across * _INCHES, len(doses) * _INCHES * rows / columns + _HEAD
    figure = matplotlib.figure.Figure(size, facecolor="black")
    axes = figure.subplots(len(doses), across, squeeze=False)
    figure.subplots_adjust(0.003, 0.003, 0.997, 1 - _HEAD / size[1], 0.05, 0.02)
    for axis in axes.ravel():
        axis.set_axis_off()
    for (number, dose), each in pictures.items():
        _show(axes[doses.index(dose), number], each, width, f"{dose}\n{each['dose_mgy']:.2f} mGy")
    for number, axis in enumerate(axes[0]):
        axis.set_title(f"{number + 1}: {100 * _density(folder, number):.0f}% dense", color="#dddddd", fontsize=8, pad=4)
    with atomic_output(path) as temporary:
        figure.savefig(temporary, dpi=_DPI, facecolor="black", metadata={"Software": None})
    return path


def _show(axis, each, width, text):
    shown = np.clip((each["values"] - each["low"]) / width, 0, 1)
    axis.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="antialiased")
    side, at = ("left", 0.03) if each["wall_right"] else ("right", 0.97)
    axis.text(at, 0.01, text, color="#aaaaaa", fontsize=6.5, ha=side, va="bottom", transform=axis.transAxes)


def _density(folder, number):
    return json.loads(truth_paths(folder, number, ())["facts"].read_text())["density"]


def _picture(folder, number, dose):
    """A reduced picture of one image: presented ``values``, where its window begins, and more."""
    mammogram = read_mammogram(image_path(folder, number, dose))
    values = presented(mammogram.pixels[0], 0.0, mammogram.full_scale, mammogram.spacing[0])
    centre, width = windows(values)["NORMAL"]
    wall_right = mammogram.header.ImageLaterality == "R"
    kept = round(_SHARE * values.shape[1])
    values = values[:, -kept:] if wall_right else values[:, :kept]
    step = max(1, round(kept / 300))
    rows, columns = (side - side % step for side in values.shape)
    small = values[:rows, :columns].reshape(rows // step, step, columns // step, step).mean(axis=(1, 3))
    return {"values": small, "low": centre - width / 2, "width": width, "wall_right": wall_right, "dose_mgy": mammogram.dose_mgy}
