"""MRML volume nodes into mammograms and back: the one file of the library that knows MRML."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import slicer

from .errors import InputError
from .dicom import is_dicom, mammogram_from_header
from .mammogram import Geometry, Mammogram
from .mask import air_sign, tissue_mask

REPORT_ATTRIBUTE = "LowDoseContrast.report"
_SOURCE_ROLE = "LowDoseContrast.source"
_CCI_MAP_ROLE = "LowDoseContrast.cciMap"


@dataclass(frozen=True)
class NodeImage:
    """A volume node as a mammogram.

    Attributes:
        mammogram: with the values as they are stored in the node's DICOM file, if it has one.
        inverted: whether Slicer's reader inverted a MONOCHROME1 image, so that the node's voxels
            are 2^bits - 1 minus the stored values.
    """

    mammogram: Mammogram
    inverted: bool

    def node_values(self, pixels):
        """Stored values as voxels of the node, or voxels as stored values: it is its own inverse."""
        return _inverted(pixels, self.mammogram.bits) if self.inverted else pixels


def image_from_node(node):
    """Reads a scalar volume node and the DICOM header it was loaded from, where there is one.

    Raises:
        InputError: no voxels, more than one component, or voxels that are no mammogram.
    """
    name = node.GetName() or "volume"
    data = node.GetImageData()
    if data is None or 0 in data.GetDimensions():
        raise InputError(f"{name}: the volume is empty; load an image into it")
    if data.GetNumberOfScalarComponents() != 1:
        raise InputError(f"{name}: is a colour volume; choose a grey one")
    voxels = slicer.util.arrayFromVolume(node)
    header = _header(node)
    if header is None:
        geometry = Geometry(node.GetSpacing())
        return NodeImage(Mammogram(voxels, geometry.pixel_spacing, geometry=geometry, source=name), False)
    stated = mammogram_from_header(header, voxels, name)
    if not _reader_inverted(stated):
        return NodeImage(stated, False)
    return NodeImage(stated.with_pixels(_inverted(voxels, stated.bits)), True)


def comparable_image(node):
    """:func:`image_from_node`, but the voxels of an enhanced volume mean what those of its source mean, where that is still there.

    The result of an enhancement has no header of its own, and a CCI depends on bits and polarity.

    Raises:
        InputError: as :func:`image_from_node`.
    """
    source = source_of(node) if report_of(node) else None
    own = image_from_node(node)
    if source is None:
        return own
    image = image_from_node(source)
    voxels = slicer.util.arrayFromVolume(node)
    if voxels.shape != image.mammogram.pixels.shape:
        return own  # it was cropped or resampled since
    mammogram = image.mammogram.with_pixels(image.node_values(voxels))
    return NodeImage(replace(mammogram, source=own.mammogram.source), image.inverted)


def _inverted(values, bits):
    return ((2**bits - 1) - values.astype(np.int32)).astype(values.dtype)


def _reader_inverted(mammogram):
    """Whether voxels of a MONOCHROME1 file have the opposite polarity of what the file states.

    Slicer's default DICOM reader (GDCM) inverts them, DCMTK does not; the air around the breast
    tells, and without air the default reader is assumed.
    """
    if mammogram.photometric != "MONOCHROME1" or mammogram.pixels.dtype.kind not in "iu":
        return False
    seen = air_sign(mammogram.pixels[0])
    return seen is None or seen != mammogram.sign


def _header(node):
    """The DICOM header behind a node, or None."""
    path = _dicom_file(node)
    if path is None or not path.is_file() or not is_dicom(path):
        return None
    import pydicom

    try:
        header = pydicom.dcmread(path, stop_before_pixels=True)
    except (OSError, pydicom.errors.InvalidDicomError):
        return None
    columns, rows, _ = node.GetImageData().GetDimensions()
    # A volume that was cropped or resampled is no longer what the header describes.
    return header if (header.get("Rows"), header.get("Columns")) == (rows, columns) else None


def _dicom_file(node):
    uids = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)
    if uids and database is not None:
        found = database.fileForInstance(uids[0])
        if found:
            return Path(found)
    storage = node.GetStorageNode()
    return Path(storage.GetFileName()) if storage is not None and storage.GetFileName() else None


def write_enhancement(enhancement, image, source_node, target_node):
    """Puts an enhancement into ``target_node``: voxels, geometry, display, place in the hierarchy, provenance."""
    voxels = image.node_values(enhancement.mammogram.pixels)
    _fill(target_node, voxels, source_node)
    target_node.SetAttribute(REPORT_ATTRIBUTE, json.dumps(enhancement.report))
    target_node.SetAttribute("LowDoseContrast.model", enhancement.report["model"])
    target_node.SetAttribute("LowDoseContrast.modelSHA256", enhancement.report["model_sha256"])
    target_node.SetNodeReferenceID(_SOURCE_ROLE, source_node.GetID())
    target_node.SetAttribute("LowDoseContrast.notice", enhancement.report["notice"])
    show_alike(source_node, target_node)


def write_change(target_node, source_node, enhanced_node):
    """Fills ``target_node`` with enhanced - fitted gain x source, float32; returns the gain."""
    before, after = (slicer.util.arrayFromVolume(n) for n in (source_node, enhanced_node))
    if before.shape != after.shape:
        raise InputError(f"{source_node.GetName()} and {enhanced_node.GetName()} differ in size; choose volumes of the same image")
    image = image_from_node(source_node)
    before, after = (image.node_values(v).astype(np.float32) for v in (before, after))
    tissue = np.stack([tissue_mask(s, image.mammogram.sign) for s in image.mammogram.pixels])
    power = float(np.sum(before[tissue] ** 2, dtype=np.float64))
    gain = float(np.sum(before[tissue] * after[tissue], dtype=np.float64)) / power if power else 1.0
    change = np.where(tissue, after - gain * before, 0).astype(np.float32)
    _fill(target_node, change, source_node)
    target_node.SetAttribute("LowDoseContrast.fittedGain", f"{gain:.6g}")
    spread = float(np.percentile(np.abs(change[tissue]), 99)) if tissue.any() else 1.0
    _set_window(target_node, -spread, spread)
    return gain


def write_cci_map(maps, measured, source_node):
    """Puts local standard deviations into a volume node beside ``source_node``, that of an earlier map of it if there is one.

    Args:
        maps: float32 (slices, rows, columns), on the scale 0 to ``measured["levels"]``.
        measured: JSON-able, see :func:`LowDoseContrastLib.cci.measure`.

    Returns:
        The volume node.
    """
    node = source_node.GetNodeReference(_CCI_MAP_ROLE)
    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", f"{source_node.GetName()} CCI map")
        source_node.SetNodeReferenceID(_CCI_MAP_ROLE, node.GetID())
    _fill(node, maps, source_node)
    node.SetAttribute("LowDoseContrast.cci", json.dumps(measured))
    inside = maps[maps > 0]
    _set_window(node, 0.0, float(np.percentile(inside[:: max(1, inside.size // 200_000)], 99)) if inside.size else 1.0)
    return node


def report_of(node):
    """The report of the enhancement that made ``node``, or None."""
    text = node.GetAttribute(REPORT_ATTRIBUTE) if node is not None else None
    return json.loads(text) if text else None


def source_of(node):
    """The volume node that ``node`` was enhanced from, or None if it is gone."""
    return node.GetNodeReference(_SOURCE_ROLE)


def show_breast(node):
    """Sets window and level of ``node`` so that the tissue, not the air or the skin, fills the grey scale."""
    voxels = slicer.util.arrayFromVolume(node)
    middle = voxels[len(voxels) // 2]
    values = middle[tissue_mask(middle)]
    lower, median, upper = (float(v) for v in np.percentile(values[:: max(1, values.size // 200_000)], (25, 50, 75)))
    # Quartiles, because the thin edge of the breast spans more values than all of its inside.
    _set_window(node, median - 4 * (median - lower), median + 4 * (upper - median))


def show_alike(node, enhanced_node):
    """Windows ``enhanced_node`` as ``node`` is, but for the fitted gain: what still differs, the network did."""
    image, report = image_from_node(node), report_of(enhanced_node)
    display = node.GetDisplayNode()
    if report is None or display is None:
        show_breast(enhanced_node)
        return
    top = 2**image.mammogram.bits - 1 if image.inverted else 0
    edges = (display.GetWindowLevelMin(), display.GetWindowLevelMax())
    _set_window(enhanced_node, *(top + report["gain"] * (edge - top) for edge in edges))


def _set_window(node, low, high):
    display = node.GetDisplayNode()
    if display is None:
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(low, high if high > low else low + 1)


def _fill(node, voxels, source_node):
    slicer.util.updateVolumeFromArray(node, np.ascontiguousarray(voxels))
    node.CopyOrientation(source_node)
    node.CreateDefaultDisplayNodes()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    source_item, item = (hierarchy.GetItemByDataNode(n) for n in (source_node, node))
    if source_item and item:
        hierarchy.SetItemParent(item, hierarchy.GetItemParent(source_item))
