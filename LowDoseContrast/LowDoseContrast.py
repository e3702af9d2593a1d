import qt
import slicer
import vtk
from LowDoseContrastSlicer.logic import LowDoseContrastLogic
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleTest, ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

STEP_MS = 40  # how long one turn of the timer may keep the window waiting


class LowDoseContrast(ScriptedLoadableModule):
    """Turns a low-dose mammogram into its high-dose appearance."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Low-Dose Contrast")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Image Synthesis")]
        self.parent.dependencies = []
        self.parent.contributors = ["LowDoseContrast contributors"]
        self.parent.helpText = _(
            "Shows a low-dose mammogram as it would look at a high dose, patch by patch with a pix2pix network, "
            "and measures what that did. Choose a volume and a model, press Apply. For research use only."
        )
        self.parent.acknowledgementText = _("After Brenha, Carneiro and Patrocínio: Pix-2-Pix Neural Network Proposal for Automatic Breast Images Contrast Correction.")
        slicer.app.connect("startupCompleted()", registerSampleData)


def registerSampleData():
    """Adds the simulated pair to the Sample Data module."""
    import hashlib
    from pathlib import Path

    import SampleData
    from LowDoseContrastLib.resources import resource

    folder = resource("SampleData")
    icons = Path(__file__).parent / "Resources" / "Icons"
    paths = {dose: folder / f"phantom-{dose}.dcm" for dose in ("low", "high")} if folder else {}
    for dose, path in paths.items():
        if not path.is_file():
            continue
        SampleData.SampleDataLogic.registerCustomSampleDataSource(
            category="LowDoseContrast",
            sampleName=f"MammographyPhantom{dose.capitalize()}Dose",
            thumbnailFileName=str(icons / f"phantom-{dose}.png"),
            uris=path.resolve().as_uri(),
            fileNames=path.name,
            checksums=f"SHA256:{hashlib.sha256(path.read_bytes()).hexdigest()}",
            nodeNames=f"Phantom {dose} dose",
        )


class LowDoseContrastWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: shows and asks, decides nothing."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._guiTag = None
        self._steps = None
        self._timer = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/LowDoseContrast.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = LowDoseContrastLogic()
        self._timer = qt.QTimer()
        self._timer.interval = 0
        self._timer.connect("timeout()", self.onTimer)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.ui.applyButton.connect("clicked(bool)", self.onApply)
        self.ui.addModelButton.connect("clicked(bool)", self.onAddModel)
        self.ui.modelComboBox.connect("currentIndexChanged(int)", self.onModelChosen)
        self.ui.exportButton.connect("clicked(bool)", self.onExport)
        self.ui.sideBySideButton.connect("clicked(bool)", self.onSideBySide)
        self.ui.fadeButton.connect("clicked(bool)", self.onFade)
        self.ui.differenceButton.connect("clicked(bool)", self.onDifference)
        self.ui.fadeSlider.connect("valueChanged(double)", self.onFadeChanged)
        self.ui.progressBar.visible = False
        header = self.ui.resultTable.horizontalHeader()
        for column, sizing in enumerate((qt.QHeaderView.ResizeToContents, qt.QHeaderView.Stretch, qt.QHeaderView.Stretch)):
            header.setSectionResizeMode(column, sizing)
        self._fillModels()
        self.initializeParameterNode()

    def cleanup(self):
        self._stop()
        self.removeObservers()

    def enter(self):
        self._fillModels()  # a training may have added one
        self.initializeParameterNode()

    def exit(self):
        self.setParameterNode(None)

    def onSceneStartClose(self, caller, event):
        self._stop()
        self.setParameterNode(None)

    def onSceneEndClose(self, caller, event):
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self):
        """Observes the scene's parameter node and proposes the first volume as input."""
        self.setParameterNode(self.logic.getParameterNode())
        if not self._parameterNode.inputVolume:
            self._parameterNode.inputVolume = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")

    def setParameterNode(self, parameterNode):
        """Connects the panel to ``parameterNode``, or to nothing."""
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._guiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.updateGui)
        self._parameterNode = parameterNode
        if self._parameterNode:
            self._guiTag = self._parameterNode.connectGui(self.ui)
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.updateGui)
            self.updateGui()

    def updateGui(self, caller=None, event=None):
        """Everything the panel shows that is not bound to one parameter."""
        parameters = self._parameterNode
        if not parameters:
            return
        self._showModel(parameters.model)
        running = self._steps is not None
        reason = "" if running else self.logic.reasonNotToApply(parameters)
        self.ui.applyButton.text = _("Cancel") if running else _("Apply")
        self.ui.applyButton.enabled = not reason
        self.ui.applyButton.toolTip = reason or (_("Stop; nothing is written") if running else _("Write the high-dose appearance into the output volume"))
        self.ui.progressBar.visible = running
        if not running:
            self.ui.statusLabel.text = reason
        self.ui.inputsCollapsibleButton.enabled = self.ui.advancedCollapsibleButton.enabled = not running
        self._showResult(parameters.outputVolume)
        self.ui.compareCollapsibleButton.enabled = bool(parameters.inputVolume and parameters.outputVolume) and not running

    def _fillModels(self):
        self.ui.modelComboBox.blockSignals(True)
        self.ui.modelComboBox.clear()
        for entry in self.logic.models():
            self.ui.modelComboBox.addItem(entry.name)
        self.ui.modelComboBox.blockSignals(False)

    def _showModel(self, name):
        self.ui.modelComboBox.blockSignals(True)
        self.ui.modelComboBox.currentIndex = self.ui.modelComboBox.findText(name)
        self.ui.modelComboBox.blockSignals(False)
        self.ui.modelLabel.text = self.logic.modelSummary(name)

    def _showResult(self, node):
        rows, notes = self.logic.resultRows(node)
        table = self.ui.resultTable
        table.rowCount = len(rows)
        for row, cells in enumerate(rows):
            for column, text in enumerate(cells):
                table.setItem(row, column, qt.QTableWidgetItem(text))
        self.ui.resultCollapsibleButton.visible = bool(rows)
        self.ui.notesLabel.text = "\n".join(notes)
        self.ui.notesLabel.visible = bool(notes)

    def onModelChosen(self, index):
        if self._parameterNode and index >= 0:
            self._parameterNode.model = self.ui.modelComboBox.itemText(index)

    def onAddModel(self, checked=False):
        path = qt.QFileDialog.getOpenFileName(None, _("Add a model"), "", _("Models (*.safetensors)"))
        if not path or not self.logic.ensureTorch():
            return
        with slicer.util.tryWithErrorDisplay(_("The model could not be added."), waitCursor=True):
            name = self.logic.addModel(path)
            self._fillModels()
            self._parameterNode.model = name

    def onApply(self, checked=False):
        if self._steps is not None:
            self._stop(_("Cancelled; nothing was written."))
            return
        if not self.logic.ensureTorch():
            return
        self._steps = self.logic.steps(self._parameterNode)
        self.ui.progressBar.value = 0
        self.ui.statusLabel.text = _("Loading the model")
        self.updateGui()
        self._timer.start()

    def onTimer(self):
        """One turn of work; errors and the end of the work are handled here."""
        try:
            progress = self.logic.advance(self._steps, STEP_MS)
        except StopIteration as stop:
            self._finish(stop.value)
        except Exception as error:
            self._stop(_("Failed; nothing was written."))
            slicer.util.errorDisplay(str(error), windowTitle=_("Low-Dose Contrast"))
        else:
            self.ui.progressBar.value = int(100 * progress.done)
            self.ui.statusLabel.text = self.logic.progressText(progress)

    def _finish(self, node):
        self._stop()
        # The user may have gone to another module meanwhile, whose views are left alone.
        self.logic.getParameterNode().outputVolume = node
        if self._parameterNode:
            self.onSideBySide()

    def _stop(self, message=""):
        if self._timer is not None:
            self._timer.stop()
        if self._steps is not None:
            self._steps.close()
            self._steps = None
        self.updateGui()
        if message:
            self.ui.statusLabel.text = message

    def onExport(self, checked=False):
        path = qt.QFileDialog.getSaveFileName(None, _("Save the result as DICOM"), "enhanced.dcm", _("DICOM (*.dcm)"))
        if path:
            with slicer.util.tryWithErrorDisplay(_("The result could not be saved."), waitCursor=True):
                self.logic.exportDicom(self._parameterNode.outputVolume, path)

    def onSideBySide(self, checked=False):
        self.logic.comparison.showSideBySide(self._parameterNode.inputVolume, self._parameterNode.outputVolume)

    def onFade(self, checked=False):
        self.logic.comparison.showFade(self._parameterNode.inputVolume, self._parameterNode.outputVolume, self._parameterNode.fade)

    def onFadeChanged(self, value):
        self.logic.comparison.setFade(value)

    def onDifference(self, checked=False):
        with slicer.util.tryWithErrorDisplay(_("The difference could not be computed."), waitCursor=True):
            self._parameterNode.differenceVolume = self.logic.comparison.showDifference(
                self._parameterNode.inputVolume, self._parameterNode.outputVolume, self._parameterNode.differenceVolume
            )


class LowDoseContrastTest(ScriptedLoadableModuleTest):
    """Runs the self-tests of the module in Slicer's Reload and Test."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_samplePair()

    def test_samplePair(self):
        """The bundled pair is loaded and enhanced."""
        import SampleData

        registerSampleData()
        low = SampleData.downloadSample("MammographyPhantomLowDose")
        logic = LowDoseContrastLogic()
        self.assertTrue(logic.ensureTorch())
        parameters = logic.getParameterNode()
        parameters.inputVolume = low
        self.assertEqual(logic.reasonNotToApply(parameters), "")
        enhanced = logic.process(parameters)
        self.assertEqual(enhanced.GetImageData().GetDimensions(), low.GetImageData().GetDimensions())
        self.assertEqual(enhanced.GetSpacing(), low.GetSpacing())
        rows, _notes = logic.resultRows(enhanced)
        self.assertTrue(rows)
        self.delayDisplay("Test passed")
