"""The views of the training panel: its plots and its layouts. Runs in 3D Slicer and on the headless host."""

import contextlib
import csv
import json
import unittest
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import slicer
import vtk
from lowdosecontrast_training_panel import TrainingPanelTestCase

COLUMNS = ("G_GAN_mean", "G_L1_mean", "D_real_mean", "D_fake_mean", "val_l1_model", "val_l1_gain")


@contextlib.contextmanager
def vtkErrors():
    """A list of what VTK complains of meanwhile."""
    said = []

    def remember(caller, event, text):
        said.append(text)

    remember.CallDataType = vtk.VTK_STRING
    window = vtk.vtkOutputWindow.GetInstance()
    tags = [window.AddObserver(event, remember) for event in ("ErrorEvent", "WarningEvent")]
    try:
        yield said
    finally:
        for tag in tags:
            window.RemoveObserver(tag)


class ViewsTestCase(TrainingPanelTestCase):
    def setUp(self):
        super().setUp()
        errors = contextlib.ExitStack()
        said = errors.enter_context(vtkErrors())
        self.addCleanup(errors.close)
        self.addCleanup(lambda: self.assertEqual(said, []))

    def settle(self):
        for _ in range(3):
            slicer.app.processEvents()

    def plotView(self, tag):
        manager = slicer.app.layoutManager()
        widgets = map(manager.plotWidget, range(manager.plotViewCount))
        return next(widget.plotView() for widget in widgets if widget.mrmlPlotViewNode().GetLayoutName() == tag)

    def axes(self, tag):
        """((left, right), (bottom, top)) of the axes of a plot view."""
        chart = self.plotView(tag).chart()
        axes = map(chart.GetAxis, (vtk.vtkAxis.BOTTOM, vtk.vtkAxis.LEFT))
        return tuple((axis.GetUnscaledMinimum(), axis.GetUnscaledMaximum()) for axis in axes)

    def assertCovers(self, axes, x, y):
        for (low, high), (first, last) in zip(axes, (x, y)):
            self.assertLessEqual(low, first)
            self.assertGreaterEqual(high, last)
            self.assertLess(high - low, 4 * (last - first) + 1)


class LayoutsTest(TrainingPanelTestCase):
    def layouts(self):
        from LowDoseContrastTrainingSlicer import evaluation_views, training_views

        return {**training_views.LAYOUTS, **evaluation_views.LAYOUTS}

    def test_theyAreKnownBeforeAnyIsShown(self):
        """A scene names a layout by its number alone; Slicer must know its description before the scene comes."""
        node = slicer.app.layoutManager().layoutLogic().GetLayoutNode()
        for layout, description in self.layouts().items():
            self.assertTrue(node.IsLayoutDescription(layout))
            self.assertEqual(node.GetLayoutDescription(layout).count("singletontag"), description.count("singletontag"))

    def test_everyItemHasASize(self):
        """Qt gives items without one what their widgets ask for, a slice view several times as much as a plot."""
        for description in self.layouts().values():
            items = list(ElementTree.fromstring(description).iter("item"))
            self.assertGreater(len(items), 2)
            self.assertTrue(all(int(item.get("splitSize", 0)) > 0 for item in items), description)


class TrainingViewsTest(ViewsTestCase):
    def epochs(self, count, name="run"):
        """The folder of a training after ``count`` epochs; its losses grow with them."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "recipe.json").write_text(json.dumps({"data": {}}))
        with open(folder / "losses.csv", "w", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(("epoch", *COLUMNS))
            rows.writerows(
                [epoch, *(epoch * (place + 1) for place in range(len(COLUMNS)))] for epoch in range(1, count + 1)
            )
        return self.panel.logic.training.run(SimpleNamespace(runFolder=str(folder)))

    def show(self, run):
        self.panel.logic.views.show(self.parameters, run)
        self.settle()

    def follow(self, run):
        """What the panel does while a training runs."""
        self.panel.logic.views.update(self.parameters, run)
        self.settle()

    def test_theAxesFollowTheTraining(self):
        self.show(self.epochs(0))
        for count in (1, 2, 3, 30):
            self.follow(self.epochs(count))
        self.assertCovers(self.axes("TrainingLosses"), (1, 30), (1, 120))
        self.assertCovers(self.axes("TrainingValidation"), (1, 30), (5, 180))
        self.assertEqual(self.plotView("TrainingLosses").chart().GetNumberOfPlots(), 4)

    def test_aZoomIsLeftAloneUntilTheTrainingIsShownAgain(self):
        self.show(self.epochs(9))
        self.plotView("TrainingLosses").chart().GetAxis(vtk.vtkAxis.BOTTOM).SetUnscaledRange(2, 4)
        self.parameters.lossChart.SetXAxisRange(2, 4)  # turning the wheel in the view does both
        zoomed = self.axes("TrainingLosses")
        self.follow(self.epochs(30))
        self.assertEqual(self.axes("TrainingLosses"), zoomed)
        self.assertCovers(self.axes("TrainingValidation"), (1, 30), (5, 180))
        self.show(self.epochs(31))
        self.assertCovers(self.axes("TrainingLosses"), (1, 31), (1, 124))

    def test_aFixedAxisStaysFixed(self):
        self.show(self.epochs(9))
        chart = self.parameters.lossChart
        chart.SetYAxisRangeAuto(False)
        chart.SetYAxisRange(0, 7)
        self.show(self.epochs(30))
        self.assertEqual(
            (self.axes("TrainingLosses")[1], chart.GetYAxisRange(), chart.GetYAxisRangeAuto()), ((0, 7), (0, 7), 0)
        )
        self.assertCovers(self.axes("TrainingLosses"), (1, 30), (0, 7))

    def test_aSecondTrainingInTheSameScene(self):
        self.show(self.epochs(30))
        self.show(self.epochs(0, "another"))
        self.assertEqual(self.plotView("TrainingLosses").chart().GetNumberOfPlots(), 0)
        self.follow(self.epochs(2, "another"))
        self.assertCovers(self.axes("TrainingLosses"), (1, 2), (1, 8))
        self.assertLess(self.axes("TrainingLosses")[0][1], 4)

    def test_nothingIsLeftInTheSceneByAnEarlierTraining(self):
        self.show(self.epochs(3))
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        self.show(self.epochs(0, "another"))
        self.show(self.epochs(4, "another"))
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)


class EvaluationViewsTest(ViewsTestCase):
    def show(self, *models, scale=1.0):
        from LowDoseContrastTrainingSlicer.evaluation_results import EvaluationTable

        def row(method, place):
            against = {
                name: {"mean": scale * place, "low": scale * (place - 1), "high": scale * (place + 1)}
                for name in ("cci_ratio_error", "psnr_matched", "detectability")
            }
            return {
                "method": method,
                "kind": "model",
                "detectability": 0.5,
                "against": {"the gain": {"method": "gain", **against}},
            }

        rows = [{"method": "gain", "kind": "baseline"}, *(row(name, place) for place, name in enumerate(models, 1))]
        self.panel.logic.evaluationViews.show(self.parameters, EvaluationTable({"rows": rows}))
        self.settle()

    def test_eachEvaluationHasItsOwnAxes(self):
        for models, scale in ((("a",), 1), (("a", "b", "c", "d"), 40), (("c",), 0.1), ((), 1), (("a", "b"), 2)):
            self.show(*models, scale=scale)
            chart = self.plotView("EvaluationLikeness").chart()
            self.assertEqual(chart.GetNumberOfPlots(), 1 + 2 * len(models))
            if models:
                self.assertCovers(self.axes("EvaluationLikeness"), (1, len(models) + 1), (0, scale * (len(models) + 1)))


if __name__ == "__main__":
    unittest.main()
