"""All images of a simulation on one page, shown as on a reader's workstation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from LowDoseContrastLib.files import read_mammogram

from ..common.picture_sheet import reduced, title, write_sheet
from .layout import image_path, truth_paths
from .presentation import presented, windows

_SHARE = 0.74  # of the columns, from the chest wall: the rest is air


def write_contact_sheet(folder, images) -> Path | None:
    """Write ``contact-sheet.png`` of a simulation's For Processing images, a column per arrangement.

    All share one window width above their fattest tissue, so that densities can be compared.

    Args:
        folder: of the simulation.
        images: (arrangement, dose) pairs.

    Returns:
        The path; None where matplotlib is not installed. A sheet that is there already is kept.
    """
    doses = list(dict.fromkeys(dose for _, dose in images))
    across = 1 + max(number for number, _ in images)

    def content():
        pictures = {image: _picture(folder, *image) for image in images}
        width = float(np.median([each["width"] for each in pictures.values()]))

        def draw(axes):
            for (number, dose), each in pictures.items():
                _show(axes[doses.index(dose), number], each, width, f"{dose}\n{each['dose_mgy']:.2f} mGy")
            for number, axis in enumerate(axes[0]):
                title(axis, f"{number + 1}: {100 * _density(folder, number):.0f}% dense")

        return (len(doses), across), pictures[images[0]]["values"].shape, draw

    return write_sheet(folder, content, inches=1.45, dpi=170)


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
    return {"values": reduced(values, 300), "low": centre - width / 2, "width": width, "wall_right": wall_right, "dose_mgy": mammogram.dose_mgy}
