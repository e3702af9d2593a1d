"""What the module does, without its panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from .evaluation import Evaluation
from .evaluation_views import EvaluationViews
from .parameters import LowDoseContrastTrainingParameterNode
from .preparation import Preparation
from .simulation import Simulation
from .training import Training
from .training_views import TrainingViews
from .volume_contrast import VolumeContrast

if TYPE_CHECKING:
    pass


class LowDoseContrastTrainingLogic(ScriptedLoadableModuleLogic):
    """The steps of the path to a model and its judgement; usable without the panel.

    Attributes:
        simulation, preparation, training, evaluation: the steps in their order.
        views: of the training, in Slicer's own plot and slice views.
        evaluationViews: of the evaluation, in Slicer's own plot and table views.
        contrast: the CCI of volumes in the scene.
    """

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self.simulation = Simulation()
        self.preparation = Preparation()
        self.training = Training()
        self.evaluation = Evaluation()
        self.views = TrainingViews()
        self.evaluationViews = EvaluationViews()
        self.contrast = VolumeContrast()

    def getParameterNode(self) -> LowDoseContrastTrainingParameterNode:
        return LowDoseContrastTrainingParameterNode(super().getParameterNode())  # type: ignore[call-arg]
