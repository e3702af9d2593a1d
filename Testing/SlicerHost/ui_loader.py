"""Load ``.ui`` files with Qt's own loader, the stand-in widgets included.

Qt builds the tree, the layouts and the properties.  Three things are done here:
widgets of CTK and Slicer are made from the stand-ins, their flags (which Qt's
loader cannot know) are set, and the file's connections are made in Python, for
their signatures name types such as ``vtkMRMLScene*`` that only C++ Qt knows.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import qt
from PySide6 import QtUiTools

# PySide6 forgets Python-made widgets whose parent C++ owns; this list remembers them.
_loaded = []


class QUiLoader(QtUiTools.QUiLoader):
    """Slicer's ``qt.QUiLoader``, which knows the custom widgets."""

    widget_classes = {}

    def createWidget(self, className, parent=None, name=""):
        cls = self.widget_classes.get(className)
        if cls is None:
            return super().createWidget(className, parent, name)
        widget = cls(parent)
        widget.setObjectName(name)
        return widget

    def load(self, device, parent=None):
        """Build the widgets that the open file ``device`` describes."""
        root = ElementTree.fromstring(bytes(device.readAll().data()))
        device.close()
        connections = _take_connections(root)
        flags = _take_flags(root, self.widget_classes)
        buffer = qt.QBuffer()
        buffer.setData(ElementTree.tostring(root))
        buffer.open(qt.QIODevice.ReadOnly)
        widget = super().load(buffer, parent)
        if widget is not None:
            children = widget.findChildren(qt.QObject)
            _loaded.append([widget, *children])
            for child in children:
                if hasattr(child, "hideCollapsedContents"):
                    child.hideCollapsedContents()
            for name, prop, value in flags:
                setattr(_find(widget, name), prop, value)
            for connection in connections:
                _connect(widget, *connection)
        return widget


def _take_connections(root):
    element = root.find("connections")
    if element is None:
        return []
    root.remove(element)
    return [
        tuple(item.findtext(part) for part in ("sender", "signal", "receiver", "slot"))
        for item in element.findall("connection")
    ]


def _take_flags(root, classes):
    """Remove and return the flags (``ctkPathLineEdit::Files|...``) of stand-in widgets."""
    taken = []
    for element in root.iter("widget"):
        cls = classes.get(element.get("class"))
        for prop in list(element.findall("property")) if cls else []:
            text = prop.findtext("set") or prop.findtext("enum") or ""
            names = [part.rpartition("::")[2] for part in text.split("|")]
            if text and all(hasattr(cls, name) for name in names) and "Qt::" not in text:
                element.remove(prop)
                value = 0
                for name in names:
                    value |= int(getattr(cls, name))
                taken.append((element.get("name"), prop.get("name"), value))
    return taken


def _find(widget, name):
    return widget if widget.objectName == name else widget.findChild(qt.QObject, name)


def _connect(widget, sender, signal, receiver, slot):
    sender, receiver = _find(widget, sender), _find(widget, receiver)
    if sender is None or receiver is None:
        raise RuntimeError(f"connection of the .ui file names no widget: {signal} -> {slot}")
    sender.connect(signal, receiver, slot)
