"""What the tests of the enhancement module's panel share; they run in 3D Slicer and on the headless host."""

import os
import shutil
import tempfile
import time
import unittest
from pathlib import Path

import lowdosecontrast_examples as examples
import slicer


def host():
    """The headless host, or None inside 3D Slicer."""
    try:
        import SlicerHost
    except ImportError:
        return None
    return SlicerHost.start()


def loadModule():
    """The panel of the module; loaded from the checkout on the headless host, at home in 3D Slicer."""
    if not hasattr(slicer.modules, "lowdosecontrast"):
        host().loadModule(examples.REPOSITORY / "LowDoseContrast" / "LowDoseContrast.py")
    return slicer.util.getModuleWidget("LowDoseContrast")


class PanelTestCase(unittest.TestCase):
    """A fresh scene with the panel open, and a small untrained model chosen that takes a fraction of a second."""

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        previous = os.environ.get("LOWDOSECONTRAST_MODELS")
        self.addCleanup(
            lambda: os.environ.pop("LOWDOSECONTRAST_MODELS")
            if previous is None
            else os.environ.update(LOWDOSECONTRAST_MODELS=previous)
        )
        os.environ["LOWDOSECONTRAST_MODELS"] = str(self.folder)
        examples.save_small_model(self.folder / "small.safetensors")
        slicer.mrmlScene.Clear()
        self.panel = loadModule()
        slicer.util.selectModule("LowDoseContrast")
        self.wait(lambda: self.panel._libraries is None)
        self.parameters.model = "small"
        self.parameters.device, self.parameters.precision = "cpu", "fp32"

    def tearDown(self):
        self.panel._stop()

    @property
    def parameters(self):
        return self.panel._parameterNode

    def dicom(self, name="mammogram", shape=(600, 420), **changes):
        """The path of a made DICOM file."""
        return examples.write_dicom(self.folder / f"{name}.dcm", examples.phantom_pixels(shape), **changes)

    def volume(self, name="mammogram", shape=(600, 420), **changes):
        """A volume loaded from a DICOM file, as Slicer's default reader gives it, and chosen as the input."""
        node = slicer.util.loadVolume(str(self.dicom(name, shape, **changes)))
        self.parameters.inputVolume = node
        return node

    def longerVolume(self):
        """A volume and settings that keep the panel busy for a while."""
        self.parameters.overlap = 0.9
        return self.volume(shape=(1500, 1000))

    def wait(self, condition, seconds=60):
        end = time.time() + seconds
        while not condition() and time.time() < end:
            slicer.app.processEvents()
        self.assertTrue(condition())

    def settle(self):
        """Lets what waits for the event loop happen."""
        for _ in range(5):
            slicer.app.processEvents()

    def apply(self):
        self.panel.ui.applyButton.click()
        self.wait(lambda: self.panel._steps is None)
        return self.parameters.outputVolume
