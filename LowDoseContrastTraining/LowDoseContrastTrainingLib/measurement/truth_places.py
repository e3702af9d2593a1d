"""The truth of a simulated arrangement, as arrays and places in pixels."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.quiet import quietly
from scipy import ndimage

from ..simulator.inserts import Insert, draw

MASSES = ("circumscribed", "spiculated")
FIBRES = ("fibre",)
CALCIFICATIONS = ("grain",)


@dataclass(frozen=True)
class PlacedInsert:
    """An insert, placed as in the image file.

    Attributes:
        id: its value in the insert map.
        kind: circumscribed, spiculated, fibre or grain.
        row, column: centre in pixels; the centre of the first pixel is 0.
        size_mm: largest diameter or length on the detector.
        thickness_mm: largest thickness along the beam.
        contrast: of the primary where the insert is thickest, (with - without) / without; negative.
        group: number of the cluster that a grain belongs to, else -1.
        shape: as it was drawn, before the file was mirrored.
    """

    id: int
    kind: str
    row: float
    column: float
    size_mm: float
    thickness_mm: float
    contrast: float
    group: int
    shape: Insert

    @property
    def attenuation_per_mm(self) -> np.float32:
        """Attenuation above that of the surroundings, from contrast and thickness, 1/mm."""
        return np.float32(-np.log1p(self.contrast) / self.thickness_mm)


@dataclass(frozen=True)
class Truth:
    """The truth of an arrangement.

    Attributes:
        folder: that it was read from.
        pixel_mm: spacing.
        zero_level: pixel value of no exposure.
        doses_mgy: name of a dose -> mGy.
        laterality: L, or R if the file is mirrored.
        insert_map: uint16 (rows, columns), 0 or the id of the insert.
        mask: bool (rows, columns), where there is phantom.
    """

    folder: Path
    pixel_mm: float
    zero_level: float
    doses_mgy: Mapping[str, float]
    laterality: str
    inserts: tuple[PlacedInsert, ...]
    insert_map: np.ndarray
    mask: np.ndarray

    def of_kind(self, kinds: Collection[str]) -> list[PlacedInsert]:
        """Return the inserts of some kinds."""
        return [each for each in self.inserts if each.kind in kinds]

    def noise_free(self, dose: str) -> np.ndarray:
        """Return the image of a dose without noise, float32 (rows, columns).

        Raises:
            InputError: there is no such file.
        """
        return _pixels(self.folder / f"{dose}.nrrd")[0]

    def sharp_contrast_of(self, insert: PlacedInsert, side: int) -> np.ndarray:
        """Return the contrast of an insert alone, before any blur except the pixels' aperture.

        (1 + contrast)^(thickness / largest thickness) - 1, by Beer-Lambert, in the square around the insert:
        float32 (side, side), side odd.
        """
        off = [middle - round(middle) for middle in (insert.row, insert.column)]
        if self.laterality == "R":
            off[1] = -off[1]
        row_mm, column_mm = ((side / 2 + each) * self.pixel_mm for each in off)
        thickness = np.zeros((side, side), np.float32)
        draw(dataclasses.replace(insert.shape, row_mm=row_mm, column_mm=column_mm), thickness, self.pixel_mm)
        return np.expm1(-insert.attenuation_per_mm * self._as_filed(thickness))

    def _as_filed(self, image: np.ndarray) -> np.ndarray:
        return image[:, ::-1] if self.laterality == "R" else image

    def room_for(self, side: int, pad: int = 3) -> np.ndarray:
        """Return where a square of ``side`` pixels (odd) lies in the phantom, off every insert: bool (rows, columns).

        ``pad`` pixels are left free for the blur of the inserts.
        """
        taken = ndimage.maximum_filter(self.insert_map > 0, 2 * pad + 1) | ~self.mask
        return ~ndimage.maximum_filter(taken, side, mode="constant", cval=True)


def read_truth(folder: str | Path) -> Truth:
    """Return the truth of an arrangement from ``arrangement-01/truth`` of a simulation.

    Raises:
        InputError: a file is missing, or not as :func:`..simulator.truth.write_truth` writes it.
    """
    folder = Path(folder)
    path = folder / "truth.json"
    try:
        known = json.loads(path.read_text())
        insert_map, pixel_mm = _pixels(folder / "inserts.nrrd")
        mask = _pixels(folder / "mask.nrrd")[0] > 0
        side, width_mm = known["laterality"], mask.shape[1] * pixel_mm
        inserts = tuple(_placed(entry, width_mm, side == "R") for entry in known["inserts"])
        return Truth(folder, pixel_mm, float(known["offset"]), known["doses_mgy"], side, inserts, insert_map, mask)
    except InputError:
        raise
    except (OSError, ValueError, KeyError, TypeError) as error:
        remedy = "name the folder 'truth' that simulate writes"
        raise InputError(path, "no truth of a simulated arrangement", remedy) from error


def _placed(entry: Mapping[str, Any], width_mm: float, mirrored: bool) -> PlacedInsert:
    names = ("kind", "material", "row_mm", "column_mm", "size_mm", "thickness_mm", "group", "seed")
    shape = {name: entry[name] for name in names}
    if mirrored:
        shape["column_mm"] = width_mm - shape["column_mm"]
    kept = ("id", "kind", "row", "column", "size_mm", "thickness_mm", "contrast", "group")
    return PlacedInsert(**{name: entry[name] for name in kept}, shape=Insert(**shape))


@quietly()
def _pixels(path: Path) -> tuple[np.ndarray, float]:
    """Return (pixels (rows, columns), spacing in mm) of a file of the truth."""
    import SimpleITK as sitk

    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(path, "cannot be read", "simulate the arrangement again") from error
    return sitk.GetArrayFromImage(image)[0], float(image.GetSpacing()[0])
