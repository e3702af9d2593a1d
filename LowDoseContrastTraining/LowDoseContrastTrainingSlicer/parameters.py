"""The choices of the panel, kept in the scene."""

import json
from typing import Annotated, Any

from LowDoseContrastLib.device import DEVICES
from LowDoseContrastSlicer.setting_rows import SettingRows
from LowDoseContrastTrainingLib.dataset.prepare_settings import PrepareSettings
from LowDoseContrastTrainingLib.simulator.parameters import DETECTORS
from LowDoseContrastTrainingLib.simulator.simulation_plan import SimulationPlan
from LowDoseContrastTrainingLib.training.recipes import RECIPES
from LowDoseContrastTrainingLib.training.run_settings import RunSettings
from slicer import vtkMRMLPlotChartNode, vtkMRMLScalarVolumeNode, vtkMRMLTableNode
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper

RECIPE_FILE = "from a file"

SIMULATION = SettingRows(
    SimulationPlan, {name: name for name in ("seed", "arrangements", "realisations", "presentation")}
)
PREPARATION = SettingRows(
    PrepareSettings,
    {
        "patch_size": "patchSize", "stride": "stride", "bits": "bits", "split": "split",
        "test": "test", "validation": "validation", "seed": "splitSeed",
        "breast_part": "breastPart", "group_by": "groupBy", "doses": "doses",
        "scale": "scale", "fold": "fold", "align": "align", "max_shift": "maxShift",
    },
    nones={"stride": 0, "test": -1, "validation": -1, "fold": 1},
    texts=("bits",),
)  # fmt: skip
RUN = SettingRows(
    RunSettings, {"epochs": "epochs", "threads": "threads", "device": "device"}, nones={"epochs": 0, "threads": 0}
)


@parameterNodeWrapper
class LowDoseContrastTrainingParameterNode:
    """The choices of the panel; the fields that are not named here are options of the commands.

    acquisitionsFolder: where the simulated images go, and where Prepare looks for images.
    lowDose, automaticDose, highDose: which doses to simulate. jobs: arrangements made at a time, 0
    for as many as the computer can. stride: 0 for the patch size. test, validation: -1 for the
    command's own choice. dataSetFolder: what Prepare makes and Train learns from. recipe: a built-in
    one, or that of recipeFile. recipeChanges: see :class:`RecipeChanges`. epochs, threads: 0 for the
    recipe's and for all cores. startFrom: a model whose weights a training starts from. The nodes
    of the training show the last one. judgeDataSet, judgeTruth: whether Evaluate judges on what the
    data set holds out, and against the truth of the simulation in acquisitionsFolder. models: names
    and files. baselines: all, or names with commas between. noise: empty to estimate it. The nodes of the
    evaluation show the last one that was shown. cciScale: see CciVariant; cciWindow has the limits of its window.
    """

    acquisitionsFolder: str = ""
    arrangements: SIMULATION.typeOf("arrangements", most=999) = SIMULATION.defaultOf("arrangements")
    detector: Annotated[str, Choice(list(DETECTORS))] = "essential"
    seed: SIMULATION.typeOf("seed") = SIMULATION.defaultOf("seed")
    lowDose: bool = True
    automaticDose: bool = True
    highDose: bool = True
    realisations: SIMULATION.typeOf("realisations", most=99) = SIMULATION.defaultOf("realisations")
    presentation: bool = SIMULATION.defaultOf("presentation")
    jobs: Annotated[int, WithinRange(0, 64)] = 0

    dataSetFolder: str = ""
    patchSize: PREPARATION.typeOf("patch_size", 8, 4096) = PREPARATION.defaultOf("patch_size")
    stride: PREPARATION.typeOf("stride", most=4096) = PREPARATION.defaultOf("stride")
    bits: PREPARATION.typeOf("bits") = PREPARATION.defaultOf("bits")
    split: PREPARATION.typeOf("split") = PREPARATION.defaultOf("split")
    fold: PREPARATION.typeOf("fold", 1, 999) = PREPARATION.defaultOf("fold")
    test: PREPARATION.typeOf("test", most=99999) = PREPARATION.defaultOf("test")
    validation: PREPARATION.typeOf("validation", most=99999) = PREPARATION.defaultOf("validation")
    splitSeed: PREPARATION.typeOf("seed") = PREPARATION.defaultOf("seed")
    groupBy: str = PREPARATION.defaultOf("group_by")
    doses: str = PREPARATION.defaultOf("doses")
    scale: str = PREPARATION.defaultOf("scale")
    breastPart: PREPARATION.typeOf("breast_part") = PREPARATION.defaultOf("breast_part")
    maxShift: PREPARATION.typeOf("max_shift", most=999) = PREPARATION.defaultOf("max_shift")
    align: bool = PREPARATION.defaultOf("align")

    runFolder: str = ""
    recipe: Annotated[str, Choice([*RECIPES, RECIPE_FILE])] = "run1"
    recipeFile: str = ""
    recipeChanges: str = "{}"
    epochs: RUN.typeOf("epochs", most=99999) = RUN.defaultOf("epochs")
    device: RUN.typeOf("device") = RUN.defaultOf("device")
    threads: RUN.typeOf("threads", most=1024) = RUN.defaultOf("threads")
    startFrom: str = ""
    lossTable: vtkMRMLTableNode
    lossChart: vtkMRMLPlotChartNode
    validationChart: vtkMRMLPlotChartNode
    sampleVolume: vtkMRMLScalarVolumeNode

    judgeDataSet: bool = True
    judgeTruth: bool = False
    models: list[str] = ["starter"]
    baselines: str = "all"
    judgedSplit: Annotated[str, Choice(["test", "val", "all"])] = "test"
    evaluationFolder: str = ""
    replaceResults: bool = False
    noise: str = ""
    evaluationScale: str = "full"
    bootstrapSeed: Annotated[int, WithinRange(0, 2**31 - 1)] = 0
    evaluationDevice: Annotated[str, Choice(list(DEVICES))] = "auto"
    allowOutOfDomain: bool = False
    resultTable: vtkMRMLTableNode
    intervalTable: vtkMRMLTableNode
    contrastChart: vtkMRMLPlotChartNode
    likenessChart: vtkMRMLPlotChartNode
    detectabilityChart: vtkMRMLPlotChartNode

    cciVolumes: list[vtkMRMLScalarVolumeNode]
    cciReference: vtkMRMLScalarVolumeNode
    cciScale: Annotated[str, Choice(["full", "12bit", "14bit", "window", "minmax", "percentile", "log"])] = "full"
    cciWindow: str = "0,4095"
    cciBreast: bool = True
    cciMaps: bool = False
    cciTable: vtkMRMLTableNode


class RecipeChanges:
    """Fields of the chosen recipe that the user gave other values; each recipe keeps its own.

    In the scene they are the JSON of ``{recipe: {field: value}}``.
    """

    def __init__(self, parameters: LowDoseContrastTrainingParameterNode) -> None:
        self._parameters = parameters

    @property
    def base(self) -> str:
        """The built-in recipe's name or the recipe file that they change."""
        return self._parameters.recipeFile if self._parameters.recipe == RECIPE_FILE else self._parameters.recipe

    def values(self) -> dict[str, Any]:
        """``{field: value}`` of the chosen recipe."""
        return self._all().get(self.base, {})

    def store(self, values: dict[str, Any]) -> None:
        """Replaces those of the chosen recipe."""
        changed = {**self._all(), self.base: values}
        self._parameters.recipeChanges = json.dumps({base: kept for base, kept in changed.items() if kept})

    def _all(self) -> dict[str, dict[str, Any]]:
        try:
            return dict(json.loads(self._parameters.recipeChanges))
        except (ValueError, TypeError):
            return {}  # a scene that something else has written
