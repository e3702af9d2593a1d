"""MRML volume nodes into mammograms and back: the one file of the library that knows MRML."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer

from .attributes import HEADER_ATTRIBUTE, REPORT_ATTRIBUTE, ROLE_ATTRIBUTE
from .dicom import is_dicom, mammogram_from_header
from .errors import InputError
from .header_text import header_from_text, header_to_text
from .mammogram import Geometry, Mammogram
from .mask import Breast
from .report import EnhancementReport

if TYPE_CHECKING:
    from pydicom import Dataset

    from .enhance import Enhancement

_SOURCE_ROLE = "LowDoseContrast.source"
_CCI_MAP_ROLE = "LowDoseContrast.cciMap"


@dataclass(frozen=True)
class NodeHeader:
    """The DICOM header behind a volume node, and how it is known.

    Attributes:
        dataset: pydicom data set without pixels, or None.
        origin: ``file`` (read from it now), ``scene`` (kept with the volume when the file was seen) or ``none``.
        path: the file that it was read from, where there is one.
        stacked: the files, where Slicer made one volume of several; else empty.
        reason: why there is no header; empty where there is one.
    """

    dataset: Any = field(default=None, repr=False)
    origin: str = "none"
    path: Path | None = None
    stacked: tuple = field(default=(), repr=False)
    reason: str = ""


@dataclass(frozen=True)
class NodeImage:
    """A volume node as a mammogram.

    Attributes:
        mammogram: with the values as they are stored in the node's DICOM file, if it has one.
        inverted: whether Slicer's reader inverted a MONOCHROME1 image, so that the node's voxels
            are 2^bits - 1 minus the stored values.
        header: :class:`NodeHeader`.
    """

    mammogram: Mammogram
    inverted: bool
    header: NodeHeader = field(default_factory=NodeHeader)

    def node_values(self, pixels: np.ndarray) -> np.ndarray:
        """Stored values as voxels of the node, or voxels as stored values: it is its own inverse."""
        return _inverted(pixels, self.mammogram.full_scale) if self.inverted else pixels

    def seen_values(self, voxels: Any, report: EnhancementReport) -> np.ndarray:
        """Voxels of the node, or of its enhancement, as the network saw them and answered, float32.

        Gain and difference are of these: where the network saw an image inverted, a factor on its
        values is none on the voxels. ``report``: of the enhancement. It is its own inverse.
        """
        values = np.asarray(voxels, dtype=np.float32)
        if self.inverted:
            values = self.mammogram.full_scale - values
        return report.full_scale - values if report.flipped else values


def image_from_node(node: slicer.vtkMRMLVolumeNode) -> NodeImage:
    """Reads a scalar volume node and the DICOM header it was loaded from, where there is one.

    A header that is read from a file is kept with the node, see :func:`keep_header`.

    Raises:
        InputError: no voxels, more than one component, or voxels that are no mammogram.
    """
    name = node.GetName() or "volume"
    if not has_voxels(node):
        raise InputError(name, "the volume is empty", "load an image into it")
    if node.GetImageData().GetNumberOfScalarComponents() != 1:
        raise InputError(name, "is a colour volume", "choose a grey one")
    voxels = slicer.util.arrayFromVolume(node)
    header = keep_header(node)
    geometry = geometry_of(node)
    if header.dataset is None:
        return NodeImage(Mammogram(voxels, geometry.pixel_spacing, geometry=geometry, source=name), False, header)
    stated = replace(mammogram_from_header(header.dataset, voxels, name), geometry=geometry)
    if not _reader_inverted(stated):
        return NodeImage(stated, False, header)
    return NodeImage(stated.with_pixels(_inverted(voxels, stated.full_scale)), True, header)


def geometry_of(node: slicer.vtkMRMLVolumeNode) -> Geometry:
    """Where the volume lies, in ITK's LPS; transforms above it are left out, as in the files that Slicer saves."""
    directions = [[0.0] * 3 for _ in range(3)]
    node.GetIJKToRASDirections(directions)
    to_lps = (-1.0, -1.0, 1.0)
    direction = tuple(
        sign * value + 0.0 for sign, row in zip(to_lps, directions, strict=True) for value in row
    )  # 0.0, not -0.0
    return Geometry(
        tuple(node.GetSpacing()), tuple(s * v + 0.0 for s, v in zip(to_lps, node.GetOrigin(), strict=True)), direction
    )


def has_voxels(node: slicer.vtkMRMLVolumeNode) -> bool:
    """Whether a volume node has an image with at least one voxel; while it is being filled it has none."""
    data = node.GetImageData()
    scalars = data.GetPointData().GetScalars() if data is not None else None
    return scalars is not None and scalars.GetNumberOfTuples() == data.GetNumberOfPoints() > 0


def comparable_image(node: slicer.vtkMRMLVolumeNode) -> NodeImage:
    """:func:`image_from_node`, but the voxels of an enhanced volume mean what those of its source mean, where that is
    still there.

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
    return NodeImage(replace(mammogram, source=own.mammogram.source), image.inverted, image.header)


def _inverted(values: np.ndarray, full_scale: float) -> np.ndarray:
    top = int(full_scale)
    if values.dtype.kind == "u" and top <= np.iinfo(values.dtype).max:
        return np.subtract(values.dtype.type(top), values)  # wraps as it must, for values beyond the bits too
    return (top - values.astype(np.int32)).astype(values.dtype)


def _reader_inverted(mammogram: Mammogram) -> bool:
    """Whether voxels of a MONOCHROME1 file have the opposite polarity of what the file states.

    Slicer's default DICOM reader (GDCM) inverts them, DCMTK does not; the air around the breast
    tells, and without air the default reader is assumed.
    """
    if mammogram.photometric != "MONOCHROME1" or mammogram.pixels.dtype.kind not in "iu":
        return False
    seen = Breast(mammogram.pixels[0]).sign
    return seen is None or seen != mammogram.sign


# Headers


def header_key(node: slicer.vtkMRMLVolumeNode) -> tuple[Any, ...]:
    """What the header behind a node depends on; another value means that it must be looked up again."""
    storage = node.GetStorageNode()
    names = () if storage is None else (storage.GetID(), storage.GetFileName(), storage.GetNumberOfFileNames())
    return (*names, node.GetAttribute("DICOM.instanceUIDs"), node.GetAttribute(HEADER_ATTRIBUTE))


def keep_header(node: slicer.vtkMRMLVolumeNode, modalities: Sequence[str] | None = None) -> NodeHeader:
    """Looks up the header behind a node and keeps it as an attribute of it, so that it travels in scenes and with
    clones.

    Args:
        modalities: keep only headers of these DICOM modalities; None for any.

    Returns:
        :class:`NodeHeader`
    """
    header = header_of(node)
    if header.origin == "file" and (modalities is None or header.dataset.get("Modality") in modalities):
        try:
            text = header_to_text(header.dataset)
        except Exception:  # pydicom raises whatever a broken element makes it raise
            return header  # a header that cannot be written is known only while its file is there
        if text != node.GetAttribute(HEADER_ATTRIBUTE):
            node.SetAttribute(HEADER_ATTRIBUTE, text)
    return header


def header_of(node: slicer.vtkMRMLVolumeNode) -> NodeHeader:
    """The header behind a node: from its file or the DICOM database, else as it was kept with the node."""
    if node.GetAttribute(ROLE_ATTRIBUTE):
        return NodeHeader(reason="it was made by this extension")  # whatever its node was loaded from before
    paths = files_of(node)
    found = next((path for path in paths if _is_dicom_file(path)), None)
    dataset, origin = (_read_header(found), "file") if found else (None, "none")
    if dataset is None:
        dataset, origin = _kept_header(node), "scene"
    stacked = tuple(paths) if found and len(paths) > 1 else ()
    reason = _why_none(node, paths, found) if dataset is None else _why_another_image(node, dataset)
    return NodeHeader(None, "none", found, stacked, reason) if reason else NodeHeader(dataset, origin, found, stacked)


def files_of(node: slicer.vtkMRMLVolumeNode) -> list[Path]:
    """The files that a volume node was loaded from, as far as the scene and the DICOM database know.

    A list of paths.
    """
    database = getattr(slicer, "dicomDatabase", None)
    uids = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    stored = [database.fileForInstance(uid) for uid in uids] if database is not None and database.isOpen else []
    if all(stored) and stored:
        return [Path(path) for path in stored]
    storage = node.GetStorageNode()
    if storage is None or not storage.GetFileName():
        return []
    count = storage.GetNumberOfFileNames()
    return [Path(storage.GetFullNameFromNthFileName(i)) for i in range(count)] or [
        Path(storage.GetFullNameFromFileName())
    ]


def _read_header(path: Path) -> Dataset | None:
    import pydicom

    try:
        return pydicom.dcmread(path, stop_before_pixels=True)
    except Exception:  # pydicom raises whatever it likes on damaged files
        return None


def _kept_header(node: slicer.vtkMRMLVolumeNode) -> Dataset | None:
    text = node.GetAttribute(HEADER_ATTRIBUTE)
    try:
        return header_from_text(text) if text else None
    except ValueError:
        return None


def _is_dicom_file(path: Path) -> bool:
    try:
        return path.is_file() and is_dicom(path)
    except OSError:
        return False


def _why_another_image(node: slicer.vtkMRMLVolumeNode, dataset: Dataset) -> str:
    """Why the header does not describe the voxels of the node; empty if it does."""
    if node.GetImageData() is None:
        return ""
    columns, rows, _slices = node.GetImageData().GetDimensions()
    if (rows, columns) == (dataset.get("Rows"), dataset.get("Columns")):
        return ""
    stated = f"{dataset.get('Columns')} x {dataset.get('Rows')}"
    return f"the volume has {columns} x {rows} pixels and its DICOM file {stated}: it was cropped or resampled"


def _why_none(node: slicer.vtkMRMLVolumeNode, paths: Sequence[Path], found: Path | None) -> str:
    if found:
        return f"{found.name} cannot be read as DICOM"
    if paths:
        return (
            f"it was loaded from {paths[0].name}, which is not DICOM"
            if paths[0].is_file()
            else f"its file {paths[0].name} is no longer there"
        )
    return "there is no file behind the volume"


# Results


def write_enhancement(
    enhancement: Enhancement,
    image: NodeImage,
    source_node: slicer.vtkMRMLVolumeNode,
    target_node: slicer.vtkMRMLVolumeNode,
) -> None:
    """Puts an enhancement into ``target_node``: voxels, geometry, place in the hierarchy, provenance."""
    voxels = image.node_values(enhancement.mammogram.pixels)
    fill(target_node, voxels, source_node, "enhanced")
    target_node.SetAttribute(REPORT_ATTRIBUTE, json.dumps(enhancement.report.to_json()))
    target_node.SetAttribute("LowDoseContrast.model", enhancement.report.model)
    target_node.SetAttribute("LowDoseContrast.modelSHA256", enhancement.report.model_sha256)
    target_node.SetNodeReferenceID(_SOURCE_ROLE, source_node.GetID())
    target_node.SetAttribute("LowDoseContrast.notice", enhancement.report.notice)


def write_cci_map(
    maps: np.ndarray, measured: dict[str, Any], source_node: slicer.vtkMRMLVolumeNode
) -> slicer.vtkMRMLVolumeNode:
    """Puts local standard deviations into a volume node beside ``source_node``, that of an earlier map of it if there
    is one.

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
    fill(node, maps, source_node, "cciMap")
    node.SetAttribute("LowDoseContrast.cci", json.dumps(measured))
    inside = maps[maps > 0]
    set_window(node, 0.0, float(np.percentile(inside[:: max(1, inside.size // 200_000)], 99)) if inside.size else 1.0)
    return node


def report_of(node: slicer.vtkMRMLNode | None) -> EnhancementReport | None:
    """The :class:`EnhancementReport` of what made ``node``; None without one that can be read."""
    text = node.GetAttribute(REPORT_ATTRIBUTE) if node is not None else None
    try:
        return EnhancementReport.from_json(json.loads(text)) if text else None
    except (ValueError, TypeError, AttributeError):
        return None  # of another program, or damaged


def source_of(node: slicer.vtkMRMLVolumeNode) -> slicer.vtkMRMLVolumeNode | None:
    """The volume node that ``node`` was enhanced from, or None if it is gone."""
    return node.GetNodeReference(_SOURCE_ROLE)


def set_window(node: slicer.vtkMRMLVolumeNode, low: float, high: float) -> None:
    """Shows the values from ``low`` to ``high`` of a volume node on the whole grey scale."""
    display = _display_of(node)
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(low, high if high > low else low + 1)


def _display_of(node: slicer.vtkMRMLVolumeNode) -> slicer.vtkMRMLDisplayNode:
    """The display node, made where there is none.

    It does not look for a window by itself, which takes a second on large images.
    """
    if node.GetDisplayNode() is None:
        display = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeDisplayNode")
        display.SetDefaultColorMap()
        display.AutoWindowLevelOff()
        node.SetAndObserveDisplayNodeID(display.GetID())
    return node.GetDisplayNode()


def fill(node: slicer.vtkMRMLVolumeNode, voxels: np.ndarray, source_node: slicer.vtkMRMLVolumeNode, role: str) -> None:
    """Put voxels into a volume node of ours: geometry and place in the hierarchy are those of its source."""
    display = _display_of(node)
    display.AutoWindowLevelOff()
    slicer.util.updateVolumeFromArray(node, np.ascontiguousarray(voxels))
    node.CopyOrientation(source_node)
    node.SetAndObserveTransformNodeID(source_node.GetTransformNodeID())
    for attribute in (HEADER_ATTRIBUTE, "DICOM.instanceUIDs", REPORT_ATTRIBUTE):
        node.RemoveAttribute(attribute)  # of what the node held before
    node.SetAttribute(ROLE_ATTRIBUTE, role)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    source_item, item = (hierarchy.GetItemByDataNode(n) for n in (source_node, node))
    if source_item and item:
        hierarchy.SetItemParent(item, hierarchy.GetItemParent(source_item))
