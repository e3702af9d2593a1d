"""Slicer's own modules that scripts and people go to: their logics are real, their panels are empty."""

from __future__ import annotations

import sys

import qt
import slicer

from .module_loading import ModuleWidget

# The name of a module and whether slicer-core has its logic.
_MODULES = {
    "Welcome": False,
    "Data": False,
    "DICOM": False,
    "SampleData": False,
    "Volumes": True,
    "CropVolume": True,
    "SubjectHierarchy": True,
    "Markups": True,
    "Segmentations": True,
    "Colors": True,
}


class BuiltInModule(qt.QObject):
    """A module as ``slicer.modules`` shows it."""

    def __init__(self, name):
        super().__init__()
        self._name = name
        self.title = self.path = self.helpText = ""
        self._widget = None

    @property
    def name(self):
        return self._name

    def logic(self):
        """Slicer's C++ logic, None for a module that has none here."""
        return slicer.app.moduleLogic(self._name) if _MODULES[self._name] else None

    def widgetRepresentation(self):
        if self._widget is None:
            self._widget = ModuleWidget(self)
        return self._widget


def register():
    """Make the modules known, as at the start of the application."""
    for name in _MODULES:
        module = BuiltInModule(name)
        setattr(slicer.modules, name.lower(), module)
        setattr(slicer.moduleNames, name, name)
        slicer.app.moduleManager().add(module)
    sys.modules["vtkITK"] = slicer.vtkITK
