"""Load and save nodes and scenes, as Slicer's input/output manager does.

The reading and writing is done by Slicer's own storage nodes and logics; this file
only picks which of them a file needs.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path

import vtk

from . import dicom_loading

_VOLUME_ENDINGS = (
    ".nrrd",
    ".nhdr",
    ".nii",
    ".nii.gz",
    ".mha",
    ".mhd",
    ".dcm",
    ".ima",
    ".png",
    ".tif",
    ".tiff",
    ".jpg",
    ".jpeg",
    ".bmp",
    ".hdr",
    ".img",
    ".vtk",
)
_TYPES = {
    "VolumeFile": (_VOLUME_ENDINGS, None),
    "SceneFile": ((".mrml", ".mrb"), None),
    "TableFile": ((".csv", ".tsv"), "vtkMRMLTableNode"),
    "TextFile": ((".txt", ".json", ".xml"), "vtkMRMLTextNode"),
    "TransformFile": ((".h5", ".tfm", ".mat"), "vtkMRMLLinearTransformNode"),
    "ModelFile": ((".vtp", ".stl", ".obj", ".ply"), "vtkMRMLModelNode"),
    "MarkupsFile": ((".mrk.json", ".fcsv"), None),
    "SegmentationFile": ((".seg.nrrd",), "vtkMRMLSegmentationNode"),
    "ColorTableFile": ((".ctbl", ".cxml"), "vtkMRMLColorTableNode"),
}
# The longest ending decides, as ".seg.nrrd" against ".nrrd".
_ENDINGS = sorted(
    ((ending, name) for name, (endings, _) in _TYPES.items() for ending in endings), key=lambda item: -len(item[0])
)


class CoreIOManager:
    """The part of qSlicerCoreIOManager that ``slicer.util`` calls."""

    def __init__(self, scene, logic):
        self._scene = scene
        self._logic = logic

    def fileType(self, filename):
        """The type whose reader is the surest; for DICOM, whatever the ending, that is the import."""
        if dicom_loading.is_dicom(filename):
            return "DICOMFileImport"
        lower = str(filename).lower()
        return next((name for ending, name in _ENDINGS if lower.endswith(ending)), "NoFile")

    def fileWriterFileType(self, node, *_):
        return "SceneFile" if node is None else node.GetClassName()

    def fileWriterExtensions(self, node):
        storage = node.CreateDefaultStorageNode()
        storage.UnRegister(None)
        types = storage.GetSupportedWriteFileTypes()
        return [types.GetValue(i) for i in range(types.GetNumberOfValues())]

    def extractKnownExtension(self, filename, node):
        endings = (
            vtkFormat.rpartition("(")[2].rstrip(")").lstrip("*") for vtkFormat in self.fileWriterExtensions(node)
        )
        matching = [ending for ending in endings if str(filename).lower().endswith(ending)]
        return max(matching, key=len, default=Path(filename).suffix)

    def loadNodes(self, fileType, properties, loaded=None, messages=None):
        """Load ``properties["fileName"]``; returns whether that succeeded."""
        filename = properties["fileName"]
        if not Path(filename).exists():
            return _say(messages, f"File does not exist: {filename}")
        if fileType == "SceneFile":
            return self._load_scene(filename, properties)
        if fileType == "DICOMFileImport":
            return dicom_loading.import_folder_of(filename)
        node = (
            self._load_volume(filename, properties)
            if fileType == "VolumeFile"
            else self._load_data(fileType, filename, properties, messages)
        )
        if node is None:
            return _say(messages, f"Loading {filename} failed.")
        if loaded is not None:
            loaded.AddItem(node)
        return True

    def _load_volume(self, filename, properties):
        options = (
            int(bool(properties.get("labelmap")))
            | int(bool(properties.get("center"))) << 1
            | int(bool(properties.get("singleFile"))) << 2
            | int(properties.get("autoWindowLevel", True)) << 3
            | int(bool(properties.get("discardOrientation"))) << 4
        )
        names = None
        if properties.get("fileNames"):
            names = vtk.vtkStringArray()
            for name in properties["fileNames"]:
                names.InsertNextValue(str(name))
        name = properties.get("name") or Path(filename).name.partition(".")[0]  # the logic makes it unique
        logic = self._logic.GetModuleLogic("Volumes")
        node = logic.AddArchetypeVolume(str(filename), name, options, names)
        if node is not None and properties.get("show", True):
            selection = self._logic.GetSelectionNode()
            if node.IsA("vtkMRMLLabelMapVolumeNode"):
                selection.SetActiveLabelVolumeID(node.GetID())
            else:
                selection.SetActiveVolumeID(node.GetID())
            self._logic.PropagateVolumeSelection()
        return node

    def _load_data(self, fileType, filename, properties, messages):
        node_class = _TYPES.get(fileType, ((), None))[1]
        if node_class is None:
            _say(messages, f"The headless host has no reader for {fileType}.")
            return None
        name = self._scene.GetUniqueNameByString(properties.get("name") or _base_name(filename))
        node = self._scene.AddNewNodeByClass(node_class, name)
        node.AddDefaultStorageNode(str(filename))
        if not node.GetStorageNode().ReadData(node):
            self._scene.RemoveNode(node)
            return None
        if hasattr(node, "CreateDefaultDisplayNodes"):
            node.CreateDefaultDisplayNodes()
        return node

    def loadScene(self, filename, clear=True):
        return self._load_scene(filename, {"clear": clear})

    def _load_scene(self, filename, properties):
        if str(filename).lower().endswith(".mrb"):
            with tempfile.TemporaryDirectory() as folder:
                with zipfile.ZipFile(filename) as bundle:
                    bundle.extractall(folder)
                scene_file = next(Path(folder).rglob("*.mrml"))
                return self._read_scene(scene_file, properties.get("clear", False))
        return self._read_scene(Path(filename), properties.get("clear", False))

    def _read_scene(self, path, clear):
        self._scene.SetURL(str(path))
        return bool(self._scene.Connect() if clear else self._scene.Import())

    def saveNodes(self, fileType, properties, messages=None):
        """Save a node, or with the type "SceneFile" the scene."""
        filename = str(properties["fileName"])
        if fileType == "SceneFile":
            return self._save_scene(filename)
        node = self._scene.GetNodeByID(properties["nodeID"])
        if not node.AddDefaultStorageNode(filename) and node.GetStorageNode() is None:
            return _say(messages, f"{node.GetName()} cannot be stored.")
        storage = node.GetStorageNode()
        storage.SetFileName(filename)
        if "useCompression" in properties:
            storage.SetUseCompression(int(properties["useCompression"]))
        return bool(storage.WriteData(node))

    def exportNodes(self, ids, filenames, properties, harden, messages=None):
        """Write nodes without touching their storage nodes."""
        for identity, filename in zip(ids, filenames):
            node = self._scene.GetNodeByID(identity)
            storage = node.CreateDefaultStorageNode()
            storage.UnRegister(None)
            storage.SetScene(self._scene)
            storage.SetFileName(str(filename))
            if not storage.WriteData(node):
                return False
        return True

    def saveScene(self, filename, screenshot=None):
        return self._save_scene(str(filename))

    def _save_scene(self, filename):
        scene = self._scene
        if filename.endswith(".mrml"):
            scene.SetURL(filename)
            scene.SetRootDirectory(str(Path(filename).parent))
            return bool(scene.Commit())
        if filename.endswith(".mrb"):
            return bool(scene.WriteToMRB(filename))
        folder = Path(filename)
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        return bool(scene.SaveSceneToSlicerDataBundleDirectory(str(folder)))


def _base_name(filename):
    name = Path(filename).name
    lower = name.lower()
    ending = next((ending for ending, _ in _ENDINGS if lower.endswith(ending)), Path(name).suffix)
    return name[: len(name) - len(ending)] if ending else name


def _say(messages, text):
    """Hand an error to the caller; returns False for ``return _say(...)``."""
    if messages is not None:
        messages.AddMessage(vtk.vtkCommand.ErrorEvent, text)
    return False
