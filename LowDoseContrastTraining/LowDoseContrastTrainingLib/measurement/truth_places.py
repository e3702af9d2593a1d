"""What a simulation knows of an arrangement, as arrays and places in pixels."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from LowDoseContrastLib.errors import InputError
from scipy import ndimage

from ..simulator.inserts import Insert, draw

MASSES = ("circumscribed", "spiculated")
FIBRES = ("fibre",)
CALCIFICATIONS = ("grain",)


@dataclass(frozen=True)
class PlacedInsert:
    """An insert where the image file shows it.

    Attributes:
        id: its value in the insert map.
        kind: circumscribed, spiculated, fibre or grain.
        row, column: centre in pixels, 0 the centre of the first pixel.
        size_mm: largest diameter or length on the detector.
        thickness_mm: largest thickness along the beam.
        contrast: of the primary where it is thickest, (with - without) / without; negative.
        group: number of the cluster that a grain belongs to, else -1.
        shape: how it was drawn, before the file was mirrored (:class:`..simulator.inserts.Insert`).
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
        """Attenuation above that of the surroundings that gives the contrast at the largest thickness, 1/mm."""
        return np.float32(-np.log1p(self.contrast) / self.thickness_mm)


@dataclass(frozen=True)
class Truth:
    """What is known of one arrangement.

    Attributes:
        folder: where it was read from.
        pixel_mm: spacing.
        zero_level: pixel value of no exposure.
        doses_mgy: name of a dose -> mGy.
        laterality: L, or R where the file is mirrored.
        inserts: every :class:`PlacedInsert`.
        insert_map: uint16 (rows, columns), 0 or the id of the insert that is there.
        mask: bool (rows, columns), where there is phantom.
    """

    folder: Path
    pixel_mm: float
    zero_level: float
    doses_mgy: dict
    laterality: str
    inserts: tuple[PlacedInsert, ...]
    insert_map: np.ndarray
    mask: np.ndarray

    def of_kind(self, kinds) -> list[PlacedInsert]:
        """Return the inserts of some kinds."""
        return [each for each in self.inserts if each.kind in kinds]

    def noise_free(self, dose: str) -> np.ndarray:
        """Return the image of a dose without noise, float32 (rows, columns).

        Raises:
            InputError: there is no such file.
        """
        return _pixels(self.folder / f"{dose}.nrrd")[0]

    def sharp_contrast(self, kinds) -> np.ndarray:
        """Return the contrast of the inserts of some kinds before any blur but the pixels' own, float32 (rows, columns).

        (1 + contrast)^(thickness / largest thickness) - 1, by Beer-Lambert: 0 where there is none.
        """
        total = np.zeros(self.mask.shape, np.float32)
        thickness = np.zeros_like(total)
        for insert in self.of_kind(kinds):
            drawn = draw(insert.shape, thickness, self.pixel_mm)
            if drawn is not None:
                rows, columns, alone = drawn
                total[rows, columns] += insert.attenuation_per_mm * alone
        return np.expm1(-self._as_filed(total))

    def sharp_contrast_of(self, insert: PlacedInsert, side: int) -> np.ndarray:
        """Return :meth:`sharp_contrast` of one insert alone, in the square around it: float32 (side, side), side odd."""
        off = [middle - round(middle) for middle in (insert.row, insert.column)]
        if self.laterality == "R":
            off[1] = -off[1]
        row_mm, column_mm = ((side / 2 + each) * self.pixel_mm for each in off)
        thickness = np.zeros((side, side), np.float32)
        draw(dataclasses.replace(insert.shape, row_mm=row_mm, column_mm=column_mm), thickness, self.pixel_mm)
        return np.expm1(-insert.attenuation_per_mm * self._as_filed(thickness))

    def _as_filed(self, image):
        return image[:, ::-1] if self.laterality == "R" else image

    def room_for(self, side: int, pad: int = 3) -> np.ndarray:
        """Return where a square of ``side`` pixels (odd) lies inside the phantom, off every insert: bool (rows, columns).

        ``pad`` pixels are left for the blur of the inserts.
        """
        taken = ndimage.maximum_filter(self.insert_map > 0, 2 * pad + 1) | ~self.mask
        return ~ndimage.maximum_filter(taken, side, mode="constant", cval=True)


def read_truth(folder) -> Truth:
    """Return the truth of an arrangement from ``arrangement-01/truth`` of a simulation.

    Raises:
        InputError: a file is missing or is not what :func:`..simulator.truth.write_truth` writes.
    """
    folder = Path(folder)
    path = folder / "truth.json"
    try:
        known = json.loads(path.read_text())
        insert_map, pixel_mm = _pixels(folder / "inserts.nrrd")
        mask = _pixels(folder / "mask.nrrd")[0] > 0
        mirrored = known["laterality"] == "R"
        width_mm = mask.shape[1] * pixel_mm
        inserts = tuple(_placed(entry, width_mm, mirrored) for entry in known["inserts"])
        return Truth(folder, pixel_mm, float(known["offset"]), known["doses_mgy"], known["laterality"], inserts, insert_map, mask)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(path, "no truth of a simulated arrangement", "name the folder 'truth' that simulate writes") from error


def _placed(entry, width_mm, mirrored):
    names = ("kind", "material", "row_mm", "column_mm", "size_mm", "thickness_mm", "group", "seed")
    shape = {name: entry[name] for name in names}
    if mirrored:
        shape["column_mm"] = width_mm - shape["column_mm"]
    kept = ("id", "kind", "row", "column", "size_mm", "thickness_mm", "contrast", "group")
    return PlacedInsert(**{name: entry[name] for name in kept}, shape=Insert(**shape))


def _pixels(path):
    """(pixels (rows, columns), spacing in mm) of a file of the truth."""
    import SimpleITK as sitk

    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(path, "cannot be read", "simulate the arrangement again") from error
    return sitk.GetArrayFromImage(image)[0], float(image.GetSpacing()[0])
