"""The models that can be judged, each with a box to tick."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

if TYPE_CHECKING:
    from ..evaluation import Evaluation
    from ..parameters import LowDoseContrastTrainingParameterNode


class ModelList:
    """The list ``modelsListWidget`` and the button that adds a file to it."""

    def __init__(self, ui: Any, panel: Any, task: Evaluation) -> None:
        self._ui, self._panel, self._task = ui, panel, task
        self._choices: Any = None
        self._ticked: list[Any] = []
        self._files: list[str] = []  # a file that was unticked stays in the list while the panel is open
        ui.modelsListWidget.connect("itemChanged(QListWidgetItem*)", self.onTicked)
        ui.addModelFileButton.connect("clicked(bool)", self.onAdd)

    def update(self, parameters: LowDoseContrastTrainingParameterNode) -> None:
        """Shows the models at hand and which of them are chosen."""
        choices, ticked = self._task.models(parameters, self._files), list(parameters.models)
        if (choices, ticked) == (self._choices, self._ticked):
            return
        self._choices, self._ticked = choices, ticked
        widget = self._ui.modelsListWidget
        widget.blockSignals(True)
        widget.clear()
        for row, choice in enumerate(choices):
            widget.addItem(choice.label)
            item = widget.item(row)
            item.setCheckState(qt.Qt.Checked if set(choice.names) & set(ticked) else qt.Qt.Unchecked)
            item.setToolTip(choice.problem or "\n".join(choice.names))
        widget.blockSignals(False)

    def onTicked(self, item: Any = None) -> None:
        widget = self._ui.modelsListWidget
        chosen = [
            choice.model for row, choice in enumerate(self._choices) if widget.item(row).checkState() == qt.Qt.Checked
        ]
        self._files += [model for model in self._ticked if model not in self._files]
        # Later, for the list is still busy with the click.
        qt.QTimer.singleShot(0, lambda: self._choose(chosen))

    def _choose(self, models: Sequence[str]) -> None:
        if self._panel.parameters:
            self._panel.parameters.models = models

    def onAdd(self, checked: bool = False) -> None:
        path = qt.QFileDialog.getOpenFileName(None, _("Judge a model"), "", _("Models (*.safetensors)"))
        if path and path not in self._panel.parameters.models:
            self._panel.parameters.models = [*self._panel.parameters.models, path]
