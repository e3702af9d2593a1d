"""Simulated exposures as DICOM: Digital Mammography X-Ray Image, For Processing.

All identifiers are derived from the seed and the parameters, so that the same simulation gives the
same bytes, and different simulations have different identifiers.
"""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from LowDoseContrastLib import __version__
from LowDoseContrastLib.atomic import atomic_output
from LowDoseContrastLib.derived import code
from LowDoseContrastLib.dicom import FOR_PROCESSING

from .acquisition import Arrangement, Exposure
from .beam_tables import FILTER_MM, HVL_MM
from .parameters import AcquisitionParameters

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

FIRST_DAY = datetime.date(2024, 1, 8)  # fixed, so that the bytes do not depend on the clock


def laterality_of(arrangement: int) -> str:
    """Return L for even and R for odd arrangements, whose chest wall is on the right."""
    return "R" if arrangement % 2 else "L"


def oriented(image: np.ndarray, arrangement: int) -> np.ndarray:
    """Return ``image`` (rows, columns) as in the file: mirrored for a right breast."""
    return np.ascontiguousarray(image[:, ::-1]) if laterality_of(arrangement) == "R" else image


def uid(arrangement: Arrangement, *what: str | int) -> str:
    """Return the UID of something of an arrangement; it follows from the words ``what``."""
    from pydicom.uid import generate_uid

    chain = json.dumps(dataclasses.asdict(arrangement.parameters), sort_keys=True)
    words = ["LowDoseContrast", hashlib.sha256(chain.encode()).hexdigest(), arrangement.seed, arrangement.number, *what]
    return str(generate_uid(entropy_srcs=list(map(str, words))))


def exposure_dataset(arrangement: Arrangement, exposure: Exposure) -> FileDataset:
    """Return an exposure as a DICOM data set, uncompressed (Explicit VR little endian)."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    instance = uid(arrangement, "instance", exposure.name, exposure.realisation)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = FOR_PROCESSING
    meta.MediaStorageSOPInstanceUID = instance
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = generate_uid(entropy_srcs=["LowDoseContrast", "implementation"])
    meta.ImplementationVersionName = "LOWDOSECONTRAST"
    header = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    header.SOPClassUID, header.SOPInstanceUID = FOR_PROCESSING, instance
    _identify(header, arrangement, exposure)
    _describe_technique(header, arrangement.parameters, exposure)
    _describe_anatomy(header, laterality_of(arrangement.number))
    _describe_detector(header, arrangement.parameters)
    _set_pixels(header, oriented(exposure.pixels, arrangement.number), arrangement.parameters.bits)
    return header


def write_exposure(path: Path, header: FileDataset, compress: bool = True) -> str:
    """Write a data set to ``path``, atomically; return the name of its transfer syntax.

    With ``compress`` the pixels are compressed without loss: as JPEG 2000, or as RLE where no JPEG 2000
    encoder (package pylibjpeg-openjpeg) is installed.
    """
    if compress:
        # The JPEG 2000 encoder calls Python, and crashes if a signal (Ctrl+C, SIGTERM) raises there.
        # Signals are handled in the main thread only, so the encoder runs in another one.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(_compress, header).result()
    with atomic_output(path) as temporary:
        header.save_as(temporary, enforce_file_format=True)
    return header.file_meta.TransferSyntaxUID.name


def _compress(header: FileDataset) -> None:
    from pydicom.uid import JPEG2000Lossless, RLELossless

    instance = header.SOPInstanceUID
    try:
        header.compress(JPEG2000Lossless, generate_instance_uid=False)
    except (RuntimeError, NotImplementedError, ImportError):
        header.compress(RLELossless, generate_instance_uid=False)
    header.SOPInstanceUID = instance


def _identify(header: FileDataset, arrangement: Arrangement, exposure: Exposure) -> None:
    seed, index, realisation = arrangement.seed, arrangement.number, exposure.realisation
    number = list(arrangement.parameters.doses_mgy).index(exposure.name) + 1
    day = (FIRST_DAY + datetime.timedelta(days=index % 3650)).strftime("%Y%m%d")
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
    header.SoftwareVersions = __version__
    header.ReferringPhysicianName = ""
    header.StudyDescription = f"Structured breast phantom, arrangement {index + 1}"
    header.SeriesDescription = f"Simulated, {exposure.name} dose"[:64]
    header.PatientName = f"Phantom^Arrangement {index + 1:02d}"
    header.PatientID = f"SIM{seed}-{index + 1:02d}"
    header.PatientBirthDate = ""
    header.PatientSex = "O"
    header.PatientIdentityRemoved = "YES"
    header.DeidentificationMethod = "Simulated phantom: there is no patient"
    header.QualityControlImage = "YES"
    header.StudyInstanceUID = uid(arrangement, "study")
    header.SeriesInstanceUID = uid(arrangement, "series", exposure.name, realisation)
    header.FrameOfReferenceUID = uid(arrangement, "frame")
    header.PositionReferenceIndicator = ""
    header.StudyID = str(index + 1)
    header.SeriesNumber = number + 100 * realisation
    header.AcquisitionNumber = number + 100 * realisation
    header.InstanceNumber = 1


def _describe_technique(header: FileDataset, parameters: AcquisitionParameters, exposure: Exposure) -> None:
    charge = exposure.dose_mgy * parameters.mas_per_mgy
    anode, filter_, kilovolts = technique_of(parameters.beam)
    header.KVP = f"{kilovolts:g}"
    header.ExposureTime = round(charge * 10)
    header.XRayTubeCurrent = 100
    header.Exposure = round(charge)
    header.ExposureInuAs = round(charge * 1000)
    header.ExposureControlMode = "AUTOMATIC" if exposure.name == "automatic" else "MANUAL"
    header.AnodeTargetMaterial = anode
    header.FilterType = "STRIP"
    header.FilterMaterial = filter_
    header.FilterThicknessMinimum = header.FilterThicknessMaximum = f"{FILTER_MM[parameters.beam]:g}"
    header.HalfValueLayer = f"{HVL_MM[parameters.beam]:.3f}"
    header.FocalSpots = "0.3"
    header.Grid = ["FOCUSED", "RECIPROCATING"]
    header.BodyPartThickness = f"{parameters.thickness_mm:g}"
    header.CompressionForce = "90"
    header.DistanceSourceToDetector = f"{parameters.source_detector_mm:g}"
    support = parameters.source_detector_mm - parameters.support_mm
    header.DistanceSourceToPatient = f"{support:g}"
    header.DistanceSourceToEntrance = f"{support - parameters.thickness_mm:g}"
    header.EstimatedRadiographicMagnificationFactor = f"{parameters.source_detector_mm / support:.4f}"
    header.EntranceDoseInmGy = f"{exposure.dose_mgy:.3f}"
    header.OrganDose = f"{exposure.dose_mgy * parameters.glandular_dose_per_mgy / 100:.6f}"  # dGy


def technique_of(beam: str) -> tuple[str, str, float]:
    """Return (anode, filter, kVp) from a beam's name, the metals as in DICOM."""
    metals, kilovolts, _ = beam.split()
    names = {"Rh": "RHODIUM", "Mo": "MOLYBDENUM", "W": "TUNGSTEN"}
    anode, filter_ = (names[metal] for metal in metals.split("/"))
    return anode, filter_, float(kilovolts)


def _describe_anatomy(header: FileDataset, laterality: str) -> None:
    view = code("399162004", "SCT", "cranio-caudal")
    view.ViewModifierCodeSequence = []
    header.ViewCodeSequence = [view]
    header.ViewPosition = "CC"
    header.PositionerType = "MAMMOGRAPHIC"
    header.PositionerPrimaryAngle = "0"
    header.PatientOrientation = ["P", "L"] if laterality == "R" else ["A", "R"]
    header.ImageLaterality = laterality
    header.OrganExposed = "BREAST"
    header.BodyPartExamined = "BREAST"
    header.AnatomicRegionSequence = [code("76752008", "SCT", "Breast")]
    header.AcquisitionContextSequence = []
    header.BreastImplantPresent = "NO"


def _describe_detector(header: FileDataset, parameters: AcquisitionParameters) -> None:
    pixel = f"{parameters.pixel_mm:g}"
    size = [round(parameters.rows * parameters.pixel_mm), round(parameters.columns * parameters.pixel_mm)]
    header.DetectorType = "DIRECT" if parameters.absorber == "a-Se" else "SCINTILLATOR"
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


def _set_pixels(header: FileDataset, pixels: np.ndarray, bits: int) -> None:
    header.set_pixel_data(pixels, "MONOCHROME1", bits, generate_instance_uid=False)
    header.BurnedInAnnotation = "NO"
    header.LossyImageCompression = "00"
    header.PixelIntensityRelationship = "LIN"
    header.PixelIntensityRelationshipSign = 1
    header.PresentationLUTShape = "INVERSE"
    header.RescaleIntercept, header.RescaleSlope, header.RescaleType = "0", "1", "US"
