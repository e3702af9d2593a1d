"""Derived mammograms into DICOM files: a header built from what may be kept, never by leaving out what may not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from . import __version__
from .atomic import atomic_output
from .dicom import FOR_PRESENTATION, FOR_PROCESSING, FUNCTIONAL_GROUPS
from .errors import InputError, brief
from .mammogram import Mammogram

if TYPE_CHECKING:
    from pydicom import Dataset

_PRIVATE_SCHEME = "99LDC"
_LONG_STRING = 64  # characters of an LO
# Groups that say who, when, where and how an exposure was made; all of them hold for what is derived from it.
_KEPT_GROUPS = (0x0008, 0x0010, 0x0012, 0x0018, 0x0020, 0x0032, 0x0040, 0x0054, 0x2050)
# Of the group of the image's own pixels, what does not depend on their values.
_KEPT_OF_PIXELS = (
    "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns", "PixelAspectRatio",
    "PixelSpacing",
    "PixelSpacingCalibrationType", "PixelSpacingCalibrationDescription", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation", "PixelPaddingValue", "PixelPaddingRangeLimit", "PixelIntensityRelationship",
    "PixelIntensityRelationshipSign", "RescaleIntercept", "RescaleSlope", "RescaleType", "BurnedInAnnotation",
    "QualityControlImage", "PartialView", "PartialViewDescription", "LossyImageCompression",
    "LossyImageCompressionRatio",
    "LossyImageCompressionMethod", "WindowCenter", "WindowWidth", "WindowCenterWidthExplanation", "VOILUTFunction",
)  # fmt: skip
# Of every frame of a multi-frame image, what does not depend on its values either.
_KEPT_OF_FRAMES = (
    "PixelMeasuresSequence", "PlanePositionSequence", "PlaneOrientationSequence", "FrameContentSequence",
    "FrameAnatomySequence", "FramePixelDataPropertiesSequence",
)  # fmt: skip
_REPLACED = (
    "SourceImageSequence",
    "DerivationCodeSequence",
    "DerivationDescription",
    "InstanceCreationDate",
    "InstanceCreationTime",
)


def write_derived(
    path: str | Path,
    source: Mammogram,
    pixels: np.ndarray,
    description: str,
    equipment: str,
    overwrite: bool = False,
    value_of: Callable[[float], float] | None = None,
) -> None:
    """Writes ``pixels`` as an image derived from the DICOM mammogram ``source``.

    New SOP and series identity in the same study and frame of reference, ImageType
    DERIVED\\\\PRIMARY, the source referenced; doses and technique stay, for they describe the real
    exposure (PS3.3 C.7.6.1.1.3, C.12.1). Uncompressed.

    Args:
        source: a :class:`Mammogram` with a ``header``, or without: then a new study is made.
        pixels: like ``source.pixels``, integers within its bits.
        description: what was done, up to 1024 characters.
        equipment: name and version of what did it.
        value_of: what becomes of a pixel value, for windows; they are left out if None.
    """
    stored = pixels.astype(np.int32) + source.stored_offset if source.stored_offset else pixels
    header = derived_header(source, description, equipment, value_of=value_of)
    header.BitsStored = source.bits or header.BitsStored
    write_with_pixels(path, header, stored, overwrite)


def check_derivable(source: Mammogram) -> None:
    """Raises :class:`InputError` where the header of ``source`` cannot be written; tried before a long computation."""
    from io import BytesIO

    from pydicom.uid import ExplicitVRLittleEndian

    try:
        header = derived_header(source, "", "", value_of=lambda value: value)
        header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        header.save_as(BytesIO(), enforce_file_format=True)
    except Exception as error:  # pydicom raises whatever a broken element makes it raise
        problem = f"the header cannot be written again ({brief(error)})"
        raise InputError(source.source, problem, "write .nrrd instead") from error


def write_with_pixels(path: str | Path, dataset: Dataset, pixels: np.ndarray, overwrite: bool = False) -> None:
    """Writes a data set from :func:`derived_header` with ``pixels`` (slices, rows, columns), uncompressed."""
    kind = np.dtype(f"{'i' if dataset.PixelRepresentation else 'u'}{dataset.BitsAllocated // 8}")
    frames = pixels.astype(kind)[0 if len(pixels) == 1 else slice(None)]
    dataset.set_pixel_data(frames, dataset.PhotometricInterpretation, dataset.BitsStored, generate_instance_uid=False)
    with atomic_output(path, overwrite) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)


def derived_header(
    source: Mammogram,
    description: str,
    equipment: str,
    derivation: tuple[str, str] = ("LDC-001", "Dose appearance by neural network"),
    label: str = "enhanced",
    identity: tuple[str, str] | None = None,
    value_of: Callable[[float], float] | None = None,
) -> Dataset:
    """The data set of an image derived from ``source``, without pixels.

    Args:
        derivation: (code value, meaning) of what was done.
        label: ends the series' description.
        identity: (SOP instance UID, series instance UID), random if None.
        value_of: as of :func:`write_derived`.
    """
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import generate_uid

    dataset = _new_header(source) if source.header is None else _kept(source.header, source)
    dataset.file_meta = FileMetaDataset()
    original = dataset.get("SOPInstanceUID")
    dataset.SOPInstanceUID, dataset.SeriesInstanceUID = identity or (generate_uid(), generate_uid())
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.ImageType = ["DERIVED", "PRIMARY", *list(dataset.get("ImageType", []))[2:]]
    dataset.DerivationDescription = description[:1024]
    dataset.DerivationCodeSequence = [code(derivation[0], _PRIVATE_SCHEME, derivation[1])]
    _label(dataset, label)
    dataset.SeriesNumber = _whole_number(dataset, "SeriesNumber") + 1000
    dataset.ContributingEquipmentSequence = [*dataset.get("ContributingEquipmentSequence", []), _equipment(equipment)]
    if original and source.header is not None:
        dataset.SourceImageSequence = [source_reference(dataset.SOPClassUID, original)]
    _follow(dataset, source, value_of)
    return dataset


def _kept(header: Dataset, source: Mammogram) -> Dataset:
    """A copy of what may be kept of a header; texts keep their bytes, for they are not decoded."""
    from pydicom.datadict import tag_for_keyword
    from pydicom.dataset import Dataset

    pixel_tags = {tag_for_keyword(keyword) for keyword in _KEPT_OF_PIXELS}
    replaced = {tag_for_keyword(keyword) for keyword in _REPLACED}
    kept = Dataset()
    for tag in header.keys():  # noqa: SIM118 (a data set's items are elements)
        if (tag.group in _KEPT_GROUPS and tag not in replaced) or tag in pixel_tags:
            kept[tag] = copy.deepcopy(header.get_item(tag))
    for keyword in FUNCTIONAL_GROUPS:
        if header.get(keyword):
            setattr(kept, keyword, [_kept_of_frame(group) for group in header.get(keyword)])
    _complete(kept, source)
    kept.set_original_encoding(*header.original_encoding, header.original_character_set)
    return kept


def _complete(kept: Dataset, source: Mammogram) -> None:
    """State what a damaged header does not, as it was read."""
    if kept.get("PhotometricInterpretation") not in ("MONOCHROME1", "MONOCHROME2"):
        kept.PhotometricInterpretation = _photometric(source)
    if kept.get("PixelRepresentation") not in (0, 1):
        kept.PixelRepresentation = int(source.stored_offset != 0)
    if kept.get("BitsAllocated") not in (8, 16):
        kept.BitsAllocated = 8 if source.pixels.dtype.itemsize == 1 else 16
    if not kept.get("SOPClassUID"):
        kept.SOPClassUID = _sop_class(source)


def _photometric(source: Mammogram) -> str:
    return "MONOCHROME1" if source.sign == 1 else "MONOCHROME2"


def _sop_class(source: Mammogram) -> str:
    return FOR_PRESENTATION if source.intent == "FOR PRESENTATION" else FOR_PROCESSING


def _whole_number(dataset: Dataset, keyword: str) -> int:
    """A number of no weight; 0 where it is none."""
    try:
        return int(dataset.get(keyword) or 0)
    except ValueError:
        return 0


def _kept_of_frame(group: Dataset) -> Dataset:
    from pydicom.dataset import Dataset

    kept = Dataset()
    for keyword in _KEPT_OF_FRAMES:
        if keyword in group:
            kept[keyword] = copy.deepcopy(group[keyword])
    return kept


def _label(dataset: Dataset, label: str) -> None:
    """Let the series' description end in ``label``, in the bytes of its own character set and of the length of its
    kind.
    """
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import Tag

    tag = Tag("SeriesDescription")
    raw = dataset.get_item(tag)
    ending = f" {label}"
    value = raw.value if isinstance(raw, RawDataElement) else None
    if isinstance(value, bytes) and 0 < len(value.rstrip()) <= _LONG_STRING - len(ending):
        joined = value.rstrip() + ending.encode("ascii")
        joined += b" " * (len(joined) % 2)
        dataset[tag] = raw._replace(value=joined, length=len(joined))
        return
    stated = dataset.get("SeriesDescription") or "Mammogram"
    text = stated if isinstance(stated, str) else "\\".join(map(str, stated))
    dataset.SeriesDescription = text[: _LONG_STRING - len(ending)] + ending


def _follow(dataset: Dataset, source: Mammogram, value_of: Callable[[float], float] | None) -> None:
    """Let the windows follow what became of the pixel values; without knowing that, there are none."""
    windows = _windows(dataset) if value_of is not None else []
    for keyword in ("WindowCenter", "WindowWidth", *([] if windows else ["WindowCenterWidthExplanation"])):
        dataset.pop(keyword, None)
    if not windows or value_of is None:
        return
    slope, intercept = float(dataset.get("RescaleSlope") or 1), float(dataset.get("RescaleIntercept") or 0)
    centres, widths = [], []
    for centre, width in windows:
        ends = ((end - intercept) / slope - source.stored_offset for end in (centre - width / 2, centre + width / 2))
        low, high = sorted((value_of(end) + source.stored_offset) * slope + intercept for end in ends)
        centres.append(f"{(low + high) / 2:.6g}")
        widths.append(f"{max(high - low, 1):.6g}")
    dataset.WindowCenter, dataset.WindowWidth = centres, widths


def _windows(dataset: Dataset) -> list[tuple[float, float]]:
    """(centre, width) of every window; none where they cannot be read."""
    from pydicom.multival import MultiValue

    try:
        stated = [dataset.get(keyword) for keyword in ("WindowCenter", "WindowWidth")]
        lists = [list(each) if isinstance(each, MultiValue) else [each] for each in stated if each not in (None, "")]
        centres, widths = ([float(value) for value in each] for each in lists)
        return list(zip(centres, widths, strict=True))
    except (ValueError, TypeError):
        return []


def source_reference(sop_class: str, instance: str) -> Dataset:
    """The item of a Source Image Sequence for the image that another was processed from (UIDs)."""
    from pydicom.dataset import Dataset

    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = sop_class, instance
    reference.PurposeOfReferenceCodeSequence = [code("121322", "DCM", "Source image for image processing operation")]
    return reference


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """A coded concept as the item of a code sequence."""
    from pydicom.dataset import Dataset

    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, scheme, meaning
    return code


def _equipment(name: str) -> Dataset:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [code("109102", "DCM", "Processing Equipment")]
    item.Manufacturer = "LowDoseContrast"
    item.ManufacturerModelName = name[:64]
    item.SoftwareVersions = __version__
    item.ContributionDescription = "Research use only"
    return item


def _new_header(source: Mammogram) -> Dataset:
    """A minimal MG data set for pixels that did not come from DICOM."""
    from pydicom.dataset import Dataset
    from pydicom.uid import generate_uid

    dataset = Dataset()
    presentation = source.intent == "FOR PRESENTATION"
    dataset.SOPClassUID = _sop_class(source)
    dataset.SOPInstanceUID = generate_uid()
    dataset.StudyInstanceUID = generate_uid()
    dataset.Modality = "MG"
    dataset.PresentationIntentType = "FOR PRESENTATION" if presentation else "FOR PROCESSING"
    dataset.PatientName = dataset.PatientID = "Anonymous"
    for keyword in (
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "ReferringPhysicianName",
        "StudyID",
        "PatientBirthDate",
        "PatientSex",
    ):
        setattr(dataset, keyword, "")
    dataset.InstanceNumber = 1
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = source.photometric or _photometric(source)
    signed = source.pixels.dtype.kind == "i"
    dataset.BitsAllocated = 8 if source.pixels.dtype.itemsize == 1 else 16
    dataset.BitsStored = source.bits or dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(signed)
    dataset.RescaleIntercept, dataset.RescaleSlope = 0, 1
    if source.spacing:
        dataset.ImagerPixelSpacing = list(source.spacing)
    return dataset
