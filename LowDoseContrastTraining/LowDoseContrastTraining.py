import slicer
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import ScriptedLoadableModule, ScriptedLoadableModuleLogic, ScriptedLoadableModuleTest, ScriptedLoadableModuleWidget


class LowDoseContrastTraining(ScriptedLoadableModule):
    """Simulates and prepares paired doses and trains the networks that LowDoseContrast uses."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("Low-Dose Contrast Training")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Image Synthesis")]
        self.parent.dependencies = ["LowDoseContrast"]
        self.parent.contributors = ["LowDoseContrast contributors"]
        self.parent.helpText = _("Simulates acquisitions at several doses, prepares pairs of patches and trains pix2pix networks on them. For research use only.")
        self.parent.acknowledgementText = _(
            "After Brenha, Carneiro and Patrocínio: Pix-2-Pix Neural Network Proposal for Automatic Breast Images Contrast Correction."
        )


class LowDoseContrastTrainingWidget(ScriptedLoadableModuleWidget):
    """Shows the way from acquisitions to a model, with the commands that go it."""

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        self.logic = LowDoseContrastTrainingLogic()
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/LowDoseContrastTraining.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        self.ui.commandsTextEdit.plainText = "\n\n".join(f"# {what}\n{command}" for what, command in self.logic.commands())


class LowDoseContrastTrainingLogic(ScriptedLoadableModuleLogic):
    """The steps of a training."""

    def commands(self):
        """(what it does, command line) of every step, in order."""
        python = "PythonSlicer -m LowDoseContrastTrainingLib"
        return [
            (_("Simulate a structured breast phantom at three doses, or use acquisitions of your own"), f"{python} simulate acquisitions --seed 1"),
            (_("Cut pairs of patches, whole arrangements kept apart"), f"{python} prepare acquisitions pairs"),
            (_("Train; started again with --resume it goes on where it stopped"), f"{python} train pairs run --recipe starter"),
            (_("Use the model: add it in the Low-Dose Contrast module"), "run/model.safetensors"),
        ]


class LowDoseContrastTrainingTest(ScriptedLoadableModuleTest):
    """Runs the self-test of the module in Slicer's Reload and Test."""

    def setUp(self):
        slicer.mrmlScene.Clear()

    def runTest(self):
        self.setUp()
        self.test_commandsExist()

    def test_commandsExist(self):
        """Every command that the panel shows is one that the library knows."""
        from LowDoseContrastTrainingLib.__main__ import COMMANDS
        from LowDoseContrastLib.cli import build_parser

        helpText = build_parser(COMMANDS).format_help()
        for _what, command in LowDoseContrastTrainingLogic().commands()[:-1]:
            self.assertIn(command.split()[3], helpText)
