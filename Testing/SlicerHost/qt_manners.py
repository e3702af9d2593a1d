"""PySide6 with the manners of PythonQt, the Qt binding inside 3D Slicer.

PythonQt shows every Qt property as an attribute (``button.text = "Apply"``),
beside the setter methods (``button.setText("Apply")``), and connects signals by
their C++ signature (``button.connect("clicked(bool)", f)``).  This file gives the
classes of PySide6 those manners and gathers them in one flat module ``qt``.
"""

from __future__ import annotations

import types

from PySide6 import QtCore, QtGui, QtWidgets

_MODULES = (QtCore, QtGui, QtWidgets)
_native_connect = QtCore.QObject.connect
_native_disconnect = QtCore.QObject.disconnect
_native_getattribute = QtCore.QObject.__getattribute__


class QtProperty:
    """Descriptor that reads and writes one Qt property as an attribute.

    Asked on the class, it returns what PySide6 has there: ``QTimer.singleShot``
    is both a property of a timer and a static function of its class.
    """

    def __init__(self, name, on_class, getter, setter):
        self.name = name
        self.on_class = on_class
        self.getter = getter
        self.setter = setter

    def __get__(self, instance, owner=None):
        if instance is None:
            if self.on_class is None:
                raise AttributeError(f"{owner.__name__} has no attribute named '{self.name}'")
            return self.on_class
        return self.getter(instance)

    def __set__(self, instance, value):
        if self.setter is None:
            raise AttributeError(f"Property '{self.name}' of {type(instance).__name__} object is not writable")
        try:
            self.setter(instance, value)
        except (TypeError, ValueError) as error:
            raise AttributeError(
                f"Property '{self.name}' does not accept an object of type {type(value).__name__} ({value!r})"
            ) from error


def _qt_classes():
    """All QObject classes of the three modules, base classes first."""
    classes = set()
    for module in _MODULES:
        for name in dir(module):
            item = getattr(module, name, None)
            if isinstance(item, type) and issubclass(item, QtCore.QObject):
                classes.add(item)
    return sorted(classes, key=lambda item: len(item.__mro__))


def _find_getter(cls, name):
    """The method of ``cls`` that reads property ``name``, or a generic one."""
    capital = name[0].upper() + name[1:]
    for candidate in (name, "is" + capital, "has" + capital):
        method = getattr(cls, candidate, None)
        if isinstance(method, types.MethodDescriptorType):
            return method
        if isinstance(method, types.BuiltinFunctionType):  # static, as in QCoreApplication
            if candidate == name and name == "singleShot":
                return lambda self: self.isSingleShot()
            return lambda self, function=method: function()
    return lambda self: self.property(name)


def _find_setter(cls, meta_property, name):
    if not meta_property.isWritable():
        return None
    method = getattr(cls, "set" + name[0].upper() + name[1:], None)
    if isinstance(method, types.MethodDescriptorType):
        return method
    if isinstance(method, types.BuiltinFunctionType):
        return lambda self, value: method(value)
    return lambda self, value: self.setProperty(name, value)


def _add_properties(cls):
    meta = cls.staticMetaObject
    found = {}
    for index in range(meta.propertyOffset(), meta.propertyCount()):
        meta_property = meta.property(index)
        name = meta_property.name()
        if not name.isidentifier() or name.startswith("_"):
            continue
        found[name] = QtProperty(
            name, getattr(cls, name, None), _find_getter(cls, name), _find_setter(cls, meta_property, name)
        )
    return found


def _install_properties():
    """Give every class its property attributes.

    All getters and setters are looked up before the first class is changed, so
    that none of them is mistaken for a property of a base class.
    """
    planned = [(cls, _add_properties(cls)) for cls in _qt_classes()]
    for cls, properties in planned:
        for name, descriptor in properties.items():
            setattr(cls, name, descriptor)
    QtCore.QObject.name = QtProperty(  # PythonQt knows objectName by this name, too
        "name", None, lambda self: self.objectName, lambda self, value: self.setObjectName(value)
    )


# --- signals by their signature ---------------------------------------------


def _signal(sender, signature):
    """The signal object of ``sender`` that the C++ ``signature`` names.

    Signals of the stand-ins carry Python objects, so for them only the name
    counts, but for an overload that passes ``bool``.
    """
    name, _, arguments = signature.partition("(")
    arguments = arguments.rstrip(")").strip()
    name = name.strip()
    signal = getattr(sender, f"{name}_{arguments}", None) or getattr(sender, name, None)
    if signal is None or not hasattr(signal, "connect"):
        raise AttributeError(f"{type(sender).__name__} has no signal '{signature}'")
    return signal


def _has_native_signal(sender, signature):
    meta = sender.metaObject()
    normal = bytes(QtCore.QMetaObject.normalizedSignature(signature).data()).decode()
    return meta.indexOfSignal(normal) >= 0


def _slot(arguments):
    """The callable of ``connect(signal, callable)`` or ``connect(signal, receiver, "slot()")``."""
    if len(arguments) == 1:
        return arguments[0]
    receiver, slot = arguments[:2]
    return getattr(receiver, slot.partition("(")[0])


def connect(sender, signature, *arguments):
    """PythonQt's ``sender.connect("signal(type)", callable)``."""
    if not isinstance(signature, str) or signature[:1] in "012":
        # PySide6's own code calls here in its own way: connect(sender, SIGNAL(...), callable).
        return _native_connect(signature, *arguments)
    slot = _slot(arguments)
    # PythonQt keeps the receiver of a bound method alive, PySide6 does not.
    sender.__dict__.setdefault("_kept_slots", []).append(slot)
    if _has_native_signal(sender, signature):
        return bool(_native_connect(sender, QtCore.SIGNAL(signature), slot))
    return bool(_signal(sender, signature).connect(slot))


def disconnect(sender, signature=None, *arguments):
    """PythonQt's ``sender.disconnect("signal(type)", callable)``."""
    if signature is None:
        return _native_disconnect(sender)
    if not arguments:
        _signal(sender, signature).disconnect()
        return True
    slot = _slot(arguments)
    kept = sender.__dict__.get("_kept_slots", [])
    if slot in kept:
        kept.remove(slot)
    try:
        if _has_native_signal(sender, signature):
            return bool(_native_disconnect(sender, QtCore.SIGNAL(signature), slot))
        return bool(_signal(sender, signature).disconnect(slot))
    except (RuntimeError, TypeError):  # it was not connected
        return False


class _ClassOrInstance:
    """``QObject.connect(sender, ...)`` on the class, ``sender.connect(...)`` on an object."""

    def __init__(self, function):
        self.function = function

    def __get__(self, instance, owner=None):
        return self.function if instance is None else types.MethodType(self.function, instance)


_CONNECTORS = {"connect": connect, "disconnect": disconnect}


def _getattribute(self, name):
    # PySide6 answers these two names itself before it looks at the class.
    if name in _CONNECTORS:
        return types.MethodType(_CONNECTORS[name], self)
    return _native_getattribute(self, name)


def _getattr(self, name):
    """Dynamic properties and named children are attributes, too."""
    if not name.startswith("__"):
        value = self.property(name)
        if value is not None:
            return value
        for child in self.children():
            if child.objectName == name:
                return child
    raise AttributeError(f"{type(self).__name__} has no attribute named '{name}'")


def _is_wrapper(cls):
    return cls.__module__.startswith("PySide6.")


def _setattr(self, name, value):
    """Set a property; new attributes only on objects of Python subclasses."""
    cls = type(self)
    for base in cls.__mro__:
        descriptor = base.__dict__.get(name)
        if isinstance(descriptor, QtCore.Property):
            if descriptor.fset is None:
                raise AttributeError(f"Property '{name}' of {cls.__name__} object is not writable")
            descriptor.fset(self, value)
            return
        if descriptor is not None and hasattr(type(descriptor), "__set__"):
            descriptor.__set__(self, value)
            return
    if not _is_wrapper(cls) or isinstance(value, QtCore.SignalInstance):
        self.__dict__[name] = value  # PySide6 itself keeps bound signals here
    elif self.property(name) is not None:
        self.setProperty(name, value)
    else:
        raise AttributeError(
            f"'{name}' does not exist on {cls.__name__} and creating new attributes on C++ objects is not allowed"
        )


def _delattr(self, name):
    try:
        del self.__dict__[name]
    except KeyError:
        raise AttributeError(name) from None


def _install_attributes():
    base = QtCore.QObject
    base.__getattribute__ = _getattribute
    base.__getattr__ = _getattr
    for cls in _qt_classes():
        cls.__setattr__ = _setattr
        cls.__delattr__ = _delattr
    for name, function in _CONNECTORS.items():
        setattr(base, name, _ClassOrInstance(function))
    base.className = lambda self: self.metaObject().className()
    base.delete = lambda self: self.deleteLater()
    for cls in (
        QtWidgets.QDialog,
        QtWidgets.QMenu,
        QtCore.QEventLoop,
        QtCore.QThread,
        QtCore.QCoreApplication,
        QtGui.QGuiApplication,
        QtWidgets.QApplication,
    ):
        cls.exec_ = cls.exec  # Qt 5's name, which scripts still use


def _install_single_shot():
    """``QTimer.singleShot`` that keeps the receiver of a bound method alive."""
    native = QtCore.QTimer.singleShot

    def single_shot(milliseconds, *arguments):
        slot = _slot(arguments)
        native(milliseconds, lambda: slot())

    QtCore.QTimer.__dict__["singleShot"].on_class = single_shot


def build_qt_module():
    """Install the manners and return the module that scripts import as ``qt``."""
    _install_properties()
    _install_attributes()
    _install_single_shot()
    qt = types.ModuleType("qt", "Qt as PythonQt shows it: QtCore, QtGui and QtWidgets in one.")
    for module in _MODULES:
        for name in dir(module):
            if not name.startswith("_"):
                setattr(qt, name, getattr(module, name))
    return qt
