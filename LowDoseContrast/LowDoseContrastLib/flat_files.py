"""PNG and TIFF: pictures without a place in space, and with troubles of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError
from .mammogram import Mammogram

FLAT_SUFFIXES = (".png", ".tif", ".tiff")  # formats that state no spacing one could trust
_REDUCED = 1  # of the bits of NewSubfileType
_TURNS = {
    1: (0, False),
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (1, True),
    6: (3, False),
    7: (3, True),
    8: (1, False),
}
_INSTEAD = "LowDoseContrast takes grey mammograms"


def read_flat(path: Path) -> Mammogram:
    """Read a grey picture as it is meant to be seen: min-is-white turned round, orientation applied, no thumbnail.

    Raises:
        InputError: a file that cannot be read, has colours, or pages of several sizes.
    """
    try:
        pixels, notes = _tiff(path) if path.suffix.lower() != ".png" else (_png(path), [])
    except (InputError, ImportError):
        raise
    except Exception as error:  # readers raise whatever they like
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1][:160].rstrip(".")
        raise InputError(
            path, f"cannot be read ({reason})", "the file is damaged or not what its ending says"
        ) from error
    if pixels.ndim not in (2, 3):
        raise InputError(path, f"has {pixels.ndim} dimensions", "LowDoseContrast takes images and stacks of images")
    if pixels.dtype.itemsize > 4 and pixels.dtype.kind in "iu":
        raise InputError(
            path, f"has {8 * pixels.dtype.itemsize}-bit integers", "convert it to 8 or 16 bits or to float"
        )
    pixels = pixels[np.newaxis] if pixels.ndim == 2 else pixels
    return Mammogram(np.ascontiguousarray(pixels), source=str(path), notes=tuple(notes))


def _png(path: Path) -> np.ndarray:
    import SimpleITK as sitk

    image = sitk.ReadImage(str(path))
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(path, "is a colour image", _INSTEAD)
    return sitk.GetArrayFromImage(image)


def _tiff(path: Path) -> tuple[np.ndarray, list[str]]:
    import tifffile

    with tifffile.TiffFile(path) as file:
        pages = [page.aspage() for page in file.pages]
        whole = [page for page in pages if not int(_tag(page, "NewSubfileType", 0)) & _REDUCED]
        chosen = whole or pages
        if any(
            page.samplesperpixel != 1 or page.photometric.name not in ("MINISBLACK", "MINISWHITE") for page in chosen
        ):
            raise InputError(path, "is a colour image", _INSTEAD)
        shapes = {page.shape for page in chosen}
        if len(shapes) > 1:
            sizes = ", ".join(f"{columns} x {rows}" for rows, columns in sorted(shape[:2] for shape in shapes))
            raise InputError(path, f"has pages of several sizes ({sizes})", "save the image alone")
        images = [_as_seen(page) for page in chosen]
        notes = (
            []
            if len(chosen) == len(pages)
            else [f"{len(pages) - len(chosen)} reduced page(s) of the file were left out"]
        )
        if any(page.photometric.name == "MINISWHITE" for page in chosen):
            notes.append("the file shows low values white: its values were turned round")
    return (images[0] if len(images) == 1 else np.stack(images)), notes


def _as_seen(page: Any) -> np.ndarray:
    pixels = page.asarray()
    if page.photometric.name == "MINISWHITE":
        top = np.iinfo(pixels.dtype).max if pixels.dtype.kind == "u" else pixels.max() + pixels.min()
        pixels = top - pixels
    turns, mirrored = _TURNS[int(_tag(page, "Orientation", 1))]
    pixels = np.rot90(pixels, turns)
    return pixels[:, ::-1] if mirrored else pixels


def _tag(page: Any, name: str, default: int) -> Any:
    tag = page.tags.get(name)
    return default if tag is None else tag.value
