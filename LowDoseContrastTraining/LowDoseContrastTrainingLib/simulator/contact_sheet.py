"""All images of a simulation on one page, shown as on a reader's workstation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from LowDoseContrastLib.files import read_mammogram

from ..common.picture_sheet import Sheet, column_title, thumbnail, write_sheet
from .layout import image_path, truth_paths
from .presentation import presented, windows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHARE = 0.74  # of the columns, from the chest wall; the rest is air


class _Picture(NamedTuple):
    """A reduced presented image.

    Attributes:
        low, width: of the window on its tissue.
        is_right: whether the chest wall is on the right.
    """

    values: np.ndarray
    low: float
    width: float
    is_right: bool
    dose_mgy: float


def write_contact_sheet(folder: Path, images: Sequence[tuple[int, str]]) -> Path | None:
    """Write ``contact-sheet.png`` of a simulation's For Processing images, a column per arrangement.

    All have the same window width above their fattest tissue, so that densities can be compared.

    Args:
        folder: of the simulation.
        images: (arrangement, dose) pairs.

    Returns:
        As :func:`..common.picture_sheet.write_sheet`.
    """
    doses = list(dict.fromkeys(dose for _, dose in images))
    across = 1 + max(number for number, _ in images)

    def content() -> Sheet:
        pictures = {image: _picture(folder, *image) for image in images}
        width = float(np.median([picture.width for picture in pictures.values()]))

        def draw(axes: np.ndarray) -> None:
            for (number, dose), picture in pictures.items():
                _show(axes[doses.index(dose), number], picture, width, f"{dose}\n{picture.dose_mgy:.2f} mGy")
            for number, axis in enumerate(axes[0]):
                column_title(axis, f"{number + 1}: {100 * _density(folder, number):.0f}% dense")

        return Sheet((len(doses), across), pictures[images[0]].values.shape, draw)

    return write_sheet(folder, content, inches=1.45, dpi=170)


def _show(axis: Axes, picture: _Picture, width: float, text: str) -> None:
    shown = np.clip((picture.values - picture.low) / width, 0, 1)
    axis.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="antialiased")
    side, at = ("left", 0.03) if picture.is_right else ("right", 0.97)
    axis.text(at, 0.01, text, color="#aaaaaa", fontsize=6.5, ha=side, va="bottom", transform=axis.transAxes)


def _density(folder: Path, number: int) -> float:
    return json.loads(truth_paths(folder, number, ())["facts"].read_text())["density"]


def _picture(folder: Path, number: int, dose: str) -> _Picture:
    mammogram = read_mammogram(image_path(folder, number, dose))
    header = mammogram.header
    values = presented(mammogram.pixels[0], 0.0, mammogram.full_scale, float(header.ImagerPixelSpacing[0]))
    centre, width = windows(values)["NORMAL"]
    is_right = header.ImageLaterality == "R"
    kept = round(_SHARE * values.shape[1])
    values = values[:, -kept:] if is_right else values[:, :kept]
    return _Picture(thumbnail(values, 300), centre - width / 2, width, is_right, float(header.EntranceDoseInmGy))
