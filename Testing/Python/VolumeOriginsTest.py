"""Whatever way a volume came into the scene, its header's facts are known, or it is said that they are not."""

import hashlib
import shutil

import lowdosecontrast_examples as examples
import numpy as np
import slicer
from lowdosecontrast_panel import PanelTestCase, host


class VolumeOriginsTest(PanelTestCase):
    """One mammogram, loaded in many ways with the panel open."""

    def setUp(self):
        super().setUp()
        (self.folder / "source").mkdir()
        self.path = self.dicom("source/mammogram")
        self.facts = self.stored().facts

    def stored(self):
        from LowDoseContrastLib.files import read_mammogram

        return read_mammogram(self.path)

    # Ways that keep the header; each returns the volume node.

    def file(self):
        return slicer.util.loadVolume(str(self.path))

    def singleFile(self):
        return slicer.util.loadVolume(str(self.path), {"singleFile": True})

    def fileBesideAnother(self):
        slicer.util.loadVolume(str(self.dicom("another", EntranceDoseInmGy=9.0)))
        return self.file()

    def fileWithoutEnding(self):
        bare = self.folder / "source" / "1.2.826.0.1.3680043.8.498.77"
        shutil.copy(self.path, bare)
        self.path.unlink()
        self.path = bare
        return slicer.util.loadVolume(str(bare), {"singleFile": True})

    def fileInAnotherModule(self):
        self.panel.exit()
        node = self.file()
        self.panel.enter()
        return node

    def database(self, approach):
        return host().loadDicom([self.path], approach)[0]

    def sampleButton(self):
        self.offerSample("A sample to click")
        host().clickSample("A sample to click")
        return slicer.util.getNode("A sample to click")

    def sampleByScript(self):
        import SampleData

        self.offerSample("A sample")
        return SampleData.downloadSample("A sample")

    def offerSample(self, name):
        import SampleData

        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="Testing",
            sampleName=name,
            uris=self.path.as_uri(),
            fileNames=self.path.name,
            nodeNames=name,
            loadFileTypes="VolumeFile",
            checksums=f"SHA256:{hashlib.sha256(self.path.read_bytes()).hexdigest()}",
        )
        self.addCleanup(slicer.modules.sampleDataSources.pop, "Testing", None)

    def scene(self, ending, keepFile=True):
        name = self.file().GetName()
        scene = str(self.folder / f"scene{ending}")
        self.assertTrue(slicer.util.saveScene(scene))
        slicer.mrmlScene.Clear()
        if not keepFile:
            moved = self.path.with_name("moved.dcm")
            self.path.rename(moved)
            self.path = moved
        slicer.util.loadScene(scene)
        return slicer.util.getNode(name)

    def clone(self):
        return slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, self.file(), "clone")

    def cloneOfARemovedVolume(self):
        source = self.file()
        clone = slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, source, "clone")
        slicer.mrmlScene.RemoveNode(source)
        return slicer.modules.volumes.logic().CloneVolume(slicer.mrmlScene, clone, "clone of the clone")

    def renamedAfterLoading(self):
        node = self.file()
        node.SetName("another name")
        return node

    def check(self, node):
        """The facts are those of the file, the pixels those that it stores, and the panel says so."""
        slicer.util.selectModule("LowDoseContrast")
        self.settle()
        self.parameters.inputVolume = node
        image = self.panel.logic.image(node)
        self.assertEqual(image.mammogram.facts, self.facts)
        self.assertEqual(image.mammogram.uid, self.stored().uid)
        np.testing.assert_array_equal(image.mammogram.pixels, self.stored().pixels)
        said = self.panel.ui.aboutLabel.text
        for fact in self.facts.values():
            self.assertIn(fact, said)
        self.assertNotIn("Not stated", said)
        self.assertTrue(self.panel.ui.applyButton.enabled, self.panel.ui.applyButton.toolTip)

    def test_everyWayThatKeepsTheHeader(self):
        ways = {
            "file": self.file,
            "single file": self.singleFile,
            "file beside another volume": self.fileBesideAnother,
            "file without ending": self.fileWithoutEnding,
            "file while in another module": self.fileInAnotherModule,
            "scene": lambda: self.scene(".mrml"),
            "bundle": lambda: self.scene(".mrb"),
            "bundle without its file": lambda: self.scene(".mrb", keepFile=False),
            "clone": self.clone,
            "clone of a removed volume": self.cloneOfARemovedVolume,
            "renamed volume": self.renamedAfterLoading,
            "sample by script": self.sampleByScript,
        }
        if host():  # in the desktop these ask for a database and for clicks
            ways["sample by its button"] = self.sampleButton
            ways.update({f"database, {a}": lambda a=a: self.database(a) for a in (None, "GDCM", "DCMTK", "Archetype")})
        for name, way in ways.items():
            with self.subTest(name):
                slicer.mrmlScene.Clear()
                slicer.util.selectModule("LowDoseContrast")
                self.path = self.dicom("source/mammogram")
                self.parameters.model = "small"
                self.check(way())

    def test_bundledSamplesKeepTheirHeaders(self):
        import SampleData
        from LowDoseContrastSlicer.sample_data import loadSample, samplePaths

        ways = {
            "script": lambda dose: SampleData.downloadSample(f"MammographyPhantom{dose.capitalize()}Dose"),
            "self-test": loadSample,
        }
        if host():
            ways["button"] = lambda dose: (
                host().clickSample(f"MammographyPhantom{dose.capitalize()}Dose"),
                slicer.util.getNode(f"Phantom {dose} dose"),
            )[1]
        for name, way in ways.items():
            for dose, self.path in samplePaths().items():
                with self.subTest(name, dose=dose):
                    slicer.mrmlScene.Clear()
                    node = way(dose)
                    slicer.util.selectModule("LowDoseContrast")
                    self.parameters.model = "starter"
                    self.settle()
                    self.assertEqual(self.parameters.inputVolume, node)
                    self.assertEqual(self.panel.logic.image(node).mammogram.facts, self.stored().facts)
                    self.assertEqual(
                        self.panel.ui.applyButton.enabled, dose == "low"
                    )  # the high dose is outside of the starter's domain

    # Ways that lose it

    def unknown(self, node, reason):
        """The panel says that nothing is stated and why, and asks for leave."""
        self.settle()
        self.parameters.inputVolume = node
        self.assertIsNone(self.panel.logic.image(node).mammogram.intent)
        said = self.panel.ui.aboutLabel.text
        self.assertRegex(said, f"No DICOM header: .*{reason}")
        self.assertIn("Not stated: modality, presentation intent", said)
        button = self.panel.ui.applyButton
        self.assertFalse(button.enabled)
        self.assertIn("cannot be told whether the model fits", button.toolTip)
        self.panel.ui.outOfDomainCheckBox.checked = True
        self.assertTrue(button.enabled, button.toolTip)

    def savedAndLoaded(self, ending):
        path = str(self.folder / f"saved{ending}")
        self.assertTrue(slicer.util.saveNode(self.file(), path))
        slicer.mrmlScene.Clear()
        return slicer.util.loadVolume(path)

    def cropped(self):
        node, logic = self.file(), slicer.modules.cropvolume.logic()
        roi = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode")
        roi.SetXYZ(*np.array([-21.0, -30.0, 0.0]))
        roi.SetRadiusXYZ(10, 10, 1)
        settings = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLCropVolumeParametersNode")
        settings.SetInputVolumeNodeID(node.GetID())
        settings.SetROINodeID(roi.GetID())
        settings.SetVoxelBased(True)
        logic.Apply(settings)
        return slicer.mrmlScene.GetNodeByID(settings.GetOutputVolumeNodeID())

    def croppedClone(self):
        node = self.clone()
        slicer.util.updateVolumeFromArray(node, slicer.util.arrayFromVolume(node)[:, 100:400, 50:300].copy())
        return node

    def array(self):
        node = slicer.util.addVolumeFromArray(examples.phantom_pixels((600, 420))[np.newaxis])
        node.SetSpacing(0.1, 0.1, 1)
        return node

    def test_everyWayThatLosesTheHeader(self):
        ways = {
            "NRRD saved by Slicer": (lambda: self.savedAndLoaded(".nrrd"), "saved.nrrd, which is not DICOM"),
            "NIfTI saved by Slicer": (lambda: self.savedAndLoaded(".nii.gz"), "saved.nii.gz, which is not DICOM"),
            "array": (self.array, "no file behind"),
            "crop": (self.cropped, "cropped or resampled"),
            "cropped clone": (self.croppedClone, "cropped or resampled"),
        }
        for name, (way, reason) in ways.items():
            with self.subTest(name):
                slicer.mrmlScene.Clear()
                self.parameters.model, self.parameters.allowOutOfDomain = "small", False
                self.unknown(way(), reason)

    # Several files

    def test_stackedFilesAreSaidAndLoadedOneByOne(self):
        import pydicom

        first = pydicom.dcmread(self.path)
        place = self.folder / "series"
        place.mkdir()
        for number in range(3):
            examples.write_dicom(
                place / f"{number}.dcm",
                examples.phantom_pixels((600, 420), seed=number),
                StudyInstanceUID=first.StudyInstanceUID,
                SeriesInstanceUID=first.SeriesInstanceUID,
                InstanceNumber=number + 1,
            )
        stack = slicer.util.loadVolume(str(place / "0.dcm"))
        self.assertEqual(stack.GetImageData().GetDimensions()[2], 3)
        self.settle()
        self.parameters.inputVolume = stack
        ui = self.panel.ui
        self.assertFalse(ui.applyButton.enabled)
        self.assertIn("stacked 3 files", ui.applyButton.toolTip)
        self.assertFalse(ui.singleFilesButton.isHidden())
        ui.singleFilesButton.click()
        self.settle()
        self.assertTrue(ui.applyButton.enabled, ui.applyButton.toolTip)
        self.assertTrue(ui.singleFilesButton.isHidden())
        singles = [node for node in slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode") if node is not stack]
        uids = {self.panel.logic.image(node).mammogram.uid for node in singles}
        self.assertEqual((len(singles), len(uids)), (3, 3))
        self.assertIn(self.parameters.inputVolume, singles)
