"""Rows of a panel from the libraries' descriptions of settings.

Type, range and default of a parameter, and the settings chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from LowDoseContrastLib.settings import defaults_of, kind_of, settings_of
from slicer.parameterNodeWrapper import Choice, WithinRange

if TYPE_CHECKING:
    pass

WHOLE_MOST, REAL_MOST = 2**31 - 1, 1e9  # what a spin box can hold


class SettingRows:
    """The parameters of a panel that stand for the settings of one class.

    Args:
        cls: a dataclass of settings.
        names: field -> parameter.
        nones: field -> the value of the parameter that stands for None.
        texts: fields whose parameter is a text, for a combo box.
    """

    def __init__(self, cls: type, names: dict[str, str], nones: Any = (), texts: Sequence[str] = ()) -> None:
        self._cls, self._names, self._nones, self._texts = cls, names, dict(nones), texts

    def typeOf(self, field: str, least: float | None = None, most: float | None = None) -> Any:
        """Type of the parameter for a parameter node wrapper; ``least`` and ``most`` narrow the range."""
        described, kind = settings_of(self._cls)[field], kind_of(self._cls, field)[0]
        if described.choices:
            return Annotated[str, Choice([str(choice) for choice in described.choices])]
        if kind not in (int, float):
            return kind
        below = min(described.least, self._nones.get(field, described.least)) if least is None else least
        above = min(described.most, WHOLE_MOST if kind is int else REAL_MOST) if most is None else most
        return Annotated[kind, WithinRange(kind(below), kind(above))]

    def defaultOf(self, field: str) -> Any:
        """Value of the parameter for the field's default."""
        default = defaults_of(self._cls)[field]
        if default is None:
            return self._nones[field]
        return str(default) if field in self._texts else default

    def parameterOf(self, field: str) -> str | None:
        """Name of the parameter that stands for a field; None where none does."""
        return self._names.get(field)

    def chosen(self, parameters: Any, **others: Any) -> Any:
        """The settings that a panel's parameters stand for; ``others`` replace some. Raises InputError."""
        values = {field: self._value(field, getattr(parameters, name)) for field, name in self._names.items()}
        return self._cls(**{**values, **others})

    def _value(self, field: str, value: Any) -> Any:
        if field in self._nones and value == self._nones[field]:
            return None
        return kind_of(self._cls, field)[0](value) if field in self._texts else value
