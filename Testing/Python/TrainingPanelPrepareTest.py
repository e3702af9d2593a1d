"""Step 2 of the training panel as a user meets it. Runs in 3D Slicer and on the headless host."""

import unittest
import unittest.mock

import slicer
from lowdosecontrast_training_panel import TrainingPanelTestCase, loadModule, sharedFolder, wait


class PrepareTest(TrainingPanelTestCase):
    @classmethod
    def setUpClass(cls):
        loadModule()
        cls.shared = sharedFolder()

    def choose(self, acquisitions=None):
        self.ui.prepareInputEdit.currentPath = str(acquisitions or self.shared / "dicom")
        self.ui.dataSetFolderEdit.currentPath = str(self.folder / "pairs")
        self.ui.patchSizeSpinBox.value = 128
        self.ui.bitsComboBox.currentText = "16"
        self.ui.splitComboBox.currentText = "arrangement"

    def prepare(self):
        self.ui.prepareButton.click()
        wait(lambda: self.panel.prepare.control.child is None)
        return self.ui.prepareStatusLabel.text

    def table(self):
        table = self.ui.pairsTable
        return [
            [table.item(row, column).text() for column in range(table.columnCount)] for row in range(table.rowCount)
        ]

    def test_reasonsForADisabledButton(self):
        button = self.ui.prepareButton
        for change, reason in (
            (lambda: None, "Choose the folder"),
            (lambda: setattr(self.ui.prepareInputEdit, "currentPath", str(self.folder / "none")), "does not exist"),
            (
                lambda: setattr(self.ui.prepareInputEdit, "currentPath", str(self.shared / "dicom")),
                "Choose a folder for the data set",
            ),
            (
                lambda: setattr(self.ui.dataSetFolderEdit, "currentPath", str(self.shared / "dicom")),
                "Choose another folder",
            ),
            (lambda: (self.choose(), setattr(self.ui.dosesLineEdit, "text", "3 and 11")), "Doses in mGy: "),
        ):
            change()
            self.assertFalse(button.enabled)
            self.assertIn(reason, button.toolTip)
            self.assertIn(reason, self.ui.prepareStatusLabel.text)
        self.ui.dosesLineEdit.text = "low=3.359,high=11.523"
        self.assertTrue(button.enabled, button.toolTip)

    def test_theFolderOfStepOneIsTheFolderOfStepTwo(self):
        self.ui.acquisitionsFolderEdit.currentPath = str(self.shared / "dicom")
        self.assertEqual(self.ui.prepareInputEdit.currentPath, str(self.shared / "dicom"))

    def test_commandLineSaysWhatThePanelSays(self):
        import dataclasses

        from LowDoseContrastLib.cli import build_parser
        from LowDoseContrastTrainingLib.commands.all_commands import COMMANDS
        from LowDoseContrastTrainingLib.dataset.prepare_settings import SPLITS, PrepareSettings

        def settings():
            options = build_parser(COMMANDS).parse_args(self.panel.logic.preparation.arguments(self.parameters))
            return PrepareSettings(
                **{field.name: getattr(options, field.name) for field in dataclasses.fields(PrepareSettings)}
            )

        self.assertEqual(settings(), PrepareSettings())
        self.assertNotIn("The recipe", self.ui.splitLabel.text)
        self.parameters.recipe = "compact"
        self.assertIn("The recipe compact of step 3 needs patches of 256 pixels or more.", self.ui.splitLabel.text)
        self.ui.patchSizeSpinBox.value = 256
        self.assertNotIn("The recipe", self.ui.splitLabel.text)
        self.assertEqual([self.ui.splitComboBox.itemText(i) for i in range(self.ui.splitComboBox.count)], list(SPLITS))
        self.choose()
        self.ui.splitComboBox.currentText = "loo"
        self.ui.foldSpinBox.value, self.ui.testSpinBox.value, self.ui.validationSpinBox.value = 3, 2, 1
        self.ui.strideSpinBox.value, self.ui.breastPartSpinBox.value, self.ui.alignCheckBox.checked = 64, 0.7, True
        wanted = PrepareSettings(128, 64, 16, "loo", fold=3, validation=1, breast_part=0.7, align=True)
        self.assertEqual(settings(), wanted)
        self.assertFalse(self.ui.foldSpinBox.isHidden())
        self.assertTrue(self.ui.testSpinBox.isHidden())

    def test_theSplitSaysWhetherItLeaks(self):
        self.assertIn("too good", self.ui.splitLabel.text)
        self.ui.splitComboBox.currentText = "arrangement"
        self.assertIn("share none", self.ui.splitLabel.text)

    def test_wholeRunFillsTheTable(self):
        self.choose()
        self.assertTrue(self.ui.pairsTable.isHidden())
        self.assertIn("of 4 arrangements", self.prepare())
        rows = self.table()
        self.assertEqual(len(rows), 4)
        self.assertEqual([file.rpartition("/")[2] for file in rows[0][5:]], ["low.dcm", "high.dcm"])
        low, high = map(float, rows[0][4].split(" / "))
        self.assertAlmostEqual(high / low, 11.523 / 3.359, places=1)
        self.assertEqual(sorted(row[1] for row in rows), ["test", "train", "train", "val"])
        self.assertTrue(all(int(row[2]) > 0 for row in rows))
        notes = self.ui.pairsLabel.text
        self.assertIn("8 paired", notes)
        self.assertIn("left out: not a DICOM", notes)

    def test_anExistingDataSetIsShown(self):
        self.choose()
        self.prepare()
        slicer.mrmlScene.Clear()
        self.assertEqual(self.table(), [])
        self.ui.dataSetFolderEdit.currentPath = str(self.folder / "pairs")
        self.assertEqual(len(self.table()), 4)
        (self.folder / "pairs" / "manifest.json").write_text("{")
        self.ui.dataSetFolderEdit.currentPath = str(self.folder)
        self.ui.dataSetFolderEdit.currentPath = str(self.folder / "pairs")
        self.assertEqual(self.table(), [])

    def test_wrongInputIsOneLine(self):
        (self.folder / "empty").mkdir()
        self.choose(self.folder / "empty")
        status = self.prepare()
        self.assertTrue(status.startswith("Failed: "), status)
        self.assertEqual(len(status.splitlines()), 1)
        self.assertFalse((self.folder / "pairs").exists())
        self.assertTrue(self.ui.prepareButton.enabled)

    def test_cancelThenGoOn(self):
        self.choose()
        self.ui.prepareButton.click()
        child = self.panel.prepare.control.child
        wait(lambda: child.progress() is not None)
        self.assertFalse(self.ui.prepareSettingsWidget.enabled)
        self.ui.prepareButton.click()
        wait(lambda: self.panel.prepare.control.child is None)
        self.assertNothingRuns(child)
        self.assertIn("Cancelled", self.ui.prepareStatusLabel.text)
        self.assertIn("Done", self.prepare())

    def test_missingPackagesAreAskedForBeforeItStarts(self):
        self.choose()
        from LowDoseContrastSlicer import installation

        with (
            unittest.mock.patch.object(
                installation, "_missing", lambda names: [name for name in names if name == "skimage"]
            ),
            unittest.mock.patch.object(slicer.util, "confirmOkCancelDisplay", return_value=False) as asked,
        ):
            self.ui.prepareButton.click()
        asked.assert_called_once()
        self.assertIsNone(self.panel.prepare.control.child)


if __name__ == "__main__":
    unittest.main()
