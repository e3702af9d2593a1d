"""The LowDoseContrast module as a user meets it: panel, logic, scene. Runs in 3D Slicer and on the headless host."""

import time
import unittest
import unittest.mock

import lowdosecontrast_examples as examples
import numpy as np
import qt
import slicer
from lowdosecontrast_panel import PanelTestCase
from LowDoseContrastLib.nodes import report_of


class ApplyTest(PanelTestCase):
    def test_reasonsForADisabledApply(self):
        button = self.panel.ui.applyButton
        self.assertFalse(button.enabled)
        self.assertIn("Choose a low-dose mammogram", button.toolTip)
        node = self.volume()
        self.assertTrue(button.enabled, button.toolTip)
        self.parameters.outputVolume = node
        self.assertIn("never overwritten", button.toolTip)
        self.parameters.outputVolume = None
        self.parameters.model = "missing"
        self.assertIn("Choose a model", button.toolTip)
        self.assertFalse(button.enabled)

    def test_outOfDomainMustBeAllowed(self):
        self.volume(EntranceDoseInmGy=11.5)
        self.assertFalse(self.panel.ui.applyButton.enabled)
        self.assertIn("entrance dose is 11.5 mGy", self.panel.ui.statusLabel.text)
        self.panel.ui.outOfDomainCheckBox.checked = True
        self.assertTrue(self.panel.ui.applyButton.enabled)
        self.assertIn("Out of domain", self.panel.logic.resultRows(self.apply())[1][0])

    def test_applyWritesAVolumeBesideItsSource(self):
        source = self.volume()
        before = slicer.util.arrayFromVolume(source).copy()
        result = self.apply()
        self.assertEqual(result.GetName(), "mammogram enhanced")
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(source), before)
        after = slicer.util.arrayFromVolume(result)
        self.assertEqual((after.shape, after.dtype), (before.shape, before.dtype))
        self.assertEqual(result.GetSpacing(), source.GetSpacing())
        matrices = [slicer.util.arrayFromVTKMatrix(self.ijkToRas(n)) for n in (source, result)]
        np.testing.assert_array_equal(*matrices)
        np.testing.assert_array_equal(after[0, :, -20:], before[0, :, -20:])
        report = report_of(result)
        self.assertEqual(report.model, "small")
        self.assertEqual(result.GetAttribute("LowDoseContrast.modelSHA256"), report.model_sha256)
        self.assertEqual(report.source_uid, self.panel.logic.image(source).mammogram.uid)

    def test_resultLiesInTheStudyOfItsSource(self):
        source = self.volume()
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
        hierarchy.SetItemParent(hierarchy.GetItemByDataNode(source), study)
        result = self.apply()
        self.assertEqual(hierarchy.GetItemParent(hierarchy.GetItemByDataNode(result)), study)

    def ijkToRas(self, node):
        import vtk

        matrix = vtk.vtkMatrix4x4()
        node.GetIJKToRASMatrix(matrix)
        return matrix

    def test_readersInversionIsKnownAndKept(self):
        """GDCM inverts MONOCHROME1; the panel gives what the command line gives, in the node's polarity."""
        from LowDoseContrastLib.enhance import Enhancer
        from LowDoseContrastLib.files import read_mammogram
        from LowDoseContrastLib.model import load_model

        source = self.volume()
        stored = read_mammogram(self.folder / "mammogram.dcm")
        image = self.panel.logic.image(source)
        self.assertTrue(image.inverted)
        np.testing.assert_array_equal(image.mammogram.pixels, stored.pixels)
        expected = Enhancer(load_model(self.folder / "small.safetensors"), "cpu", "fp32").run(stored).mammogram.pixels
        np.testing.assert_array_equal(16383 - slicer.util.arrayFromVolume(self.apply()), expected)

    def test_cancelHalfWayThenApplyAgain(self):
        self.longerVolume()
        ui = self.panel.ui
        ui.applyButton.click()
        self.assertEqual(ui.applyButton.text, "Cancel")
        self.assertFalse(ui.inputsCollapsibleButton.enabled)
        self.wait(lambda: ui.progressBar.value > 0)
        self.assertLess(ui.progressBar.value, 100)
        volumes = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
        ui.applyButton.click()
        self.assertIsNone(self.panel._steps)
        self.assertEqual(ui.applyButton.text, "Apply")
        self.assertIn("Cancelled", ui.statusLabel.text)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"), volumes)
        self.assertIsNotNone(self.apply())

    def test_twoAppliesReuseTheModel(self):
        self.volume()
        first = self.apply()
        enhancer = self.panel.logic._enhancer
        pixels = slicer.util.arrayFromVolume(first).copy()
        second = self.apply()
        self.assertIs(self.panel.logic._enhancer, enhancer)
        self.assertEqual(second.GetID(), first.GetID())
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(second), pixels)

    def test_windowStaysAlive(self):
        """While an image is enhanced a second timer keeps ticking."""
        self.longerVolume()
        ticks, timer = [], qt.QTimer()
        timer.interval = 5
        timer.connect("timeout()", lambda: ticks.append(time.time()))
        timer.start()
        self.apply()
        timer.stop()
        self.assertGreater(len(ticks), 5)
        self.assertLess(max(b - a for a, b in zip(ticks, ticks[1:])), 1.0)

    def test_aTurnTakesManyStepsButNoneBehindANewMessage(self):
        from LowDoseContrastLib.steps import Progress

        said = [
            *(Progress(0.01 * i, "one", 9 - 0.1 * i) for i in range(50)),
            *(Progress(0.5 + 0.01 * i, "two") for i in range(50)),
        ]
        advance = self.panel.logic.advance
        steps = iter(said)
        first = advance(steps, 1000)
        second = advance(steps, 1000, first)
        self.assertEqual((first, second), (said[0], said[50]))
        with self.assertRaises(StopIteration):
            advance(steps, 1000, second)

    def test_removingTheInputStopsWithAMessage(self):
        source = self.longerVolume()
        messages = []
        with unittest.mock.patch.object(slicer.util, "errorDisplay", lambda text, **_: messages.append(text)):
            self.panel.ui.applyButton.click()
            self.wait(lambda: self.panel.ui.progressBar.value > 0)
            slicer.mrmlScene.RemoveNode(source)
            self.wait(lambda: self.panel._steps is None)
        self.assertIn("was removed", messages[0])
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"), 0)

    def test_closingTheSceneStops(self):
        self.longerVolume()
        self.panel.ui.applyButton.click()
        slicer.mrmlScene.Clear()
        self.assertIsNone(self.panel._steps)

    def test_leavingTheModuleDoesNotStopTheWork(self):
        self.longerVolume()
        self.panel.ui.applyButton.click()
        self.panel.exit()
        layout = slicer.app.layoutManager().layout
        self.wait(lambda: self.panel._steps is None)
        self.assertEqual(slicer.app.layoutManager().layout, layout)
        self.panel.enter()
        self.assertIsNotNone(self.parameters.outputVolume)
        self.assertTrue(self.panel.logic.resultRows(self.parameters.outputVolume)[0])

    def test_missingTorchIsOffered(self):
        self.volume()
        with unittest.mock.patch.object(self.panel.logic, "ensureTorch", return_value=False) as asked:
            self.panel.ui.applyButton.click()
        asked.assert_called_once()
        self.assertIsNone(self.panel._steps)


class ResultTest(PanelTestCase):
    def test_tableNamesTheVariant(self):
        self.volume()
        self.apply()
        table = self.panel.ui.resultTable
        texts = [[table.item(r, c).text() for c in range(3)] for r in range(table.rowCount)]
        self.assertIn("CCI, 0-16383 to 255", texts[0][0])
        self.assertGreater(float(texts[0][2]), float(texts[0][1]))
        self.assertEqual([row[0] for row in texts[1:4]], ["CCI-norm", "Fitted gain", "Seam index"])

    def test_savedSceneRestoresEverything(self):
        self.volume()
        self.parameters.mode, self.parameters.overlap, self.parameters.useMask = "paper", 0.3, False
        self.parameters.allowOutOfDomain = True
        result = self.apply()
        rows = self.panel.logic.resultRows(result)[0]
        scene = str(self.folder / "scene.mrb")
        self.assertTrue(slicer.util.saveScene(scene))
        slicer.mrmlScene.Clear()
        slicer.util.loadScene(scene)
        restored = self.parameters
        self.assertEqual(
            (restored.mode, restored.overlap, restored.useMask, restored.allowOutOfDomain, restored.model),
            ("paper", 0.3, False, True, "small"),
        )
        self.assertEqual(restored.inputVolume.GetName(), "mammogram")
        self.assertEqual(self.panel.logic.resultRows(restored.outputVolume)[0], rows)
        self.assertEqual(self.panel.ui.modeComboBox.currentText, "paper")
        self.assertAlmostEqual(self.panel.ui.overlapSlider.value, 0.3)

    def test_sideBySideIsLinked(self):
        source = self.volume()
        result = self.apply()
        composites = {
            c.GetBackgroundVolumeID(): c
            for c in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
            if c.GetLayoutName().startswith("LowDose")
        }
        self.assertEqual(set(composites), {source.GetID(), result.GetID()})
        self.assertTrue(all(c.GetLinkedControl() for c in composites.values()))

    def test_fadeMovesTheOpacity(self):
        source = self.volume()
        result = self.apply()
        self.panel.ui.fadeButton.click()
        self.panel.ui.fadeSlider.value = 0.75
        from LowDoseContrastSlicer.comparison import SINGLE_VIEW

        composite = slicer.app.layoutManager().sliceWidget(SINGLE_VIEW).sliceLogic().GetSliceCompositeNode()
        self.assertEqual(
            (composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID()), (source.GetID(), result.GetID())
        )
        self.assertAlmostEqual(composite.GetForegroundOpacity(), 0.75)
        self.assertAlmostEqual(self.parameters.fade, 0.75)

    def test_differenceIsWhatGainDoesNotExplain(self):
        source = self.volume()
        result = self.apply()
        self.panel.ui.differenceButton.click()
        self.wait(lambda: self.panel._steps is None)
        change = slicer.util.arrayFromVolume(self.parameters.differenceVolume)[0]
        before, after = (16383 - slicer.util.arrayFromVolume(n)[0].astype(float) for n in (source, result))
        gain = float(self.parameters.differenceVolume.GetAttribute("LowDoseContrast.fittedGain"))
        inner = np.s_[250:350, 20:150]
        np.testing.assert_allclose(change[inner], (after - gain * before)[inner], atol=0.01)
        self.assertEqual(np.abs(change[:, -20:]).max(), 0)

    def test_exportedDicomIsDerivedFromTheSource(self):
        import pydicom

        source = self.volume()
        result, path = self.apply(), self.folder / "export.dcm"
        self.panel.logic.exportResult(result, path)
        written = pydicom.dcmread(path)
        self.assertEqual(
            written.SourceImageSequence[0].ReferencedSOPInstanceUID, self.panel.logic.image(source).mammogram.uid
        )
        np.testing.assert_array_equal(written.pixel_array, 16383 - slicer.util.arrayFromVolume(result)[0])


class NodesTest(PanelTestCase):
    def test_emptyAndColourVolumesAreRefused(self):
        from LowDoseContrastLib.errors import InputError
        from LowDoseContrastLib.nodes import image_from_node

        with self.assertRaisesRegex(InputError, "empty"):
            image_from_node(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode"))
        colour = slicer.util.addVolumeFromArray(
            np.zeros((1, 8, 8, 3), np.uint8), nodeClassName="vtkMRMLVectorVolumeNode"
        )
        with self.assertRaisesRegex(InputError, "colour"):
            image_from_node(colour)

    def test_volumesWithoutDicom(self):
        pixels = np.stack([examples.phantom_pixels((300, 260), seed=s) for s in range(3)])
        node = slicer.util.addVolumeFromArray(pixels)
        node.SetSpacing(0.1, 0.1, 5)
        self.parameters.inputVolume = node
        self.assertEqual(self.panel.logic.image(node).mammogram.spacing, (0.1, 0.1))
        self.assertIn("cannot be told whether the model fits", self.panel.ui.applyButton.toolTip)
        self.panel.ui.outOfDomainCheckBox.checked = True
        self.assertEqual(slicer.util.arrayFromVolume(self.apply()).shape, pixels.shape)

    def test_otherSpacingsAreOutOfDomain(self):
        node = slicer.util.addVolumeFromArray(examples.phantom_pixels((300, 260))[np.newaxis])
        node.SetSpacing(0.05, 0.05, 1)
        self.parameters.inputVolume = node
        self.assertIn("0.05", self.panel.ui.applyButton.toolTip)


class InstallationTest(PanelTestCase):
    def test_asksThePyTorchExtension(self):
        from types import SimpleNamespace

        from LowDoseContrastSlicer import installation

        asked = []

        class PyTorchUtilsLogic:
            def installTorch(self, askConfirmation=False, torchVersionRequirement=None):
                asked.append((askConfirmation, torchVersionRequirement))
                return None

        absent = unittest.mock.patch.object(installation, "_missing", lambda names: list(names))
        extension = unittest.mock.patch.dict(
            "sys.modules", {"PyTorchUtils": SimpleNamespace(PyTorchUtilsLogic=PyTorchUtilsLogic)}
        )
        with absent, extension:
            self.assertFalse(installation.ensure_torch())
        self.assertEqual(asked, [(True, ">=2.2")])

    def test_saysWhereTheExtensionIs(self):
        from LowDoseContrastSlicer import installation

        messages = []
        with (
            unittest.mock.patch.object(installation, "_missing", lambda names: list(names)),
            unittest.mock.patch.object(slicer.util, "errorDisplay", lambda text, **_: messages.append(text)),
            unittest.mock.patch.dict("sys.modules", {"PyTorchUtils": None}),
        ):
            self.assertFalse(installation.ensure_torch())
        self.assertIn("PyTorch extension", messages[0])

    def test_versionsThatAreTooOldAreMissing(self):
        import importlib.metadata

        from LowDoseContrastSlicer import installation

        self.assertEqual(installation._missing(["torch", "pydicom", "safetensors", "skimage"]), [])
        version = importlib.metadata.version
        old = {"torch": "2.1.2", "pydicom": "2.4.4", "scikit-image": "0.21.0"}
        with unittest.mock.patch.object(importlib.metadata, "version", lambda name: old.get(name) or version(name)):
            self.assertEqual(
                installation._missing(["torch", "pydicom", "safetensors", "skimage"]), ["torch", "pydicom", "skimage"]
            )

    def test_aHalfInstalledTorchIsNamed(self):
        import importlib.util
        from types import SimpleNamespace

        from LowDoseContrastSlicer import installation

        left, messages = SimpleNamespace(origin=None, submodule_search_locations=["/slicer/site-packages/torch"]), []
        find = importlib.util.find_spec
        with (
            unittest.mock.patch.object(
                importlib.util, "find_spec", lambda name: left if name == "torch" else find(name)
            ),
            unittest.mock.patch.object(slicer.util, "errorDisplay", lambda text, **_: messages.append(text)),
        ):
            self.assertFalse(installation.ensure_torch())
        self.assertIn("half installed", messages[0])
        self.assertIn("/slicer/site-packages/torch", messages[0])


if __name__ == "__main__":
    unittest.main()
