"""The training panel says before the start what the command would refuse.

Runs in 3D Slicer and on the headless host.
"""

import atexit
import functools
import json
import random
import shutil
import subprocess
import tempfile
import unittest
import unittest.mock
from pathlib import Path

import lowdosecontrast_examples as examples
from lowdosecontrast_training import write_data_set
from lowdosecontrast_training_panel import TrainingPanelTestCase, loadModule

SIDES = (64, 130, 256)


@functools.cache
def dataSets():
    """A folder with data sets of patches of several sizes, ``<side>-<validation patches>``, and a model."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for side in SIDES:
        for held in (0, 1):
            write_data_set(folder / f"{side}-{held}", {"train": 2, "val": held}, side=side)
    examples.save_small_model(folder / "small.safetensors", composition="direct", scale="linear")
    return folder


class ChecksTestCase(TrainingPanelTestCase):
    @classmethod
    def setUpClass(cls):
        loadModule()
        cls.shared = dataSets()

    def choose(self, data="256-1", recipe="run1", changes=None, start=""):
        from LowDoseContrastTrainingSlicer.parameters import RecipeChanges

        self.parameters.dataSetFolder, self.parameters.runFolder = str(self.shared / data), str(self.folder / "run")
        self.parameters.recipe, self.parameters.startFrom, self.parameters.device = recipe, str(start), "cpu"
        RecipeChanges(self.parameters).store(changes or {})
        return self.ui.trainButton.toolTip if not self.ui.trainButton.enabled else ""

    def refusal(self):
        """What the command says to the choices; empty if it takes its first step."""
        from LowDoseContrastLib.cli import build_parser
        from LowDoseContrastLib.errors import InputError
        from LowDoseContrastTrainingLib.commands.all_commands import COMMANDS
        from LowDoseContrastTrainingLib.training.recipes import load_recipe
        from LowDoseContrastTrainingLib.training.run_settings import RunSettings
        from LowDoseContrastTrainingLib.training.train import train

        task = self.panel.logic.training
        with unittest.mock.patch.object(task, "startCommand", lambda arguments, folder: arguments):
            options = build_parser(COMMANDS).parse_args(task.start(self.parameters))
        try:
            next(
                train(
                    options.dataset,
                    options.output,
                    load_recipe(options.recipe, options.epochs),
                    options.resume,
                    options.start,
                    RunSettings(device="cpu"),
                )
            )
            return ""
        except InputError as error:
            return str(error)
        finally:
            shutil.rmtree(options.output)


class AgreementTest(ChecksTestCase):
    def test_panelAndCommandAgree(self):
        """Random choices; those that train are made tiny."""
        changes = (
            {}, {"crop": "native"}, {"crop": "native", "architecture": "unet_128", "crop_size": 128}, {"lr_policy": "plateau"},
            {"select": "l1", "patience": 2}, {"scale_low": 20000.0}, {"scale": "log", "scale_low": 0.0}, {"norm": "none"},
            {"scale": "linear", "scale_low": 0.0, "scale_high": 16383.0, "composition": "direct"},
        )  # fmt: skip
        draw, refused, taken = random.Random(5), 0, 0
        for _ in range(40):
            change = {
                "ngf": 2,
                "ndf": 2,
                "precision": "fp32",
                "batch_size": 1,
                "crops_per_patch": 1,
                **draw.choice(changes),
            }
            start = draw.choice(
                ("", "", "", "", self.shared / "small.safetensors", self.shared / "none.safetensors", "nobody")
            )
            chosen = {
                "data": f"{draw.choice(SIDES)}-{draw.choice((0, 1))}",
                "recipe": draw.choice(("run1", "run3", "compact")),
                "changes": change,
                "start": start,
            }
            said, refusal = self.choose(**chosen), self.refusal()
            self.assertEqual(bool(said), bool(refusal), (chosen, said, refusal))
            refused, taken = refused + bool(refusal), taken + (not refusal)
        self.assertGreater(min(refused, taken), 7)


class ReasonsTest(ChecksTestCase):
    def test_patchesThatAreSmallerThanTheCrops(self):
        said = self.choose("130-1", "starter")
        self.assertRegex(
            said,
            "^The patches are 130x130 pixels, the recipe crops 256; prepare with a patch size of 256 or more, .*[.]$",
        )
        self.assertEqual(self.ui.trainStatusLabel.text, said)
        self.assertEqual(self.choose("130-1", "run1"), "")  # it resizes
        self.assertEqual(self.choose("256-1", "starter"), "")

    def test_theRestIsOneSentenceToo(self):
        for chosen, words in (
            ({"data": "256-0", "changes": {"lr_policy": "plateau"}}, "holds no validation patches"),
            ({"changes": {"scale_low": 20000.0}}, "scale_low and scale_high"),
            ({"start": "nobody"}, "no model of that name"),
            ({"start": self.folder / "none.safetensors"}, "none.safetensors"),
            ({"start": self.folder / "none.pth"}, "choose another model"),
            ({"start": self.shared / "small.safetensors"}, "ngf 2, the recipe 64"),
        ):
            said = self.choose(**chosen)
            self.assertIn(words, said)
            self.assertRegex(said, r"\A[A-Z/].*[.]\Z")

    def test_aRecipeFileThatIsWrong(self):
        recipe = self.folder / "own.json"
        self.choose(recipe="from a file")
        self.ui.recipeFileEdit.currentPath = str(recipe)
        for text, words in (
            ("{", "not valid JSON"),
            ('{"ngf": 0}', "ngf must be at least 1"),
            ('{"colour": 1}', "unknown recipe field 'colour'"),
        ):
            recipe.write_text(text)
            self.panel.updateGui()
            self.assertIn(words, self.ui.trainButton.toolTip)

    def test_aTrainingGoesOnWithItsOwnDataSetAndStart(self):
        self.choose()
        run = self.folder / "run"
        run.mkdir()
        (run / "checkpoint.pt").touch()
        recipe = {"ngf": 2, "data": "another", "from": None}
        (run / "recipe.json").write_text(json.dumps(recipe))
        self.panel.updateGui()
        self.assertIn("another data set", self.ui.trainButton.toolTip)
        (run / "checkpoint.pt").unlink()
        (run / "recipe.json").write_text(json.dumps({**recipe, "from": {"name": "small"}}))
        self.panel.updateGui()
        self.assertIn("choose small again", self.ui.trainButton.toolTip)

    def test_aManifestOfAnotherVersion(self):
        folder = self.folder / "later"
        shutil.copytree(self.shared / "64-1", folder)
        self.parameters.dataSetFolder, self.parameters.runFolder = str(folder), str(self.folder / "run")
        (folder / "manifest.json").write_text('{"schema": 99}')
        self.panel.updateGui()
        self.assertIn("has schema 99", self.ui.trainButton.toolTip)


class ManifestTest(ChecksTestCase):
    def test_aManifestIsReadOnceAndALongOneIsAnnounced(self):
        from LowDoseContrastTrainingLib.dataset import manifest
        from LowDoseContrastTrainingSlicer import manifests

        task, folder = self.panel.logic.preparation, self.folder / "copy"
        shutil.copytree(self.shared / "256-1", folder)
        with (
            unittest.mock.patch.object(manifests, "LONG", 10),
            unittest.mock.patch.object(manifest, "read_manifest", wraps=manifest.read_manifest) as read,
        ):
            self.assertTrue(task.takesLong(folder))
            self.ui.dataSetFolderEdit.currentPath = str(folder)
            self.ui.runFolderEdit.currentPath = str(self.folder / "run")
            for _ in range(3):
                self.panel.updateGui()
            self.assertFalse(task.takesLong(folder))
        self.assertEqual(read.call_count, 1)
        self.assertNotIn("Reading", self.ui.pairsLabel.text)


class LightTest(unittest.TestCase):
    def test_theChecksAndTheFieldsLoadNoTorch(self):
        loadModule()
        import LowDoseContrastLib
        import LowDoseContrastTrainingSlicer

        paths = [
            str(Path(module.__file__).parents[1]) for module in (LowDoseContrastLib, LowDoseContrastTrainingSlicer)
        ]
        code = f"""
import sys
sys.path += {paths!r}
from LowDoseContrastLib import catalogue, cci
from LowDoseContrastTrainingLib.baselines import names
from LowDoseContrastTrainingLib.evaluation import settings, verdict
from LowDoseContrastTrainingLib.training import fine_tuning, recipes, suitability
print(sorted({{"torch", "scipy", "skimage", "pydicom"}} & sys.modules.keys()))
"""
        self.assertEqual(
            subprocess.run([examples.PYTHON, "-c", code], capture_output=True, text=True, check=True).stdout.strip(),
            "[]",
        )


if __name__ == "__main__":
    unittest.main()
