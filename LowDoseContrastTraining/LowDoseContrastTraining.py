import qt
import slicer
import vtk
from LowDoseContrastTrainingSlicer.logic import LowDoseContrastTrainingLogic
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleTest, ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

POLL_MS = 200  # how often the panel asks a running command how far it is
LAST_SECONDS = 3  # how long a closing panel waits for the simulation that it cancels


class LowDoseContrastTraining(ScriptedLoadableModule):
    """Simulates and prepares paired doses and trains the networks that LowDoseContrast uses."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Low-Dose Contrast Training")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Image Synthesis")]
        self.parent.dependencies = ["LowDoseContrast"]
        self.parent.contributors = ["LowDoseContrast contributors"]
        self.parent.helpText = _("Simulates acquisitions at several doses, prepares pairs of patches and trains pix2pix networks on them. For research use only.")
        self.parent.acknowledgementText = _(
            "After Brenha, Carneiro and Patrocínio: Pix-2-Pix Neural Network Proposal for Automatic Breast Images Contrast Correction."
        )


class LowDoseContrastTrainingWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: shows and asks, decides nothing."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._guiTag = None
        self._simulation = None
        self._outcome = ""
        self._timer = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/LowDoseContrastTraining.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = LowDoseContrastTrainingLogic()
        self._timer = qt.QTimer()
        self._timer.interval = POLL_MS
        self._timer.connect("timeout()", self.onTimer)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.ui.acquisitionsFolderEdit.connect("currentPathChanged(QString)", self.onFolderChanged)
        self.ui.simulateButton.connect("clicked(bool)", self.onSimulate)
        self.ui.loadPairButton.connect("clicked(bool)", self.onLoadPair)
        self.ui.commandsTextEdit.plainText = "\n\n".join(f"# {what}\n{command}" for what, command in self.logic.commands())
        self.initializeParameterNode()

    def cleanup(self):
        """A simulation is cancelled with its panel; started again it goes on where it stopped."""
        self._timer.stop()
        if self._simulation:
            self._simulation.cancel(LAST_SECONDS)
            self._simulation.wait()
            self._simulation.discard()
            self._simulation = None
        self.setParameterNode(None)
        self.removeObservers()

    def enter(self):
        self.initializeParameterNode()

    def exit(self):
        self.setParameterNode(None)

    def onSceneStartClose(self, caller, event):
        """A simulation goes on: it writes to its folder and needs no scene."""
        self.setParameterNode(None)

    def onSceneEndClose(self, caller, event):
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self):
        """Observes the scene's parameter node."""
        self.setParameterNode(self.logic.getParameterNode())

    def setParameterNode(self, parameterNode):
        """Connects the panel to ``parameterNode``, or to nothing."""
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._guiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParameterChanged)
        self._parameterNode = parameterNode
        if self._parameterNode:
            self._guiTag = self._parameterNode.connectGui(self.ui)
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.onParameterChanged)
            self.updateGui()

    def onParameterChanged(self, caller, event):
        self._outcome = ""
        self.updateGui()

    def onFolderChanged(self, path):
        if self._parameterNode:
            self._parameterNode.acquisitionsFolder = path

    def updateGui(self):
        """Everything the panel shows that is not bound to one parameter."""
        parameters = self._parameterNode
        if not parameters:
            return
        # By hand: a field of type Path would take the slash from a path that is being typed.
        if self.ui.acquisitionsFolderEdit.currentPath != parameters.acquisitionsFolder:
            self.ui.acquisitionsFolderEdit.currentPath = parameters.acquisitionsFolder
        self._showSimulation(parameters)
        hasPair = self.logic.firstPair(parameters.acquisitionsFolder) is not None
        self.ui.loadPairButton.enabled = hasPair
        self.ui.loadPairButton.toolTip = (
            _("Show the lowest and the highest dose of the first arrangement side by side") if hasPair else _("The folder holds no finished arrangement with two doses.")
        )

    def _showSimulation(self, parameters):
        child = self._simulation
        running = child is not None
        reason = "" if running else self.logic.reasonNotToSimulate(parameters)
        self.ui.simulateSettingsWidget.enabled = not running
        self.ui.simulateButton.text = _("Cancel") if running else _("Simulate")
        self.ui.simulateButton.enabled = not child.cancelled if running else not reason
        self.ui.simulateButton.toolTip = reason or (_("Stop; what is finished is kept") if running else _("Write the images into the folder"))
        self.ui.simulateProgressBar.visible = running
        progress = child.progress() if running else None
        self.ui.simulateProgressBar.value = int(100 * progress.done) if progress else 0
        text = self.logic.progressText(child) if running else self._outcome or reason
        self.ui.simulateStatusLabel.text = text
        self.ui.simulateStatusLabel.visible = bool(text)

    def onSimulate(self, checked=False):
        if self._simulation:
            self._simulation.cancel()
        else:
            with slicer.util.tryWithErrorDisplay(_("The simulation could not be started.")):
                self._simulation = self.logic.startSimulation(self._parameterNode)
                self._timer.start()
        self.updateGui()

    def onTimer(self):
        """Looks how far the simulation is; the user may have gone to another module meanwhile."""
        if not self._simulation.running():
            self._timer.stop()
            child, self._simulation = self._simulation, None
            self._outcome = self.logic.finishSimulation(child)
        self.updateGui()

    def onLoadPair(self, checked=False):
        from LowDoseContrastSlicer.comparison import Comparison

        with slicer.util.tryWithErrorDisplay(_("The pair could not be loaded."), waitCursor=True):
            Comparison().showSideBySide(*self.logic.loadFirstPair(self._parameterNode.acquisitionsFolder))


class LowDoseContrastTrainingTest(ScriptedLoadableModuleTest):
    """Runs the self-tests of the module in Slicer's Reload and Test."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_commandsExist()
        self.setUp()
        self.test_simulatedPair()

    def test_commandsExist(self):
        """Every command that the panel shows is one that the library knows."""
        from LowDoseContrastTrainingLib.__main__ import COMMANDS
        from LowDoseContrastLib.cli import build_parser

        helpText = build_parser(COMMANDS).format_help()
        for _what, command in LowDoseContrastTrainingLogic().commands()[:-1]:
            self.assertIn(command.split()[3], helpText)

    def test_simulatedPair(self):
        """One small arrangement is simulated and loaded."""
        import tempfile

        logic = LowDoseContrastTrainingLogic()
        parameters = logic.getParameterNode()
        with tempfile.TemporaryDirectory() as folder:
            parameters.acquisitionsFolder = folder
            parameters.arrangements, parameters.detector, parameters.automaticDose = 1, "small", False
            self.assertEqual(logic.reasonNotToSimulate(parameters), "")
            child = logic.startSimulation(parameters)
            child.wait()
            self.assertIn("2 images", logic.finishSimulation(child))
            low, high = logic.loadFirstPair(folder)
        self.assertEqual([low.GetName(), high.GetName()], ["Arrangement 1 low dose", "Arrangement 1 high dose"])
        self.assertEqual(low.GetImageData().GetDimensions(), high.GetImageData().GetDimensions())
        self.delayDisplay("Test passed")
