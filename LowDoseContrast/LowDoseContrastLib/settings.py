"""One description of a setting serves its check, its command-line option, its row in a panel and the words for a child
process.

A frozen dataclass declares its fields with :func:`setting` and calls :func:`check` in
``__post_init__``; everything else is derived from the same description.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import Any, TypeVar

from .errors import InputError

_KEY = "setting"
_KINDS = {int: "a whole number", float: "a number", str: "a text", bool: "yes or no"}
_Settings = TypeVar("_Settings")


@dataclass(frozen=True)
class Setting:
    """What is known of a setting beside its name, type and default.

    Attributes:
        help: what it is, in a few words, and of a truth value what turning its default round does; a setting without
            help has no option.
        unit: of its value, where it has one.
        source: where the default comes from.
        least, most: the limits of its value, both allowed.
        above, below: the limits of its value, neither allowed.
        choices: the values it may have; empty where they are not counted.
        metavar: how the help shows the value.
        default_help: what the default means, where the value itself does not say it.
    """

    help: str = ""
    unit: str = ""
    source: str = ""
    least: float = -math.inf
    most: float = math.inf
    above: float = -math.inf
    below: float = math.inf
    choices: tuple[Any, ...] = ()
    metavar: str = ""
    default_help: str = ""

    def allows(self, number: float) -> bool:
        """Return whether ``number`` is finite and within the limits."""
        return math.isfinite(number) and self.least <= number <= self.most and self.above < number < self.below

    @property
    def limits(self) -> str:
        """The limits in words, such as ``at least 0 and below 1``; empty without any."""
        if math.isfinite(self.least) and math.isfinite(self.most):
            return f"{self.least:g} to {self.most:g}"
        words = (("at least", self.least), ("above", self.above), ("at most", self.most), ("below", self.below))
        return " and ".join(f"{word} {value:g}" for word, value in words if math.isfinite(value))


def setting(default: Any, help: str = "", **details: Any) -> Any:
    """Return a dataclass field that is described by a :class:`Setting`; ``details`` are its other attributes."""
    described = {_KEY: Setting(help, **details)}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata=described)
    return dataclasses.field(default=default, metadata=described)


def settings_of(cls: type) -> dict[str, Setting]:
    """Return name -> description of the fields of a dataclass that :func:`setting` declared."""
    return {each.name: each.metadata[_KEY] for each in dataclasses.fields(cls) if _KEY in each.metadata}


def defaults_of(cls: type) -> dict[str, Any]:
    """Return name -> default of the same fields."""
    found = {}
    for each in dataclasses.fields(cls):
        if _KEY in each.metadata:
            factory = each.default_factory
            found[each.name] = each.default if factory is dataclasses.MISSING else factory()
    return found


def kind_of(cls: type, name: str) -> tuple[Any, bool]:
    """Return (the type of a field, whether it may be None)."""
    kind = typing.get_type_hints(cls)[name]
    parts = [part for part in typing.get_args(kind) if part is not NoneType]
    is_optional = NoneType in typing.get_args(kind)
    return (parts[0] if is_optional else kind), is_optional


def check(settings: Any, lead: str = "") -> None:
    """Check every described field that is a number, a text or a truth value.

    Args:
        lead: what stands before the name of a field that no option and no widget stands for, such as ``recipe field``.

    Raises:
        InputError: a value of another type, or beyond its limits; its ``field`` is the name.

    >>> @dataclass(frozen=True)
    ... class Cutting:
    ...     overlap: float = setting(0.1, "part of a tile that overlaps the next", least=0, most=0.9)
    ...     def __post_init__(self):
    ...         check(self)
    >>> Cutting(2)
    Traceback (most recent call last):
    LowDoseContrastLib.errors.InputError: overlap must be 0 to 0.9, it is 2
    """
    for name, described in settings_of(type(settings)).items():
        kind, is_optional = kind_of(type(settings), name)
        value = getattr(settings, name)
        if kind in _KINDS and not (value is None and is_optional):
            wanted = wanted_of(kind, described, value)
            if wanted:
                called = f"{lead} {name}" if lead else f"{{{name}}}"
                raise InputError("", f"{called} must be {wanted}, it is {value!r}", field=name)


def wanted_of(kind: type, described: Setting, value: Any) -> str:
    """Return what ``value`` should have been, in words; empty where it fits."""
    like = (int, float) if kind is float else kind
    if not isinstance(value, like) or (isinstance(value, bool) and kind is not bool):
        return _KINDS[kind] + (f" {described.limits}" if described.limits else "")
    if described.choices:
        return "" if value in described.choices else f"one of {', '.join(map(str, described.choices))}"
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not described.allows(value):
        return described.limits if math.isfinite(value) and described.limits else "a finite number"
    return ""


# --- the command line


def add_options(parser: Any, cls: type, names: Iterable[str] = (), options: Mapping[str, str] | None = None) -> None:
    """Add an option for each field of ``cls`` that has help, or for those in ``names``.

    ``options`` renames some: field -> option, such as ``{"scale": "--cci-scale"}``. A truth value becomes a
    flag that turns its default round: ``--align``, or ``--no-mask`` where the default is true.
    """
    defaults = defaults_of(cls)
    for name, described in settings_of(cls).items():
        if described.help and (not names or name in names):
            option = (options or {}).get(name) or option_of(cls, name)
            text = ", ".join(filter(None, (described.help, described.unit)))
            if kind_of(cls, name)[0] is bool:
                parser.add_argument(
                    option,
                    dest=name,
                    default=defaults[name],
                    action="store_false" if defaults[name] else "store_true",
                    help=text,
                )
            else:
                shown = described.default_help or ("none" if defaults[name] is None else str(defaults[name]))
                kind, metavar = (
                    kind_of(cls, name)[0],
                    described.metavar or "|".join(map(str, described.choices)) or None,
                )
                parser.add_argument(
                    option,
                    dest=name,
                    default=defaults[name],
                    type=kind,
                    metavar=metavar,
                    help=f"{text} (default: {shown})".replace("%", "%%"),
                )


def option_of(cls: type, name: str) -> str:
    """Return the option of a field: ``--patch-size``; ``--no-mask`` for a truth value that is true by default."""
    is_on = kind_of(cls, name)[0] is bool and defaults_of(cls)[name]
    return f"--{'no-' * is_on}{name.replace('_', '-')}"


def from_arguments(cls: type[_Settings], arguments: argparse.Namespace, **others: Any) -> _Settings:
    """Return the settings that were parsed; ``others`` are fields that have no option of their own.

    Raises:
        InputError: as the class.
    """
    known = {name: getattr(arguments, name) for name in settings_of(cls) if hasattr(arguments, name)}
    return cls(**{**known, **others})


def words_of(settings: Any, options: Mapping[str, str] | None = None) -> list[str]:
    """Return the command-line words that give these settings to another process.

    Fields at their default are left out.
    """
    cls, defaults, words = type(settings), defaults_of(type(settings)), []
    for name, described in settings_of(cls).items():
        value = getattr(settings, name)
        if described.help and value != defaults[name]:
            option = (options or {}).get(name) or option_of(cls, name)
            words += [option] if isinstance(value, bool) else [option, str(value)]
    return words
