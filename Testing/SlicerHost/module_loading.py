"""Load a scripted module from its file as the desktop does at start-up."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import qt
import slicer
from PySide6.QtCore import Property

from .mrml_widgets import qMRMLWidget


class ModuleWidget(qMRMLWidget):
    """The panel of a module, which the application enters and leaves."""

    def __init__(self, module, parent=None):
        super().__init__(parent)
        self._module = module
        self._entered = False
        layout = qt.QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        self.setMRMLScene(slicer.mrmlScene)

    def module(self):
        return self._module

    def enter(self):
        self._entered = True

    def exit(self):
        self._entered = False

    isEntered = Property(bool, lambda self: self._entered, None)


class qSlicerScriptedLoadableModuleWidget(ModuleWidget):
    """The panel of a scripted module: a Qt widget around the module's Python widget class."""

    def __init__(self, module, parent=None):
        super().__init__(module, parent)
        self._python = None

    def self(self):
        """The instance of the module's Python widget class."""
        return self._python

    def reload(self):
        """Make the Python widget from the module's (perhaps reloaded) source."""
        name = self._module.name
        cls = getattr(sys.modules[name], f"{name}Widget")
        self._python = cls(self)
        setattr(slicer.modules, f"{name}Widget", self._python)
        self._python.setup()

    def enter(self):
        super().enter()
        self._call("enter")

    def exit(self):
        super().exit()
        self._call("exit")

    def _call(self, name):
        """Call a method of the Python widget; as in Slicer its error is printed and goes no further."""
        try:
            getattr(self._python, name, lambda: None)()
        except Exception:
            sys.excepthook(*sys.exc_info())


class qSlicerScriptedLoadableModule(qt.QObject):
    """A module as ``slicer.modules`` shows it; filled by the module's Python class."""

    def __init__(self, path):
        super().__init__()
        self.path = str(path)
        self.title = self.helpText = self.acknowledgementText = ""
        self.categories, self.dependencies, self.contributors = [], [], []
        self.associatedNodeTypes = []
        self.hidden = False
        self.icon = qt.QIcon()
        self.index = -1
        self.setObjectName(f"{Path(path).stem}Module")
        self._name = Path(path).stem
        self._widget = None

    @property
    def name(self):
        return self._name

    @property
    def pythonSource(self):
        return self.path

    def logic(self):
        """C++ logic, which a scripted module does not have."""
        return None

    def widgetRepresentation(self):
        """The panel; made the first time that it is asked for."""
        if self._widget is None:
            self._widget = self.createNewWidgetRepresentation()
        return self._widget

    def createNewWidgetRepresentation(self):
        """Another panel of the module."""
        widget = qSlicerScriptedLoadableModuleWidget(self)
        widget.reload()
        return widget

    def unload(self):
        """Let the panel clean up, as at the end of the application."""
        slicer.app.moduleManager().moduleAboutToBeUnloaded.emit(self.name)
        self._widget = None


def import_source(path):
    """Import a module file under its own name, its folder on the search path."""
    path = Path(path).resolve()
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[path.stem]
        raise
    return module


def load_module(path):
    """Register the scripted module in ``slicer.modules``; returns its entry there.

    A module that was loaded before from the same file is returned as it is.
    """
    path = Path(path).resolve()
    name = path.stem
    known = slicer.app.moduleManager().module(name)
    if known is not None and os.path.samefile(known.path, path):
        return known
    source = import_source(path)
    module = qSlicerScriptedLoadableModule(path)
    instance = getattr(source, name)(module)
    setattr(slicer.modules, name.lower(), module)
    setattr(slicer.modules, f"{name}Instance", instance)
    setattr(slicer.moduleNames, name, name)
    slicer.app.moduleManager().add(module)
    if hasattr(instance, "setup"):
        instance.setup()
    return module
