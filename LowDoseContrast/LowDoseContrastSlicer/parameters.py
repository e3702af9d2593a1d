"""The choices of the panel, kept in the scene."""

from typing import Annotated

from LowDoseContrastLib.device import DEVICES, PRECISIONS
from LowDoseContrastLib.enhance_settings import Settings
from slicer import vtkMRMLScalarVolumeNode
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper

from .setting_rows import SettingRows

SETTINGS = SettingRows(
    Settings, {"mode": "mode", "overlap": "overlap", "mask": "useMask", "allow_out_of_domain": "allowOutOfDomain"}
)


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
    mode: SETTINGS.typeOf("mode") = SETTINGS.defaultOf("mode")
    overlap: SETTINGS.typeOf("overlap") = SETTINGS.defaultOf("overlap")
    useMask: bool = SETTINGS.defaultOf("mask")
    allowOutOfDomain: bool = SETTINGS.defaultOf("allow_out_of_domain")
    device: Annotated[str, Choice(list(DEVICES))] = "auto"
    precision: Annotated[str, Choice(list(PRECISIONS))] = "auto"
    fade: Annotated[float, WithinRange(0, 1)] = 0.5
