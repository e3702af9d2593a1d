"""The choices of the panel, kept in the scene."""

import json
from typing import Annotated

from slicer import vtkMRMLPlotChartNode, vtkMRMLScalarVolumeNode, vtkMRMLTableNode
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper

RECIPE_FILE = "from a file"


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
    arrangements: Annotated[int, WithinRange(1, 999)] = 12
    detector: Annotated[str, Choice(["essential", "essential-large", "selenium", "small"])] = "essential"
    seed: Annotated[int, WithinRange(0, 2**31 - 1)] = 0
    lowDose: bool = True
    automaticDose: bool = True
    highDose: bool = True
    realisations: Annotated[int, WithinRange(1, 99)] = 1
    presentation: bool = False
    jobs: Annotated[int, WithinRange(0, 64)] = 0

    dataSetFolder: str = ""
    patchSize: Annotated[int, WithinRange(8, 4096)] = 256
    stride: Annotated[int, WithinRange(0, 4096)] = 0
    bits: Annotated[str, Choice(["8", "16"])] = "8"
    split: Annotated[str, Choice(["random", "arrangement", "loo"])] = "random"
    fold: Annotated[int, WithinRange(1, 999)] = 1
    test: Annotated[int, WithinRange(-1, 99999)] = -1
    validation: Annotated[int, WithinRange(-1, 99999)] = -1
    splitSeed: Annotated[int, WithinRange(0, 2**31 - 1)] = 0
    groupBy: str = "auto"
    doses: str = "low=3.359,high=11.523"
    scale: str = "auto"
    breastPart: Annotated[float, WithinRange(0, 1)] = 0.6
    maxShift: Annotated[float, WithinRange(0, 999)] = 8.0
    align: bool = False

    runFolder: str = ""
    recipe: Annotated[str, Choice(["run1", "run2", "run3", "run4", "compact", "starter", RECIPE_FILE])] = "starter"
    recipeFile: str = ""
    recipeChanges: str = "{}"
    epochs: Annotated[int, WithinRange(0, 99999)] = 0
    device: Annotated[str, Choice(["auto", "cpu", "cuda", "mps"])] = "auto"
    threads: Annotated[int, WithinRange(0, 1024)] = 0
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
    evaluationDevice: Annotated[str, Choice(["auto", "cpu", "cuda", "mps"])] = "auto"
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

    def __init__(self, parameters):
        self._parameters = parameters

    @property
    def base(self):
        """The built-in recipe's name or the recipe file that they change."""
        return self._parameters.recipeFile if self._parameters.recipe == RECIPE_FILE else self._parameters.recipe

    def values(self):
        """``{field: value}`` of the chosen recipe."""
        return self._all().get(self.base, {})

    def store(self, values):
        """Replaces those of the chosen recipe."""
        changed = {**self._all(), self.base: values}
        self._parameters.recipeChanges = json.dumps({base: kept for base, kept in changed.items() if kept})

    def _all(self):
        try:
            return dict(json.loads(self._parameters.recipeChanges))
        except (ValueError, TypeError):
            return {}  # a scene that something else has written
