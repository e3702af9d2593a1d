"""``slicer.app``: the application object, its module manager and its main window."""

from __future__ import annotations

import os
import sys
import tempfile
import types
from pathlib import Path

import qt
import slicer
from PySide6.QtCore import Property, Signal

from .files import CoreIOManager
from .module_panel import ModulePanel
from .processes import put_python_on_path

# What the host answers when asked which Slicer this is: the line of its slicer-core.
VERSION = (5, 11, 0)


class FactoryManager:
    """The part of the module manager that knows which modules there are."""

    def __init__(self, modules):
        self._modules = modules

    def loadedModuleNames(self):
        return list(self._modules)

    def isLoaded(self, name):
        return name in self._modules


class qSlicerModuleManager(qt.QObject):
    """The modules that the host has loaded, by name."""

    moduleLoaded = Signal(str)
    moduleAboutToBeUnloaded = Signal(str)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._modules = {}

    def add(self, module):
        self._modules[module.name] = module
        self.moduleLoaded.emit(module.name)

    def module(self, name):
        return self._modules.get(name)

    def modulesNames(self):
        return list(self._modules)

    def factoryManager(self):
        return FactoryManager(self._modules)


class ModuleSelector(qt.QObject):
    """Switches between module panels as the desktop does: exit the old, enter the new."""

    moduleSelected = Signal(str)

    def __init__(self, manager, parent=None):
        super().__init__(parent)
        self._manager = manager
        self.panel = ModulePanel()
        self.selectedModule = ""

    def selectModule(self, name):
        """Go to a module; with an empty name, or one that is not known, to none."""
        module = self._manager.module(name)
        name = name if module is not None else ""
        if name == self.selectedModule:
            return
        previous, self.selectedModule = self._manager.module(self.selectedModule), name
        self.panel.setModule(previous, module)
        self.moduleSelected.emit(name)


class qSlicerMainWindow(qt.QMainWindow):
    """The main window, never shown; it has a status bar and a module selector."""

    def __init__(self, manager):
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self._selector = ModuleSelector(manager, self)

    def moduleSelector(self):
        return self._selector

    def modulePanel(self):
        """The scroll area beside the views in which the current module lies."""
        return self._selector.panel


class qSlicerApplication(qt.QApplication):
    """The application. Settings and temporary files live in a folder of this run."""

    startupCompleted = Signal()
    mrmlSceneChanged = Signal(object)

    def __init__(self, arguments):
        super().__init__(arguments)
        self._folder = tempfile.TemporaryDirectory(prefix="SlicerHost-")
        self._use_private_settings()
        self.setApplicationName("Slicer")
        self.setOrganizationName("slicer.org")
        self.setApplicationVersion("%d.%d.%d" % VERSION)  # noqa: UP031
        self._temporary_path = str(Path(self._folder.name, "temp"))
        Path(self._temporary_path).mkdir()
        put_python_on_path(Path(self._folder.name, "bin"))
        self._settings = None
        self._testing = False
        self._modules = qSlicerModuleManager(self)
        self._scene = self._logic = self._layout_manager = None
        self.main_window = None

    def _use_private_settings(self):
        qt.QSettings.setDefaultFormat(qt.QSettings.IniFormat)
        for scope in (qt.QSettings.UserScope, qt.QSettings.SystemScope):
            qt.QSettings.setPath(qt.QSettings.IniFormat, scope, self._folder.name)

    def attach(self, scene, logic, layout_manager):
        """Take the scene, the application logic and the views once they exist."""
        self._scene, self._logic, self._layout_manager = scene, logic, layout_manager
        scene.GetCacheManager().SetRemoteCacheDirectory(str(Path(self._folder.name, "cache")))
        self._io_manager = CoreIOManager(scene, logic)
        self.main_window = qSlicerMainWindow(self._modules)

    def mrmlScene(self):
        return self._scene

    def applicationLogic(self):
        return self._logic

    def layoutManager(self):
        return self._layout_manager

    def moduleManager(self):
        return self._modules

    def coreIOManager(self):
        return self._io_manager

    def ioManager(self):
        return self._io_manager

    def mainWindow(self):
        return self.main_window

    def settings(self):
        if self._settings is None:
            self._settings = qt.QSettings()
        return self._settings

    userSettings = revisionUserSettings = settings

    def moduleLogic(self, name):
        return self._logic.GetModuleLogic(name)

    def testingEnabled(self):
        """False, so that messages reach the record of dialogs as they would a person."""
        return self._testing

    def translate(self, context, text):
        return text

    def pauseRender(self):
        """Views are drawn on demand here, so there is nothing to hold back."""

    resumeRender = pauseRender

    def setRenderPaused(self, paused):
        return None

    def startupEnvironment(self):
        environment = qt.QProcessEnvironment()
        for name, value in os.environ.items():
            environment.insert(name, value)
        return environment

    def commandOptions(self):
        return types.SimpleNamespace(testingEnabled=self._testing, noMainWindow=False, runPythonAndExit=False)

    def moduleDocumentationUrl(self, name):
        return f"{self.documentationBaseUrl}user_guide/modules/{name.lower()}.html"

    def restart(self):
        raise RuntimeError("the headless host cannot restart the application")

    def finish_startup(self):
        """Tell the modules that connected to it that start-up is over; each hears it once."""
        if self.receivers("2startupCompleted()"):
            self.startupCompleted.emit()
            self.startupCompleted.disconnect()

    def _set_temporary_path(self, path):
        self._temporary_path = str(path)

    cachePath = Property(str, lambda self: slicer.mrmlScene.GetCacheManager().GetRemoteCacheDirectory(), None)
    temporaryPath = Property(str, lambda self: self._temporary_path, _set_temporary_path)
    slicerHome = Property(str, lambda self: str(Path(slicer.__file__).parent), None)
    slicerUserSettingsFilePath = Property(str, lambda self: self.settings().fileName(), None)
    majorVersion = Property(int, lambda self: VERSION[0], None)
    minorVersion = Property(int, lambda self: VERSION[1], None)
    revision = Property(str, lambda self: "0", None)
    repositoryRevision = Property(str, lambda self: "host", None)
    os = Property(str, lambda self: {"linux": "linux", "darwin": "macosx"}.get(sys.platform, "win"), None)
    arch = Property(str, lambda self: "amd64", None)
    releaseType = Property(str, lambda self: "Experimental", None)
    documentationBaseUrl = Property(str, lambda self: "https://slicer.readthedocs.io/en/latest/", None)
    defaultScenePath = Property(str, lambda self: self._temporary_path, None)
