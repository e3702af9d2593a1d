"""How each kind of widget shows and changes a field.

As in Slicer a connector is chosen by the exact class of the widget and the type of
the field, and it takes limits, steps and choices from the field's annotations.
"""

from __future__ import annotations

import abc
import enum
import pathlib
import typing

import ctk
import qt
import slicer

from .annotations import Decimals, SingleStep, first, plain, split
from .validators import Choice, Maximum, Minimum, WithinRange

_registered = []


class GuiConnector(abc.ABC):
    """Adapts a widget to the type of a field."""

    @staticmethod
    @abc.abstractmethod
    def canRepresent(widget, datatype):
        """Whether this class connects such a widget to such a field."""

    @staticmethod
    @abc.abstractmethod
    def create(widget, datatype):
        """A connector for the widget."""

    def __init__(self):
        super().__init__()
        self._callback = None

    def onChanged(self, callback):
        """Call ``callback()`` when the user changes the widget; None to stop."""
        self._callback = callback
        if callback is None:
            self._disconnect()
        else:
            self._connect()

    def changed(self):
        if self._callback:
            self._callback()

    @abc.abstractmethod
    def _connect(self):
        """Connect the widget's signal to ``changed``."""

    @abc.abstractmethod
    def _disconnect(self):
        """Undo ``_connect``."""

    @abc.abstractmethod
    def widget(self):
        """The widget."""

    @abc.abstractmethod
    def read(self):
        """The widget's value, in the type of the field."""

    @abc.abstractmethod
    def write(self, value):
        """Show a value."""


def parameterNodeGuiConnector(classtype=None):
    """Class decorator that registers a connector."""

    def register(cls):
        _registered.append(cls)
        return cls

    return register if classtype is None else register(classtype)


def createGuiConnector(widget, datatype):
    """The connector of a widget to a type; RuntimeError when there is none."""
    for cls in _registered:
        if cls.canRepresent(widget, datatype):
            return cls.create(widget, datatype)
    raise RuntimeError(f"Unable to create GUI connector from datatype '{datatype}' to widget type '{type(widget)}'.")


class _SignalConnector(GuiConnector):
    """A widget that tells of changes by one signal; ``attribute`` holds its value."""

    widgets = ()
    signal = ""
    attribute = ""

    @classmethod
    def create(cls, widget, datatype):
        return cls(widget, datatype)

    def __init__(self, widget, datatype):
        super().__init__()
        self._widget = widget
        self._type, self._notes = split(datatype)

    def _connect(self):
        getattr(self._widget, self.signal).connect(self.changed)

    def _disconnect(self):
        getattr(self._widget, self.signal).disconnect(self.changed)

    def widget(self):
        return self._widget

    def read(self):
        return getattr(self._widget, self.attribute)

    def write(self, value):
        setattr(self._widget, self.attribute, value)

    def _take_steps(self):
        decimals, step = first(self._notes, Decimals), first(self._notes, SingleStep)
        if decimals is not None:
            self._widget.decimals = decimals.value
        if step is not None:
            self._widget.singleStep = step.value

    def _limits(self):
        """Lower and upper limit of the field, None where it has none."""
        both = first(self._notes, WithinRange)
        if both is not None:
            return both.minimum, both.maximum
        low, high = first(self._notes, Minimum), first(self._notes, Maximum)
        return (low.minimum if low else None), (high.maximum if high else None)


@parameterNodeGuiConnector
class CheckBoxConnector(_SignalConnector):
    signal, attribute = "stateChanged", "checked"

    @staticmethod
    def canRepresent(widget, datatype):
        return plain(datatype) is bool and type(widget) in (qt.QCheckBox, ctk.ctkCheckBox)


@parameterNodeGuiConnector
class PushButtonConnector(_SignalConnector):
    signal, attribute = "toggled", "checked"

    @staticmethod
    def canRepresent(widget, datatype):
        return plain(datatype) is bool and type(widget) in (qt.QPushButton, ctk.ctkCheckablePushButton)

    def __init__(self, widget, datatype):
        super().__init__(widget, datatype)
        widget.checkable = True


@parameterNodeGuiConnector
class IntegerConnector(_SignalConnector):
    signal, attribute = "valueChanged", "value"

    @staticmethod
    def canRepresent(widget, datatype):
        return plain(datatype) is int and type(widget) in (qt.QSlider, qt.QSpinBox)

    def __init__(self, widget, datatype):
        super().__init__(widget, datatype)
        low, high = self._limits()
        if isinstance(widget, qt.QSlider) and None in (low, high):
            raise RuntimeError("Cannot have a connection to QSlider where the int type is unbounded.")
        self._take_steps()
        widget.setMinimum(-(2**31) if low is None else low)
        widget.setMaximum(2**31 - 1 if high is None else high)


@parameterNodeGuiConnector
class NumberConnector(_SignalConnector):
    signal, attribute = "valueChanged", "value"

    @staticmethod
    def canRepresent(widget, datatype):
        return plain(datatype) in (int, float) and type(widget) in (
            qt.QDoubleSpinBox,
            ctk.ctkSliderWidget,
            slicer.qMRMLSliderWidget,
            ctk.ctkDoubleSlider,
            ctk.ctkDoubleSpinBox,
        )

    def __init__(self, widget, datatype):
        super().__init__(widget, datatype)
        low, high = self._limits()
        if type(widget) in (ctk.ctkSliderWidget, slicer.qMRMLSliderWidget) and None in (low, high):
            raise RuntimeError("Cannot have a connection to ctkSliderWidget where the float types is unbounded.")
        self._take_steps()
        if self._type is int and type(widget) is not ctk.ctkDoubleSlider:
            widget.decimals = 0
        widget.minimum = float("-inf") if low is None else low
        widget.maximum = float("inf") if high is None else high

    def read(self):
        return self._type(self._widget.value)


@parameterNodeGuiConnector
class ChoiceConnector(_SignalConnector):
    """A combo box over the choices of a field; fills the box."""

    signal = "currentIndexChanged"

    @staticmethod
    def canRepresent(widget, datatype):
        return type(widget) in (qt.QComboBox, ctk.ctkComboBox) and plain(datatype) in (int, float, str, bool)

    def __init__(self, widget, datatype):
        super().__init__(widget, datatype)
        choice = first(self._notes, Choice)
        if choice is None:
            raise RuntimeError("ComboBoxToStringableConnector requires the Choice annotation to be used.")
        self._fill([(str(item), item) for item in choice.choices])

    def _fill(self, items):
        self._items = items
        self._widget.clear()
        for label, _ in items:
            self._widget.addItem(label)

    def read(self):
        return self._items[self._widget.currentIndex][1]

    def write(self, value):
        for index, (_, item) in enumerate(self._items):
            if item == value:
                self._widget.currentIndex = index
                return
        raise ValueError(f"Unable to find value {value} in choices {self._items}")


@parameterNodeGuiConnector
class EnumConnector(ChoiceConnector):
    """A combo box over an Enum; ``label()`` of the Enum, if it has one, names the rows."""

    @staticmethod
    def canRepresent(widget, datatype):
        bare = plain(datatype)
        return (
            type(widget) in (qt.QComboBox, ctk.ctkComboBox) and isinstance(bare, type) and issubclass(bare, enum.Enum)
        )

    def __init__(self, widget, datatype):
        _SignalConnector.__init__(self, widget, datatype)
        label = getattr(self._type, "label", lambda item: item.name)
        self._fill([(label(item), item) for item in self._type])


@parameterNodeGuiConnector
class LineEditConnector(_SignalConnector):
    signal, attribute = "textChanged", "text"

    @staticmethod
    def canRepresent(widget, datatype):
        return plain(datatype) is str and type(widget) is qt.QLineEdit

    def write(self, value):
        if value != self._widget.text:  # writing would move the cursor
            self._widget.text = value


@parameterNodeGuiConnector
class LabelConnector(_SignalConnector):
    """Shows a text; a label cannot change it."""

    attribute = "text"

    @staticmethod
    def canRepresent(widget, datatype):
        return plain(datatype) is str and type(widget) is qt.QLabel

    def _connect(self):
        pass

    _disconnect = _connect


@parameterNodeGuiConnector
class TextEditConnector(_SignalConnector):
    signal = "textChanged"

    @staticmethod
    def canRepresent(widget, datatype):
        return plain(datatype) is str and type(widget) is qt.QTextEdit

    def read(self):
        return self._widget.toPlainText()

    def write(self, value):
        self._widget.setPlainText(value)


class _PathConnector(_SignalConnector):
    def read(self):
        return self._type(getattr(self._widget, self.attribute))

    def write(self, value):
        setattr(self._widget, self.attribute, str(value))


def _is_path(datatype):
    bare = plain(datatype)
    return isinstance(bare, type) and issubclass(bare, pathlib.PurePath)


@parameterNodeGuiConnector
class PathLineEditConnector(_PathConnector):
    signal, attribute = "currentPathChanged", "currentPath"

    @staticmethod
    def canRepresent(widget, datatype):
        return type(widget) is ctk.ctkPathLineEdit and _is_path(datatype)


@parameterNodeGuiConnector
class DirectoryButtonConnector(_PathConnector):
    signal, attribute = "directoryChanged", "directory"

    @staticmethod
    def canRepresent(widget, datatype):
        return type(widget) is ctk.ctkDirectoryButton and _is_path(datatype)


def _node_types(datatype):
    """The node classes of a field, [] when it is not a node or a union of nodes."""
    bare = plain(datatype)
    members = [plain(item) for item in typing.get_args(bare)] if typing.get_origin(bare) is typing.Union else [bare]
    members = [item for item in members if item is not type(None)]
    if all(isinstance(item, type) and issubclass(item, slicer.vtkMRMLNode) for item in members):
        return members
    return []


@parameterNodeGuiConnector
class NodeConnector(_SignalConnector):
    signal = "currentNodeChanged"

    @staticmethod
    def canRepresent(widget, datatype):
        return type(widget) is slicer.qMRMLNodeComboBox and bool(_node_types(datatype))

    def __init__(self, widget, datatype):
        super().__init__(widget, datatype)
        widget.nodeTypes = [cls().GetClassName() for cls in _node_types(datatype)]

    def read(self):
        return self._widget.currentNode()

    def write(self, value):
        self._widget.setCurrentNode(value)
