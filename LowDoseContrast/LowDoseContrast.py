import qt
import slicer
import vtk
from LowDoseContrastSlicer.logic import LowDoseContrastLogic
from LowDoseContrastSlicer.widgets import fitted_label
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleTest, ScriptedLoadableModuleWidget
from slicer.util import VTKObservationMixin

STEP_MS = 30  # how long one turn of the timer may keep the window waiting


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
        self.headerKeeper = None
        slicer.app.connect("startupCompleted()", self.onStartupCompleted)

    def onStartupCompleted(self):
        """What Slicer must know of the module before its panel is opened."""
        from LowDoseContrastSlicer.comparison import LAYOUTS
        from LowDoseContrastSlicer.headers import HeaderKeeper
        from LowDoseContrastSlicer.layouts import registerLayouts
        from LowDoseContrastSlicer.sample_data import registerSampleData

        self.headerKeeper = HeaderKeeper(slicer.mrmlScene)
        if slicer.app.layoutManager() is not None:  # none without a main window
            registerLayouts(LAYOUTS)
        registerSampleData()


class LowDoseContrastWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: shows and asks, decides nothing."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self._parameterNode = None
        self._guiTag = None
        self._steps, self._finish = None, None
        self._timer = None
        self._loading = None
        self._libraries = None
        self._watched = None
        self._fittedLabels = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/LowDoseContrast.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = LowDoseContrastLogic()
        self._timer = self._newTimer(self.onTimer)
        self._loading = self._newTimer(self.onLoading)
        self._observeScene()
        self._connectWidgets()
        self.ui.progressBar.visible = False
        header = self.ui.resultTable.horizontalHeader()
        for column, sizing in enumerate((qt.QHeaderView.ResizeToContents, qt.QHeaderView.Stretch, qt.QHeaderView.Stretch)):
            header.setSectionResizeMode(column, sizing)
        ui = self.ui
        self._fittedLabels = fitted_label.FittedLabels(ui.aboutLabel, ui.modelLabel, ui.statusLabel, ui.notesLabel, ui.exportLabel, ui.noticeLabel)
        self._fillModels()
        self.initializeParameterNode()

    def _newTimer(self, function):
        timer = qt.QTimer()
        timer.interval = 0
        timer.connect("timeout()", function)
        return timer

    def _observeScene(self):
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.StartImportEvent, self.onSceneStartImport)
        for event in (scene.EndCloseEvent, scene.EndImportEvent):
            self.addObserver(scene, event, self.onSceneChanged)
        self.addObserver(scene, scene.NodeAddedEvent, self.onNodeAdded)
        if slicer.app.layoutManager() is not None:
            slicer.app.layoutManager().connect("layoutChanged(int)", self.onLayoutChanged)

    def _connectWidgets(self):
        ui = self.ui
        clicks = {
            ui.applyButton: self.onApply,
            ui.addModelButton: self.onAddModel,
            ui.singleFilesButton: self.onSingleFiles,
            ui.exportButton: self.onExport,
            ui.sideBySideButton: self.onSideBySide,
            ui.fadeButton: self.onFade,
            ui.differenceButton: self.onDifference,
            ui.backButton: self.onBack,
        }
        for button, function in clicks.items():
            button.connect("clicked(bool)", function)
        ui.modelComboBox.connect("currentIndexChanged(int)", self.onModelChosen)
        ui.fadeSlider.connect("valueChanged(double)", self.onFadeChanged)

    def cleanup(self):
        self._stop()
        self.setParameterNode(None)
        self._loading.stop()
        self.logic.comparison.release()
        if slicer.app.layoutManager() is not None:
            slicer.app.layoutManager().disconnect("layoutChanged(int)", self.onLayoutChanged)
        self.removeObservers()

    def enter(self):
        self._fillModels()  # a training may have added one
        self.initializeParameterNode()

    def exit(self):
        self.setParameterNode(None)

    # The scene

    def onSceneStartClose(self, caller, event):
        self._stop()
        self.logic.comparison.release()
        self.setParameterNode(None)

    def onSceneStartImport(self, caller, event):
        """The selectors are emptied while a scene is read, and must not tell the parameter node of it."""
        self.setParameterNode(None)

    def onSceneChanged(self, caller, event):
        if self.parent.isEntered:
            self.initializeParameterNode()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeAdded(self, caller, event, node):
        if self._parameterNode and node is not None and node.IsA("vtkMRMLScalarVolumeNode"):
            # Later, for the selectors do not list the volume yet.
            qt.QTimer.singleShot(0, self.proposeInput)

    def proposeInput(self):
        """Proposes the first volume that could be a mammogram, where none is chosen."""
        if self._parameterNode and not self._parameterNode.inputVolume:
            self._parameterNode.inputVolume = self.logic.firstInput()

    def initializeParameterNode(self):
        """Observes the scene's parameter node and proposes an input."""
        self.setParameterNode(self.logic.getParameterNode())
        self.proposeInput()

    def setParameterNode(self, parameterNode):
        """Connects the panel to ``parameterNode``, or to nothing."""
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._guiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.updateGui)
        self._watch(None)
        self._parameterNode = parameterNode
        if self._parameterNode:
            self._guiTag = self._parameterNode.connectGui(self.ui)
            self._watch(self._parameterNode.inputVolume)
            self.addObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self.updateGui)
            self.updateGui()

    def _watch(self, node):
        """Follows a volume whose voxels, file or header may come later than the volume itself."""
        changes = (vtk.vtkCommand.ModifiedEvent, slicer.vtkMRMLVolumeNode.ImageDataModifiedEvent)
        changes += (slicer.vtkMRMLNode.ReferenceAddedEvent, slicer.vtkMRMLNode.ReferenceModifiedEvent)
        if node is self._watched:
            return
        for event in changes:
            if self._watched is not None:
                self.removeObserver(self._watched, event, self.updateGui)
            if node is not None:
                self.addObserver(node, event, self.updateGui)
        self._watched = node

    # What is shown

    def updateGui(self, caller=None, event=None):
        """Everything the panel shows that is not bound to one parameter."""
        parameters = self._parameterNode
        if not parameters:
            return
        if parameters.inputVolume is not self._watched:
            self._onInputChanged(parameters)
        if not self.logic.librariesAreLoaded():
            self._loadLibraries()
            return
        running = self._steps is not None
        self._showInput(parameters)
        self._showModel(parameters.model)
        self._showState(parameters, running)
        self._showResult(parameters.outputVolume)
        comparable = self.logic.isResultOf(parameters.outputVolume, parameters.inputVolume) and not running
        for button in (self.ui.sideBySideButton, self.ui.fadeButton, self.ui.differenceButton, self.ui.fadeSlider):
            button.enabled = comparable

    def _loadLibraries(self):
        if self._libraries is None:
            self._libraries = self.logic.librarySteps()
            self.ui.applyButton.enabled = False
            self._loading.start()

    def onLoading(self):
        """Loads one library a turn of the timer, after its name has been drawn."""
        try:
            self._say(next(self._libraries))
            self.ui.statusLabel.repaint()
        except StopIteration:
            self._loading.stop()
            self._libraries = None
            self.updateGui()

    def _onInputChanged(self, parameters):
        self._watch(parameters.inputVolume)
        output = self.logic.outputFor(parameters)
        if output is not parameters.outputVolume:
            parameters.outputVolume = output
        self.logic.comparison.refresh(parameters.inputVolume, self.logic.resultFor(parameters.inputVolume))

    def _showInput(self, parameters):
        fitted_label.show(self.ui.aboutLabel, self.logic.aboutVolume(parameters.inputVolume))
        self.ui.singleFilesButton.visible = bool(self.logic.stackedFiles(parameters.inputVolume))

    def _showState(self, parameters, running):
        ui = self.ui
        reason = "" if running else self.logic.reasonNotToApply(parameters)
        ui.applyButton.text = _("Cancel") if running else _("Apply")
        ui.applyButton.enabled = not reason
        ui.applyButton.toolTip = reason or (_("Stop; nothing is written") if running else _("Write the high-dose appearance into the output volume"))
        ui.progressBar.visible = running
        if not running:
            self._say(reason)
        ui.inputsCollapsibleButton.enabled = ui.advancedCollapsibleButton.enabled = not running

    def _say(self, text):
        fitted_label.show(self.ui.statusLabel, text)

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
        fitted_label.show(self.ui.modelLabel, self.logic.modelSummary(name))

    def _showResult(self, node):
        rows, notes = self.logic.resultRows(node)
        table = self.ui.resultTable
        table.rowCount = len(rows)
        for row, cells in enumerate(rows):
            for column, text in enumerate(cells):
                table.setItem(row, column, qt.QTableWidgetItem(text))
        self.ui.resultCollapsibleButton.visible = bool(rows)
        fitted_label.show(self.ui.notesLabel, "\n".join(notes))

    def onLayoutChanged(self, layout=None):
        from LowDoseContrastSlicer.layouts import layoutBefore

        self.ui.backButton.enabled = layoutBefore() is not None

    # What the user does

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

    def onSingleFiles(self, checked=False):
        with slicer.util.tryWithErrorDisplay(_("The files could not be loaded."), waitCursor=True):
            self._parameterNode.inputVolume = self.logic.loadSingleFiles(self._parameterNode.inputVolume)[0]

    def onApply(self, checked=False):
        if self._steps is not None:
            self._stop(_("Cancelled; nothing was written."))
            return
        if not self.logic.ensureTorch():
            return
        fitted_label.show(self.ui.exportLabel, "")
        self._start(self.logic.steps(self._parameterNode), self._onEnhanced)

    def _start(self, steps, finish):
        """Lets the timer drive ``steps``; ``finish`` is called with what they return."""
        self._steps, self._finish = steps, finish
        self.ui.progressBar.value = 0
        self.updateGui()
        self._say(_("Starting"))
        self._timer.start()

    def onTimer(self):
        """One turn of work; errors and the end of the work are handled here."""
        try:
            progress = self.logic.advance(self._steps, STEP_MS, self.ui.statusLabel.text)
        except StopIteration as stop:
            self._stop()
            self._finish(stop.value)
        except Exception as error:
            self._stop(_("Failed; nothing was written."))
            slicer.util.errorDisplay(str(error), windowTitle=_("Low-Dose Contrast"))
        else:
            self.ui.progressBar.value = int(100 * progress.done)
            self._say(self.logic.progressText(progress))
            self.ui.statusLabel.repaint()  # before a step that cannot be cut

    def _onEnhanced(self, node):
        parameters = self.logic.getParameterNode()
        parameters.outputVolume = node
        if self._parameterNode:
            self._showSideBySide(keepWindow=True)
        else:  # the user has gone to another module, whose layout is left alone
            self.logic.comparison.refresh(parameters.inputVolume, node)

    def _stop(self, message=""):
        if self._timer is not None:
            self._timer.stop()
        if self._steps is not None:
            self._steps.close()
            self._steps = None
        self.updateGui()
        if message:
            self._say(message)

    def onExport(self, checked=False):
        filters = _("DICOM (*.dcm);;NRRD (*.nrrd);;NIfTI (*.nii.gz);;PNG (*.png);;TIFF (*.tif)")
        path = qt.QFileDialog.getSaveFileName(None, _("Save the result"), "enhanced.dcm", filters)
        if path:
            fitted_label.show(self.ui.exportLabel, _("Saving"))
            self.ui.exportLabel.repaint()
            said = _("Nothing was saved.")
            with slicer.util.tryWithErrorDisplay(_("The result could not be saved."), waitCursor=True):
                said = self.logic.exportResult(self._parameterNode.outputVolume, path)
            fitted_label.show(self.ui.exportLabel, said)

    # Views

    def _fitSoon(self):
        """Again when the views have got their size, which they do after this turn of the event loop."""
        qt.QTimer.singleShot(0, self.logic.comparison.fit)

    def onSideBySide(self, checked=False):
        self._showSideBySide()

    def _showSideBySide(self, keepWindow=False):
        parameters = self._parameterNode
        image = self.logic.image(parameters.inputVolume)
        self.logic.comparison.showSideBySide(parameters.inputVolume, parameters.outputVolume, image, keepWindow)
        self._fitSoon()

    def onFade(self, checked=False):
        self.logic.comparison.showFade(self._parameterNode.inputVolume, self._parameterNode.outputVolume, self._parameterNode.fade)
        self._fitSoon()

    def onFadeChanged(self, value):
        self.logic.comparison.setFade(value)

    def onDifference(self, checked=False):
        self._start(self.logic.differenceSteps(self._parameterNode), self._onDifference)

    def _onDifference(self, node):
        self.logic.getParameterNode().differenceVolume = node
        self._fitSoon()

    def onBack(self, checked=False):
        self.logic.comparison.leave()


class LowDoseContrastTest(ScriptedLoadableModuleTest):
    """Runs the self-tests of the module in Slicer's Reload and Test."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_samplePair()

    def test_samplePair(self):
        """The bundled low dose is loaded with its header and enhanced."""
        from LowDoseContrastSlicer.sample_data import loadSample

        low = loadSample("low")
        logic = LowDoseContrastLogic()
        self.assertTrue(logic.ensureTorch())
        parameters = logic.getParameterNode()
        parameters.inputVolume = low
        self.assertIn("3.359 mGy", logic.aboutVolume(low))
        self.assertEqual(logic.reasonNotToApply(parameters), "")
        enhanced = logic.process(parameters)
        self.assertEqual(enhanced.GetImageData().GetDimensions(), low.GetImageData().GetDimensions())
        self.assertEqual(enhanced.GetSpacing(), low.GetSpacing())
        rows, _notes = logic.resultRows(enhanced)
        self.assertTrue(rows)
        self.delayDisplay("Test passed")
