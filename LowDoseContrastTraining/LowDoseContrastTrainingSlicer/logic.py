"""What the module does, without its panel."""

from slicer.ScriptedLoadableModule import ScriptedLoadableModuleLogic

from .parameters import LowDoseContrastTrainingParameterNode
from .preparation import Preparation
from .simulation import Simulation
from .training import Training
from .training_views import TrainingViews


class LowDoseContrastTrainingLogic(ScriptedLoadableModuleLogic):
    """The steps of the path to a model; usable without the panel.

    Attributes:
        simulation, preparation, training: the steps in their order.
        views: of the training, in Slicer's own plot and slice views.
    """

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        self.simulation = Simulation()
        self.preparation = Preparation()
        self.training = Training()
        self.views = TrainingViews()

    def getParameterNode(self):
        return LowDoseContrastTrainingParameterNode(super().getParameterNode())
