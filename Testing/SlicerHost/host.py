"""The door for scripts and tests: what a person at the desktop would do and see."""

from __future__ import annotations

import shutil
import sys
import time
import traceback

import slicer
import vtk

from . import dicom_loading, layout_manager, module_loading, module_panel, pictures, sample_data, slice_views


class Host:
    """The running headless Slicer; ``SlicerHost.start()`` returns it."""

    def __init__(self, application, core, layout_manager, dialogs, packages):
        self.app = application
        self.core = core
        self.layoutManager = layout_manager
        self.dialogs = dialogs
        self.packages = packages
        self.uncaught = []  # errors of callbacks, which are printed and go no further
        self.vtkErrors = []  # what VTK and MRML printed as errors
        self._record_uncaught()
        self._record_vtk_errors()

    @property
    def messages(self):
        """All messages shown so far, oldest first."""
        return self.dialogs.messages

    @property
    def answers(self):
        """Queue of answers to coming messages: button names, True or False, or paths."""
        return self.dialogs.answers

    def loadModule(self, path):
        """Load a scripted module file; returns its entry in ``slicer.modules``."""
        module = module_loading.load_module(path)
        self.app.finish_startup()
        return module

    def processEvents(self, seconds=0.0):
        """Handle events, for at least ``seconds``."""
        end = time.monotonic() + seconds
        while True:
            self.app.processEvents()
            if time.monotonic() >= end:
                return
            time.sleep(0.002)

    def waitUntil(self, condition, seconds=10.0):
        """Handle events until ``condition()`` is true; returns whether it became so."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() >= end:
                return False
            self.processEvents()
            time.sleep(0.002)
        return True

    def reset(self):
        """Close the scene and forget messages, answers, packages, settings and what was fetched."""
        slicer.mrmlScene.Clear()
        self.layoutManager.resize(layout_manager.WINDOW)
        self.dialogs.clear()
        self.packages.clear()
        self.uncaught.clear()
        self.vtkErrors.clear()
        self.app.settings().clear()
        slicer.dicomDatabase.clear()
        shutil.rmtree(self.app.cachePath, ignore_errors=True)

    def clickSample(self, name):
        """Go to the Sample Data module and press the button of a sample; its errors are kept in ``uncaught``."""
        sample_data.click_sample(name)

    def loadDicom(self, files, approach=None):
        """Take DICOM files into the database and load their series from there; returns the volumes.

        ``approach`` is "GDCM with DCMTK fallback" (Slicer's default), "GDCM", "DCMTK" or "Archetype".
        """
        for file in files:
            slicer.dicomDatabase.addFile(str(file))
        return [dicom_loading.load(loadable, approach) for loadable in dicom_loading.examine(files)]

    def renderSliceView(self, name, size=None):
        """The pixels of a slice view: uint8 RGB, (height, width, 3), first row on top."""
        self.layoutManager.settle()
        return slice_views.render(self.layoutManager.view(name), size)

    def captureLayout(self, path, size=(1600, 900), bars=True, fit=False):
        """Draw the current layout's slice, plot and table views into one picture file.

        With ``fit`` every view first shows its whole background volume at that size.
        """
        return pictures.capture_layout(self.layoutManager, path, size, bars, fit)

    def grabWidget(self, widget, path, width=480):
        """Draw a panel (a widget, or a module's Python widget) into a picture file."""
        return pictures.grab_widget(widget, path, width)

    def grabPanel(
        self, path, width=module_panel.VIEWPORT[0], height=module_panel.VIEWPORT[1], whole=False, squeezed=True
    ):
        """Draw the panel of the current module as it lies in the desktop, in a scroll area of that size.

        With ``whole`` the picture has all that one can scroll to. ``squeezed`` gives the panel only its minimum
        height, as the desktop does at its worst; else it gets what its texts need.
        """
        panel = self._laid_out_panel(width, height, squeezed)
        return pictures.save(panel.picture(whole), path)

    def layoutFaults(self, width=module_panel.VIEWPORT[0], height=module_panel.VIEWPORT[1], squeezed=True):
        """What is wrong with the current panel at that size: widgets that overlap, texts that are cut off.

        Returns a list of texts, [] when all is well; ``squeezed`` is as for ``grabPanel``.
        """
        return module_panel.faults(self._laid_out_panel(width, height, squeezed).current())

    def _laid_out_panel(self, width, height, squeezed):
        panel = self.app.main_window.modulePanel()
        if panel.current() is None:
            raise RuntimeError("no module is entered")
        panel.lay_out(width, height, squeezed)
        return panel

    def _record_vtk_errors(self):
        @vtk.calldata_type(vtk.VTK_STRING)
        def on_error(caller, event, text):
            self.vtkErrors.append(text.strip())

        vtk.vtkOutputWindow.GetInstance().AddObserver(vtk.vtkCommand.ErrorEvent, on_error)

    def _record_uncaught(self):
        """Keep the errors of callbacks, which Qt prints and passes over."""
        previous = sys.excepthook

        def hook(kind, error, trace):
            self.uncaught.append("".join(traceback.format_exception(kind, error, trace)))
            previous(kind, error, trace)

        sys.excepthook = hook
