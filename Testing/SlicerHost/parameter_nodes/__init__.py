"""``slicer.parameterNodeWrapper``: typed fields over a parameter node.

The names of the parameters and the text of their values are Slicer's, so a scene
that the host saves opens in Slicer with the same state, and the other way round.
Parameter packs, which this extension does not use, are not here.
"""

from .annotations import Decimals, Default, SingleStep
from .containers import ObservedDict, ObservedList
from .gui_connectors import GuiConnector, createGuiConnector, parameterNodeGuiConnector
from .serializers import Serializer, ValidatedSerializer, parameterNodeSerializer
from .validators import Choice, Exclude, IsInstance, Maximum, Minimum, NotNone, RangeBounds, Validator, WithinRange
from .wrapper import (
    SlicerParameterNamePropertyName,
    findChildWidgetForParameter,
    isParameterNodeWrapper,
    parameterNodeWrapper,
)

__all__ = [
    "Choice",
    "Decimals",
    "Default",
    "Exclude",
    "GuiConnector",
    "IsInstance",
    "Maximum",
    "Minimum",
    "NotNone",
    "ObservedDict",
    "ObservedList",
    "RangeBounds",
    "Serializer",
    "SingleStep",
    "SlicerParameterNamePropertyName",
    "ValidatedSerializer",
    "Validator",
    "WithinRange",
    "createGuiConnector",
    "findChildWidgetForParameter",
    "isParameterNodeWrapper",
    "parameterNodeGuiConnector",
    "parameterNodeSerializer",
    "parameterNodeWrapper",
]
