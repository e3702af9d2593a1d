"""A small scripted module with one widget of each kind; the host's tests load it."""

import enum
import pathlib
from typing import Annotated

import slicer
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import Choice, Default, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import *
from slicer.util import VTKObservationMixin


class Mode(enum.Enum):
    TILES = 1
    WHOLE = 2

    def label(self):
        return {"TILES": "Overlapping tiles", "WHOLE": "Whole image"}[self.name]


@parameterNodeWrapper
class HostExampleParameterNode:
    inputVolume: slicer.vtkMRMLScalarVolumeNode
    outputVolume: slicer.vtkMRMLScalarVolumeNode | None
    overlap: Annotated[float, WithinRange(0, 1)] = 0.25
    batchSize: Annotated[int, WithinRange(1, 64)] = 4
    mode: Mode = Mode.TILES
    device: Annotated[str, Choice(["auto", "cpu", "cuda"])] = "auto"
    useMask: bool = True
    modelFile: pathlib.Path
    note: Annotated[str, Default("none yet")]
    names: list[str]
    scores: dict[str, float]


class HostExample(ScriptedLoadableModule):
    def __init__(self, parent):
        super().__init__(parent)
        parent.title = _("Host Example")
        parent.categories = ["Testing"]
        self.startups = 0
        slicer.app.connect("startupCompleted()", self.onStartup)

    def onStartup(self):
        self.startups += 1


class HostExampleWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        super().__init__(parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.calls = []

    def setup(self):
        super().setup()
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/HostExample.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = HostExampleLogic()
        self.ui.applyButton.connect("clicked(bool)", self.onApply)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.parameterNode = self.logic.getParameterNode()
        self.guiTag = self.parameterNode.connectGui(self.ui)

    def enter(self):
        self.calls.append("enter")

    def exit(self):
        self.calls.append("exit")

    def cleanup(self):
        self.calls.append("cleanup")
        self.removeObservers()

    def onSceneStartClose(self, caller, event):
        self.parameterNode.disconnectGui(self.guiTag)

    def onApply(self, checked=False):
        self.calls.append(("apply", checked))
        with slicer.util.tryWithErrorDisplay(_("Failed to compute results."), waitCursor=True):
            self.logic.process(self.parameterNode.inputVolume)


class HostExampleLogic(ScriptedLoadableModuleLogic):
    def getParameterNode(self):
        return HostExampleParameterNode(super().getParameterNode())

    def process(self, volume):
        if volume is None:
            raise ValueError("choose an input volume")
        return float(slicer.util.arrayFromVolume(volume).mean())


class HostExampleTest(ScriptedLoadableModuleTest):
    def test_Logic(self):
        self.delayDisplay("running")
        self.assertEqual(HostExampleLogic().moduleName, "HostExample")
