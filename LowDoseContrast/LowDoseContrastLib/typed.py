"""Whether what a file gave a dataclass is of the types that its fields state."""

from __future__ import annotations

import collections.abc
import dataclasses
import math
import types
import typing
from typing import Any, TypeVar

T = TypeVar("T")


def checked(entry: T) -> T:
    """Return a dataclass whose fields, and theirs, hold what their annotations say; floats are finite.

    Raises:
        TypeError: one does not; the message names it.

    >>> @dataclasses.dataclass
    ... class Size:
    ...     rows: int
    >>> checked(Size(3))
    Size(rows=3)
    >>> checked(Size("3"))
    Traceback (most recent call last):
    TypeError: rows is '3', which is no int
    """
    hints = typing.get_type_hints(type(entry))
    for each in dataclasses.fields(entry):  # type: ignore[arg-type]
        value = getattr(entry, each.name)
        if not _fits(value, hints[each.name]):
            wanted = each.type if isinstance(each.type, str) else getattr(each.type, "__name__", str(each.type))
            raise TypeError(f"{each.name} is {repr(value)[:60]}, which is no {wanted}")
    return entry


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value is of a type; the types are those that the files of this project need."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, each) for each in inner)
    if origin is tuple:
        if not isinstance(value, tuple) or (inner[-1] is not Ellipsis and len(value) != len(inner)):
            return False
        return all(_fits(each, inner[0] if inner[-1] is Ellipsis else kind) for each, kind in _paired(value, inner))
    if origin in (dict, collections.abc.Mapping):
        return isinstance(value, collections.abc.Mapping) and all(
            _fits(name, inner[0]) and _fits(each, inner[1]) for name, each in value.items()
        )
    if dataclasses.is_dataclass(hint):
        return isinstance(value, typing.cast(type, hint)) and checked(value) is value
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool) and _is_finite(value)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, type(None) if hint is None else hint)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number too large for a float
        return False


def _paired(value: tuple, inner: tuple) -> list[tuple[Any, Any]]:
    kinds = [inner[0]] * len(value) if inner[-1] is Ellipsis else list(inner)
    return list(zip(value, kinds, strict=True))
