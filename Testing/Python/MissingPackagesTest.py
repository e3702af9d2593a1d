"""What the commands do without packages that a Python may lack, as Slicer's does."""

import contextlib
import io
import sys
import unittest
from unittest import mock

import lowdosecontrast_examples as examples
from CommandLineTest import CommandLineTestCase


def without(test, *packages):
    """Hides packages from a test."""
    hidden = mock.patch.dict(sys.modules, dict.fromkeys(packages))
    hidden.start()
    test.addCleanup(hidden.stop)


class ProgressWithoutTqdmTest(CommandLineTestCase):
    """Slicer's Python has no tqdm."""

    def setUp(self):
        without(self, "tqdm")

    def test_aCommandWorksAndSaysNothingInAFile(self):
        image = examples.write_dicom(self.folder / "image.dcm", examples.phantom_pixels())
        code, _said, errors = self.call("enhance", image, "--output", self.folder / "out.png", "--model", self.model)
        self.assertEqual((code, errors), (0, ""))

    def test_aTerminalGetsOneLineForEachTenth(self):
        from LowDoseContrastLib.cli import progress_bar
        from LowDoseContrastLib.steps import Progress

        terminal = io.StringIO()
        terminal.isatty = lambda: True
        with contextlib.redirect_stderr(terminal):
            show = progress_bar("train")
            for step in range(101):
                show(Progress(step / 100, "", None if step < 50 else 100 - step))
        lines = terminal.getvalue().splitlines()
        self.assertEqual((len(lines), lines[0], lines[-2]), (11, "train: 0%", "train: 90%, 10 s left"))


class NeededPackageTest(CommandLineTestCase):
    def test_aPackageThatIsNeededIsNamedInOneLine(self):
        image = examples.write_dicom(self.folder / "image.dcm", examples.phantom_pixels())
        without(self, "safetensors", "safetensors.torch")
        code, said, errors = self.call("enhance", image, "--output", self.folder / "out.png", "--model", self.model)
        self.assertEqual((code, said), (2, ""))
        self.assertEqual(errors, "error: the Python package safetensors is needed for this and not installed\n")


if __name__ == "__main__":
    unittest.main()
