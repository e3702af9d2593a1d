"""Step 3 in the panel."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import qt
import slicer
from LowDoseContrastSlicer.widgets.laid_out import whenLaidOut
from slicer.i18n import tr as _

from ..parameters import RECIPE_FILE
from ..training_run import TrainingRun
from .recipe_table import RecipeTable
from .task_control import TaskControl

if TYPE_CHECKING:
    from ..child import ChildProcess
    from ..logic import LowDoseContrastTrainingLogic
    from ..parameters import LowDoseContrastTrainingParameterNode


class TrainSection:
    """Trains, shows the training while it runs, and hands its model on."""

    paths = {"trainDataSetEdit": "dataSetFolder", "runFolderEdit": "runFolder", "recipeFileEdit": "recipeFile"}

    def __init__(self, ui: Any, logic: LowDoseContrastTrainingLogic, panel: Any) -> None:
        self._ui, self._logic, self._panel = ui, logic, panel
        self._task = logic.training
        self.control = TaskControl(ui, "train", self._task, panel, self.onShow, self.onPoll)
        self._recipe = RecipeTable(ui, panel, self._task.run)
        ui.startFromButton.connect("clicked(bool)", self.onBrowse)
        ui.showTrainingButton.connect("clicked(bool)", self.onShow)
        ui.useModelButton.connect("clicked(bool)", self.onUse)
        ui.logCollapsibleButton.connect("contentsCollapsed(bool)", lambda collapsed: self._showLog())

    def update(self, parameters: LowDoseContrastTrainingParameterNode) -> None:
        if not self.control.child and (found := self._task.runningChild(parameters)):
            self.control.adopt(found)
        if self.control.child and not parameters.runFolder:
            parameters.runFolder = str(self.run().folder)  # the scene was closed meanwhile
        ui, run = self._ui, self._task.run(parameters)
        self.control.update(parameters)
        for widget in (
            ui.recipeComboBox,
            ui.recipeFileEdit,
            ui.epochsSpinBox,
            ui.startFromLineEdit,
            ui.startFromButton,
            ui.recipeTable,
        ):
            widget.enabled = not run.canGoOn()  # it goes on with the recipe that it began with
        ui.recipeFileLabel.visible = ui.recipeFileEdit.visible = parameters.recipe == RECIPE_FILE
        self._recipe.update(parameters)
        self._showRun()

    def run(self) -> TrainingRun:
        """The training that the section shows: the running one, else the chosen one."""
        child = self.control.child
        return TrainingRun(child.folder.parent) if child else self._task.run(self._logic.getParameterNode())

    def _showRun(self) -> None:
        ui, run = self._ui, self.run()
        hasLosses, hasModel = run.exists() and os.path.isfile(run.losses), run.exists() and os.path.isfile(run.model)
        ui.showTrainingButton.enabled = hasLosses or self.control.child is not None
        ui.showTrainingButton.toolTip = (
            _("Curves in plot views, sample patches in a slice view")
            if ui.showTrainingButton.enabled
            else _("Nothing was trained in the folder yet.")
        )
        ui.useModelButton.enabled = hasModel
        ui.useModelButton.toolTip = (
            _("Add the best model so far to the module, and open it")
            if hasModel
            else _("The folder holds no model yet; the first epoch makes one.")
        )
        self._showLog()

    def _showLog(self) -> None:
        edit = self._ui.trainLogTextEdit
        if self._ui.logCollapsibleButton.collapsed:
            return
        text = self._task.log(self.run())
        if text != edit.plainText:
            edit.plainText = text
            edit.verticalScrollBar().value = edit.verticalScrollBar().maximum

    def onPoll(self, child: ChildProcess) -> None:
        """The nodes follow the training wherever the user is; the views are left alone."""
        parameters, run = self._logic.getParameterNode(), self.run()
        if self._task.run(parameters).folder == run.folder:  # another scene may be about another one
            self._logic.views.update(parameters, run)
        self._showRun()

    def onBrowse(self, checked: bool = False) -> None:
        path = qt.QFileDialog.getOpenFileName(None, _("Start from a model"), "", _("Models (*.safetensors *.pth)"))
        if path:
            self._panel.parameters.startFrom = path

    def onShow(self, checked: bool = False) -> None:
        with slicer.util.tryWithErrorDisplay(_("The training could not be shown.")):
            self._logic.views.show(self._logic.getParameterNode(), self.run())
            whenLaidOut(self._logic.views.fit)

    def onUse(self, checked: bool = False) -> None:
        if not self._task.ensurePackages():
            return
        with slicer.util.tryWithErrorDisplay(_("The model could not be added."), waitCursor=True):
            self._task.useModel(self.run())
            slicer.util.selectModule("LowDoseContrast")
