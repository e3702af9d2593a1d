"""What may stand beside a type in ``Annotated[...]``, and how to take it apart."""

from __future__ import annotations

import dataclasses
import types
import typing


class Default:
    """The value of a field that was never set; a generator is called each time."""

    def __init__(self, value=None, *, generator=None):
        self._value = value
        self._generator = generator

    @property
    def value(self):
        return self._generator() if self._generator else self._value

    def __repr__(self):
        return f"Default(value={self._value}, generator={self._generator})"

    def __eq__(self, other):
        return isinstance(other, Default) and ((self._value, self._generator) == (other._value, other._generator))

    __hash__ = None


@dataclasses.dataclass
class Decimals:
    """Digits after the point in a spin box or slider."""

    value: int


@dataclasses.dataclass
class SingleStep:
    """Step of a spin box or slider."""

    value: float


def split(datatype):
    """``Annotated[T, a, b]`` -> ``(T, [a, b])``; ``X | None`` becomes ``Union[X, None]``."""
    notes = []
    if typing.get_origin(datatype) is typing.Annotated:
        datatype, *notes = typing.get_args(datatype)
    if isinstance(datatype, types.UnionType):
        datatype = typing.Union[typing.get_args(datatype)]  # noqa: UP007
    return datatype, notes


def plain(datatype):
    """The type without its annotations."""
    return split(datatype)[0]


def take(notes, kind):
    """The annotations of one kind, and the others."""

    def is_kind(note):
        return isinstance(note, kind) or (isinstance(note, type) and issubclass(note, kind))

    return [n for n in notes if is_kind(n)], [n for n in notes if not is_kind(n)]


def first(notes, kind):
    return next((note for note in notes if isinstance(note, kind)), None)
