"""Simulated exposures as DICOM: Digital Mammography X-Ray Image, For Processing.

Every identifier is derived from the seed, so that the same simulation gives the same bytes.
"""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
from LowDoseContrastLib.dicom import FOR_PROCESSING

from .acquisition import AcquisitionParameters, Arrangement, Exposure

FIRST_DAY = datetime.date(2024, 1, 8)  # a fixed date: the clock must not change the bytes


def laterality_of(arrangement: int) -> str:
    """Return L for even and R for odd arrangements; R images have the chest wall on the right."""
    return "R" if arrangement % 2 else "L"


def oriented(image: np.ndarray, arrangement: int) -> np.ndarray:
    """Return ``image`` (rows, columns) as the file shows it: mirrored for the right breast."""
    return np.ascontiguousarray(image[:, ::-1]) if laterality_of(arrangement) == "R" else image


def uid(*what) -> str:
    """Return the UID that belongs to ``what``; the same words give the same UID."""
    from pydicom.uid import generate_uid

    return str(generate_uid(entropy_srcs=["LowDoseContrast", *map(str, what)]))


def exposure_dataset(arrangement: Arrangement, exposure: Exposure, realisation: int = 0):
    """Return one exposure as a pydicom FileDataset, uncompressed (Explicit VR little endian)."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    instance = uid("instance", arrangement.seed, arrangement.number, exposure.name, realisation)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = FOR_PROCESSING
    meta.MediaStorageSOPInstanceUID = instance
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = uid("implementation")
    meta.ImplementationVersionName = "LOWDOSECONTRAST"
    header = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    header.SOPClassUID, header.SOPInstanceUID = FOR_PROCESSING, instance
    number = list(arrangement.parameters.doses_mgy).index(exposure.name) + 1
    _identify(header, arrangement, number, realisation)
    _describe_technique(header, arrangement.parameters, exposure)
    _describe_anatomy(header, laterality_of(arrangement.number))
    _describe_detector(header, arrangement.parameters)
    _set_pixels(header, oriented(exposure.pixels, arrangement.number), arrangement.parameters.bits)
    return header


def write_exposure(path, header, compress: bool = True) -> str:
    """Write a dataset to ``path``, atomically; return the transfer syntax's name.

    With ``compress`` the pixels are JPEG 2000 lossless, or RLE where no JPEG 2000 encoder
    (package pylibjpeg-openjpeg) is installed; both give back the very same values.
    """
    from LowDoseContrastLib.atomic import atomic_output

    if compress:
        _compress(header)
    with atomic_output(Path(path)) as temporary:
        header.save_as(temporary, enforce_file_format=True)
    return header.file_meta.TransferSyntaxUID.name


def _compress(header) -> None:
    from pydicom.uid import JPEG2000Lossless, RLELossless

    instance = header.SOPInstanceUID
    try:
        header.compress(JPEG2000Lossless, generate_instance_uid=False)
    except (RuntimeError, NotImplementedError, ImportError):
        header.compress(RLELossless, generate_instance_uid=False)
    header.SOPInstanceUID = instance


def _identify(header, arrangement: Arrangement, number: int, realisation: int) -> None:
    seed, index = arrangement.seed, arrangement.number
    day = (FIRST_DAY + datetime.timedelta(days=index)).strftime("%Y%m%d")
    time = f"10{number:02d}00"
    header.SpecificCharacterSet = "ISO_IR 192"
    header.ImageType = ["ORIGINAL", "PRIMARY", ""]
    for name in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
        setattr(header, name, day)
    header.StudyTime = "100000"
    for name in ("SeriesTime", "AcquisitionTime", "ContentTime"):
        setattr(header, name, time)
    header.AccessionNumber = ""
    header.Modality = "MG"
    header.PresentationIntentType = "FOR PROCESSING"
    header.Manufacturer = "LowDoseContrast simulator"
    header.InstitutionName = "Simulated"
    header.ManufacturerModelName = arrangement.parameters.detector
    header.DeviceSerialNumber = str(seed)
    header.SoftwareVersions = "1"
    header.ReferringPhysicianName = ""
    header.StudyDescription = f"Structured breast phantom, arrangement {index + 1}"
    header.SeriesDescription = f"Simulated exposure {number}"
    header.PatientName = f"Phantom^Arrangement {index + 1:02d}"
    header.PatientID = f"SIM{seed}-{index + 1:02d}"
    header.PatientBirthDate = ""
    header.PatientSex = "O"
    header.PatientIdentityRemoved = "YES"
    header.DeidentificationMethod = "Simulated phantom: there is no patient"
    header.QualityControlImage = "YES"
    header.StudyInstanceUID = uid("study", seed, index)
    header.SeriesInstanceUID = uid("series", seed, index, number, realisation)
    header.FrameOfReferenceUID = uid("frame", seed, index)
    header.PositionReferenceIndicator = ""
    header.StudyID = str(index + 1)
    header.SeriesNumber = number + 100 * realisation
    header.AcquisitionNumber = number
    header.InstanceNumber = 1


def _describe_technique(header, parameters: AcquisitionParameters, exposure: Exposure) -> None:
    charge = exposure.dose_mgy * parameters.mas_per_mgy
    header.KVP = f"{parameters.kvp:g}"
    header.ExposureTime = round(charge * 10)
    header.XRayTubeCurrent = 100
    header.Exposure = round(charge)
    header.ExposureInuAs = round(charge * 1000)
    header.ExposureControlMode = "AUTOMATIC" if exposure.name == "automatic" else "MANUAL"
    header.AnodeTargetMaterial = "RHODIUM"
    header.FilterType = "STRIP"
    header.FilterMaterial = "RHODIUM"
    header.FocalSpots = "0.3"
    header.Grid = ["FOCUSED", "RECIPROCATING"]
    header.BodyPartThickness = f"{parameters.thickness_mm:g}"
    header.CompressionForce = "90"
    header.DistanceSourceToDetector = f"{parameters.source_detector_mm:g}"
    header.DistanceSourceToPatient = f"{parameters.source_detector_mm - 20:g}"
    header.DistanceSourceToEntrance = f"{parameters.source_detector_mm - parameters.thickness_mm:g}"
    magnification = parameters.source_detector_mm / (parameters.source_detector_mm - 20)
    header.EstimatedRadiographicMagnificationFactor = f"{magnification:.4f}"
    header.EntranceDoseInmGy = f"{exposure.dose_mgy:.3f}"


def _describe_anatomy(header, laterality: str) -> None:
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    def code(value, scheme, meaning):
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
        return item

    view = code("399162004", "SCT", "cranio-caudal")
    view.ViewModifierCodeSequence = Sequence([])
    header.ViewCodeSequence = Sequence([view])
    header.ViewPosition = "CC"
    header.PositionerType = "MAMMOGRAPHIC"
    header.PositionerPrimaryAngle = "0"
    header.PatientOrientation = ["P", "L"] if laterality == "R" else ["A", "R"]
    header.ImageLaterality = laterality
    header.OrganExposed = "BREAST"
    header.BodyPartExamined = "BREAST"
    header.AnatomicRegionSequence = Sequence([code("76752008", "SCT", "Breast")])
    header.AcquisitionContextSequence = Sequence([])
    header.BreastImplantPresent = "NO"


def _describe_detector(header, parameters: AcquisitionParameters) -> None:
    pixel = f"{parameters.pixel_mm:g}"
    size = [round(parameters.rows * parameters.pixel_mm), round(parameters.columns * parameters.pixel_mm)]
    header.DetectorType = "SCINTILLATOR"
    header.DetectorConfiguration = "AREA"
    header.DetectorID = "SIMULATED"
    header.DetectorConditionsNominalFlag = "YES"
    header.DetectorBinning = ["1", "1"]
    header.DetectorElementPhysicalSize = [pixel, pixel]
    header.DetectorElementSpacing = [pixel, pixel]
    header.DetectorActiveShape = "RECTANGLE"
    header.DetectorActiveDimensions = [f"{size[0]:g}", f"{size[1]:g}"]
    header.FieldOfViewShape = "RECTANGLE"
    header.FieldOfViewDimensions = size
    header.FieldOfViewOrigin = ["0", "0"]
    header.FieldOfViewRotation = "0"
    header.FieldOfViewHorizontalFlip = "NO" if header.ImageLaterality == "L" else "YES"
    header.ImagerPixelSpacing = [pixel, pixel]


def _set_pixels(header, pixels: np.ndarray, bits: int) -> None:
    header.SamplesPerPixel = 1
    header.PhotometricInterpretation = "MONOCHROME1"
    header.Rows, header.Columns = pixels.shape
    header.BitsAllocated, header.BitsStored, header.HighBit = 16, bits, bits - 1
    header.PixelRepresentation = 0
    header.BurnedInAnnotation = "NO"
    header.LossyImageCompression = "00"
    header.PixelIntensityRelationship = "LIN"
    header.PixelIntensityRelationshipSign = 1
    header.PresentationLUTShape = "INVERSE"
    header.RescaleIntercept, header.RescaleSlope, header.RescaleType = "0", "1", "US"
    header.PixelData = pixels.astype("<u2").tobytes()
    header["PixelData"].VR = "OW"
