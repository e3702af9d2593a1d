"""What Slicer's DICOM module and its scalar volume plug-in do: import files, and load series of the database.

The order of the scene's events is Slicer's, and so are the readers (vtkITK): with "GDCM" and "DCMTK" a node
without voxels is in the scene first, and no storage node comes after it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

import slicer
import vtk

from .dicom_database import is_dicom

APPROACHES = ("GDCM with DCMTK fallback", "DCMTK", "GDCM", "Archetype")  # the first is Slicer's default

_SERIES = {
    "Modality": "0008,0060",
    "SeriesNumber": "0020,0011",
    "FrameOfReferenceUID": "0020,0052",
    "SeriesDescription": "0008,103E",
    "SeriesDate": "0008,0021",
    "SeriesTime": "0008,0031",
    "ContentDate": "0008,0023",
    "ContentTime": "0008,0033",
    "Manufacturer": "0008,0070",
    "Model": "0008,1090",
}
_PATIENT = {
    "PatientID": "0010,0020",
    "PatientName": "0010,0010",
    "PatientSex": "0010,0040",
    "PatientBirthDate": "0010,0030",
    "PatientComments": "0010,4000",
}
_STUDY = {
    "StudyDescription": "0008,1030",
    "StudyInstanceUID": "0020,000D",
    "StudyID": "0020,0010",
    "StudyDate": "0008,0020",
    "StudyTime": "0008,0030",
}


@dataclass
class Loadable:
    """Files that are loaded as one volume."""

    files: list = field(default_factory=list)
    name: str = "Unknown"
    grayscale: bool = True


def _value(path, tag):
    return slicer.dicomDatabase.fileValue(path, tag)


# --- import ---


def import_folder_of(path):
    """Take all DICOM files of the file's folder into the database, as its reader does; no node comes of it."""
    slicer.util.selectModule("DICOM")
    for file in sorted(Path(path).resolve().parent.rglob("*")):
        if file.is_file() and is_dicom(file):
            slicer.dicomDatabase.addFile(str(file))
    return True


# --- load ---


def examine(files):
    """The loadable series of these files of the database."""
    series = {}
    for file in map(str, files):
        series.setdefault(slicer.dicomDatabase.seriesForFile(file), []).append(file)
    return [
        Loadable(sorted(group, key=_place), _name(group[0]), "MONOCHROME" in _value(group[0], "0028,0004"))
        for group in series.values()
    ]


def _place(file):
    """Where a slice lies along the normal of its plane; 0 where the header does not say."""
    try:
        position = [float(each) for each in _value(file, "0020,0032").split("\\")]
        axes = [float(each) for each in _value(file, "0020,0037").split("\\")]
        normal = [0.0, 0.0, 0.0]
        vtk.vtkMath.Cross(axes[:3], axes[3:], normal)
        return vtk.vtkMath.Dot(position, normal)
    except ValueError:
        return 0.0


def _name(file):
    number, description = _value(file, "0020,0011"), _value(file, "0008,103E") or "Unnamed Series"
    name = f"{number}: {description}" if number else description
    for found, instead in (("|", "-"), ("/", "-"), ("\\", "-"), ("*", "(star)")):
        name = name.replace(found, instead)
    return name


def load(loadable, approach=None):
    """Load a series with one of ``APPROACHES``, as the settings say when none is given."""
    if not approach:
        approach = APPROACHES[slicer.util.settingsValue("DICOM/ScalarVolume/ReaderApproach", 0, converter=int)]
    if approach not in APPROACHES:
        raise ValueError(f"no approach is called {approach!r}, only {APPROACHES}")
    if approach == "Archetype":
        node = _load_archetype(loadable)
    elif approach == APPROACHES[0]:
        node = _load_series(loadable, "GDCM") or _load_series(loadable, "DCMTK")
    else:
        node = _load_series(loadable, approach)
    if node is not None:
        _add_to_subject_hierarchy(node, loadable)
        _fill_node(node, loadable)
    return node


def _load_archetype(loadable):
    names = vtk.vtkStringArray()
    for file in loadable.files:
        names.InsertNextValue(file)
    return slicer.modules.volumes.logic().AddArchetypeScalarVolume(loadable.files[0], loadable.name, 0, names)


def _load_series(loadable, library):
    if loadable.grayscale:
        reader, kind = slicer.vtkITKArchetypeImageSeriesScalarReader(), "vtkMRMLScalarVolumeNode"
    else:
        several = len(loadable.files) > 1
        reader = getattr(slicer, f"vtkITKArchetypeImageSeriesVectorReader{'Series' if several else 'File'}")()
        kind = "vtkMRMLVectorVolumeNode"
    reader.SetArchetype(loadable.files[0])
    for file in loadable.files:
        reader.AddFileName(file)
    reader.SetSingleFile(0)
    reader.SetOutputScalarTypeToNative()
    reader.SetDesiredCoordinateOrientationToNative()
    reader.SetUseNativeOriginOn()
    getattr(reader, f"SetDICOMImageIOApproachTo{library}")()
    reader.Update()
    if reader.GetErrorCode():
        logging.error("Could not read scalar volume using %s approach.", library)
        return None
    change = vtk.vtkImageChangeInformation()
    change.SetInputConnection(reader.GetOutputPort())
    change.SetOutputSpacing(1, 1, 1)
    change.SetOutputOrigin(0, 0, 0)
    change.Update()
    node = slicer.mrmlScene.AddNewNodeByClass(kind, slicer.mrmlScene.GenerateUniqueName(loadable.name))
    node.SetAndObserveImageData(change.GetOutputDataObject(0))
    slicer.vtkMRMLVolumeArchetypeStorageNode.SetMetaDataDictionaryFromReader(node, reader)
    node.SetRASToIJKMatrix(reader.GetRasToIjkMatrix())
    node.CreateDefaultDisplayNodes()
    return node


def _add_to_subject_hierarchy(node, loadable):
    """The volume's item below those of its patient and study."""
    names, file = slicer.vtkMRMLSubjectHierarchyConstants, loadable.files[0]
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    uid_name, prefix = names.GetDICOMUIDName(), names.GetDICOMAttributePrefix()
    item = hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)
    series, study = _value(file, "0020,000E"), _value(file, "0020,000D")
    hierarchy.SetItemUID(item, uid_name, series)
    for name, tag in _SERIES.items():
        hierarchy.SetItemAttribute(item, prefix + name, _value(file, tag))
    hierarchy.SetItemUID(item, names.GetDICOMInstanceUIDName(), _instances(loadable.files))
    patient = _value(file, "0010,0020") or f"Patient-{study}"
    known = {uid: hierarchy.GetItemByUID(uid_name, uid) for uid in (patient, study)}
    slicer.vtkSlicerSubjectHierarchyModuleLogic.InsertDicomSeriesInHierarchy(hierarchy, patient, study, series)
    for uid, tags, shown in (
        (patient, _PATIENT, ("PatientName", "No name")),
        (study, _STUDY, ("StudyDescription", "No study description")),
    ):
        parent = hierarchy.GetItemByUID(uid_name, uid)
        if parent and not known[uid]:
            values = {name: _value(file, tag) for name, tag in tags.items()}
            values[shown[0]] = values[shown[0]] or shown[1]
            if uid == patient:
                values["PatientID"] = patient
            for name, value in values.items():
                hierarchy.SetItemAttribute(parent, prefix + name, value)
            beside = values.get("PatientID") or values.get("StudyDate")
            hierarchy.SetItemName(parent, values[shown[0]] + (f" ({beside})" if beside else ""))


def _instances(files):
    return " ".join(_value(file, "0008,0018") or "Unknown" for file in files)


def _fill_node(node, loadable):
    """What the headers say of the volume, and its choice in the views."""
    files, matrix = loadable.files, vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    if not slicer.vtkMRMLVolumeNode.IsIJKCoordinateSystemRightHanded(matrix):
        slicer.vtkMRMLVolumeNode.ReverseSliceOrder(node.GetImageData(), matrix)
        node.SetIJKToRASMatrix(matrix)
        files = files[::-1]
    node.SetAttribute("DICOM.instanceUIDs", _instances(files))
    node.SetAttribute("DICOM.instanceNumbers", " ".join(_value(file, "0020,0013") or "?" for file in files))
    logic = slicer.app.applicationLogic()
    logic.GetSelectionNode().SetActiveVolumeID(node.GetID())
    logic.PropagateVolumeSelection()
    middle = files[len(files) // 2]
    try:
        _set_window(node, middle)
    except ValueError as error:
        logging.error("Failed to parse window center/width values: %s", error)
    _set_quantity(node, _value(middle, "0008,0060"))


def _set_window(node, file):
    display = node.GetScalarVolumeDisplayNode() if node.IsA("vtkMRMLScalarVolumeNode") else None
    centres, widths = _value(file, "0028,1050"), _value(file, "0028,1051")
    if display is None or not (centres or widths):
        return
    for centre, width in zip(centres.split("\\"), widths.split("\\"), strict=True):
        display.AddWindowLevelPreset(float(width), float(centre))
    display.SetWindowLevelFromPreset(0)


def _set_quantity(node, modality):
    known = {
        "MR": (("110852", "DCM", "MR signal intensity"), ("1", "UCUM", "no units")),
        "CT": (("112031", "DCM", "Attenuation Coefficient"), ("[hnsf'U]", "UCUM", "Hounsfield unit")),
    }
    for setter, code in zip((node.SetVoxelValueQuantity, node.SetVoxelValueUnits), known.get(modality, ())):
        entry = slicer.vtkCodedEntry()
        entry.SetValueSchemeMeaning(*code)
        setter(entry)
