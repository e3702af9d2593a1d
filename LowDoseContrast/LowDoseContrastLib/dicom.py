"""Mammograms from DICOM files, and derived mammograms into DICOM files."""

from __future__ import annotations

import copy
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError, brief
from .mammogram import Geometry, Mammogram
from .stored_values import stored_values

if TYPE_CHECKING:
    from pydicom import Dataset

FUNCTIONAL_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.2"
FOR_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.2.1"
# What pydicom raises on damaged files, beside its own InvalidDicomError.


def is_dicom(path: str | Path) -> bool:
    """Whether the file carries the DICOM mark behind its preamble, or claims to be DICOM by its name."""
    path = Path(path)
    if path.suffix.lower() in (".dcm", ".dicom", ".ima"):
        return True
    import pydicom.misc

    return pydicom.misc.is_dicom(path)


def read_dicom(path: str | Path) -> Mammogram:
    """Reads a grey DICOM image in any transfer syntax that pydicom or SimpleITK decodes.

    The pixels are the stored values: MONOCHROME1 is not inverted and no look-up table is applied.

    Raises:
        InputError: not DICOM, no image, coloured, truncated, or in an encoding nobody decodes.
    """
    import pydicom
    from pydicom.errors import InvalidDicomError

    path = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dataset = pydicom.dcmread(path)
    except InvalidDicomError as error:
        raise InputError(path, "is not a DICOM file", "if it is another format, give it that ending") from error
    except Exception as error:  # pydicom raises whatever it likes on damaged files
        raise InputError(path, f"cannot be read as DICOM ({brief(error)})", "fetch the file again") from error
    if "PixelData" not in dataset:
        raise InputError(path, "the DICOM file holds no pixel data", "choose an image")
    try:
        if int(dataset.get("SamplesPerPixel", 1)) != 1:
            raise InputError(path, "is a colour image", "LowDoseContrast takes grey mammograms")
        found = stored_values(dataset, path)
        mammogram = mammogram_from_header(dataset, found.pixels, str(path))
    except (InputError, ImportError):
        raise
    except Exception as error:  # and on values, once they are asked for
        problem = f"its header holds values that cannot be read ({brief(error)})"
        raise InputError(path, problem, "fetch the file again") from error
    padding = mammogram.padding and (mammogram.padding[0] - found.offset, mammogram.padding[1] - found.offset)
    return replace(mammogram, bits=found.bits, stored_offset=found.offset, padding=padding, notes=found.notes)


def mammogram_from_header(dataset: Dataset, pixels: np.ndarray, source: str) -> Mammogram:
    """A :class:`Mammogram` of ``pixels`` (slices, rows, columns) with what the data set says of them."""
    header = copy.copy(dataset)
    header.pop("PixelData", None)
    facts = stated_facts(dataset)
    spacing = facts["spacing"]
    distance = _between_slices(dataset) if len(pixels) > 1 else 1.0
    geometry = Geometry(spacing=(spacing[1], spacing[0], distance)) if spacing else Geometry()
    return Mammogram(pixels=pixels, geometry=geometry, source=source, header=header, **facts)


def stated_facts(dataset: Dataset) -> dict[str, Any]:
    """What the data set says of its pixels: the fields of :class:`Mammogram` that need no pixels, None if unstated.

    Raises:
        ValueError, TypeError: an element that must be a whole number is none.
    """
    photometric = _text(dataset, "PhotometricInterpretation")
    return {
        "spacing": _spacing(dataset),
        "bits": int(dataset.get("BitsStored", 16)),
        "modality": _text(dataset, "Modality"),
        "intent": _intent(dataset),
        "relationship": _text(dataset, "PixelIntensityRelationship"),
        "photometric": photometric,
        "sign": _sign(dataset, photometric),
        "dose_mgy": _dose(dataset),
        "padding": _padding(dataset),
        "uid": _text(dataset, "SOPInstanceUID"),
    }


def _text(dataset: Dataset, keyword: str) -> str | None:
    value = dataset.get(keyword)
    return str(value).strip() or None if value is not None else None


def _numbers(dataset: Dataset, keyword: str, count: int) -> tuple[float, ...] | None:
    """The element's ``count`` positive numbers, or None where it is missing or unusable."""
    value = dataset.get(keyword)
    try:
        numbers = [float(v) for v in (value if count > 1 else [value])]
    except (TypeError, ValueError):
        return None
    return tuple(numbers) if len(numbers) == count and all(np.isfinite(n) and n > 0 for n in numbers) else None


def _spacing(dataset: Dataset) -> tuple[float, ...] | None:
    """(row, column) spacing in mm: at the detector if stated, as mammography's measurements are."""
    for place in (dataset, *_measures_of_frames(dataset)):
        for keyword in ("ImagerPixelSpacing", "PixelSpacing", "NominalScannedPixelSpacing"):
            if spacing := _numbers(place, keyword, 2):
                return spacing
    return None


def _measures_of_frames(dataset: Dataset) -> list[Dataset]:
    """The items that hold the spacing of multi-frame images, as of tomosynthesis: of all frames, or the first's.

    Macros of Pixel Measures (PS3.3 C.7.6.16.2.1) and of Frame Pixel Data Properties.
    """
    found = []
    for groups in FUNCTIONAL_GROUPS:
        for macro in ("FramePixelDataPropertiesSequence", "PixelMeasuresSequence"):
            group = (dataset.get(groups) or [None])[0]
            item = (group.get(macro) or [None])[0] if group is not None else None
            if item is not None:
                found.append(item)
    return found


def _between_slices(dataset: Dataset) -> float:
    """Distance of slices in mm; 1 where it is not stated."""
    for place in (dataset, *_measures_of_frames(dataset)):
        for keyword in ("SpacingBetweenSlices", "SliceThickness"):
            if distance := _numbers(place, keyword, 1):
                return distance[0]
    return 1.0


def _intent(dataset: Dataset) -> str | None:
    stated = _text(dataset, "PresentationIntentType")
    by_class = {FOR_PRESENTATION: "FOR PRESENTATION", FOR_PROCESSING: "FOR PROCESSING"}
    return stated or by_class.get(_text(dataset, "SOPClassUID") or "")


def _sign(dataset: Dataset, photometric: str | None) -> int | None:
    """PixelIntensityRelationshipSign, else from the photometric interpretation.

    Dense tissue is displayed bright; MONOCHROME1 displays low values bright, and dense tissue lets
    few X-rays through, so its values rise with X-rays.
    """
    stated = dataset.get("PixelIntensityRelationshipSign")
    if stated in (1, -1):
        return int(stated)
    return {"MONOCHROME1": 1, "MONOCHROME2": -1}.get(photometric or "")


def _padding(dataset: Dataset) -> tuple[float, float] | None:
    """(lowest, highest) value of pixels that were not measured."""
    values = [dataset.get(keyword) for keyword in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    known = [float(value) for value in values if isinstance(value, (int, float))]
    return (min(known), max(known)) if known and isinstance(values[0], (int, float)) else None


def _dose(dataset: Dataset) -> float | None:
    """Entrance dose in mGy: EntranceDoseInmGy, else EntranceDose (dGy)."""
    if dose := _numbers(dataset, "EntranceDoseInmGy", 1):
        return dose[0]
    if dose := _numbers(dataset, "EntranceDose", 1):
        return dose[0] * 100
    return None
