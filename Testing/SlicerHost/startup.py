"""Put the host together: the real parts first, then the stand-ins around them."""

from __future__ import annotations

import logging
import os
import sys
import types


def _prepare_environment():
    # No display is needed; a variable that is set already is respected.
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ.setdefault("QT_LOGGING_RULES", "qt.qpa.fonts=false")
    if not os.environ.get("DISPLAY"):
        os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", _off_screen_window())


def _off_screen_window():
    """VTK's window class that works here: EGL where its library is, else OSMesa."""
    import ctypes.util

    return "vtkEGLRenderWindow" if ctypes.util.find_library("EGL") else "vtkOSOpenGLRenderWindow"


def _install_qt():
    from .qt_manners import build_qt_module

    qt = sys.modules["qt"] = build_qt_module()
    from .ctk_widgets import build_ctk_module

    ctk = sys.modules["ctk"] = build_ctk_module()
    return qt, ctk


def _quiet_qt():
    """Drop the one line that Qt's off-screen platform prints for every window."""
    import atexit

    from PySide6.QtCore import qInstallMessageHandler

    def handle(kind, context, text):
        if "propagateSizeHints" not in text:
            sys.stderr.write(text + "\n")

    qInstallMessageHandler(handle)
    atexit.register(qInstallMessageHandler, None)


def _import_slicer():
    import slicer
    import slicer.util

    for name in ("modules", "moduleNames"):
        module = types.ModuleType(f"slicer.{name}")
        sys.modules[module.__name__] = module
        setattr(slicer, name, module)
    return slicer


def _start_scene(slicer):
    """The scene, the application logic and the module logics, from trame-slicer's set-up."""
    from trame_slicer.core import SlicerApp

    core = SlicerApp()
    slicer.mrmlScene = core.scene
    return core


def _install_widgets(qt, slicer):
    from . import checkable_selector, module_loading, mrml_widgets, node_selectors, scene_model, ui_loader
    from .ctk_widgets import CTK_CLASSES

    widgets = [
        mrml_widgets.qMRMLWidget,
        mrml_widgets.qSlicerWidget,
        mrml_widgets.qMRMLTableView,
        node_selectors.qMRMLNodeComboBox,
        checkable_selector.qMRMLCheckableNodeComboBox,
        node_selectors.qMRMLSliderWidget,
    ]
    others = [
        scene_model.qMRMLSceneModel,
        scene_model.qMRMLSortFilterProxyModel,
        module_loading.qSlicerScriptedLoadableModule,
        module_loading.qSlicerScriptedLoadableModuleWidget,
    ]
    for cls in widgets + others:
        setattr(slicer, cls.__name__, cls)
    ui_loader.QUiLoader.widget_classes = {cls.__name__: cls for cls in (*widgets, *CTK_CLASSES)}
    qt.QUiLoader = ui_loader.QUiLoader


def _install_modules(slicer, packages):
    from . import package_requests, processes, sample_data, scripted_modules, translation

    processes.extend_util(slicer.util)
    found = {
        "i18n": translation,
        "ScriptedLoadableModule": scripted_modules,
        "packaging": package_requests.build_packaging_module(packages),
    }
    for name, module in found.items():
        sys.modules[f"slicer.{name}"] = module
        setattr(slicer, name, module)
    from . import parameter_nodes

    sys.modules["slicer.parameterNodeWrapper"] = slicer.parameterNodeWrapper = parameter_nodes
    for name in ("pip_install", "pip_uninstall"):
        setattr(slicer.util, name, getattr(slicer.packaging, name))
    sys.modules["SampleData"] = sample_data.build_sample_data_module()


def make_host():
    """Start everything and return the Host."""
    _prepare_environment()
    qt, ctk = _install_qt()
    slicer = _import_slicer()
    from . import builtin_modules, dialogs, subject_hierarchy
    from .application import qSlicerApplication
    from .dicom_database import ctkDICOMDatabase
    from .host import Host
    from .package_requests import PackageRequests
    from .pictures import prepare_style

    if qt.QApplication.instance() is not None:
        raise RuntimeError("the host must be started before any other Qt application")
    _quiet_qt()
    application = qSlicerApplication(["Slicer"])
    slicer.app = application
    prepare_style(application)
    core = _start_scene(slicer)
    subject_hierarchy.follow(core.scene)
    packages, asked = PackageRequests(), dialogs.Dialogs()
    _install_widgets(qt, slicer)
    _install_modules(slicer, packages)
    dialogs.install(asked)
    ctk.ctkMessageBox = dialogs.make_message_box_class(asked)
    slicer.dicomDatabase = ctkDICOMDatabase()
    from .layout_manager import LayoutManager

    manager = LayoutManager(core.scene, core.app_logic)
    application.attach(core.scene, core.app_logic, manager)
    builtin_modules.register()
    logging.getLogger("SlicerHost").debug("the headless host is ready")
    return Host(application, core, manager, asked, packages)
