"""Step 4 of the training panel as a user meets it. Runs in 3D Slicer and on the headless host."""

import atexit
import functools
import json
import os
import shutil
import tempfile
import unittest
import unittest.mock
from pathlib import Path

import lowdosecontrast_examples as examples
import slicer
from EvaluateCommandTest import write_arranged_data_set
from lowdosecontrast_training_panel import TrainingPanelTestCase, loadModule, wait


@functools.cache
def judgedFolder():
    """A folder with ``pairs``, of several arrangements, and a model."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write_arranged_data_set(folder / "pairs")
    examples.save_small_model(folder / "Modell 1.safetensors")
    return folder


class EvaluateTestCase(TrainingPanelTestCase):
    @classmethod
    def setUpClass(cls):
        loadModule()
        cls.shared = judgedFolder()
        cls.data, cls.model = cls.shared / "pairs", cls.shared / "Modell 1.safetensors"

    def setUp(self):
        super().setUp()
        self.judged = self.folder / "Ergebnisse für Übung 1"

    def choose(self):
        """An evaluation of seconds, in the widgets."""
        self.ui.evaluateDataSetEdit.currentPath = str(self.data)
        self.ui.evaluationFolderEdit.currentPath = str(self.judged)
        self.ui.baselinesLineEdit.text = "identity, gain"
        self.ui.evaluationDeviceComboBox.currentText = "cpu"
        self.parameters.models = [str(self.model)]

    @property
    def child(self):
        return self.panel.evaluate.control.child

    def evaluate(self):
        self.ui.evaluateButton.click()
        wait(lambda: self.child is None)
        return self.ui.evaluateStatusLabel.text

    def listed(self):
        """(label, whether it is ticked) of each model in the list."""
        import qt

        items = [self.ui.modelsListWidget.item(row) for row in range(self.ui.modelsListWidget.count)]
        return [(item.text(), item.checkState() == qt.Qt.Checked) for item in items]

    def table(self):
        """Heading -> cells of the table in the panel."""
        table = self.ui.resultsTable
        return {
            table.horizontalHeaderItem(column).text(): [table.item(row, column).text() for row in range(table.rowCount)]
            for column in range(table.columnCount)
        }

    def column(self, node, name):
        values = node.GetTable().GetColumnByName(name)
        return [values.GetValue(row) for row in range(values.GetNumberOfValues())]


class EvaluateTest(EvaluateTestCase):
    def test_reasonsForADisabledButton(self):
        def put(widget, name, value):
            return lambda: setattr(widget, name, value)

        ui, button = self.ui, self.ui.evaluateButton
        one = self.folder / "one"
        one.mkdir()
        (one / "simulation.json").write_text(json.dumps({"realisations": 1}))
        for change, reason in (
            (lambda: None, "Choose a data set."),
            (put(ui.judgeDataSetCheckBox, "checked", False), "Choose a data set, a simulation, or both"),
            (put(ui.judgeTruthCheckBox, "checked", True), "Choose the folder of the simulation"),
            (put(ui.evaluateSimulationEdit, "currentPath", str(self.folder)), "holds none"),
            (put(ui.evaluateSimulationEdit, "currentPath", str(one)), "one realisation"),
            (
                lambda: (
                    put(ui.judgeTruthCheckBox, "checked", False)(),
                    put(ui.judgeDataSetCheckBox, "checked", True)(),
                ),
                "Choose a data set.",
            ),
            (put(ui.evaluateDataSetEdit, "currentPath", str(self.folder)), "not prepared"),
            (put(ui.evaluateDataSetEdit, "currentPath", str(self.data)), "Choose a folder for the results"),
            (put(ui.evaluationFolderEdit, "currentPath", str(self.data)), "Choose another folder"),
            (lambda: (self.choose(), put(ui.baselinesLineEdit, "text", "gain, bm3d")()), "there is no 'bm3d'"),
            (lambda: (self.choose(), put(ui.evaluationScaleLineEdit, "text", "wide")()), "must be one of full, 12bit"),
            (
                lambda: (
                    put(ui.evaluationScaleLineEdit, "text", "full")(),
                    setattr(self.parameters, "models", ["nobody"]),
                ),
                "no model named nobody",
            ),
            (
                lambda: setattr(self.parameters, "models", [str(self.folder / "none.safetensors")]),
                "none.safetensors does not exist",
            ),
        ):
            change()
            self.assertFalse(button.enabled)
            self.assertIn(reason, button.toolTip)
            self.assertIn(reason, ui.evaluateStatusLabel.text)
        self.choose()
        self.assertTrue(button.enabled, button.toolTip)
        self.parameters.models = []
        self.assertIn("baselines alone", button.toolTip)

    def test_commandLineSaysWhatThePanelSays(self):
        from LowDoseContrastLib.cli import build_parser
        from LowDoseContrastLib.device import DEVICES
        from LowDoseContrastTrainingLib.commands.all_commands import COMMANDS
        from LowDoseContrastTrainingLib.evaluation.held_out_views import SPLITS

        def options():
            return build_parser(COMMANDS).parse_args(self.panel.logic.evaluation.arguments(self.parameters))

        self.ui.evaluateDataSetEdit.currentPath, self.ui.evaluationFolderEdit.currentPath = (
            str(self.data),
            str(self.judged),
        )
        found, default = (
            options(),
            build_parser(COMMANDS).parse_args(
                ["evaluate", "--dataset", str(self.data), "--output", str(self.judged), "--model", "starter"]
            ),
        )
        self.assertEqual(vars(found), vars(default))
        for combo, names in ((self.ui.judgedSplitComboBox, SPLITS), (self.ui.evaluationDeviceComboBox, DEVICES)):
            self.assertEqual([combo.itemText(row) for row in range(combo.count)], list(names))
        self.choose()
        self.ui.judgeTruthCheckBox.checked, self.ui.acquisitionsFolderEdit.currentPath = True, str(self.folder)
        self.ui.judgedSplitComboBox.currentText, self.ui.noiseLineEdit.text, self.ui.bootstrapSeedSpinBox.value = (
            "all",
            "xi_q=0.03,xi_e=2",
            5,
        )
        self.ui.evaluationOutOfDomainCheckBox.checked = self.ui.replaceResultsCheckBox.checked = True
        self.parameters.models = ["starter", str(self.model)]
        found = options()
        self.assertEqual(
            (found.model, found.baselines, found.simulation),
            (["starter", str(self.model)], "identity, gain", str(self.folder)),
        )
        self.assertEqual((found.split, found.noise, found.seed, found.device), ("all", "xi_q=0.03,xi_e=2", 5, "cpu"))
        self.assertEqual((found.allow_out_of_domain, found.overwrite), (True, True))
        self.ui.judgeDataSetCheckBox.checked = False
        self.assertNotIn("--dataset", self.panel.logic.evaluation.arguments(self.parameters))
        self.assertFalse(self.ui.evaluateDataSetEdit.enabled)

    def test_wholeRunIsShown(self):
        self.choose()
        self.ui.evaluateButton.click()
        self.assertEqual(self.ui.evaluateButton.text, "Cancel")
        self.assertFalse(self.ui.evaluateSettingsWidget.enabled)
        wait(lambda: self.child is None)
        self.assertRegex(
            self.ui.evaluateStatusLabel.text, "Done: 3 methods on 2 arrangements. small: (appearance match|worse)"
        )
        self.assertIn("earlier evaluation", self.ui.evaluateButton.toolTip)
        self.assertFalse(self.ui.evaluateButton.enabled)
        rows = json.loads((self.judged / "results.json").read_text())["rows"]
        table = self.table()
        self.assertEqual(
            (table["Method"], table["Verdict"]), ([row["method"] for row in rows], [row["verdict"] for row in rows])
        )
        self.assertEqual([float(text) for text in table["PSNR"]], [float(f"{row['psnr']:.4g}") for row in rows])
        self.assertEqual(set(table["Detectability"]), {"no truth"})
        self.assertIn(rows[-1]["reasons"][-1], self.ui.verdictLabel.text)
        self.assertIn("research use", self.ui.verdictLabel.text)
        self.assertShown(rows)
        self.ui.replaceResultsCheckBox.checked = True
        self.assertTrue(self.ui.evaluateButton.enabled)

    def assertShown(self, rows):
        """The table and the charts are in the views of the layout, with the figures of the results."""
        from LowDoseContrastTrainingSlicer.evaluation_views import CHART_VIEWS, TABLE_VIEW

        self.assertEqual(
            slicer.mrmlScene.GetSingletonNode(TABLE_VIEW, "vtkMRMLTableViewNode").GetTableNodeID(),
            self.parameters.resultTable.GetID(),
        )
        self.assertEqual(self.column(self.parameters.resultTable, "Method"), [row["method"] for row in rows])
        self.assertIsNone(self.parameters.detectabilityChart)
        for tag, chart, measure in zip(
            CHART_VIEWS,
            (self.parameters.contrastChart, self.parameters.likenessChart),
            ("cci_ratio_error", "psnr_matched"),
        ):
            self.assertEqual(
                slicer.mrmlScene.GetSingletonNode(tag, "vtkMRMLPlotViewNode").GetPlotChartNodeID(), chart.GetID()
            )
            drawn = {
                series.GetName(): series
                for series in map(chart.GetNthPlotSeriesNode, range(chart.GetNumberOfPlotSeriesNodes()))
            }
            self.assertEqual(
                list(drawn), ["gain", "identity, 95% interval", "identity", "small, 95% interval", "small"]
            )
            stated = rows[-1]["against"]["the gain"][measure]
            for name, values in (
                ("small", [stated["mean"]] * 3),
                ("small, 95% interval", [stated[key] for key in ("low", "mean", "high")]),
            ):
                self.assertEqual(self.column(drawn[name].GetTableNode(), drawn[name].GetYColumnName()), values)
                self.assertEqual(self.column(drawn[name].GetTableNode(), drawn[name].GetXColumnName()), [3.0] * 3)

    def test_cancelLeavesNothingAndItCanBeStartedAgain(self):
        self.choose()
        self.ui.evaluateButton.click()
        child = self.child
        wait(lambda: child.progress() is not None)
        self.ui.evaluateButton.click()
        wait(lambda: self.child is None)
        self.assertNothingRuns(child)
        self.assertIn("Cancelled", self.ui.evaluateStatusLabel.text)
        self.assertFalse(self.judged.exists())
        self.assertTrue(self.ui.evaluateButton.enabled)
        self.assertIsNone(self.parameters.resultTable)

    def test_wrongInputIsOneLineAndAClosedSceneLetsItGoOn(self):
        self.choose()
        self.ui.noiseLineEdit.text = "xi_q=0.03"
        self.ui.evaluateButton.click()
        slicer.mrmlScene.Clear()
        self.assertEqual(
            (self.ui.evaluateButton.text, self.ui.evaluationFolderEdit.currentPath), ("Cancel", str(self.judged))
        )
        wait(lambda: self.child is None)
        status = self.ui.evaluateStatusLabel.text
        self.assertRegex(status, "^Failed: .*xi_q and xi_e together")
        self.assertEqual(len(status.splitlines()), 1)
        self.assertFalse(self.judged.exists())

    def test_declinedPackagesStartNothing(self):
        from LowDoseContrastSlicer import installation

        self.choose()
        with (
            unittest.mock.patch.object(
                installation, "_missing", lambda names: [name for name in names if name == "skimage"]
            ),
            unittest.mock.patch.object(slicer.util, "confirmOkCancelDisplay", return_value=False) as asked,
        ):
            self.ui.evaluateButton.click()
        asked.assert_called_once()
        self.assertIsNone(self.child)


class ModelListTest(EvaluateTestCase):
    def test_modelsAreTickedAddedAndKept(self):
        import qt

        self.assertIn(("starter", True), self.listed())
        label = f"{self.shared.name}/Modell 1.safetensors"
        with unittest.mock.patch.object(qt, "QFileDialog") as dialog:
            dialog.getOpenFileName.return_value = str(self.model)
            self.ui.addModelFileButton.click()
        self.assertEqual(list(self.parameters.models), ["starter", str(self.model)])
        self.assertEqual(self.listed()[-1], (label, True))
        for row, (name, _ticked) in enumerate(self.listed()):
            if name in ("starter", label):
                self.ui.modelsListWidget.item(row).setCheckState(qt.Qt.Unchecked)
                wait(
                    lambda count=len(self.parameters.models): len(self.parameters.models) < count
                    or not self.parameters.models
                )
        self.assertEqual(list(self.parameters.models), [])
        self.assertEqual(self.listed()[-1], (label, False))
        self.ui.modelsListWidget.item(len(self.listed()) - 1).setCheckState(qt.Qt.Checked)
        wait(lambda: list(self.parameters.models) == [str(self.model)])

    def test_theModelOfTheTrainingIsOffered(self):
        run = self.folder / "run"
        run.mkdir()
        shutil.copyfile(self.model, run / "model.safetensors")
        self.ui.runFolderEdit.currentPath = str(run)
        self.assertIn(("run/model.safetensors", False), self.listed())

    def test_theSameModelUnderTwoNamesIsListedOnce(self):
        import qt

        run = self.folder / "run"
        run.mkdir()
        trained = run / "model.safetensors"
        examples.save_small_model(trained, seed=7)
        self.ui.runFolderEdit.currentPath = str(run)
        self.parameters.models = [str(trained)]
        with unittest.mock.patch.dict(os.environ, {"LOWDOSECONTRAST_MODELS": str(self.folder / "models")}):
            self.panel.logic.training.useModel(self.panel.train.run())
            self.panel.updateGui()
            (row,) = (row for row, (label, _ticked) in enumerate(self.listed()) if label.startswith("run"))
            item = self.ui.modelsListWidget.item(row)
            self.assertEqual((item.text(), item.toolTip().splitlines()), ("run", ["run", str(trained)]))
            self.assertEqual((item.checkState(), list(self.parameters.models)), (qt.Qt.Checked, [str(trained)]))
            self.parameters.models = ["run", str(trained)]
            arguments = self.panel.logic.evaluation.arguments(self.parameters)
            self.assertEqual((arguments.count("--model"), arguments[arguments.index("--model") + 1]), (1, "run"))
            item = self.ui.modelsListWidget.item(row)
            item.setCheckState(qt.Qt.Unchecked)
            wait(lambda: list(self.parameters.models) == [])
            examples.save_small_model(self.folder / "other.safetensors", seed=1)
            shutil.copyfile(self.folder / "other.safetensors", trained)  # the training has gone on
            self.panel.updateGui()
            self.assertEqual(
                [label for label, _ticked in self.listed() if label.startswith("run")], ["run", "run/model.safetensors"]
            )


class EarlierResultsTest(EvaluateTestCase):
    def write(self, document):
        self.judged.mkdir(exist_ok=True)
        (self.judged / "results.json").write_text(document if isinstance(document, str) else json.dumps(document))
        self.ui.evaluationFolderEdit.currentPath = str(self.folder)
        self.ui.evaluationFolderEdit.currentPath = str(self.judged)

    def row(self, method, kind="baseline", **values):
        return {"method": method, "kind": kind, "verdict": "worse", "reasons": ["found less", "made up more"], **values}

    def test_anEarlierEvaluationIsShownAndWhatIsMissingIsEmpty(self):
        def against(low):
            return {
                "the gain": {
                    "method": "gain",
                    "detectability": {"mean": 0.1, "low": low, "high": None if low is None else 0.2},
                }
            }

        self.assertTrue(self.ui.resultsTable.isHidden())
        self.assertFalse(self.ui.showResultsButton.enabled)
        rows = [
            self.row("gain", psnr=40.0, detectability=0.7),
            self.row("a", "model", psnr=None, detectability=0.8, against=against(0.05)),
            self.row("b", "model", against=against(None)),
        ]
        self.write({"rows": rows, "notes": ["few arrangements"]})
        table = self.table()
        self.assertEqual((table["PSNR"], table["Detectability"]), (["40", "", ""], ["0.7", "0.8", ""]))
        self.assertEqual(
            self.ui.verdictLabel.text.splitlines(),
            ["a: worse. found less; made up more.", "b: worse. found less; made up more.", "Note: few arrangements"],
        )
        self.ui.showResultsButton.click()
        chart = self.parameters.detectabilityChart
        names = [chart.GetNthPlotSeriesNode(index).GetName() for index in range(chart.GetNumberOfPlotSeriesNodes())]
        self.assertEqual(names, ["gain", "a, 95% interval", "a", "b"])
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        self.ui.showResultsButton.click()
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)
        self.write({"rows": rows[:1]})
        self.ui.showResultsButton.click()
        self.assertEqual(self.column(self.parameters.resultTable, "PSNR"), ["40"])
        self.write({"rows": [self.row("gain")]})
        self.ui.showResultsButton.click()
        self.assertIsNone(self.parameters.detectabilityChart)

    def test_damagedResultsAreSaidToBeDamaged(self):
        for document in ("{", "[]", {"rows": 3}, {"rows": [{"kind": "model"}]}, {"rows": [7]}, {}):
            self.write(document)
            self.assertIn("cannot be read", self.ui.verdictLabel.text, document)
            self.assertTrue(self.ui.resultsTable.isHidden())
            self.assertFalse(self.ui.showResultsButton.enabled)

    def test_theReportIsOpened(self):
        import qt

        self.write({"rows": [self.row("gain")]})
        self.assertFalse(self.ui.openReportButton.enabled)
        self.assertIn("no report.html", self.ui.openReportButton.toolTip)
        (self.judged / "report.html").write_text("<p>report</p>")
        self.panel.updateGui()
        self.assertTrue(self.ui.openReportButton.enabled)
        for opened in (True, False):
            with (
                unittest.mock.patch.object(qt, "QDesktopServices") as desktop,
                unittest.mock.patch.object(slicer.util, "errorDisplay") as said,
            ):
                desktop.openUrl.return_value = opened
                self.ui.openReportButton.click()
            self.assertEqual(Path(desktop.openUrl.call_args.args[0].toLocalFile()), self.judged / "report.html")
            self.assertEqual(said.called, not opened)


if __name__ == "__main__":
    unittest.main()
