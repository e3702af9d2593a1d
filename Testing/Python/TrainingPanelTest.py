"""The LowDoseContrastTraining module as a user meets it. Runs in 3D Slicer and on the headless host."""

import json
import os
import shutil
import sys
import tempfile
import unittest
import unittest.mock
from pathlib import Path

import lowdosecontrast_examples as examples
import slicer
from lowdosecontrast_training_panel import TrainingPanelTestCase, loadModule, wait


def fakeSimulation(folder, arrangements, doses=("low", "automatic", "high")):
    """What a simulation of ``doses`` leaves, with tiny images: of each arrangement the doses that are named."""
    doseInmGy = {"low": 3.359, "automatic": 8.407, "high": 11.523}
    settings = {"doses": list(doses), "parameters": {"doses_mgy": {"value": doseInmGy}}}
    folder.mkdir(exist_ok=True)
    (folder / "simulation.json").write_text(json.dumps(settings))
    for number, names in enumerate(arrangements, 1):
        place = folder / f"arrangement-{number:02d}"
        place.mkdir()
        for seed, name in enumerate(names):
            examples.write_dicom(
                place / f"{name}.dcm", examples.phantom_pixels((300, 200), seed=seed), EntranceDoseInmGy=doseInmGy[name]
            )


class SimulateTestCase(TrainingPanelTestCase):
    def choose(self, arrangements=1):
        """Settings of a simulation that takes seconds, in the widgets."""
        self.ui.acquisitionsFolderEdit.currentPath = str(self.output)
        self.ui.arrangementsSpinBox.value = arrangements
        self.ui.detectorComboBox.currentText = "small"
        self.ui.automaticDoseCheckBox.checked = False
        self.ui.jobsSpinBox.value = 1

    def start(self, arrangements=1):
        """Presses Simulate and waits for the first image; returns the child."""
        self.choose(arrangements)
        self.ui.simulateButton.click()
        child = self.panel.simulate.control.child
        wait(lambda: self.images() or not self.panel.simulate.control.child)
        return child

    def finish(self):
        wait(lambda: self.panel.simulate.control.child is None)
        return self.ui.simulateStatusLabel.text

    def images(self):
        return sorted(self.output.glob("arrangement-*/*.dcm"))

    def assertNothingHalfWritten(self):
        import pydicom

        self.assertEqual([path for path in self.output.rglob("*") if path.name.startswith(".")], [])
        for path in self.images():
            self.assertEqual(pydicom.dcmread(path).pixel_array.shape, (768, 640))


class SimulateTest(SimulateTestCase):
    def test_reasonsForADisabledButton(self):
        button, status = self.ui.simulateButton, self.ui.simulateStatusLabel
        self.assertFalse(button.enabled)
        self.assertIn("Choose a folder", button.toolTip)
        self.ui.acquisitionsFolderEdit.currentPath = "relative"
        self.assertIn("Choose a folder", status.text)
        self.choose()
        self.assertTrue(button.enabled, button.toolTip)
        self.assertEqual(status.text, "")
        self.ui.lowDoseCheckBox.checked = self.ui.highDoseCheckBox.checked = False
        self.assertFalse(button.enabled)
        self.assertIn("at least one dose", button.toolTip)

    def test_commandLineSaysWhatThePanelSays(self):
        from LowDoseContrastLib.cli import build_parser
        from LowDoseContrastTrainingLib.commands.all_commands import COMMANDS
        from LowDoseContrastTrainingLib.simulator.parameters import DETECTORS, DOSES_MGY

        parser, simulation = build_parser(COMMANDS), self.panel.logic.simulation
        self.assertEqual(
            [self.ui.detectorComboBox.itemText(i) for i in range(self.ui.detectorComboBox.count)], list(DETECTORS)
        )
        self.assertEqual(simulation.doses(self.parameters), list(DOSES_MGY))
        self.choose(arrangements=3)
        self.ui.seedSpinBox.value, self.ui.realisationsSpinBox.value, self.ui.presentationCheckBox.checked = 7, 2, True
        options = parser.parse_args(simulation.arguments(self.parameters))
        self.assertEqual(
            (options.output, options.arrangements, options.seed, options.detector), (str(self.output), 3, 7, "small")
        )
        self.assertEqual(
            (options.doses, options.realisations, options.presentation, options.jobs), ("low,high", 2, True, 1)
        )
        self.ui.jobsSpinBox.value = 0
        self.assertIsNone(parser.parse_args(simulation.arguments(self.parameters)).jobs)

    def test_wholeRun(self):
        child = self.start()
        self.assertEqual(self.ui.simulateButton.text, "Cancel")
        self.assertFalse(self.ui.simulateSettingsWidget.enabled)
        wait(lambda: self.ui.simulateProgressBar.value > 0)
        self.assertIn("arrangement 1 of 1", self.ui.simulateStatusLabel.text)
        self.assertIn("Done: 2 images of 1 arrangements", self.finish())
        self.assertEqual([path.name for path in self.images()], ["high.dcm", "low.dcm"])
        self.assertNothingHalfWritten()
        self.assertEqual((self.ui.simulateButton.text, self.ui.simulateButton.enabled), ("Simulate", True))
        self.assertFalse(child.folder.exists())
        self.assertTrue(self.ui.loadPairButton.enabled)
        self.ui.seedSpinBox.value = 1
        self.assertEqual(self.ui.simulateStatusLabel.text, "")

    def test_cancelHalfWayThenGoOn(self):
        child = self.start(arrangements=2)
        self.ui.simulateButton.click()
        self.assertFalse(self.ui.simulateButton.enabled)
        self.assertEqual(self.ui.simulateStatusLabel.text, "Cancelling")
        self.assertIn("Cancelled", self.finish())
        self.assertNothingRuns(child)
        self.assertNothingHalfWritten()
        kept = {path: path.stat().st_mtime_ns for path in self.images()}
        self.assertLess(len(kept), 4)
        self.ui.simulateButton.click()
        self.assertIn("Done: 4 images", self.finish())
        self.assertEqual({path: path.stat().st_mtime_ns for path in kept}, kept)

    def test_errorOfTheChildIsShown(self):
        self.output.mkdir()
        (self.output / "notes.txt").write_text("mine")
        self.start()
        status = self.finish()
        self.assertTrue(status.startswith("Failed: "), status)
        self.assertIn("it holds notes.txt", status)
        self.assertTrue(self.ui.simulateButton.enabled)
        self.assertEqual([path.name for path in self.output.iterdir()], ["notes.txt"])

    def test_closingTheSceneLetsItGoOn(self):
        child = self.start(arrangements=2)
        slicer.mrmlScene.Clear()
        self.assertEqual((self.ui.simulateButton.text, self.ui.acquisitionsFolderEdit.currentPath), ("Cancel", ""))
        self.assertTrue(child.running())
        self.ui.simulateButton.click()
        self.assertIn("Cancelled", self.finish())

    def test_whatBecameOfItIsSaidToWhoComesBack(self):
        self.output.write_text("a file, no folder")
        self.choose()
        self.ui.simulateButton.click()
        self.panel.exit()
        wait(lambda: self.panel.simulate.control.child is None)
        self.panel.enter()
        self.assertIn("Failed: ", self.ui.simulateStatusLabel.text)

    def test_reloadingTheModuleEndsIt(self):
        child = self.start(arrangements=3)
        slicer.util.reloadScriptedModule("LowDoseContrastTraining")
        self.assertNothingRuns(child)
        self.assertFalse(child.folder.exists())
        self.assertLess(len(self.images()), 6)
        self.panel = loadModule()
        self.panel.enter()
        self.assertEqual(self.ui.simulateButton.text, "Simulate")

    def test_savedSceneRestoresTheChoices(self):
        self.choose(arrangements=5)
        scene = str(self.folder / "scene.mrml")
        self.assertTrue(slicer.util.saveScene(scene))
        slicer.mrmlScene.Clear()
        self.assertEqual(self.ui.acquisitionsFolderEdit.currentPath, "")
        slicer.util.loadScene(scene)
        self.assertEqual(self.ui.acquisitionsFolderEdit.currentPath, str(self.output))
        self.assertEqual((self.ui.arrangementsSpinBox.value, self.ui.detectorComboBox.currentText), (5, "small"))
        self.assertFalse(self.ui.automaticDoseCheckBox.checked)

    def test_selfTestPasses(self):
        slicer.selfTests["LowDoseContrastTraining"]()


class FirstPairTest(SimulateTestCase):
    def pair(self):
        """Arrangement and doses of the pair that would be loaded."""
        self.ui.acquisitionsFolderEdit.currentPath = str(self.output)
        found = self.panel.logic.simulation.firstPair(str(self.output))
        self.assertEqual(self.ui.loadPairButton.enabled, found is not None)
        return found and (found[0].parent.name[-2:], found[0].stem, found[1].stem)

    def test_lowestAndHighestDoseThatThereAre(self):
        fakeSimulation(self.output, [["low", "automatic", "high"]], doses=("high", "low", "automatic"))
        self.assertEqual(self.pair(), ("01", "low", "high"))

    def test_withoutHighDose(self):
        fakeSimulation(self.output, [["low", "automatic"]], doses=("low", "automatic"))
        self.assertEqual(self.pair(), ("01", "low", "automatic"))

    def test_unfinishedArrangementIsPassedOver(self):
        fakeSimulation(self.output, [["low", "automatic"], ["low", "automatic", "high"]])
        self.assertEqual(self.pair(), ("02", "low", "high"))

    def test_oneDoseIsNoPair(self):
        fakeSimulation(self.output, [["low"]], doses=("low",))
        self.assertIsNone(self.pair())
        self.assertIn("no finished arrangement", self.ui.loadPairButton.toolTip)

    def test_otherFoldersHoldNone(self):
        self.output.mkdir()
        self.assertIsNone(self.pair())
        (self.output / "simulation.json").write_text("{")
        self.assertIsNone(self.pair())

    def test_shownSideBySideInLinkedViews(self):
        fakeSimulation(self.output, [["low", "automatic", "high"]])
        self.pair()
        self.ui.loadPairButton.click()
        low, high = (slicer.util.getNode(f"Arrangement 1 {dose} dose") for dose in ("low", "high"))
        from LowDoseContrastSlicer.comparison import AFTER_VIEW, BEFORE_VIEW

        composites = {
            c.GetBackgroundVolumeID(): c
            for c in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
            if c.GetLayoutName() in (BEFORE_VIEW, AFTER_VIEW)
        }
        self.assertEqual(set(composites), {low.GetID(), high.GetID()})
        labels = [
            slicer.app.layoutManager().sliceWidget(tag).mrmlSliceNode().GetLayoutLabel()
            for tag in (BEFORE_VIEW, AFTER_VIEW)
        ]
        self.assertEqual(labels, ["Low", "High"])
        self.assertTrue(all(composite.GetLinkedControl() for composite in composites.values()))
        self.assertEqual(slicer.util.arrayFromVolume(low).shape, (1, 300, 200))


class ChildTest(unittest.TestCase):
    def child(self, code):
        from LowDoseContrastTrainingSlicer.child import ChildProcess

        folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        return ChildProcess.start(["-c", code], folder, [folder / "a b", folder / "ü"])

    def test_resultAndSearchPaths(self):
        child = self.child("import json, sys; print(json.dumps(sys.path))")
        child.wait()
        self.assertTrue({str(child.folder / "a b"), str(child.folder / "ü")} <= set(child.result()))

    def test_progressIsTheLastWholeLine(self):
        lines = [json.dumps({"done": share, "message": "ü", "remaining": None}) for share in (0.25, 0.5)]
        child = self.child(f"import sys; sys.stderr.write({chr(10).join([*lines, 'a warning', lines[0][:9]])!r})")
        child.wait()
        self.assertEqual((child.progress().done, child.progress().message), (0.5, "ü"))

    def test_muchOutputBlocksNothing(self):
        child = self.child("import sys; [sys.stderr.write('x' * 99 + chr(10)) for _ in range(20000)]; print('{}')")
        child.wait()
        self.assertEqual(child.result(), {})
        self.assertLess(len(child.messages()), 1000)

    def test_reasonOfAFailure(self):
        from LowDoseContrastTrainingSlicer.child import ChildError

        for code, reason in (
            ("import sys; print('error: no room', 'cleaned up', sep=chr(10), file=sys.stderr); sys.exit(2)", "no room"),
            ("1 / 0", "ZeroDivisionError: division by zero"),
            ("import sys; sys.exit(3)", "exit code 3"),
        ):
            child = self.child(code)
            child.wait()
            with self.assertRaises(ChildError) as caught:
                child.result()
            self.assertEqual(str(caught.exception), reason)

    def test_missingPackageIsNamed(self):
        from LowDoseContrastTrainingSlicer.logic import LowDoseContrastTrainingLogic

        child = self.child("import no_such_package")
        child.wait()
        self.assertIn(
            "Slicer's Python lacks the package no_such_package", LowDoseContrastTrainingLogic().simulation.finish(child)
        )

    @unittest.skipIf(os.name == "nt", "Windows knows no polite way")
    def test_deafTreeIsEndedByForce(self):
        from LowDoseContrastTrainingSlicer.process_tree import groupLives

        deaf = (
            "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
        )
        child = self.child(f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {deaf!r}]); {deaf}")
        wait(lambda: (child.folder / "output.json").read_text().count("1") == 2)
        child.cancel(seconds=0.3)
        self.assertTrue(child.running())
        child.wait()
        wait(lambda: not groupLives(child.pid), 10)

    def test_withoutPythonSlicer(self):
        with unittest.mock.patch.dict(os.environ, {"PATH": str(Path(sys.executable).parent / "nowhere")}):
            with self.assertRaisesRegex(RuntimeError, "PythonSlicer"):
                self.child("pass")


if __name__ == "__main__":
    unittest.main()
