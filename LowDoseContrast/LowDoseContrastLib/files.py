"""Mammograms from and to files: DICOM, NRRD, NIfTI, PNG, TIFF."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .atomic import atomic_output
from .errors import InputError
from .file_names import INPUT_SUFFIXES, OUTPUT_SUFFIXES, suffix_of
from .flat_files import FLAT_SUFFIXES, read_flat
from .mammogram import Geometry, Mammogram
from .quiet import quietly


@quietly()
def read_mammogram(path: str | Path) -> Mammogram:
    """Reads a grey image or a stack of them; the format is found from the ending, DICOM also from the content.

    Raises:
        InputError: missing, unreadable, truncated, coloured, not finite, or of an unknown format.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(path, "is a folder", "name the files in it")
    if not path.is_file():
        raise InputError(path, "there is no such file")
    from .dicom import is_dicom, read_dicom

    try:
        if is_dicom(path):
            return read_dicom(path)
    except PermissionError as error:
        raise InputError(path, "may not be read", "check its permissions") from error
    if suffix_of(path) not in INPUT_SUFFIXES:
        raise InputError(path, f"is neither DICOM nor one of {', '.join(INPUT_SUFFIXES)}", "convert it to one of these")
    return read_flat(path) if suffix_of(path) in FLAT_SUFFIXES else _read_by_itk(path)


def on_one_scale(paths: Sequence[str | Path]) -> Callable[[str | Path], Mammogram]:
    """A reader of images that are to be compared.

    Those that do not state their bits get one full scale, that of the largest value.
    """
    open_ones = [path for path in paths if len(paths) > 1 and not _states_bits(path)]
    tops = [top for top in map(_full_scale_of, open_ones) if top is not None]

    def read(path: str | Path) -> Mammogram:
        mammogram = read_mammogram(path)
        return replace(mammogram, scale_top=max(tops)) if mammogram.bits is None and tops else mammogram

    return read


def _states_bits(path: str | Path) -> bool:
    from .dicom import is_dicom

    try:
        return is_dicom(path)
    except OSError:
        return True  # the reader says what is wrong with it


def _full_scale_of(path: str | Path) -> float | None:
    try:
        return read_mammogram(path).full_scale
    except InputError:
        return None


def _read_by_itk(path: str | Path) -> Mammogram:
    import SimpleITK as sitk

    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        reason = next((line for line in reversed(str(error).splitlines()) if line.strip()), "unknown error")
        raise InputError(
            path, f"cannot be read ({_short(reason)})", "the file is damaged or not what its ending says"
        ) from error
    if image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(path, "is a colour image", "LowDoseContrast takes grey mammograms")
    if image.GetDimension() not in (2, 3):
        raise InputError(
            path, f"has {image.GetDimension()} dimensions", "LowDoseContrast takes images and stacks of images"
        )
    pixels = sitk.GetArrayFromImage(image)
    if image.GetDimension() == 2:
        pixels, image = pixels[np.newaxis], sitk.JoinSeries(image)
    if pixels.dtype.itemsize > 4 and pixels.dtype.kind in "iu":
        raise InputError(
            path, f"has {8 * pixels.dtype.itemsize}-bit integers", "convert it to 8 or 16 bits or to float"
        )
    millimetres, note = _millimetres(Path(path))
    spacing, origin = ((value * millimetres for value in values) for values in (image.GetSpacing(), image.GetOrigin()))
    geometry = Geometry(tuple(spacing), tuple(origin), tuple(image.GetDirection()))
    return Mammogram(pixels, geometry.pixel_spacing, geometry=geometry, source=str(path), notes=(note,) if note else ())


def _millimetres(path: Path) -> tuple[float, str]:
    """(millimetres in the unit of a file's spacing, a note where that is not 1): NRRD may state another."""
    if path.suffix.lower() not in (".nrrd", ".nhdr"):
        return 1.0, ""
    with open(path, "rb") as stream:
        header = stream.read(65536).split(b"\n\n")[0].replace(b"\r", b"").decode("latin1")
    units = [
        line.partition(":")[2] for line in header.splitlines() if line.lower().startswith(("space units:", "units:"))
    ]
    named = [unit.strip().strip('"').lower() for unit in units[0].replace('"', " ").split()] if units else []
    named = [unit for unit in named if unit]
    if not named or named[0] in ("mm", "millimeter", "millimeters", "millimetre", "none", "???"):
        return 1.0, ""
    if named[0] not in _UNITS:
        raise InputError(path, f"states its spacing in '{named[0]}'", "save it in millimetres")
    return _UNITS[named[0]], f"the spacing is stated in {named[0]} and taken in mm"


_UNITS = {
    **dict.fromkeys(("um", "\xb5m", "\u03bcm", "micron", "microns", "micrometer", "micrometers", "micrometre"), 1e-3),
    **dict.fromkeys(("cm", "centimeter", "centimeters"), 10.0),
    **dict.fromkeys(("m", "meter", "meters", "metre"), 1e3),
}


def _short(reason: Any) -> str:
    return reason.split("Reason: ")[-1].strip()[-160:].rstrip(".")


def sidecar_of(path: str | Path) -> Path | None:
    """The JSON file that carries the provenance of formats without room for it, or None for DICOM and NRRD."""
    path = Path(path)
    return None if suffix_of(path) in (".dcm", ".nrrd") else path.with_name(path.name + ".json")


def check_output_format(path: str | Path, mammogram: Mammogram) -> None:
    """Raises :class:`InputError` where ``mammogram`` cannot be stored in the format of ``path`` without loss.

    It is asked before a long computation: a header that cannot be written is found here.
    """
    suffix, pixels = suffix_of(path), mammogram.pixels
    if suffix not in OUTPUT_SUFFIXES:
        raise InputError(path, "unknown output format", f"end the name in one of {', '.join(OUTPUT_SUFFIXES)}")
    integers = pixels.dtype.kind in "iu" and pixels.dtype.itemsize <= 2
    if suffix == ".dcm" and not integers:
        raise InputError(
            path,
            f"mammography DICOM holds 8 to 16-bit integers, {mammogram.source} has {pixels.dtype} pixels",
            "write .nrrd instead",
        )
    if suffix == ".dcm":
        from .derived import check_derivable

        check_derivable(mammogram)
    if suffix == ".png" and (len(pixels) > 1 or mammogram.stored_offset or pixels.dtype not in (np.uint8, np.uint16)):
        raise InputError(path, "PNG holds one image of 8 or 16-bit unsigned integers", "write .nrrd or .tif instead")


def write_mammogram(
    path: str | Path,
    source: Mammogram,
    pixels: np.ndarray,
    description: str,
    equipment: str,
    overwrite: bool = False,
    value_of: Callable[[float], float] | None = None,
) -> None:
    """Writes ``pixels`` with the geometry of ``source`` in the format that the ending of ``path`` names.

    DICOM becomes an image derived from ``source`` (:func:`LowDoseContrastLib.dicom.write_derived`);
    NRRD carries ``description`` in its header, other formats beside them (:func:`sidecar_of`).

    Raises:
        InputError: see :func:`check_output_format` and :func:`LowDoseContrastLib.atomic.atomic_output`.
    """
    import SimpleITK as sitk

    check_output_format(path, source)
    if suffix_of(path) == ".dcm":
        from .derived import write_derived

        write_derived(path, source, pixels, description, equipment, overwrite, value_of)
        return
    if source.stored_offset and pixels.dtype.kind in "iu":
        pixels = (pixels.astype(np.int32) + source.stored_offset).astype(np.int16)
    image = sitk.GetImageFromArray(np.ascontiguousarray(pixels))
    image.SetSpacing(source.geometry.spacing)
    image.SetOrigin(source.geometry.origin)
    image.SetDirection(source.geometry.direction)
    if suffix_of(path) == ".png":
        image = image[:, :, 0]
    if suffix_of(path) == ".nrrd":
        image.SetMetaData("LowDoseContrast", description)
    with atomic_output(path, overwrite) as temporary:
        try:
            sitk.WriteImage(image, str(temporary), useCompression=suffix_of(path) != ".nii")
        except RuntimeError as error:
            raise InputError(
                path, f"cannot be written ({_short(str(error).splitlines()[-1])})", "check the free space on the disk"
            ) from error
        sidecar = sidecar_of(path)
        if sidecar is not None:  # after the image, so that a refusal leaves nothing
            with atomic_output(sidecar, overwrite) as beside:
                beside.write_text(json.dumps({"description": description, "equipment": equipment}, indent=1) + "\n")
