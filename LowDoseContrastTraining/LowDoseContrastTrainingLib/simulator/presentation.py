"""The For Presentation counterpart of a For Processing image, as sent to a reader's workstation.

Logarithm, equalised rim, 12 bits with dense tissue bright, and display windows.
"""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

import numpy as np
from LowDoseContrastLib.derived import source_reference
from LowDoseContrastLib.dicom import FOR_PRESENTATION
from LowDoseContrastLib.mask import Breast, extent

from .wide_blur import wide_gaussian

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

BITS = 12
NEPERS = 7.0  # range of ln(exposure) that the 12 bits span, down from full scale
RIM_SIGMA_MM = 4.0  # of the blur that separates the thin rim from structure of the tissue
WINDOWS = {"NORMAL": 1.0, "HARDER": 0.7, "SOFTER": 1.5}  # width relative to the tissue's spread


def presented(pixels: np.ndarray, offset: float, full_scale: float, pixel_mm: float) -> np.ndarray:
    """Return the image for display, uint16 of 12 bits, higher where less is transmitted.

    It shows ln(exposure). The rim is brought to the level of the fattest tissue by subtracting the excess
    of a blurred image over that level (Byng, Critten and Yaffe 1997, Radiology 203:564).

    Args:
        pixels: (rows, columns) For Processing values, linear in exposure, air bright.
        offset: pixel value at no exposure.
        full_scale: highest pixel value.
    """
    logarithm = np.log(np.clip(pixels.astype(np.float32) - np.float32(offset), 1, None))
    breast = Breast(pixels, 1)
    region = extent(breast.mask, margin=8)
    part, inside = logarithm[region], breast.mask[region]
    trend = _blurred_inside(part, inside, RIM_SIGMA_MM / pixel_mm)
    level = np.percentile(logarithm[breast.tissue], 90)
    part -= np.where(inside, np.clip(trend - level, 0, None), 0)
    top = 2**BITS - 1
    values = (math.log(full_scale) - logarithm) * (top / NEPERS)
    return np.clip(np.rint(values), 0, top).astype(np.uint16)


def _blurred_inside(image: np.ndarray, inside: np.ndarray, sigma: float) -> np.ndarray:
    """Return the Gaussian mean over the pixels inside only (normalised convolution)."""
    weight = wide_gaussian(inside.astype(np.float32), sigma)
    total = wide_gaussian(np.where(inside, image, 0), sigma)
    return np.divide(total, weight, out=np.zeros_like(total), where=weight > 1e-3)


def windows(values: np.ndarray) -> dict[str, tuple[float, float]]:
    """Return name -> (centre, width) of windows on the breast of a presented image."""
    tissue = values[Breast(values, -1).mask]
    low, high = np.percentile(tissue, (2, 99.8))
    centre, width = (low + high) / 2, max(float(high - low), 2.0)
    return {name: (round(float(centre)), round(width * factor)) for name, factor in WINDOWS.items()}


def presentation_dataset(
    header: FileDataset, pixels: np.ndarray, offset: float, instance: str, series: str
) -> FileDataset:
    """Return the For Presentation image of a For Processing one, uncompressed.

    Args:
        header: of the For Processing image, before compression.
        pixels: (rows, columns) as stored in it.
        offset: pixel value at no exposure.
        instance, series: UIDs of the new image.
    """
    shown = copy.deepcopy(header)
    values = presented(pixels, offset, 2**header.BitsStored - 1, float(header.ImagerPixelSpacing[0]))
    shown.SourceImageSequence = [source_reference(header.SOPClassUID, header.SOPInstanceUID)]
    shown.SOPClassUID = shown.file_meta.MediaStorageSOPClassUID = FOR_PRESENTATION
    shown.SOPInstanceUID = shown.file_meta.MediaStorageSOPInstanceUID = instance
    shown.SeriesInstanceUID, shown.SeriesNumber = series, int(header.SeriesNumber) + 50
    shown.SeriesDescription = f"{header.SeriesDescription}, for presentation"[:64]
    shown.ImageType = ["DERIVED", "PRIMARY", ""]
    shown.PresentationIntentType = "FOR PRESENTATION"
    shown.DerivationDescription = "Logarithm, equalised rim, 12 bits"
    shown.PixelIntensityRelationship, shown.PixelIntensityRelationshipSign = "LOG", -1
    shown.PresentationLUTShape = "IDENTITY"
    chosen = windows(values)
    shown.WindowCenter = [f"{centre}" for centre, _ in chosen.values()]
    shown.WindowWidth = [f"{width}" for _, width in chosen.values()]
    shown.WindowCenterWidthExplanation = list(chosen)
    shown.VOILUTFunction = "LINEAR"
    shown.set_pixel_data(values, "MONOCHROME2", BITS, generate_instance_uid=False)
    return shown
