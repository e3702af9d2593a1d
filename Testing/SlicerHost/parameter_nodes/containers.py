"""How lists, tuples, dictionaries and unions are written into a parameter node."""

from __future__ import annotations

import collections.abc
import typing

import slicer

from .serializers import Serializer, ValidatedSerializer, create_serializer, parameterNodeSerializer
from .validators import IsNone


class _Observed:
    """Common part of lists and dictionaries that write themselves when changed."""

    def __init__(self, parameterNode, serializer, name, value):
        self._place = (parameterNode, name)
        self._serializer = serializer
        self._value = value

    def _save(self):
        try:
            self._serializer.write(*self._place, self._value)
        finally:
            self._value = self._serializer.read(*self._place)._value

    def __eq__(self, other):
        return self._value == (other._value if isinstance(other, _Observed) else other)

    __hash__ = None

    def __len__(self):
        return len(self._value)

    def __getitem__(self, key):
        return self._value[key]

    def __setitem__(self, key, item):
        self._value[key] = item
        self._save()

    def __delitem__(self, key):
        del self._value[key]
        self._save()

    def __repr__(self):
        return f"{type(self).__name__}({self._value})"


class ObservedList(_Observed, collections.abc.MutableSequence):
    """A list that writes every change into its parameter node."""

    def insert(self, index, item):
        self._value.insert(index, item)
        self._save()

    def append(self, item):
        self.insert(len(self._value), item)

    def extend(self, items):
        self._value.extend(items)
        self._save()

    def clear(self):
        self._value.clear()
        self._save()

    def sort(self, *arguments, **keywords):
        self._value.sort(*arguments, **keywords)
        self._save()

    def reverse(self):
        self._value.reverse()
        self._save()

    def __iadd__(self, items):
        self.extend(items)
        return self

    def __add__(self, other):
        raise NotImplementedError("Adding an ObservedList is not supported. However, += is supported.")

    __radd__ = __add__


class ObservedDict(_Observed, collections.abc.MutableMapping):
    """A dictionary that writes every change into its parameter node."""

    def __iter__(self):
        return iter(self._value)

    def clear(self):
        self._value.clear()
        self._save()


@parameterNodeSerializer
class ListSerializer(Serializer):
    """``name.len`` and the items ``name.0``, ``name.1``, ..."""

    @staticmethod
    def canSerialize(type_):
        return typing.get_origin(type_) is list

    @staticmethod
    def create(type_):
        return ListSerializer(create_serializer(typing.get_args(type_)[0])[0])

    def __init__(self, element):
        self._element = element

    def default(self):
        return []

    def isIn(self, parameterNode, name):
        return parameterNode.HasParameter(f"{name}.len")

    def _length(self, parameterNode, name):
        return int(parameterNode.GetParameter(f"{name}.len")) if self.isIn(parameterNode, name) else 0

    def write(self, parameterNode, name, values):
        old = self.read(parameterNode, name) if self.isIn(parameterNode, name) else None
        with slicer.util.NodeModify(parameterNode):
            try:
                self._write_items(parameterNode, name, list(values))
            except Exception:  # leave what was there before
                if old is None:
                    self.remove(parameterNode, name)
                else:
                    self._write_items(parameterNode, name, list(old))
                raise

    def _write_items(self, parameterNode, name, values):
        for index, value in enumerate(values):
            self._element.write(parameterNode, f"{name}.{index}", value)
        old_length = self._length(parameterNode, name)
        parameterNode.SetParameter(f"{name}.len", str(len(values)))
        for index in range(len(values), old_length):
            self._element.remove(parameterNode, f"{name}.{index}")

    def read(self, parameterNode, name):
        items = [
            self._element.read(parameterNode, f"{name}.{index}") for index in range(self._length(parameterNode, name))
        ]
        return ObservedList(parameterNode, self, name, items)

    def remove(self, parameterNode, name):
        with slicer.util.NodeModify(parameterNode):
            for index in range(self._length(parameterNode, name)):
                self._element.remove(parameterNode, f"{name}.{index}")
            parameterNode.UnsetParameter(f"{name}.len")

    def supportsCaching(self):
        return self._element.supportsCaching()


@parameterNodeSerializer
class TupleSerializer(Serializer):
    """The items ``name.0``, ``name.1``, ..., as many as the type has."""

    @staticmethod
    def canSerialize(type_):
        return typing.get_origin(type_) is tuple

    @staticmethod
    def create(type_):
        return TupleSerializer([create_serializer(item)[0] for item in typing.get_args(type_)])

    def __init__(self, elements):
        self._elements = elements

    def default(self):
        return tuple(element.default() for element in self._elements)

    def isIn(self, parameterNode, name):
        return self._elements[0].isIn(parameterNode, f"{name}.0")

    def write(self, parameterNode, name, values):
        values = tuple(values)
        if len(values) != len(self._elements):
            raise ValueError("Unexpected number of tuple values")
        with slicer.util.NodeModify(parameterNode):
            for index, (element, value) in enumerate(zip(self._elements, values)):
                element.write(parameterNode, f"{name}.{index}", value)

    def read(self, parameterNode, name):
        return tuple(element.read(parameterNode, f"{name}.{index}") for index, element in enumerate(self._elements))

    def remove(self, parameterNode, name):
        for index, element in enumerate(self._elements):
            element.remove(parameterNode, f"{name}.{index}")

    def supportsCaching(self):
        return all(element.supportsCaching() for element in self._elements)


@parameterNodeSerializer
class DictSerializer(Serializer):
    """A list of (key, value) pairs, which keeps their order."""

    @staticmethod
    def canSerialize(type_):
        return typing.get_origin(type_) is dict

    @staticmethod
    def create(type_):
        elements = [create_serializer(item)[0] for item in typing.get_args(type_)]
        return DictSerializer(ListSerializer(TupleSerializer(elements)))

    def __init__(self, pairs):
        self._pairs = pairs

    def default(self):
        return {}

    def isIn(self, parameterNode, name):
        return self._pairs.isIn(parameterNode, name)

    def write(self, parameterNode, name, value):
        self._pairs.write(parameterNode, name, list(value.items()))

    def read(self, parameterNode, name):
        return ObservedDict(parameterNode, self, name, dict(self._pairs.read(parameterNode, name)))

    def remove(self, parameterNode, name):
        self._pairs.remove(parameterNode, name)

    def supportsCaching(self):
        return self._pairs.supportsCaching()


@parameterNodeSerializer
class NoneSerializer(Serializer):
    """The None of ``Optional[...]``."""

    @staticmethod
    def canSerialize(type_):
        return type_ is type(None)

    @staticmethod
    def create(type_):
        return ValidatedSerializer(NoneSerializer(), [IsNone()])

    def default(self):
        return None

    def write(self, parameterNode, name, value):
        parameterNode.SetParameter(name, "True")

    def read(self, parameterNode, name):
        return None

    def supportsCaching(self):
        return True


@parameterNodeSerializer
class UnionSerializer(Serializer):
    """``name.<i>``, where i is the place of the value's type in the union."""

    @staticmethod
    def canSerialize(type_):
        return typing.get_origin(type_) is typing.Union

    @staticmethod
    def create(type_):
        return UnionSerializer([create_serializer(item)[0] for item in typing.get_args(type_)])

    def __init__(self, members):
        self._members = members

    def default(self):
        if len(self._members) == 2 and isinstance(self._members[1].serializer, NoneSerializer):
            return None
        return self._members[0].default()

    def _find(self, value):
        refused = None
        for index, member in enumerate(self._members):
            if member.serializer.canSerialize(type(value)):
                try:
                    member.validate(value)
                    return index, member
                except Exception as error:
                    refused = error
        raise refused or TypeError(f"Unable to write value '{value}' of type '{type(value)}'")

    def isIn(self, parameterNode, name):
        return any(member.isIn(parameterNode, f"{name}.{index}") for index, member in enumerate(self._members))

    def write(self, parameterNode, name, value):
        index, member = self._find(value)
        with slicer.util.NodeModify(parameterNode):
            self.remove(parameterNode, name)
            member.write(parameterNode, f"{name}.{index}", value)

    def read(self, parameterNode, name):
        for index, member in enumerate(self._members):
            if member.isIn(parameterNode, f"{name}.{index}"):
                return member.read(parameterNode, f"{name}.{index}")
        raise KeyError(f"Unable to find value for name: {name}")

    def remove(self, parameterNode, name):
        for index, member in enumerate(self._members):
            member.remove(parameterNode, f"{name}.{index}")

    def supportsCaching(self):
        return all(member.supportsCaching() for member in self._members)
