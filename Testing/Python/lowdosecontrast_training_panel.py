"""What the tests of the training module's panel share."""

import atexit
import functools
import os
import shutil
import tempfile
import time
import unittest
from pathlib import Path

import lowdosecontrast_examples as examples
import slicer


def loadModule():
    """The panel of the module; loaded from the checkout on the headless host, at home in 3D Slicer."""
    if not hasattr(slicer.modules, "lowdosecontrasttraining"):
        import SlicerHost

        for name in ("LowDoseContrast", "LowDoseContrastTraining"):
            SlicerHost.start().loadModule(examples.REPOSITORY / name / f"{name}.py")
    return slicer.util.getModuleWidget("LowDoseContrastTraining")


def wait(condition, seconds=60):
    """Handles events until ``condition()`` is true."""
    end = time.time() + seconds
    while not condition():
        if time.time() > end:
            raise AssertionError("waited in vain")
        slicer.app.processEvents()
        time.sleep(0.01)


class TrainingPanelTestCase(unittest.TestCase):
    """The panel, entered, with an empty scene; what runs at the end of a test is ended."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.output = self.folder / "Aufnahmen für Übung 1"
        slicer.mrmlScene.Clear()
        self.panel = loadModule()
        slicer.util.selectModule("LowDoseContrastTraining")
        self.panel.initializeParameterNode()

    def tearDown(self):
        for control in self.controls():
            if control.child:
                control.child.cancel(seconds=1)
                wait(lambda control=control: control.child is None)

    def controls(self):
        return [
            section.control
            for section in (self.panel.simulate, self.panel.prepare, self.panel.train, self.panel.evaluate)
        ]

    @property
    def ui(self):
        return self.panel.ui

    @property
    def parameters(self):
        return self.panel.parameters

    def assertNothingRuns(self, child):
        """No process of the child's tree is left; on Windows taskkill sees to that."""
        from LowDoseContrastTrainingSlicer.process_tree import groupLives

        if child._process:
            wait(lambda: child._process.poll() is not None, 10)
        if os.name != "nt":
            wait(lambda: not groupLives(child.pid), 10)


@functools.cache
def sharedFolder():
    """A folder with ``dicom``, four small arrangements at the low and the high dose and a file that is no image, and
    ``pairs``.
    """
    from LowDoseContrastLib.steps import run_to_end
    from LowDoseContrastTrainingLib.dataset.prepare import prepare
    from LowDoseContrastTrainingLib.dataset.prepare_settings import PrepareSettings

    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _simulateAcquisitions(folder / "dicom")
    settings = PrepareSettings(128, 128, 16, "arrangement", test=1, validation=1, breast_part=0.7)
    run_to_end(prepare(folder / "dicom", folder / "pairs", settings))
    return folder


def _simulateAcquisitions(folder):
    from LowDoseContrastLib.steps import run_to_end
    from LowDoseContrastTrainingLib.simulator.parameters import parameters_for
    from LowDoseContrastTrainingLib.simulator.simulation import SimulationPlan, simulate

    parameters = parameters_for("small", {"rows": 448, "columns": 384})
    run_to_end(simulate(folder, SimulationPlan(9, 4, ("low", "high"), parameters, compress=False)))
    (folder / "notes.txt").write_text("no DICOM")
