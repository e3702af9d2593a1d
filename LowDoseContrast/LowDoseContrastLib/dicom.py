"""Mammograms from DICOM files, and derived mammograms into DICOM files."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import __version__
from .atomic import atomic_output
from .errors import InputError
from .mammogram import Geometry, Mammogram

if TYPE_CHECKING:
    from pydicom import Dataset

FOR_PRESENTATION = "1.2.840.10008.5.1.4.1.1.1.2"
FOR_PROCESSING = "1.2.840.10008.5.1.4.1.1.1.2.1"
# What pydicom raises on damaged files, beside its own InvalidDicomError.
UNREADABLE = (OSError, EOFError, ValueError, KeyError, AttributeError, NotImplementedError)
_PRIVATE_SCHEME = "99LDC"


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
    except UNREADABLE as error:
        raise InputError(path, f"cannot be read as DICOM ({_brief(error)})", "fetch the file again") from error
    if "PixelData" not in dataset:
        raise InputError(path, "the DICOM file holds no pixel data", "choose an image")
    if int(dataset.get("SamplesPerPixel", 1)) != 1:
        raise InputError(path, "is a colour image", "LowDoseContrast takes grey mammograms")
    pixels = _decode(dataset, path)
    return mammogram_from_header(dataset, pixels, str(path))


def mammogram_from_header(dataset: Dataset, pixels: np.ndarray, source: str) -> Mammogram:
    """A :class:`Mammogram` of ``pixels`` (slices, rows, columns) with what the data set says of them."""
    header = copy.copy(dataset)
    header.pop("PixelData", None)
    facts = stated_facts(dataset)
    spacing = facts["spacing"]
    geometry = Geometry(spacing=(spacing[1], spacing[0], 1.0)) if spacing else Geometry()
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
        "uid": _text(dataset, "SOPInstanceUID"),
    }


def _text(dataset: Dataset, keyword: str) -> str | None:
    value = dataset.get(keyword)
    return str(value).strip() or None if value is not None else None


def _brief(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160].rstrip(".")


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
    for keyword in ("ImagerPixelSpacing", "PixelSpacing", "NominalScannedPixelSpacing"):
        if spacing := _numbers(dataset, keyword, 2):
            return spacing
    return None


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


def _dose(dataset: Dataset) -> float | None:
    """Entrance dose in mGy: EntranceDoseInmGy, else EntranceDose (dGy)."""
    if dose := _numbers(dataset, "EntranceDoseInmGy", 1):
        return dose[0]
    if dose := _numbers(dataset, "EntranceDose", 1):
        return dose[0] * 100
    return None


def _decode(dataset: Dataset, path: str | Path) -> np.ndarray:
    """Stored values as (slices, rows, columns)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compressed = dataset.file_meta.TransferSyntaxUID.is_encapsulated
            pixels = _decode_by_simpleitk(dataset, path) if compressed else None
            pixels = dataset.pixel_array if pixels is None else pixels
    except Exception as error:  # decoders raise whatever they like
        raise InputError(
            path,
            f"the pixels cannot be decoded ({_brief(error)})",
            "the file is damaged or its encoding is not supported",
        ) from error
    pixels = np.asarray(pixels)
    if pixels.ndim == 2:
        pixels = pixels[np.newaxis]
    if pixels.ndim != 3:
        raise InputError(path, f"expected one grey image or a stack of them, not an array of shape {pixels.shape}")
    return pixels


def _decode_by_simpleitk(dataset: Dataset, path: str | Path) -> np.ndarray:
    """Pixels of a compressed file by SimpleITK, or None where it cannot and pydicom is to try."""
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.SetImageIO("GDCMImageIO")
    try:
        pixels = sitk.GetArrayFromImage(reader.Execute())
    except RuntimeError:
        return None
    pixels = np.rint(
        (pixels - float(dataset.get("RescaleIntercept", 0) or 0)) / float(dataset.get("RescaleSlope", 1) or 1)
    )
    if _text(dataset, "PhotometricInterpretation") == "MONOCHROME1":
        # GDCM inverts MONOCHROME1 on reading; this library keeps the stored values.
        pixels = 2 ** int(dataset.BitsStored) - 1 - pixels
    return pixels.astype(np.int16 if dataset.get("PixelRepresentation") else np.uint16)


def write_derived(
    path: str | Path, source: Mammogram, pixels: np.ndarray, description: str, equipment: str, overwrite: bool = False
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
    """
    write_with_pixels(path, derived_header(source, description, equipment), pixels, overwrite)


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
    derivation: Any = ("LDC-001", "Dose appearance by neural network"),
    label: str = "enhanced",
    identity: Any = None,
) -> Dataset:
    """The data set of an image derived from ``source``, without pixels.

    Args:
        derivation: (code value, meaning) of what was done.
        label: ends the series' description.
        identity: (SOP instance UID, series instance UID), random if None.
    """
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import generate_uid

    dataset = copy.deepcopy(source.header) if source.header is not None else _new_header(source)
    dataset.file_meta = FileMetaDataset()
    original = dataset.get("SOPInstanceUID")
    dataset.SOPInstanceUID, dataset.SeriesInstanceUID = identity or (generate_uid(), generate_uid())
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.ImageType = ["DERIVED", "PRIMARY", *list(dataset.get("ImageType", []))[2:]]
    dataset.DerivationDescription = description[:1024]
    dataset.DerivationCodeSequence = [code(derivation[0], _PRIVATE_SCHEME, derivation[1])]
    dataset.SeriesDescription = f"{dataset.get('SeriesDescription', '') or 'Mammogram'} {label}"[:64]
    dataset.SeriesNumber = int(dataset.get("SeriesNumber") or 0) + 1000
    dataset.ContributingEquipmentSequence = [*dataset.get("ContributingEquipmentSequence", []), _equipment(equipment)]
    if original and source.header is not None:
        dataset.SourceImageSequence = [source_reference(dataset.SOPClassUID, original)]
    # What described the source's pixels alone, or signed them.
    for keyword in (
        "SmallestImagePixelValue",
        "LargestImagePixelValue",
        "IconImageSequence",
        "DigitalSignaturesSequence",
    ):
        if keyword in dataset:
            delattr(dataset, keyword)
    return dataset


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
    dataset.SOPClassUID = FOR_PRESENTATION if presentation else FOR_PROCESSING
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
    dataset.PhotometricInterpretation = source.photometric or ("MONOCHROME1" if source.sign == 1 else "MONOCHROME2")
    signed = source.pixels.dtype.kind == "i"
    dataset.BitsAllocated = 8 if source.pixels.dtype.itemsize == 1 else 16
    dataset.BitsStored = source.bits or dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(signed)
    dataset.RescaleIntercept, dataset.RescaleSlope = 0, 1
    if source.spacing:
        dataset.ImagerPixelSpacing = list(source.spacing)
    return dataset
