from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
import vtk
from LowDoseContrastTrainingSlicer.logic import LowDoseContrastTrainingLogic
from LowDoseContrastTrainingSlicer.widgets.evaluate_section import EvaluateSection
from LowDoseContrastTrainingSlicer.widgets.prepare_section import PrepareSection
from LowDoseContrastTrainingSlicer.widgets.simulate_section import SimulateSection
from LowDoseContrastTrainingSlicer.widgets.train_section import TrainSection
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

SECTIONS = ("Simulate", "Prepare", "Train", "Evaluate")


class LowDoseContrastTraining(ScriptedLoadableModule):
    """Simulates and prepares paired doses, and trains and judges the networks that LowDoseContrast uses."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Low-Dose Contrast Training")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Image Synthesis")]
        self.parent.dependencies = ["LowDoseContrast"]
        self.parent.contributors = ["LowDoseContrast contributors"]
        self.parent.helpText = _(
            "Simulates acquisitions at several doses, prepares pairs of patches, trains pix2pix networks on them "
            "and judges these beside baselines. For research use only."
        )
        self.parent.acknowledgementText = _(
            "After Brenha, Carneiro and Patrocínio: Pix-2-Pix Neural Network Proposal for Automatic Breast Images "
            "Contrast Correction."
        )
        slicer.app.connect("startupCompleted()", registerTrainingLayouts)


def registerTrainingLayouts() -> None:
    """Makes the layouts of the training and the evaluation known, for scenes that were saved in them."""
    from LowDoseContrastSlicer.layouts import registerLayouts
    from LowDoseContrastTrainingSlicer import evaluation_views, training_views

    registerLayouts({**training_views.LAYOUTS, **evaluation_views.LAYOUTS})


class LowDoseContrastTrainingWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: its life; what it shows is in the sections.

    Attributes:
        parameters: the scene's parameter node; None while the panel is not entered.
        simulate, prepare, train, evaluate: the sections.
    """

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: Any = None
        self.parameters: Any = None
        self._guiTag: Any = None
        self._sections: tuple[Any, ...] = ()
        self._paths: dict[Any, Any] = {}

    def setup(self) -> None:
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/LowDoseContrastTraining.ui"))
        for position, name in enumerate(SECTIONS, start=1):  # below the introduction
            uiWidget.layout().insertWidget(position, slicer.util.loadUI(self.resourcePath(f"UI/{name}Section.ui")))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = LowDoseContrastTrainingLogic()
        self.simulate = SimulateSection(self.ui, self.logic, self)
        self.prepare = PrepareSection(self.ui, self.logic, self)
        self.train = TrainSection(self.ui, self.logic, self)
        self.evaluate = EvaluateSection(self.ui, self.logic, self)
        self._sections = (self.simulate, self.prepare, self.train, self.evaluate)
        self._paths = {widget: field for section in self._sections for widget, field in section.paths.items()}
        for widget, field in self._paths.items():
            getattr(self.ui, widget).connect(
                "currentPathChanged(QString)", lambda path, field=field: self.onPathChanged(field, path)
            )
        # A scene that is loaded brings its nodes one by one, and widgets that lack some of them would
        # write what is left over what is being read.
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartImportEvent, self.onSceneStartImport)
        for event in (slicer.mrmlScene.EndCloseEvent, slicer.mrmlScene.EndImportEvent):
            self.addObserver(slicer.mrmlScene, event, self.onSceneEndChange)
        self.initializeParameterNode()

    def cleanup(self) -> None:
        """What runs is cancelled with its panel, Simulate and Prepare can go on later; a training stays behind."""
        for section in self._sections:
            section.control.close()
        self.simulate.release()
        self.evaluate.close()
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self) -> None:
        self.initializeParameterNode()

    def exit(self) -> None:
        self.setParameterNode(None)

    def onSceneStartClose(self, caller: Any, event: Any) -> None:
        """Works go on: they write to their folders and need no scene."""
        self.simulate.release()
        self.setParameterNode(None)

    def onSceneStartImport(self, caller: Any, event: Any) -> None:
        self.setParameterNode(None)

    def onSceneEndChange(self, caller: Any, event: Any) -> None:
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self) -> None:
        """Observes the scene's parameter node."""
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, parameterNode: Any) -> None:
        """Connects the panel to ``parameterNode``, or to nothing."""
        if self.parameters:
            self.parameters.disconnectGui(self._guiTag)
            self.removeObserver(self.parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self.updateGui)
        self.parameters = parameterNode
        if self.parameters:
            self._guiTag = self.parameters.connectGui(self.ui)
            # The node itself, for a wrapper would be kept; and after the wrapper, which keeps what it has read.
            self.addObserver(self.parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self.updateGui, priority=-1.0)
            self.updateGui()

    def onPathChanged(self, field: str, path: str | Path) -> None:
        if self.parameters:
            setattr(self.parameters, field, path)

    def updateGui(self, caller: Any = None, event: Any = None) -> None:
        """Everything the panel shows that is not bound to one parameter."""
        if not self.parameters:
            return
        # By hand: a field of type Path would take the slash from a path that is being typed.
        for widget, field in self._paths.items():
            edit, path = getattr(self.ui, widget), getattr(self.parameters, field)
            if edit.currentPath != path:
                edit.currentPath = path
        for section in self._sections:
            section.update(self.parameters)


class LowDoseContrastTrainingTest(ScriptedLoadableModuleTest):
    """Runs the self-tests of the module in Slicer's Reload and Test."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        self.setUp()
        self.test_simulatedPair()
        self.setUp()
        self.test_preparedPairs()
        self.setUp()
        self.test_contrastOfAPair()

    def _simulated(self, folder: str, arrangements: int) -> Any:
        """Small arrangements in ``folder``; returns the logic."""
        logic = LowDoseContrastTrainingLogic()
        parameters = logic.getParameterNode()
        parameters.acquisitionsFolder = folder
        parameters.arrangements, parameters.detector, parameters.automaticDose = arrangements, "small", False
        self.assertEqual(logic.simulation.reasonNotToStart(parameters), "")
        child = logic.simulation.start(parameters)
        child.wait()
        self.assertIn(f"{2 * arrangements} images", logic.simulation.finish(child))
        return logic

    def test_simulatedPair(self) -> None:
        """One small arrangement is simulated and loaded."""
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            low, high = self._simulated(folder, 1).simulation.loadFirstPair(folder)
        self.assertEqual([low.GetName(), high.GetName()], ["Arrangement 1 low dose", "Arrangement 1 high dose"])
        self.assertEqual(low.GetImageData().GetDimensions(), high.GetImageData().GetDimensions())
        self.delayDisplay("Test passed")

    def test_preparedPairs(self) -> None:
        """An arrangement is prepared, and only then can be trained on."""
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            logic = self._simulated(f"{folder}/acquisitions", 1)
            parameters = logic.getParameterNode()
            parameters.dataSetFolder, parameters.runFolder, parameters.patchSize = (
                f"{folder}/pairs",
                f"{folder}/run",
                150,
            )
            parameters.recipe = "run1"  # it enlarges patches
            self.assertIn("not prepared", logic.training.reasonNotToStart(parameters))
            child = logic.preparation.start(parameters)
            child.wait()
            self.assertIn("of 1 arrangements", logic.preparation.finish(child))
            rows, _notes = logic.preparation.found(parameters.dataSetFolder)
            self.assertEqual(len(rows), 1)
            self.assertEqual(logic.training.reasonNotToStart(parameters), "")
        self.delayDisplay("Test passed")

    def test_contrastOfAPair(self) -> None:
        """The CCI of both doses stands in a table, and a map lies beside each."""
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            logic = self._simulated(folder, 1)
            parameters = logic.getParameterNode()
            parameters.cciVolumes = pair = logic.simulation.loadFirstPair(folder)
            parameters.cciReference, parameters.cciMaps = pair[1], True
            self.assertEqual(logic.contrast.reasonNotToMeasure(parameters), "")
            table = logic.contrast.measure(parameters).GetTable()
        self.assertEqual(table.GetNumberOfRows(), 2)
        self.assertLess(table.GetValue(0, 1).ToDouble(), table.GetValue(1, 1).ToDouble())
        self.assertEqual(len(slicer.util.getNodes("* CCI map")), 2)
        self.assertIn("Choose a data set", logic.evaluation.reasonNotToStart(parameters))
        self.delayDisplay("Test passed")
