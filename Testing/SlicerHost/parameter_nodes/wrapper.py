"""The decorator that turns an annotated class into a wrapper of a parameter node."""

from __future__ import annotations

import typing

import qt
import slicer
import vtk

from .annotations import Default, first
from .gui_connectors import GuiConnector, createGuiConnector
from .serializers import create_serializer

SlicerParameterNamePropertyName = "SlicerParameterName"


class _Field:
    """One field: how it is stored, its default and its type as annotated."""

    def __init__(self, name, annotated, class_value):
        self.basename = name
        self.unalteredType = annotated
        self.serializer, notes = create_serializer(annotated)
        self.default = class_value or first(notes, Default) or Default(self.serializer.default())


class _Wrapper:
    """What every parameter node wrapper can do."""

    _is_parameter_node_wrapper = True
    allParameters = None

    def __init__(self, parameterNode, prefix=None):
        if parameterNode is None:
            raise AssertionError("a parameter node is needed")
        self.parameterNode = parameterNode
        self._prefix = prefix or ""
        self._guis = {}
        self._next_tag = 0
        self._updating_gui = False
        for field in self.allParameters.values():
            name = self._prefix + field.basename
            if not field.serializer.isIn(parameterNode, name):
                field.serializer.write(parameterNode, name, field.default.value)

    @classmethod
    def _field(cls, name):
        try:
            return cls.allParameters[name]
        except KeyError:
            raise ValueError(f"Cannot find a param with the given name: {name}\n"
                             f"  Found parameters {list(cls.allParameters)}") from None

    def getValue(self, name):
        field = self._field(name)
        stored = self._prefix + name
        if not field.serializer.isIn(self.parameterNode, stored):
            field.serializer.write(self.parameterNode, stored, field.default.value)
        return field.serializer.read(self.parameterNode, stored)

    def setValue(self, name, value):
        field = self._field(name)
        with slicer.util.NodeModify(self.parameterNode):
            field.serializer.write(self.parameterNode, self._prefix + name, value)

    def default(self, name):
        return self._field(name).default

    def isCached(self, name):
        return self._field(name).serializer.supportsCaching()

    @classmethod
    def dataType(cls, name):
        return cls._field(name).unalteredType

    # --- the node ---

    def StartModify(self):
        return self.parameterNode.StartModify()

    def EndModify(self, wasModified):
        return self.parameterNode.EndModify(wasModified)

    def AddObserver(self, event, callback, priority=0.0):
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag):
        return self.parameterNode.RemoveObserver(tag)

    def Modified(self):
        return self.parameterNode.Modified()

    # --- the panel ---

    def connectGui(self, gui):
        """Connect the widgets whose ``SlicerParameterName`` names a field; returns a tag."""
        widgets = gui.findChildren(qt.QWidget) if isinstance(gui, qt.QWidget) \
            else list(vars(gui).values())
        named = ((widget.property(SlicerParameterNamePropertyName), widget) for widget in widgets)
        return self.connectParametersToGui({name: widget for name, widget in named if name})

    def connectParametersToGui(self, mapping):
        """Connect ``{field name: widget or GuiConnector}``; returns a tag."""
        for name in mapping:
            self._field(name)
        connectors = {
            name: item if isinstance(item, GuiConnector) else createGuiConnector(item, self.dataType(name))
            for name, item in mapping.items()}
        tag = self._next_tag
        self._next_tag += 1
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.onChanged(self._on_gui(name, connector))
        observer = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._update_gui())
        self._guis[tag] = (connectors, observer)
        return tag

    def _on_gui(self, name, connector):
        def changed():
            if not self._updating_gui:
                self.setValue(name, connector.read())
        return changed

    def _update_gui(self):
        if self._updating_gui:
            return
        self._updating_gui = True
        try:
            with slicer.util.NodeModify(self):
                for connectors, _ in self._guis.values():
                    for name, connector in connectors.items():
                        connector.write(self.getValue(name))
        finally:
            self._updating_gui = False

    def disconnectGui(self, guiTag):
        connectors, observer = self._guis.pop(guiTag, ({}, None))
        for connector in connectors.values():
            connector.onChanged(None)
        if observer is not None:
            self.RemoveObserver(observer)


def _make_property(name):
    return property(lambda self: self.getValue(name), lambda self, value: self.setValue(name, value))


def _wrap(cls):
    """Give ``cls`` its fields as properties and the abilities of the wrapper."""
    fields = {}
    for name, annotated in typing.get_type_hints(cls, include_extras=True).items():
        if hasattr(_Wrapper, name):
            raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
        given = Default(getattr(cls, name)) if hasattr(cls, name) else None
        fields[name] = _Field(name, annotated, given)
    for name, item in vars(_Wrapper).items():
        if name not in ("__dict__", "__weakref__", "__doc__", "__module__", "__annotations__"):
            setattr(cls, name, item)
    for name in fields:
        setattr(cls, name, _make_property(name))
    cls.allParameters = fields
    return cls


def parameterNodeWrapper(classtype=None):
    """Class decorator, with or without parentheses."""
    return _wrap if classtype is None else _wrap(classtype)


def isParameterNodeWrapper(classOrObj):
    return getattr(classOrObj, "_is_parameter_node_wrapper", False)


def findChildWidgetForParameter(widget, parameter):
    """The child widget that shows a field, None when there is none."""
    for child in widget.findChildren(qt.QWidget):
        if child.property(SlicerParameterNamePropertyName) == parameter:
            return child
    return None
