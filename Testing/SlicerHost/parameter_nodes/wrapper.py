"""The decorator that turns an annotated class into a wrapper of a parameter node."""

from __future__ import annotations

import typing
import weakref

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


class _Stored:
    """One field in one parameter node, read and written there each time."""

    def __init__(self, field, parameterNode, name):
        self.field, self.node, self.name = field, parameterNode, name
        if not field.serializer.isIn(parameterNode, name):
            self._write_default()

    def _write_default(self):
        self.field.serializer.write(self.node, self.name, self.field.default.value)

    def _read_node(self):
        """The value in the node, which gets the default where it has none."""
        if not self.field.serializer.isIn(self.node, self.name):
            self._write_default()
        return self.field.serializer.read(self.node, self.name)

    def read(self):
        return self._read_node()

    def write(self, value):
        self.field.serializer.write(self.node, self.name, value)


class _Cached(_Stored):
    """A field whose value is read when the node says that it changed, and only then.

    So a value may be older than the node: while the node holds its events back, and for an
    observer of the node that is called before this one.
    """

    def __init__(self, field, parameterNode, name):
        super().__init__(field, parameterNode, name)
        self._value = self._read_node()
        self._writing = False
        this = weakref.ref(self)  # the observer must not keep the wrapper alive
        self._tag = parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: this()._on_modified())

    def __del__(self):
        self.node.RemoveObserver(self._tag)

    def _on_modified(self):
        if not self._writing:
            self._value = self._read_node()

    def read(self):
        return self._value

    def write(self, value):
        self._writing = True
        try:
            with slicer.util.NodeModify(self.node):  # observers already find the new value here
                super().write(value)
                self._value = self._read_node()
        finally:
            self._writing = False


class _Wrapper:
    """What every parameter node wrapper can do."""

    _is_parameter_node_wrapper = True
    allParameters = None

    def __init__(self, parameterNode, prefix=None):
        if parameterNode is None:
            raise AssertionError("a parameter node is needed")
        self.parameterNode = parameterNode
        self._guis, self._gui_observers = {}, {}
        self._next_tag = 0
        self._updating_gui = False
        self._stored = {}
        for name, field in self.allParameters.items():
            kind = _Cached if field.serializer.supportsCaching() else _Stored
            self._stored[name] = kind(field, parameterNode, (prefix or "") + name)

    @classmethod
    def _field(cls, name):
        try:
            return cls.allParameters[name]
        except KeyError:
            raise ValueError(
                f"Cannot find a param with the given name: {name}\n  Found parameters {list(cls.allParameters)}"
            ) from None

    def getValue(self, name):
        self._field(name)
        return self._stored[name].read()

    def setValue(self, name, value):
        self._field(name)
        self._stored[name].write(value)

    def default(self, name):
        return self._field(name).default

    def isCached(self, name):
        self._field(name)
        return isinstance(self._stored[name], _Cached)

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
        widgets = gui.findChildren(qt.QWidget) if isinstance(gui, qt.QWidget) else list(vars(gui).values())
        named = ((widget.property(SlicerParameterNamePropertyName), widget) for widget in widgets)
        return self.connectParametersToGui({name: widget for name, widget in named if name})

    def connectParametersToGui(self, mapping):
        """Connect ``{field name: widget or GuiConnector}``; returns a tag."""
        for name in mapping:
            self._field(name)
        connectors = {
            name: item if isinstance(item, GuiConnector) else createGuiConnector(item, self.dataType(name))
            for name, item in mapping.items()
        }
        tag = self._next_tag
        self._next_tag += 1
        self._guis[tag] = connectors
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.onChanged(self._on_gui(name, connector))
        self._gui_observers[tag] = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._update_gui())
        return tag

    def _on_gui(self, name, connector):
        def changed():
            with slicer.util.NodeModify(self):
                if not self._updating_gui:
                    self.setValue(name, connector.read())

        return changed

    def _update_gui(self):
        if self._updating_gui:
            return
        self._updating_gui = True
        try:
            with slicer.util.NodeModify(self):
                for connectors in self._guis.values():
                    for name, connector in connectors.items():
                        connector.write(self.getValue(name))
        finally:
            self._updating_gui = False

    def disconnectGui(self, guiTag):
        for connector in self._guis.pop(guiTag, {}).values():
            connector.onChanged(None)
        if guiTag in self._gui_observers:
            self.RemoveObserver(self._gui_observers.pop(guiTag))


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
