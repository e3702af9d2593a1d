"""The choices of the panel, kept in the scene."""

from typing import Annotated

from slicer import vtkMRMLScalarVolumeNode
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper


@parameterNodeWrapper
class LowDoseContrastParameterNode:
    """The choices of the panel.

    inputVolume: the low-dose mammogram. outputVolume: where the result goes, a new volume if None.
    differenceVolume: the last difference volume. model: name of a model at hand. fade: opacity of
    the result over the input. allowOutOfDomain: go on where an image contradicts the model's domain
    or does not state what the domain limits. The other fields are those of Settings and Enhancer in the library.
    """

    inputVolume: vtkMRMLScalarVolumeNode
    outputVolume: vtkMRMLScalarVolumeNode
    differenceVolume: vtkMRMLScalarVolumeNode
    model: str = "starter"
    mode: Annotated[str, Choice(["tiles", "whole", "paper"])] = "tiles"
    overlap: Annotated[float, WithinRange(0, 0.9)] = 0.1
    useMask: bool = True
    allowOutOfDomain: bool = False
    device: Annotated[str, Choice(["auto", "cpu", "cuda", "mps"])] = "auto"
    precision: Annotated[str, Choice(["auto", "fp32", "bf16"])] = "auto"
    fade: Annotated[float, WithinRange(0, 1)] = 0.5
