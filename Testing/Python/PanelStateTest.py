"""The panel through what happens to the scene: late voxels, reloaded scenes, deleted volumes, many notes, saving."""

import json
import unittest.mock

import lowdosecontrast_examples as examples
import numpy as np
import qt
import slicer
from lowdosecontrast_panel import PanelTestCase, host


class ComingVolumesTest(PanelTestCase):
    def test_aFileLoadedWithThePanelOpenIsProposed(self):
        node = slicer.util.loadVolume(str(self.dicom()))
        self.wait(lambda: self.parameters.inputVolume is not None)
        self.assertEqual(self.parameters.inputVolume, node)
        self.assertTrue(self.panel.ui.applyButton.enabled, self.panel.ui.applyButton.toolTip)
        self.assertEqual(self.panel.logic.image(node).mammogram.dose_mgy, 3.359)

    def test_voxelsThatComeAfterTheVolume(self):
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "late")
        self.parameters.inputVolume = node
        button = self.panel.ui.applyButton
        self.assertIn("empty", button.toolTip)
        self.parameters.allowOutOfDomain = True
        slicer.util.updateVolumeFromArray(node, examples.phantom_pixels((300, 260))[np.newaxis])
        self.settle()
        self.assertTrue(button.enabled, button.toolTip)

    def test_aHeaderThatComesAfterTheVoxels(self):
        """As with the readers of the DICOM database, whose attribute is set last."""
        node = slicer.util.addVolumeFromArray(16383 - examples.phantom_pixels((600, 420))[np.newaxis])
        node.SetSpacing(0.1, 0.1, 1)
        self.parameters.inputVolume = node
        self.assertFalse(self.panel.ui.applyButton.enabled)
        node.AddDefaultStorageNode(str(self.dicom()))
        self.settle()
        self.assertTrue(self.panel.ui.applyButton.enabled, self.panel.ui.applyButton.toolTip)
        self.assertIn("3.359 mGy", self.panel.ui.aboutLabel.text)

    def test_forPresentationIsNeverEnhancedWithoutAWord(self):
        """However it came and however little of it is known."""
        path = str(self.dicom(intent="FOR PRESENTATION", photometric="MONOCHROME2"))
        for way in (
            lambda: slicer.util.loadVolume(path),
            lambda: self.reloaded(slicer.util.loadVolume(path)),
            lambda: self.asNrrd(slicer.util.loadVolume(path)),
        ):
            slicer.mrmlScene.Clear()
            self.parameters.model = "small"
            node = way()
            self.settle()
            self.parameters.inputVolume = node
            self.assertFalse(self.panel.ui.applyButton.enabled)
            self.assertRegex(self.panel.ui.applyButton.toolTip, "presentation intent")

    def reloaded(self, node):
        name, path = node.GetName(), str(self.folder / "reloaded.mrb")
        slicer.util.saveScene(path)
        slicer.mrmlScene.Clear()
        slicer.util.loadScene(path)
        return slicer.util.getNode(name)

    def asNrrd(self, node):
        path = str(self.folder / "reloaded.nrrd")
        slicer.util.saveNode(node, path)
        slicer.mrmlScene.Clear()
        return slicer.util.loadVolume(path)

    def test_librariesAreAnnouncedBeforeTheyAreLoaded(self):
        """Each is named in the panel and drawn before the window stands still for it."""
        import sys

        said = []
        say = self.panel._say
        loaded = {name: module for name, module in sys.modules.items() if name.split(".")[0] in ("pydicom",)}
        with (
            unittest.mock.patch.dict(sys.modules),
            unittest.mock.patch.object(
                self.panel, "_say", lambda text: (said.append((text, "pydicom" in sys.modules)), say(text))
            ),
        ):
            for name in loaded:
                del sys.modules[name]
            self.panel.exit()
            self.panel.enter()
            self.wait(lambda: self.panel._libraries is None)
        self.assertIn(("Loading pydicom, once", False), said)


class HotPathTest(PanelTestCase):
    """What is asked for at every change of the panel is worked out once."""

    def test_aVolumeThatCannotBeUsedIsLookedAtOnce(self):
        from LowDoseContrastLib import nodes
        from LowDoseContrastLib.errors import InputError

        pixels = examples.phantom_pixels((300, 260)).astype(np.float32)
        pixels[5, 5] = np.nan
        node = slicer.util.addVolumeFromArray(pixels[np.newaxis])
        with unittest.mock.patch.object(nodes, "image_from_node", wraps=nodes.image_from_node) as looked:
            self.parameters.inputVolume = node
            for _ in range(3):
                self.panel.updateGui()
                self.assertRaisesRegex(InputError, "NaN", self.panel.logic.image, node)
            self.assertEqual(looked.call_count, 1)
            slicer.util.arrayFromVolume(node)[0, 5, 5] = 400
            slicer.util.arrayFromVolumeModified(node)
            self.assertEqual(looked.call_count, 2)
        self.assertNotIn("NaN", self.panel.ui.applyButton.toolTip)

    def test_choosingAnInputThatHasAResultReadsItOnce(self):
        from LowDoseContrastLib import nodes

        first = self.volume("first")
        self.apply()
        self.volume("second")
        with unittest.mock.patch.object(nodes, "image_from_node", wraps=nodes.image_from_node) as looked:
            self.parameters.inputVolume = first
        self.assertEqual(looked.call_count, 1)


class SceneTest(PanelTestCase):
    def reload(self):
        """Saves the scene and loads it with the panel open, the source's file gone."""
        scene = str(self.folder / "scene.mrb")
        self.assertTrue(slicer.util.saveScene(scene))
        slicer.mrmlScene.Clear()
        (self.folder / "mammogram.dcm").unlink()
        slicer.util.loadScene(scene)
        self.settle()

    def test_aReloadedSceneIsAsItWas(self):
        """Result, difference, view and derived DICOM are the same as before."""
        import pydicom

        self.volume(PatientName="Doe^Jane", StationName="Room 2")
        result = self.apply()
        pixels = slicer.util.arrayFromVolume(result).copy()
        self.panel.logic.exportResult(result, self.folder / "before.dcm")
        window = (result.GetDisplayNode().GetWindowLevelMin(), result.GetDisplayNode().GetWindowLevelMax())
        self.panel.ui.differenceButton.click()
        self.wait(lambda: self.panel._steps is None)
        gain = self.parameters.differenceVolume.GetAttribute("LowDoseContrast.fittedGain")
        self.reload()
        self.assertEqual(
            (self.parameters.inputVolume.GetName(), self.parameters.outputVolume.GetName()),
            ("mammogram", "mammogram enhanced"),
        )
        self.assertTrue(self.panel.ui.applyButton.enabled, self.panel.ui.applyButton.toolTip)
        self.assertIn("as kept in the scene", self.panel.ui.aboutLabel.text)
        self.panel.ui.differenceButton.click()
        self.wait(lambda: self.panel._steps is None)
        self.assertEqual(self.parameters.differenceVolume.GetAttribute("LowDoseContrast.fittedGain"), gain)
        result = self.apply()
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(result), pixels)
        np.testing.assert_allclose(
            (result.GetDisplayNode().GetWindowLevelMin(), result.GetDisplayNode().GetWindowLevelMax()), window
        )
        self.panel.logic.exportResult(result, self.folder / "after.dcm")
        before, after = (pydicom.dcmread(self.folder / f"{name}.dcm") for name in ("before", "after"))
        differ = {e.keyword for e in before if e.keyword not in after or after[e.tag] != e}
        self.assertLessEqual(differ, {"SOPInstanceUID", "SeriesInstanceUID"})
        self.assertEqual(
            (after.PhotometricInterpretation, after.BitsStored, after.PatientName, after.EntranceDoseInmGy),
            ("MONOCHROME1", 14, "Doe^Jane", 3.359),
        )

    def test_everyChoiceSurvivesALoadWithThePanelOpen(self):
        self.volume()
        chosen = {
            "mode": "paper",
            "overlap": 0.3,
            "useMask": False,
            "allowOutOfDomain": True,
            "device": "cpu",
            "precision": "fp32",
            "fade": 0.25,
            "model": "small",
        }
        for name, value in chosen.items():
            setattr(self.parameters, name, value)
        self.apply()
        self.reload()
        self.assertEqual({name: getattr(self.parameters, name) for name in chosen}, chosen)
        self.assertEqual(self.panel.ui.modeComboBox.currentText, "paper")
        self.assertTrue(self.panel.logic.isResultOf(self.parameters.outputVolume, self.parameters.inputVolume))
        self.assertTrue(self.panel.ui.sideBySideButton.enabled)

    def test_aSceneAddedToAnotherKeepsThePanelAlive(self):
        self.volume()
        self.apply()
        scene = str(self.folder / "scene.mrb")
        self.assertTrue(slicer.util.saveScene(scene))
        slicer.util.loadScene(scene, {"clear": False})
        self.settle()
        self.assertIsNotNone(self.parameters)
        self.assertIsNotNone(self.apply())


class LeavingTest(PanelTestCase):
    """What is gone is let go of, and what is not there is not asked."""

    def test_volumesThatAreGoneAreLetGoOf(self):
        import gc

        gone = set()
        for turn in range(2):
            source = self.volume()
            result = self.apply()
            self.panel.exit()
            self.panel.enter()
            for node in (source, result):
                node.AddObserver("DeleteEvent", lambda caller, event, which=(turn, node.GetName()): gone.add(which))
            del source, result, node
            slicer.mrmlScene.Clear()
            self.settle()
        gc.collect()
        self.assertEqual(gone, {(turn, name) for turn in range(2) for name in ("mammogram", "mammogram enhanced")})

    def test_aHeaderIsLookedForOnceHoweverManyVolumesWait(self):
        """A volume whose file is named while others have none yet; later changes of either cost nothing."""
        from LowDoseContrastLib import nodes
        from LowDoseContrastSlicer.headers import HeaderKeeper

        keeper = HeaderKeeper(slicer.mrmlScene)
        self.addCleanup(keeper.removeObservers)
        waiting = slicer.util.addVolumeFromArray(
            16383 - examples.phantom_pixels((600, 420))[np.newaxis], name="waiting"
        )
        with unittest.mock.patch.object(nodes, "keep_header", wraps=nodes.keep_header) as looked:
            other = slicer.util.loadVolume(str(self.dicom("other")))
            waiting.AddDefaultStorageNode(str(self.dicom("late")))
            for node in (waiting, other):
                for number in range(3):
                    node.SetDescription(str(number))
            seen = [call.args[0].GetName() for call in looked.call_args_list if len(call.args) > 1]
        keepers = 2 if slicer.modules.LowDoseContrastInstance.headerKeeper else 1
        self.assertEqual(sorted(seen), sorted(["other", "waiting"] * keepers))

    def test_parameterNodeWrappersDoNotPileUp(self):
        """Each would read all of its fields anew at every change."""
        import gc

        from LowDoseContrastSlicer.parameters import LowDoseContrastParameterNode

        for _ in range(5):
            self.panel.exit()
            self.panel.enter()
        gc.collect()
        self.assertLessEqual(sum(type(each) is LowDoseContrastParameterNode for each in gc.get_objects()), 2)

    def test_withoutAMainWindow(self):
        """As Slicer's generic tests of modules are run."""
        if host() is None:
            self.skipTest("Slicer has a main window here")
        self.volume()
        with unittest.mock.patch.object(slicer.app, "layoutManager", lambda: None):
            slicer.modules.LowDoseContrastInstance.onStartupCompleted()
            widget = slicer.modules.lowdosecontrast.createNewWidgetRepresentation()
            widget.self().enter()
            self.assertFalse(widget.self().ui.backButton.enabled)
            widget.self().cleanup()
        self.assertEqual(host().uncaught, [])

    def test_aVolumeThatIsJustBeingFilledHasNoVoxels(self):
        from LowDoseContrastLib.nodes import has_voxels

        node = slicer.util.addVolumeFromArray(examples.phantom_pixels((300, 260))[np.newaxis])
        self.parameters.inputVolume = node
        node.GetImageData().SetDimensions(260, 290, 1)
        self.assertFalse(has_voxels(node))
        self.assertIn("empty", self.panel.ui.applyButton.toolTip)


class SelectorsTest(PanelTestCase):
    def names(self, selector):
        return {selector.nodeFromIndex(index).GetName() for index in range(selector.nodeCount())}

    def test_onlyMammogramsAreOfferedAsInput(self):
        self.volume()
        self.apply()
        self.panel.ui.differenceButton.click()
        self.wait(lambda: self.panel._steps is None)
        strip = slicer.util.addVolumeFromArray(np.zeros((1, 8, 8), np.uint8), name="strip")
        strip.SetAttribute("LowDoseContrast.role", "samples")
        self.settle()
        self.assertEqual(self.names(self.panel.ui.inputSelector), {"mammogram"})
        self.assertEqual(self.names(self.panel.ui.outputSelector), {"mammogram", "mammogram enhanced"})

    def test_aDeletedInputLeavesNothingToCompareWithItself(self):
        source = self.volume()
        result = self.apply()
        slicer.mrmlScene.RemoveNode(source)
        self.settle()
        self.assertIsNone(self.parameters.inputVolume)
        self.assertEqual(self.parameters.outputVolume, result)
        ui = self.panel.ui
        self.assertIn("Choose a low-dose mammogram", ui.applyButton.toolTip)
        self.assertFalse(ui.sideBySideButton.enabled or ui.fadeButton.enabled or ui.differenceButton.enabled)

    def test_aResultIsNotReplacedByThatOfAnotherInput(self):
        first = self.volume("first")
        firstResult = self.apply()
        pixels = slicer.util.arrayFromVolume(firstResult).copy()
        second = self.volume("second", PatientName="Other")
        self.assertIsNone(self.parameters.outputVolume)
        secondResult = self.apply()
        self.assertIsNot(secondResult, firstResult)
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(firstResult), pixels)
        for source, result in ((first, firstResult), (second, secondResult)):
            self.parameters.inputVolume = source
            self.assertEqual(self.parameters.outputVolume, result)


class SaveTest(PanelTestCase):
    def save(self, name):
        """Presses the button and answers with a path; returns what the panel says then."""
        with unittest.mock.patch.object(qt.QFileDialog, "getSaveFileName", lambda *_: str(self.folder / name)):
            self.panel.ui.exportButton.click()
        return self.panel.ui.exportLabel.text

    def test_savingIsConfirmed(self):
        self.volume()
        self.apply()
        said = self.save("out.dcm")
        self.assertIn("out.dcm", said)
        self.assertNotIn("assumed", said)
        self.assertTrue((self.folder / "out.dcm").is_file())

    def test_aFailedSaveIsSaid(self):
        self.volume()
        self.apply()
        with unittest.mock.patch.object(slicer.util, "errorDisplay", lambda *_, **__: None):
            self.assertEqual(self.save("no such folder/out.dcm"), "Nothing was saved.")
        if host():
            host().uncaught.clear()

    def test_whatAFileAssumesIsSaid(self):
        node = slicer.util.addVolumeFromArray(examples.phantom_pixels((300, 260))[np.newaxis])
        self.parameters.inputVolume, self.parameters.allowOutOfDomain = node, True
        self.apply()
        self.assertIn("are assumed", self.save("out.dcm"))

    def test_nrrdCarriesItsReportAndPlace(self):
        source = self.volume()
        source.SetOrigin(11, -22, 33)
        result = self.apply()
        self.save("out.nrrd")
        loaded = slicer.util.loadVolume(str(self.folder / "out.nrrd"))
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(loaded), slicer.util.arrayFromVolume(result))
        for index in range(3):
            self.assertAlmostEqual(loaded.GetOrigin()[index], result.GetOrigin()[index])
            self.assertAlmostEqual(loaded.GetSpacing()[index], result.GetSpacing()[index])
        self.assertIn(
            json.loads(result.GetAttribute("LowDoseContrast.report"))["model_sha256"],
            (self.folder / "out.nrrd").read_bytes().decode("latin1"),
        )


class AboutTest(PanelTestCase):
    def test_whatIsBelievedIsShownWhileTheSectionIsOpen(self):
        self.volume(intent="FOR PRESENTATION", photometric="MONOCHROME2", PixelPaddingValue=0)
        ui = self.panel.ui
        with unittest.mock.patch("LowDoseContrastLib.inspection.inspect", side_effect=AssertionError):
            self.parameters.model = "small"  # a closed section costs nothing
            self.assertEqual(ui.inspectionLabel.text, "")
        ui.inspectionCollapsibleButton.collapsed = False
        for words in ("air is bright", "the pixels are believed", "14 bits", "model small", "does not fit"):
            self.assertIn(words, ui.inspectionLabel.text)
        self.volume("another", EntranceDoseInmGy=None)
        self.settle()
        self.assertIn("cannot be told", ui.inspectionLabel.text)
        self.parameters.inputVolume = None
        self.assertIn("Choose a mammogram", ui.inspectionLabel.text)


class RoomTest(PanelTestCase):
    def test_nothingOverlapsWithManyNotes(self):
        """In the desktop's scroll area, at several widths, with and without a result, notes and reasons."""
        if host() is None:
            self.skipTest("the desktop itself has no such check")
        self.volume(intent="FOR PRESENTATION", photometric="MONOCHROME2")
        slicer.util.selectModule("LowDoseContrast")
        self.settle()
        for width in (380, 480, 700):
            self.assertEqual(host().layoutFaults(width=width), [])
        self.parameters.allowOutOfDomain = True
        self.apply()
        self.assertGreater(len(self.panel.logic.resultRows(self.parameters.outputVolume)[1]), 2)
        self.panel.ui.advancedCollapsibleButton.collapsed = False
        self.panel.ui.inspectionCollapsibleButton.collapsed = False
        for width in (700, 480, 380):
            self.assertEqual(host().layoutFaults(width=width), [])
