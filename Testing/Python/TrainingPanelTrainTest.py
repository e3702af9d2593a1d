"""Step 3 of the training panel as a user meets it. Runs in 3D Slicer and on the headless host."""

import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest
import unittest.mock
from pathlib import Path

import slicer
from lowdosecontrast_training_panel import TrainingPanelTestCase, loadModule, sharedFolder, wait
from TrainingTest import TINY

PYTHON = shutil.which("PythonSlicer")  # in 3D Slicer sys.executable is Slicer itself


class TrainTestCase(TrainingPanelTestCase):
    @classmethod
    def setUpClass(cls):
        loadModule()
        cls.shared = sharedFolder()

    def choose(self, **changes):
        """A training of seconds, in the widgets; ``changes`` to the recipe."""
        self.run = self.folder / "Übung 1"
        recipe = self.folder / "tiny.json"
        recipe.write_text(json.dumps({**TINY, **changes}))
        self.ui.trainDataSetEdit.currentPath = str(self.shared / "pairs")
        self.ui.runFolderEdit.currentPath = str(self.run)
        self.ui.recipeComboBox.currentText = "from a file"
        self.ui.recipeFileEdit.currentPath = str(recipe)
        self.ui.threadsSpinBox.value = 1
        self.ui.deviceComboBox.currentText = "cpu"

    @property
    def child(self):
        return self.panel.train.control.child

    def start(self):
        """Presses Start and waits for the first finished epoch; returns the child."""
        self.ui.trainButton.click()
        child = self.child
        wait(lambda: (self.run / "checkpoint.pt").exists() or self.child is None)
        return child

    def finish(self):
        wait(lambda: self.child is None)
        return self.ui.trainStatusLabel.text

    def column(self, name):
        table = self.parameters.lossTable.GetTable()
        return [table.GetColumnByName(name).GetValue(row) for row in range(table.GetNumberOfRows())]


class TrainTest(TrainTestCase):
    def test_reasonsForADisabledButton(self):
        button = self.ui.trainButton
        (self.folder / "mine").mkdir()
        (self.folder / "mine" / "letter.txt").write_text("mine")
        (self.folder / "own").mkdir()
        (self.folder / "own" / "recipe.json").write_text('{"base": "starter"}')
        for widget, path, reason in (
            (self.ui.trainDataSetEdit, "relative", "Choose a data set"),
            (self.ui.trainDataSetEdit, self.shared / "dicom", "not prepared"),
            (self.ui.trainDataSetEdit, self.shared / "pairs", "Choose a folder for the training"),
            (self.ui.runFolderEdit, self.shared / "pairs", "Choose another folder"),
            (self.ui.runFolderEdit, self.folder / "mine", "holds letter.txt"),
            (self.ui.runFolderEdit, self.folder / "own", "holds recipe.json"),
        ):
            widget.currentPath = str(path)
            self.assertFalse(button.enabled)
            self.assertIn(reason, button.toolTip)
        self.ui.runFolderEdit.currentPath, self.ui.recipeComboBox.currentText = str(self.folder / "run"), "starter"
        self.assertIn("patches are 128x128", button.toolTip)
        self.ui.recipeComboBox.currentText = "run1"  # enlarges them
        self.assertTrue(button.enabled, button.toolTip)
        self.ui.recipeComboBox.currentText = "from a file"
        self.assertIn("recipe's file", button.toolTip)
        self.assertFalse(self.ui.recipeFileEdit.isHidden())

    def test_commandLineSaysWhatThePanelSays(self):
        from LowDoseContrastLib.cli import build_parser
        from LowDoseContrastLib.device import DEVICES
        from LowDoseContrastTrainingLib.commands.all_commands import COMMANDS
        from LowDoseContrastTrainingLib.training.recipes import RECIPES

        arguments = self.panel.logic.training.arguments
        combos = self.ui.recipeComboBox, self.ui.deviceComboBox
        recipes, devices = ([combo.itemText(i) for i in range(combo.count)] for combo in combos)
        self.assertEqual((recipes[:-1], devices), (list(RECIPES), list(DEVICES)))
        self.ui.trainDataSetEdit.currentPath, self.ui.runFolderEdit.currentPath = (
            str(self.shared / "pairs"),
            str(self.folder / "run"),
        )
        self.ui.epochsSpinBox.value, self.ui.threadsSpinBox.value = 7, 2
        options = build_parser(COMMANDS).parse_args(arguments(self.parameters))
        self.assertEqual(
            (options.dataset, options.output, options.recipe),
            (str(self.shared / "pairs"), str(self.folder / "run"), "run1"),
        )
        self.assertEqual((options.epochs, options.threads, options.device, options.resume), (7, 2, "auto", False))
        self.assertNotIn("--from", arguments(self.parameters))
        self.ui.startFromLineEdit.text = "starter"
        self.assertEqual(arguments(self.parameters)[arguments(self.parameters).index("--from") + 1], "starter")

    def test_wholeRunIsShownAndItsModelUsed(self):
        self.choose(epochs=1, epochs_decay=1)
        self.start()
        self.assertEqual(self.ui.trainButton.text, "Cancel")
        self.assertFalse(self.ui.trainSettingsWidget.enabled)
        nodes = [self.parameters.lossTable, self.parameters.lossChart, self.parameters.validationChart]
        self.assertIn("Done: 2 epochs", self.finish())
        self.assertEqual([self.parameters.lossTable, self.parameters.lossChart, self.parameters.validationChart], nodes)
        self.assertEqual(self.column("epoch"), [1.0, 2.0])
        self.assertTrue(
            all(value > 0 for name in ("G_L1", "val_l1_model", "val_l1_gain") for value in self.column(name))
        )
        self.assertIn("epoch 2", self.parameters.sampleVolume.GetName())
        self.assertEqual(slicer.util.arrayFromVolume(self.parameters.sampleVolume).shape[2], 3 * 128)
        self.assertShown()
        self.assertFalse(self.ui.trainButton.enabled)
        self.assertIn("complete", self.ui.trainButton.toolTip)
        self.ui.logCollapsibleButton.collapsed = False
        self.assertIn("epoch 2: G_GAN", self.ui.trainLogTextEdit.plainText)
        with unittest.mock.patch.dict(os.environ, {"LOWDOSECONTRAST_MODELS": str(self.folder / "models")}):
            self.ui.useModelButton.click()
            self.assertEqual(slicer.util.selectedModule(), "LowDoseContrast")
            self.assertEqual(slicer.util.getModuleWidget("LowDoseContrast").ui.modelComboBox.currentText, "Übung 1")
            self.assertEqual([path.name for path in (self.folder / "models").iterdir()], ["Übung 1.safetensors"])
        self.assertSaidToWhoComesLater("Done: 2 epochs")

    def assertSaidToWhoComesLater(self, outcome):
        slicer.util.reloadScriptedModule("LowDoseContrastTraining")
        self.panel = loadModule()
        self.panel.enter()
        self.assertIn(outcome, self.ui.trainStatusLabel.text)

    def assertShown(self):
        """The charts and the samples are in the views of the layout."""
        from LowDoseContrastSlicer.volume_roles import SAMPLES, roleOf
        from LowDoseContrastTrainingSlicer.training_views import LOSS_VIEW, SAMPLE_VIEW, VALIDATION_VIEW

        for tag, chart, count in (
            (LOSS_VIEW, self.parameters.lossChart, 4),
            (VALIDATION_VIEW, self.parameters.validationChart, 2),
        ):
            view = slicer.mrmlScene.GetSingletonNode(tag, "vtkMRMLPlotViewNode")
            self.assertEqual(view.GetPlotChartNodeID(), chart.GetID())
            self.assertEqual(chart.GetNumberOfPlotSeriesNodes(), count)
            self.assertEqual(chart.GetNthPlotSeriesNode(0).GetTableNode(), self.parameters.lossTable)
        self.assertEqual(roleOf(self.parameters.sampleVolume), SAMPLES)
        composite = slicer.app.layoutManager().sliceWidget(SAMPLE_VIEW).sliceLogic().GetSliceCompositeNode()
        self.assertEqual(composite.GetBackgroundVolumeID(), self.parameters.sampleVolume.GetID())

    def test_cancelKeepsTheCheckpointAndResumeGoesOn(self):
        self.choose(epochs=2, epochs_decay=1)
        child = self.start()
        self.ui.trainButton.click()
        self.assertIn("Cancelled", self.finish())
        self.assertNothingRuns(child)
        done = len((self.run / "losses.csv").read_text().splitlines()) - 1
        self.assertTrue(1 <= done < 3, done)
        self.assertEqual(self.ui.trainButton.text, "Resume")
        self.ui.recipeComboBox.currentText = "run1"  # a training keeps its own
        self.assertFalse(self.ui.recipeComboBox.enabled)
        self.ui.recipeCollapsibleButton.collapsed = False
        fields = {
            self.ui.recipeTable.item(row, 0).text(): self.ui.recipeTable.item(row, 1).text()
            for row in range(self.ui.recipeTable.rowCount)
        }
        self.ui.recipeCollapsibleButton.collapsed = True
        self.assertEqual(fields["ngf"], str(TINY["ngf"]))
        self.ui.trainButton.click()
        self.assertIn("Done: 3 epochs", self.finish())
        self.assertEqual(self.column("epoch"), [1.0, 2.0, 3.0])

    def test_aClosedSceneLetsItGoOn(self):
        self.choose(epochs=300)
        child = self.start()
        slicer.mrmlScene.Clear()
        self.assertTrue(child.running())
        self.assertEqual((self.ui.trainButton.text, self.ui.runFolderEdit.currentPath), ("Cancel", str(self.run)))
        wait(lambda: self.parameters.lossTable)
        self.ui.trainButton.click()
        self.assertIn("Cancelled", self.finish())

    def test_aClosedPanelLeavesItAndTheNextFindsIt(self):
        self.choose(epochs=300)
        child = self.start()
        slicer.util.reloadScriptedModule("LowDoseContrastTraining")
        self.panel = loadModule()
        self.assertIsNone(child._process.poll())
        self.panel.enter()
        self.assertEqual(self.child.pid, child.pid)
        self.assertEqual(self.ui.trainButton.text, "Cancel")
        self.assertIn("epoch", self.ui.trainStatusLabel.text)
        self.ui.trainButton.click()
        self.assertIn("Cancelled", self.finish())
        self.assertNothingRuns(child)
        self.assertTrue((self.run / "checkpoint.pt").exists())

    def test_wrongInputIsOneLine(self):
        self.choose()
        patch = next((self.shared / "pairs" / "B" / "train").iterdir())
        content = patch.read_bytes()
        self.addCleanup(patch.write_bytes, content)
        patch.write_bytes(content[:-9])
        self.ui.trainButton.click()
        status = self.finish()
        self.assertRegex(status, "^Failed: .*is not the file in the manifest")
        self.assertEqual(len(status.splitlines()), 1)
        self.assertEqual(self.ui.trainButton.text, "Start")
        self.assertTrue(self.ui.trainButton.enabled)

    def test_savedSceneRestoresTheChoices(self):
        self.choose()
        self.ui.epochsSpinBox.value, self.ui.splitComboBox.currentText = 9, "loo"
        scene = str(self.folder / "scene.mrml")
        self.assertTrue(slicer.util.saveScene(scene))
        slicer.mrmlScene.Clear()
        self.assertEqual((self.ui.runFolderEdit.currentPath, self.ui.epochsSpinBox.value), ("", 0))
        slicer.util.loadScene(scene)
        self.assertEqual(
            (self.ui.runFolderEdit.currentPath, self.ui.trainDataSetEdit.currentPath),
            (str(self.run), str(self.shared / "pairs")),
        )
        self.assertEqual(
            (self.ui.epochsSpinBox.value, self.ui.splitComboBox.currentText, self.ui.deviceComboBox.currentText),
            (9, "loo", "cpu"),
        )

    def test_declinedTorchStartsNothing(self):
        from LowDoseContrastSlicer import installation

        self.choose()
        with (
            unittest.mock.patch.object(
                installation, "_missing", lambda names: [name for name in names if name == "torch"]
            ),
            unittest.mock.patch.object(installation, "_install_torch", return_value=False) as asked,
        ):
            self.ui.trainButton.click()
        asked.assert_called_once()
        self.assertIsNone(self.child)
        self.assertFalse(self.run.exists())


class RecipeTest(TrainTestCase):
    def setUp(self):
        super().setUp()
        self.ui.recipeComboBox.currentText = "starter"
        self.ui.recipeCollapsibleButton.collapsed = False
        self.addCleanup(lambda: setattr(self.ui.recipeCollapsibleButton, "collapsed", True))

    def item(self, name):
        table = self.ui.recipeTable
        return next(table.item(row, 1) for row in range(table.rowCount) if table.item(row, 0).text() == name)

    def edit(self, name, text):
        self.item(name).setText(text)
        for _ in range(3):
            slicer.app.processEvents()
        return self.ui.recipeMessageLabel.text

    def test_fieldsAreThoseOfTheRecipe(self):
        import dataclasses

        from LowDoseContrastTrainingLib.training.recipe import Recipe
        from LowDoseContrastTrainingLib.training.recipes import RECIPES

        self.assertEqual(self.ui.recipeTable.rowCount, len(dataclasses.fields(Recipe)) - 1)
        for name in ("run4", "compact"):
            self.ui.recipeComboBox.currentText = name
            self.assertEqual(self.item("ngf").text(), str(RECIPES[name].ngf))
            self.assertEqual(self.item("dropout").text(), "yes" if RECIPES[name].dropout else "no")

    def test_changesAreCheckedByTheRecipe(self):
        self.assertEqual(self.edit("ngf", "8"), "")
        self.assertTrue(self.item("ngf").font().bold())
        for name, text, reason in (
            ("ngf", "0", "ngf must be at least 1"),
            ("ngf", "many", "must be a whole number"),
            ("gan_mode", "x", "must be one of vanilla"),
        ):
            before = self.item(name).text()
            self.assertIn(reason, self.edit(name, text))
            self.assertEqual(self.item(name).text(), before)
        self.assertEqual(self.edit("discriminator_rate", "none"), "")
        self.assertEqual(self.edit("dropout", "yes"), "")
        self.assertEqual(
            json.loads(self.parameters.recipeChanges),
            {"starter": {"ngf": 8, "discriminator_rate": None, "dropout": True}},
        )
        self.ui.recipeComboBox.currentText = "compact"
        self.assertEqual(self.item("ngf").text(), "16")
        self.ui.recipeComboBox.currentText = "starter"
        self.assertEqual(self.item("ngf").text(), "8")
        self.ui.recipeResetButton.click()
        self.assertEqual(self.item("ngf").text(), "16")
        self.assertFalse(self.ui.recipeResetButton.enabled)

    def test_changedRecipeIsTrained(self):
        self.choose()
        self.edit("epochs", "1")
        self.edit("epochs_decay", "0")
        self.edit("lambda_l1", "50")
        self.start()
        self.assertIn("Done: 1 epochs", self.finish())
        trained = json.loads((self.run / "recipe.json").read_text())
        self.assertEqual((trained["lambda_l1"], trained["ngf"]), (50.0, 2))


class FoundChildTest(unittest.TestCase):
    """A process that somebody else has started, or that has gone."""

    def setUp(self):
        loadModule()
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def find(self):
        from LowDoseContrastTrainingSlicer.child import ChildProcess

        return ChildProcess.find(self.folder)

    def startedElsewhere(self, code):
        """A child of a process that has ended since; returns it as it is found."""
        import LowDoseContrastTrainingSlicer

        place = Path(LowDoseContrastTrainingSlicer.__file__).parent
        starter = f"import sys; sys.path.insert(0, {str(place.parent)!r}); from LowDoseContrastTrainingSlicer.child import ChildProcess; ChildProcess.start(['-c', {code!r}], {str(self.folder)!r})"
        subprocess.run([PYTHON, "-c", starter], check=True)
        return self.find()

    def test_anotherOnesChildIsFollowedAndCancelled(self):
        from LowDoseContrastTrainingSlicer.child import ChildCancelled

        code = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(130))\nprint('{\"done\": 0.5}', file=sys.stderr, flush=True)\ntime.sleep(60)"
        child = self.startedElsewhere(code)
        wait(lambda: child.progress() is not None)
        self.assertTrue(child.running())
        child.cancel(seconds=5)
        child.wait()
        with self.assertRaises(ChildCancelled):
            child.result()
        self.assertFalse(self.find().running())

    def test_resultOfAnotherOnesChild(self):
        child = self.startedElsewhere("print('{\"epochs\": 3}')")
        child.wait()
        self.assertEqual(child.result(), {"epochs": 3})
        self.assertEqual(self.find().result(), {"epochs": 3})

    def test_staleRecordsAreNotBelieved(self):
        from LowDoseContrastTrainingSlicer.child import RECORD, ChildError
        from LowDoseContrastTrainingSlicer.process_tree import birth

        self.assertIsNone(self.find())
        born = birth(os.getpid())
        self.assertTrue(born)
        for pid, stated in ((os.getpid(), born + "1"), (os.getpid(), None), (2**22 + 1, born)):
            (self.folder / RECORD).write_text(json.dumps({"pid": pid, "birth": stated, "folder": str(self.folder)}))
            found = self.find()
            self.assertFalse(found.running())
            found.cancel()  # must not end this very process
            self.assertFalse(found.cancelled)
            (self.folder / "output.json").write_text("")
            with self.assertRaisesRegex(ChildError, "ended from outside"):
                found.result()
        (self.folder / RECORD).write_text(
            json.dumps({"pid": os.getpid(), "birth": born, "folder": tempfile.gettempdir()})
        )
        self.assertFalse(self.find().running())
        for damaged in ("", "[]", '{"pid": "x"}'):
            (self.folder / RECORD).write_text(damaged)
            self.assertIsNone(self.find())

    def test_birthTellsProcessesApart(self):
        from LowDoseContrastTrainingSlicer.process_tree import birth

        first = subprocess.Popen([PYTHON, "-c", "input()"], stdin=subprocess.PIPE)
        time.sleep(0.05)
        second = subprocess.Popen([PYTHON, "-c", "input()"], stdin=subprocess.PIPE)
        births = birth(first.pid), birth(second.pid)
        self.assertEqual(births, (birth(first.pid), birth(second.pid)))
        self.assertEqual(len(set(births)), 2)
        for process in (first, second):
            process.communicate(b"\n")
            self.assertIsNone(birth(process.pid))


if __name__ == "__main__":
    unittest.main()
