"""The examples in the docstrings of the public entry points."""

import doctest
import importlib
import unittest

MODULES = [
    "LowDoseContrastLib.cci",
    "LowDoseContrastLib.enhance",
    "LowDoseContrastLib.errors",
    "LowDoseContrastLib.file_names",
    "LowDoseContrastLib.inspection",
    "LowDoseContrastLib.intensity",
    "LowDoseContrastLib.mask",
    "LowDoseContrastLib.settings",
    "LowDoseContrastLib.steps",
    "LowDoseContrastLib.tiling",
    "LowDoseContrastTrainingLib.training.recipes",
    "LowDoseContrastTrainingLib.training.schedule",
]


class ExamplesTest(unittest.TestCase):
    def test_examples_give_what_they_say(self):
        for name in MODULES:
            with self.subTest(name):
                module = importlib.import_module(name)
                found = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)
                self.assertEqual(found.failed, 0)
                self.assertGreater(found.attempted, 0)


if __name__ == "__main__":
    unittest.main()
