from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import qt
import slicer
import vtk
from LowDoseContrastSlicer import volume_roles
from LowDoseContrastSlicer.logic import LowDoseContrastLogic
from LowDoseContrastSlicer.observers import Observers
from LowDoseContrastSlicer.widgets import fitted_label
from LowDoseContrastSlicer.widgets.about_part import AboutPart
from LowDoseContrastSlicer.widgets.compare_part import ComparePart
from LowDoseContrastSlicer.widgets.result_part import ResultPart
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

if TYPE_CHECKING:
    from LowDoseContrastLib.steps import Steps

STEP_MS = 30  # how long one turn of the timer may keep the window waiting


class LowDoseContrast(ScriptedLoadableModule):
    """Turns a low-dose mammogram into its high-dose appearance."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Low-Dose Contrast")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Image Synthesis")]
        self.parent.dependencies = []
        self.parent.contributors = ["LowDoseContrast contributors"]
        self.parent.helpText = _(
            "Shows a low-dose mammogram as it would look at a high dose, patch by patch with a pix2pix network, "
            "and measures what that did. Choose a volume and a model, press Apply. For research use only."
        )
        self.parent.acknowledgementText = _(
            "After Brenha, Carneiro and Patrocínio: Pix-2-Pix Neural Network Proposal for Automatic Breast Images "
            "Contrast Correction."
        )
        self.headerKeeper: Any = None
        slicer.app.connect("startupCompleted()", self.onStartupCompleted)

    def onStartupCompleted(self) -> None:
        """What Slicer must know of the module before its panel is opened."""
        from LowDoseContrastSlicer.comparison import LAYOUTS
        from LowDoseContrastSlicer.headers import HeaderKeeper
        from LowDoseContrastSlicer.layouts import registerLayouts
        from LowDoseContrastSlicer.sample_data import registerSampleData

        self.headerKeeper = HeaderKeeper(slicer.mrmlScene)
        registerLayouts(LAYOUTS)
        registerSampleData()


class LowDoseContrastWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: shows and asks, decides nothing.

    Attributes:
        parameters: the scene's parameter node; None while the panel is not entered.
        result, compare: the parts of the panel below Apply.
    """

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic: Any = None
        self._parameterNode: Any = None
        self._guiTag: Any = None
        self._steps: Any = None
        self._finish: Any = None
        self._progress: Any = None
        self.result: Any = None
        self.compare: Any = None
        self._timer: Any = None
        self._loading: Any = None
        self._libraries: Any = None
        self._watched, self._watching = None, Observers()
        self._fittedLabels: Any = None
        self._hiddenRoles: list[Any] = []

    def setup(self) -> None:
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/LowDoseContrast.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = LowDoseContrastLogic()
        self._timer = self._newTimer(self.onTimer)
        self._loading = self._newTimer(self.onLoading)
        self.result = ResultPart(self.ui, self.logic, self)
        self.compare = ComparePart(self.ui, self.logic, self)
        self.about = AboutPart(self.ui, self.logic)
        self._observeScene()
        self._connectWidgets()
        self.ui.progressBar.visible = False
        ui = self.ui
        self._hiddenRoles = [
            volume_roles.HiddenRoles((volume_roles.ENHANCED, *volume_roles.NOT_MEASURED), ui.inputSelector),
            volume_roles.HiddenRoles(volume_roles.NOT_MEASURED, ui.outputSelector),
        ]
        self._fittedLabels = fitted_label.FittedLabels(
            ui.aboutLabel,
            ui.modelLabel,
            ui.statusLabel,
            ui.notesLabel,
            ui.exportLabel,
            ui.noticeLabel,
            ui.inspectionLabel,
        )
        self._fillModels()
        self.initializeParameterNode()

    @property
    def parameters(self) -> Any:
        return self._parameterNode

    def _newTimer(self, function: Callable[..., Any]) -> qt.QTimer:
        timer = qt.QTimer()
        timer.interval = 0
        timer.connect("timeout()", function)
        return timer

    def _observeScene(self) -> None:
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.StartImportEvent, self.onSceneStartImport)
        for event in (scene.EndCloseEvent, scene.EndImportEvent):
            self.addObserver(scene, event, self.onSceneChanged)
        self.addObserver(scene, scene.NodeAddedEvent, self.onNodeAdded)

    def _connectWidgets(self) -> None:
        self.ui.applyButton.connect("clicked(bool)", self.onApply)
        self.ui.addModelButton.connect("clicked(bool)", self.onAddModel)
        self.ui.singleFilesButton.connect("clicked(bool)", self.onSingleFiles)
        self.ui.modelComboBox.connect("currentIndexChanged(int)", self.onModelChosen)

    def cleanup(self) -> None:
        self._stop()
        self.setParameterNode(None)
        self._loading.stop()
        self.compare.close()
        for roles in self._hiddenRoles:
            roles.close()
        self.removeObservers()

    def enter(self) -> None:
        self._fillModels()  # a training may have added one
        self.initializeParameterNode()

    def exit(self) -> None:
        self.setParameterNode(None)

    # The scene

    def onSceneStartClose(self, caller: Any, event: Any) -> None:
        self._stop()
        self.compare.comparison.release()
        self.setParameterNode(None)
        self.logic.forgetImage()

    def onSceneStartImport(self, caller: Any, event: Any) -> None:
        """The selectors are emptied while a scene is read, and must not tell the parameter node of it."""
        self.setParameterNode(None)

    def onSceneChanged(self, caller: Any, event: Any) -> None:
        if self.parent.isEntered:
            self.initializeParameterNode()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeAdded(self, caller: Any, event: Any, node: slicer.vtkMRMLVolumeNode) -> None:
        if self._parameterNode and node is not None and node.IsA("vtkMRMLScalarVolumeNode"):
            # Later, for the selectors do not list the volume yet.
            qt.QTimer.singleShot(0, self.proposeInput)

    def proposeInput(self) -> None:
        """Proposes the first volume that could be a mammogram, where none is chosen."""
        if self._parameterNode and not self._parameterNode.inputVolume:
            self._parameterNode.inputVolume = self.logic.firstInput()

    def initializeParameterNode(self) -> None:
        """Observes the scene's parameter node and proposes an input."""
        self.setParameterNode(self.logic.getParameterNode())
        self.proposeInput()

    def setParameterNode(self, parameterNode: Any) -> None:
        """Connects the panel to ``parameterNode``, or to nothing."""
        if self._parameterNode:
            self._parameterNode.disconnectGui(self._guiTag)
            self.removeObserver(self._parameterNode.parameterNode, vtk.vtkCommand.ModifiedEvent, self.updateGui)
        self._watch(None)
        self._parameterNode = parameterNode
        if self._parameterNode:
            self._guiTag = self._parameterNode.connectGui(self.ui)
            self._watch(self._parameterNode.inputVolume)
            # The node itself, for a wrapper would be kept; and after the wrapper, which keeps what it has read.
            self.addObserver(
                self._parameterNode.parameterNode, vtk.vtkCommand.ModifiedEvent, self.updateGui, priority=-1.0
            )
            self.updateGui()

    def _watch(self, node: slicer.vtkMRMLVolumeNode) -> None:
        """Follows a volume whose voxels, file or header may come later than the volume itself."""
        if node is self._watched:
            return
        self._watching.removeAll()
        if node is not None:
            events = (
                vtk.vtkCommand.ModifiedEvent,
                node.ImageDataModifiedEvent,
                node.ReferenceAddedEvent,
                node.ReferenceModifiedEvent,
            )
            self._watching.add(node, events, self.updateGui)
        self._watched = node

    # What is shown

    def updateGui(self, caller: Any = None, event: Any = None) -> None:
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
        self.result.update(parameters)
        self.compare.update(parameters, running)

    def _loadLibraries(self) -> None:
        if self._libraries is None:
            self._libraries = self.logic.librarySteps()
            self.ui.applyButton.enabled = False
            self._loading.start()

    def onLoading(self) -> None:
        """Loads one library a turn of the timer, after its name has been drawn."""
        try:
            self._say(next(self._libraries))
            self.ui.statusLabel.repaint()
        except StopIteration:
            self._loading.stop()
            self._libraries = None
            self.updateGui()
        except Exception as error:  # a library that is there and cannot be loaded
            self._loading.stop()
            self._say(_("The panel cannot work here: {reason}.").format(reason=error))

    def _onInputChanged(self, parameters: Any) -> None:
        self._watch(parameters.inputVolume)
        output = self.logic.outputFor(parameters)
        if output is not parameters.outputVolume:
            parameters.outputVolume = output
        result = self.logic.resultFor(parameters.inputVolume)
        image = self.logic.usableImage(parameters.inputVolume) if result else None
        self.compare.comparison.refresh(parameters.inputVolume, result if image else None, image)

    def _showInput(self, parameters: Any) -> None:
        fitted_label.show(self.ui.aboutLabel, self.logic.aboutVolume(parameters.inputVolume))
        self.ui.singleFilesButton.visible = bool(self.logic.stackedFiles(parameters.inputVolume))
        self.about.update(parameters.inputVolume)

    def _showState(self, parameters: Any, running: bool) -> None:
        ui = self.ui
        reason = "" if running else self.logic.reasonNotToApply(parameters)
        ui.applyButton.text = _("Cancel") if running else _("Apply")
        ui.applyButton.enabled = not reason
        ui.applyButton.toolTip = reason or (
            _("Stop; nothing is written") if running else _("Write the high-dose appearance into the output volume")
        )
        ui.progressBar.visible = running
        if not running:
            self._say(reason)
        ui.inputsCollapsibleButton.enabled = ui.advancedCollapsibleButton.enabled = not running

    def _say(self, text: str) -> None:
        fitted_label.show(self.ui.statusLabel, text)

    def _fillModels(self) -> None:
        self.ui.modelComboBox.blockSignals(True)
        self.ui.modelComboBox.clear()
        for entry in self.logic.models():
            self.ui.modelComboBox.addItem(entry.name)
        self.ui.modelComboBox.blockSignals(False)

    def _showModel(self, name: str) -> None:
        self.ui.modelComboBox.blockSignals(True)
        self.ui.modelComboBox.currentIndex = self.ui.modelComboBox.findText(name)
        self.ui.modelComboBox.blockSignals(False)
        fitted_label.show(self.ui.modelLabel, self.logic.modelSummary(name))

    # What the user does

    def onModelChosen(self, index: int) -> None:
        if self._parameterNode and index >= 0:
            self._parameterNode.model = self.ui.modelComboBox.itemText(index)

    def onAddModel(self, checked: bool = False) -> None:
        path = qt.QFileDialog.getOpenFileName(None, _("Add a model"), "", _("Models (*.safetensors)"))
        if not path or not self.logic.ensureTorch():
            return
        with slicer.util.tryWithErrorDisplay(_("The model could not be added."), waitCursor=True):
            name = self.logic.addModel(path)
            self._fillModels()
            self._parameterNode.model = name

    def onSingleFiles(self, checked: bool = False) -> None:
        with slicer.util.tryWithErrorDisplay(_("The files could not be loaded."), waitCursor=True):
            self._parameterNode.inputVolume = self.logic.loadSingleFiles(self._parameterNode.inputVolume)[0]

    def onApply(self, checked: bool = False) -> None:
        if self._steps is not None:
            self._stop(_("Cancelled; nothing was written."))
            return
        if self.logic.reasonNotToApply(self._parameterNode) or not self.logic.ensureTorch():
            self.updateGui()  # what was known of the volume may have changed since the button was drawn
            return
        self.result.forget()
        self.start(self.logic.steps(self._parameterNode), self._onEnhanced)

    def start(self, steps: Steps[Any], finish: Callable[[Any], None]) -> None:
        """Lets the timer drive ``steps``; ``finish`` is called with what they return."""
        self._steps, self._finish, self._progress = steps, finish, None
        self.ui.progressBar.value = 0
        self.updateGui()
        self._say(_("Starting"))
        self._timer.start()

    def onTimer(self) -> None:
        """One turn of work; errors and the end of the work are handled here."""
        try:
            self._progress = self.logic.advance(self._steps, STEP_MS, self._progress)
        except StopIteration as stop:
            self._stop()
            self._finish(stop.value)
        except Exception as error:
            self._stop(_("Failed; nothing was written."))
            slicer.util.errorDisplay(str(error), windowTitle=_("Low-Dose Contrast"))
        else:
            self.ui.progressBar.value = int(100 * self._progress.done)
            self._say(self.logic.progressText(self._progress))
            self.ui.statusLabel.repaint()  # before a step that cannot be cut

    def _onEnhanced(self, node: slicer.vtkMRMLVolumeNode) -> None:
        parameters = self.logic.getParameterNode()
        if not self.logic.isResultOf(node, parameters.inputVolume):
            return  # another input was chosen meanwhile
        parameters.outputVolume = node
        if self._parameterNode:
            self.compare.showSideBySide(keepWindow=True)
        else:  # the user has gone to another module, whose layout is left alone
            self.compare.comparison.refresh(parameters.inputVolume, node, self.logic.image(parameters.inputVolume))

    def _stop(self, message: str = "") -> None:
        if self._timer is not None:
            self._timer.stop()
        if self._steps is not None:
            self._steps.close()
            self._steps = None
        self.updateGui()
        if message:
            self._say(message)


class LowDoseContrastTest(ScriptedLoadableModuleTest):
    """Runs the self-tests of the module in Slicer's Reload and Test."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        self.setUp()
        self.test_samplePair()

    def test_samplePair(self) -> None:
        """The bundled low dose is loaded with its header and enhanced."""
        from LowDoseContrastSlicer.sample_data import loadSample

        low = loadSample("low")
        logic = LowDoseContrastLogic()
        self.assertTrue(logic.ensureTorch())
        parameters = logic.getParameterNode()
        parameters.inputVolume = low
        self.assertIn("For Processing, LIN, MONOCHROME1, 14 bits", logic.aboutVolume(low))
        self.assertEqual(logic.reasonNotToApply(parameters), "")
        enhanced = logic.process(parameters)
        self.assertEqual(enhanced.GetImageData().GetDimensions(), low.GetImageData().GetDimensions())
        self.assertEqual(enhanced.GetSpacing(), low.GetSpacing())
        rows, _notes = logic.resultRows(enhanced)
        self.assertTrue(rows)
        self.delayDisplay("Test passed")
