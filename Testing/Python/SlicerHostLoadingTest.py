"""Data reach the scene of the headless host on the ways and in the order of the 3D Slicer desktop."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import slicer
import vtk

try:
    import SlicerHost
except ImportError:  # inside 3D Slicer there is no host to be tested
    raise unittest.SkipTest("the headless host is not in use") from None

import SampleData
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid


def write_dicom(path, **elements):
    """A file of one image of 6 rows and 8 columns."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.2.1"
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    data.StudyInstanceUID, data.SeriesInstanceUID = generate_uid(), generate_uid()
    data.Modality, data.PatientID, data.PatientName = "MG", "P1", "NAME"
    data.SeriesDescription, data.SeriesNumber, data.InstanceNumber = "L/CC", 3, 7
    data.WindowCenter, data.WindowWidth = ["50", "10"], ["100", "20"]
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    data.BitsAllocated, data.BitsStored, data.HighBit = 16, 14, 13
    data.Rows, data.Columns, data.ImagerPixelSpacing = 6, 8, [0.1, 0.1]
    data.PixelData = np.arange(48, dtype="<u2").tobytes()
    data["PixelData"].VR = "OW"
    for keyword, value in elements.items():
        setattr(data, keyword, value)
    data.save_as(path, enforce_file_format=True)
    return Path(path)


def volumes():
    return slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")


class LoadingTestCase(unittest.TestCase):
    def setUp(self):
        self.host = SlicerHost.start()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)


class SampleDataTest(LoadingTestCase):
    def setUp(self):
        super().setUp()
        self.known = SampleData.SampleDataLogic.sampleDataSourcesByCategory()
        self.addCleanup(self.known.pop, "Host", None)

    def register(self, name="HostSample", **fields):
        SampleData.SampleDataLogic.registerCustomSampleDataSource(category="Host", sampleName=name, **fields)

    def image(self, value=1):
        path = self.folder / "image.nrrd"
        node = slicer.util.addVolumeFromArray(np.full((1, 4, 5), value, np.uint16))
        slicer.util.saveNode(node, str(path))
        slicer.mrmlScene.Clear()
        return path

    def test_the_button_calls_the_custom_downloader_and_scripts_do_not(self):
        called = []
        self.register(
            uris=self.image().as_uri(), fileNames="image.nrrd", nodeNames="Image", customDownloader=called.append
        )
        node = SampleData.downloadSample("HostSample")
        self.assertEqual((node.GetName(), called), ("Image", []))
        self.host.clickSample("HostSample")
        self.assertEqual([source.sampleName for source in called], ["HostSample"])
        self.assertEqual(len(volumes()), 1)
        self.assertEqual(slicer.util.selectedModule(), "SampleData")

    def test_errors_of_a_custom_downloader_are_printed(self):
        def fail(source):
            raise OSError("no such sample")

        self.register(customDownloader=fail)
        self.host.clickSample("HostSample")
        self.assertIn("no such sample", self.host.uncaught[-1])

    def test_loaded_nodes_lose_their_storage_nodes(self):
        self.register(uris=self.image().as_uri(), fileNames="image.nrrd", nodeNames="Image")
        self.host.clickSample("HostSample")
        self.assertIsNone(volumes()[0].GetStorageNode())

    def test_files_of_the_cache_are_used_again_unless_their_digest_differs(self):
        import hashlib

        path = self.image(1)
        fields = dict(uris=path.as_uri(), fileNames="image.nrrd", nodeNames="Image")
        self.register(**fields)
        SampleData.downloadSample("HostSample")
        self.image(2)
        self.assertEqual(slicer.util.arrayFromVolume(SampleData.downloadSample("HostSample")).max(), 1)
        self.assertTrue(Path(slicer.mrmlScene.GetCacheManager().GetRemoteCacheDirectory(), "image.nrrd").exists())
        self.register("Checked", checksums="SHA256:" + hashlib.sha256(path.read_bytes()).hexdigest(), **fields)
        self.assertEqual(slicer.util.arrayFromVolume(SampleData.downloadSample("Checked")).max(), 2)

    def test_a_dicom_sample_is_imported_and_gives_no_volume(self):
        path = write_dicom(self.folder / "image.dcm")
        self.register(uris=path.as_uri(), fileNames="image.dcm", nodeNames="Image")
        self.assertIs(SampleData.downloadSample("HostSample"), slicer.mrmlScene)
        self.assertEqual((volumes(), len(slicer.dicomDatabase.instances())), ([], 1))
        self.assertEqual(slicer.util.selectedModule(), "DICOM")
        self.register(
            "AsVolume", uris=path.as_uri(), fileNames="image.dcm", nodeNames="Image", loadFileTypes="VolumeFile"
        )
        self.assertEqual(SampleData.downloadSample("AsVolume").GetName(), "Image")


class FileTypeTest(LoadingTestCase):
    def test_dicom_is_known_by_its_contents(self):
        manager = slicer.app.coreIOManager()
        self.assertEqual(manager.fileType(str(write_dicom(self.folder / "image.png"))), "DICOMFileImport")
        self.assertEqual(manager.fileType(str(self.folder / "image.nrrd")), "VolumeFile")

    def test_load_volume_reads_dicom_as_a_volume(self):
        node = slicer.util.loadVolume(str(write_dicom(self.folder / "image.dcm")))
        self.assertEqual((node.GetName(), node.GetStorageNode() is None), ("image", False))


class DicomDatabaseTest(LoadingTestCase):
    def load(self, approach=None, **elements):
        events = []

        @vtk.calldata_type(vtk.VTK_OBJECT)
        def on_added(caller, event, node):
            if node.IsA("vtkMRMLVolumeNode"):
                events.append((node.GetImageData() is None, node.GetDisplayNode() is None))

        tag = slicer.mrmlScene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, on_added)
        self.addCleanup(slicer.mrmlScene.RemoveObserver, tag)
        (node,) = self.host.loadDicom([write_dicom(self.folder / "image.dcm", **elements)], approach)
        return node, events

    def test_the_default_reader_adds_an_empty_node_first_and_stores_nothing(self):
        for approach in (None, "GDCM"):
            node, events = self.load(approach)
            self.assertEqual((events, node.GetStorageNode()), ([(True, True)], None))
            self.assertEqual(slicer.util.arrayFromVolume(node).shape, (1, 6, 8))
            self.assertEqual(node.GetName().split("_")[0], "3: L-CC")
            slicer.mrmlScene.Clear()

    def test_the_archetype_reader_leaves_a_storage_node(self):
        node, _ = self.load("Archetype")
        self.assertIsNotNone(node.GetStorageNode())
        self.assertEqual(slicer.util.arrayFromVolume(node)[0, 0, 5], 5)

    def test_the_settings_choose_the_reader(self):
        slicer.app.settings().setValue("DICOM/ScalarVolume/ReaderApproach", 3)
        self.assertIsNotNone(self.load()[0].GetStorageNode())

    def test_the_node_knows_its_instances_and_its_window(self):
        node, _ = self.load()
        uid = node.GetAttribute("DICOM.instanceUIDs")
        self.assertEqual(slicer.dicomDatabase.fileForInstance(uid), str(self.folder / "image.dcm"))
        self.assertEqual(node.GetAttribute("DICOM.instanceNumbers"), "7")
        display = node.GetDisplayNode()
        self.assertEqual(
            (display.GetNumberOfWindowLevelPresets(), display.GetWindow(), display.GetLevel()), (2, 100, 50)
        )
        self.assertEqual(slicer.app.applicationLogic().GetSelectionNode().GetActiveVolumeID(), node.GetID())
        red = slicer.app.layoutManager().sliceWidget("Red").sliceLogic().GetSliceCompositeNode()
        self.assertEqual(red.GetBackgroundVolumeID(), node.GetID())

    def test_the_subject_hierarchy_has_patient_and_study(self):
        node, _ = self.load()
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        item = hierarchy.GetItemByDataNode(node)
        study = hierarchy.GetItemParent(item)
        patient = hierarchy.GetItemParent(study)
        self.assertEqual(hierarchy.GetItemAttribute(item, "DICOM.Modality"), "MG")
        self.assertEqual(
            [hierarchy.GetItemName(each) for each in (study, patient)], ["No study description", "NAME (P1)"]
        )


class CopyTest(LoadingTestCase):
    def setUp(self):
        super().setUp()
        self.volume = slicer.util.addVolumeFromArray(np.arange(200, dtype=np.uint16).reshape(2, 10, 10), name="source")

    def test_volumes_are_cloned(self):
        clone = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, self.volume, "clone")
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(clone), slicer.util.arrayFromVolume(self.volume))

    def test_items_of_the_subject_hierarchy_are_cloned(self):
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        logic = slicer.modules.subjecthierarchy.logic()
        item = logic.CloneSubjectHierarchyItem(hierarchy, hierarchy.GetItemByDataNode(self.volume))
        self.assertEqual(hierarchy.GetItemDataNode(item).GetName(), "source Copy")

    def test_volumes_are_cropped(self):
        box = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
        box.SetSize(4, 4, 4)
        box.SetCenter(-5, -5, 0.5)
        parameters = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLCropVolumeParametersNode")
        parameters.SetInputVolumeNodeID(self.volume.GetID())
        parameters.SetROINodeID(box.GetID())
        parameters.SetVoxelBased(True)
        self.assertEqual(slicer.modules.cropvolume.logic().Apply(parameters), 0)
        cropped = slicer.mrmlScene.GetNodeByID(parameters.GetOutputVolumeNodeID())
        self.assertEqual(slicer.util.arrayFromVolume(cropped).shape[1:], (3, 3))
