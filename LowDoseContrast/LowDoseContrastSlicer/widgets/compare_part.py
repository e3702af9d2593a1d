"""The part of the panel that shows input and result in Slicer's views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer

from ..layouts import layoutBefore
from .laid_out import whenLaidOut

if TYPE_CHECKING:
    from ..logic import LowDoseContrastLogic
    from ..parameters import LowDoseContrastParameterNode


class ComparePart:
    """The buttons of the section Compare.

    Attributes:
        comparison: the :class:`~LowDoseContrastSlicer.comparison.Comparison` that arranges the views.
    """

    def __init__(self, ui: Any, logic: LowDoseContrastLogic, panel: Any) -> None:
        self._ui, self._logic, self._panel = ui, logic, panel
        self.comparison = logic.comparison
        ui.sideBySideButton.connect("clicked(bool)", self.onSideBySide)
        ui.fadeButton.connect("clicked(bool)", self.onFade)
        ui.differenceButton.connect("clicked(bool)", self.onDifference)
        ui.backButton.connect("clicked(bool)", self.onBack)
        ui.fadeSlider.connect("valueChanged(double)", self.comparison.setFade)
        self._layoutManager = slicer.app.layoutManager()
        if self._layoutManager is not None:  # none without a main window
            self._layoutManager.connect("layoutChanged(int)", self.onLayoutChanged)

    def close(self) -> None:
        """Lets go of the volumes and of Slicer's layouts."""
        self.comparison.release()
        if self._layoutManager is not None:
            self._layoutManager.disconnect("layoutChanged(int)", self.onLayoutChanged)

    def update(self, parameters: LowDoseContrastParameterNode, running: bool) -> None:
        """Offers what can be compared."""
        ui = self._ui
        comparable = self._logic.isResultOf(parameters.outputVolume, parameters.inputVolume) and not running
        for widget in (ui.sideBySideButton, ui.fadeButton, ui.differenceButton, ui.fadeSlider):
            widget.enabled = comparable
        self.onLayoutChanged()

    def onLayoutChanged(self, layout: int | None = None) -> None:
        self._ui.backButton.enabled = layoutBefore() is not None

    def onSideBySide(self, checked: bool = False) -> None:
        self.showSideBySide()

    def showSideBySide(self, keepWindow: bool = False) -> None:
        """Shows the chosen input and its result side by side."""
        parameters = self._panel.parameters
        self.comparison.showSideBySide(
            parameters.inputVolume, parameters.outputVolume, self._logic.image(parameters.inputVolume), keepWindow
        )
        whenLaidOut(self.comparison.fit)

    def onFade(self, checked: bool = False) -> None:
        parameters = self._panel.parameters
        self.comparison.showFade(parameters.inputVolume, parameters.outputVolume, parameters.fade)
        whenLaidOut(self.comparison.fit)

    def onDifference(self, checked: bool = False) -> None:
        self._panel.start(self._logic.differenceSteps(self._panel.parameters), self._onDifference)

    def _onDifference(self, node: slicer.vtkMRMLVolumeNode) -> None:
        self._logic.getParameterNode().differenceVolume = node
        whenLaidOut(self.comparison.fit)

    def onBack(self, checked: bool = False) -> None:
        self.comparison.leave()
