"""How a single value is written into a vtkMRMLScriptedModuleNode."""

from __future__ import annotations

import abc
import enum
import pathlib

import slicer

from .annotations import split, take
from .validators import IsInstance, NotNone, Validator

_registered = []


class Serializer(abc.ABC):
    """Writes and reads values of one type under a name."""

    @staticmethod
    @abc.abstractmethod
    def canSerialize(type_):
        """Whether this class handles the type."""

    @staticmethod
    @abc.abstractmethod
    def create(type_):
        """A serializer for the type."""

    @abc.abstractmethod
    def default(self):
        """The value of a field that gives none."""

    @abc.abstractmethod
    def write(self, parameterNode, name, value):
        """Store the value."""

    @abc.abstractmethod
    def read(self, parameterNode, name):
        """Return the stored value."""

    def isIn(self, parameterNode, name):
        return parameterNode.HasParameter(name)

    def remove(self, parameterNode, name):
        parameterNode.UnsetParameter(name)

    def supportsCaching(self):
        return False


def parameterNodeSerializer(classtype=None):
    """Class decorator that registers a serializer."""

    def register(cls):
        _registered.append(cls)
        return cls

    return register if classtype is None else register(classtype)


class ValidatedSerializer(Serializer):
    """A serializer and the conditions that are checked before it writes."""

    def __init__(self, serializer, validators):
        self.serializer, self.validators = serializer, list(validators or [])
        if isinstance(serializer, ValidatedSerializer):
            self.serializer = serializer.serializer
            self.validators = serializer.validators + self.validators

    @staticmethod
    def canSerialize(type_):
        return False

    @staticmethod
    def create(type_):
        raise TypeError("ValidatedSerializer does not support create")

    def validate(self, value):
        for validator in self.validators:
            validator.validate(value)

    def write(self, parameterNode, name, value):
        self.validate(value)
        self.serializer.write(parameterNode, name, value)

    def default(self):
        return self.serializer.default()

    def isIn(self, parameterNode, name):
        return self.serializer.isIn(parameterNode, name)

    def read(self, parameterNode, name):
        return self.serializer.read(parameterNode, name)

    def remove(self, parameterNode, name):
        self.serializer.remove(parameterNode, name)

    def supportsCaching(self):
        return self.serializer.supportsCaching()


def create_serializer(annotated):
    """``(serializer, remaining annotations)`` for a possibly annotated type."""
    type_, notes = split(annotated)
    validators, notes = take(notes, Validator)
    given, notes = take(notes, Serializer)
    serializer = given[0] if given else _for_type(type_)
    return ValidatedSerializer(serializer, validators), notes


def _for_type(type_):
    for cls in _registered:
        if cls.canSerialize(type_):
            return cls.create(type_)
    raise TypeError(f"Unable to create serializer for type: {type_}")


class _Text(Serializer):
    """A value of one Python type, stored as text."""

    def __init__(self, type_):
        self.type = type_

    @classmethod
    def create(cls, type_):
        accepted = (int, float) if type_ is float else type_
        return ValidatedSerializer(cls(type_), [NotNone(), IsInstance(accepted)])

    def default(self):
        return self.type()

    def write(self, parameterNode, name, value):
        parameterNode.SetParameter(name, str(value))

    def read(self, parameterNode, name):
        return self.type(parameterNode.GetParameter(name))

    def supportsCaching(self):
        return True


@parameterNodeSerializer
class NumberSerializer(_Text):
    @staticmethod
    def canSerialize(type_):
        return type_ in (int, float)

    def default(self):
        return 0


@parameterNodeSerializer
class StringSerializer(_Text):
    @staticmethod
    def canSerialize(type_):
        return type_ is str


@parameterNodeSerializer
class PathSerializer(_Text):
    @staticmethod
    def canSerialize(type_):
        return isinstance(type_, type) and issubclass(type_, pathlib.PurePath)


@parameterNodeSerializer
class BoolSerializer(_Text):
    @staticmethod
    def canSerialize(type_):
        return type_ is bool

    def read(self, parameterNode, name):
        return parameterNode.GetParameter(name) == "True"

    def write(self, parameterNode, name, value):
        parameterNode.SetParameter(name, "True" if value else "False")


@parameterNodeSerializer
class EnumSerializer(_Text):
    """Stores the name of the member."""

    @staticmethod
    def canSerialize(type_):
        return isinstance(type_, type) and issubclass(type_, enum.Enum)

    @classmethod
    def create(cls, type_):
        if not len(type_):
            raise ValueError("Cannot serialize empty Enum.")
        return ValidatedSerializer(cls(type_), [IsInstance(type_)])

    def default(self):
        return next(iter(self.type))

    def write(self, parameterNode, name, value):
        parameterNode.SetParameter(name, value.name)

    def read(self, parameterNode, name):
        key = parameterNode.GetParameter(name)
        try:
            return self.type[key]
        except KeyError as error:
            raise ValueError(f"Found {key!r} in parameter node but it is not a name in {self.type!r}") from error


@parameterNodeSerializer
class NodeSerializer(Serializer):
    """A reference to a node of the scene; None while there is none.

    An empty parameter of the same name tells a field that is None from one never set.
    """

    @staticmethod
    def canSerialize(type_):
        return isinstance(type_, type) and issubclass(type_, slicer.vtkMRMLNode)

    @staticmethod
    def create(type_):
        return ValidatedSerializer(NodeSerializer(), [IsInstance(type_)])

    def default(self):
        return None

    def write(self, parameterNode, name, value):
        parameterNode.SetParameter(name, "")
        parameterNode.SetNodeReferenceID(name, None if value is None else value.GetID())

    def read(self, parameterNode, name):
        return parameterNode.GetNodeReference(name)

    def remove(self, parameterNode, name):
        parameterNode.UnsetParameter(name)
        parameterNode.RemoveNodeReferenceIDs(name)

    def supportsCaching(self):
        return True
