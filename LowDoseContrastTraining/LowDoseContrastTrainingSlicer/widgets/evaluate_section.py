"""Step 4 in the panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt
import slicer
from slicer.i18n import tr as _

from .contrast_part import ContrastPart
from .model_list import ModelList
from .task_control import TaskControl

if TYPE_CHECKING:
    from ..evaluation_results import EvaluationResults, EvaluationTable
    from ..logic import LowDoseContrastTrainingLogic
    from ..parameters import LowDoseContrastTrainingParameterNode

ROW_HEIGHT = 22  # pixels, as in the .ui file


class EvaluateSection:
    """Judges models, shows what an evaluation found, and measures the contrast of volumes."""

    paths = {
        "evaluateDataSetEdit": "dataSetFolder",
        "evaluateSimulationEdit": "acquisitionsFolder",
        "evaluationFolderEdit": "evaluationFolder",
    }

    def __init__(self, ui: Any, logic: LowDoseContrastTrainingLogic, panel: Any) -> None:
        self._ui, self._logic, self._panel = ui, logic, panel
        self._task = logic.evaluation
        self._models = ModelList(ui, panel, self._task)
        self._contrast = ContrastPart(ui, logic.contrast, panel)
        self._folder = ""
        self._before: Any = None
        self._table: Any = None
        self._seen: Any = None
        self.control = TaskControl(ui, "evaluate", self._task, panel, self.onStarted, onFinished=self.onFinished)
        ui.showResultsButton.connect("clicked(bool)", self.onShow)
        ui.openReportButton.connect("clicked(bool)", self.onOpenReport)

    def close(self) -> None:
        """To be called when the panel goes."""
        self._contrast.close()

    def update(self, parameters: LowDoseContrastTrainingParameterNode) -> None:
        if self.control.child and not parameters.evaluationFolder:
            parameters.evaluationFolder = self._folder  # the scene was closed meanwhile
        ui = self._ui
        self._models.update(parameters)
        self.control.update(parameters)
        for box, edit in (
            (ui.judgeDataSetCheckBox, ui.evaluateDataSetEdit),
            (ui.judgeTruthCheckBox, ui.evaluateSimulationEdit),
        ):
            edit.enabled = box.checked
        self._showResults(self._task.results(parameters))
        self._contrast.update(parameters)

    # What was found

    def _showResults(self, results: EvaluationResults) -> None:
        ui, state = self._ui, results.state()
        ui.openReportButton.enabled = results.hasReport()
        ui.openReportButton.toolTip = (
            _("The whole evaluation with its figures, in the browser")
            if results.hasReport()
            else _("The folder of the results holds no report.html.")
        )
        if state == self._seen and state is not None:
            return
        self._table, self._seen = results.read(), state
        self._fill(self._table)
        damaged = state is not None and self._table is None
        lines = self._table.lines() if self._table else [_("The results in the folder cannot be read.")] * damaged
        ui.verdictLabel.text = "\n".join(lines)
        ui.verdictLabel.visible = bool(lines)
        ui.showResultsButton.enabled = self._table is not None
        ui.showResultsButton.toolTip = (
            _("Charts in plot views above the table in a table view")
            if self._table
            else _("The folder of the results holds none yet.")
        )

    def _fill(self, found: EvaluationTable | None) -> None:
        table = self._ui.resultsTable
        table.visible = found is not None
        if found is None:
            return
        columns, rows = found.columns(), found.cells()
        table.rowCount, table.columnCount = len(rows), len(columns)
        table.setHorizontalHeaderLabels(columns)
        for row, (cells, why) in enumerate(zip(rows, found.reasons(), strict=True)):
            for column, text in enumerate(cells):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(why)
                if found.isModel(row):
                    font = item.font()
                    font.setBold(True)
                    item.setFont(font)
                table.setItem(row, column, item)
        table.resizeColumnsToContents()
        table.minimumHeight = min(table.maximumHeight, ROW_HEIGHT * (len(rows) + 2))

    def onStarted(self) -> None:
        self._folder = self._panel.parameters.evaluationFolder
        self._before = self._task.results(self._panel.parameters).state()

    def onFinished(self) -> None:
        """New results come into the views, unless the user has gone to another module or another folder meanwhile."""
        parameters = self._panel.parameters
        if parameters and parameters.evaluationFolder == self._folder and self._seen not in (None, self._before):
            self.onShow()

    def onShow(self, checked: bool = False) -> None:
        with slicer.util.tryWithErrorDisplay(_("The results could not be shown.")):
            self._logic.evaluationViews.show(self._panel.parameters, self._table)

    def onOpenReport(self, checked: bool = False) -> None:
        report = self._task.results(self._panel.parameters).report
        if not qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(report))):
            slicer.util.errorDisplay(_("No program could open {file}.").format(file=report))
