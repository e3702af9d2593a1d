"""Preparation and training: splits that do not leak, losses in closed form, exact resume."""

import contextlib
import io
import json
import math
import shutil
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.intensity import Composition, IntensityScale
from LowDoseContrastLib.model import load_model
from LowDoseContrastTrainingLib.__main__ import main
from LowDoseContrastTrainingLib.dataset.cutting_patches import patch_grid
from LowDoseContrastTrainingLib.dataset.eight_bit_conversion import StoredScale
from LowDoseContrastTrainingLib.dataset.manifest import open_data_set
from LowDoseContrastTrainingLib.dataset.pairing import dose_level
from LowDoseContrastTrainingLib.dataset.png import read_png, write_png
from LowDoseContrastTrainingLib.dataset.prepare import prepare
from LowDoseContrastTrainingLib.dataset.prepare_settings import PrepareSettings
from LowDoseContrastTrainingLib.simulator.parameters import parameters_for
from LowDoseContrastTrainingLib.simulator.simulation import SimulationPlan, simulate
from LowDoseContrastTrainingLib.training.losses import gan_loss
from LowDoseContrastTrainingLib.training.pix2pix import Pix2Pix, detail
from LowDoseContrastTrainingLib.training.recipes import RECIPES, load_recipe, recipe_from_dict
from LowDoseContrastTrainingLib.training.run_settings import RunSettings
from LowDoseContrastTrainingLib.training.schedule import rate_factor
from LowDoseContrastTrainingLib.training.train import train

TINY = {
    "base": "starter", "architecture": "unet_128", "ngf": 2, "ndf": 2, "crop_size": 128, "batch_size": 2,
    "crops_per_patch": 1, "epochs": 2, "epochs_decay": 2, "gan_from": 1, "dropout": True, "precision": "fp32",
}  # fmt: skip


def result_of(steps):
    """The result of a generator of steps."""
    while True:
        try:
            next(steps)
        except StopIteration as stop:
            return stop.value


def read_png_size(path):
    """(rows, columns) of a colour picture."""
    import SimpleITK as sitk

    return sitk.ReadImage(str(path)).GetSize()[::-1]


class LossesTest(unittest.TestCase):
    def test_vanilla_is_cross_entropy_with_logits(self):
        logits = torch.tensor([[-2.0, 0.5, 3.0]])
        chance = 1 / (1 + np.exp(-logits.numpy()))
        self.assertAlmostEqual(gan_loss(logits, True, "vanilla").item(), float(-np.log(chance).mean()), places=5)
        self.assertAlmostEqual(gan_loss(logits, False, "vanilla").item(), float(-np.log(1 - chance).mean()), places=5)

    def test_lsgan_is_the_mean_square(self):
        logits = torch.tensor([0.0, 2.0])
        self.assertAlmostEqual(gan_loss(logits, True, "lsgan").item(), 1.0)
        self.assertAlmostEqual(gan_loss(logits, False, "lsgan").item(), 2.0)

    def test_rate_is_constant_and_then_falls_linearly(self):
        rates = [rate_factor(epoch, 100, 100) for epoch in range(200)]
        self.assertEqual(rates[:100], [1.0] * 100)
        self.assertAlmostEqual(rates[100], 1 - 1 / 101)
        self.assertAlmostEqual(rates[199], 1 / 101)
        self.assertEqual(rate_factor(199, 100, 100, "start"), 0.0)

    def test_losses_carry_lambda_and_no_half(self):
        recipe = recipe_from_dict({**TINY, "gan_from": 0, "learning_rate": 1e-9, "lambda_l1": 50.0})
        scale = IntensityScale("log", 30.0, 16383.0)
        pix2pix = Pix2Pix(recipe, scale, Composition("residual", 3.0, 0.05, 1.9))
        rng = torch.Generator().manual_seed(1)
        low = torch.rand(2, 1, 128, 128, generator=rng) * 300 + 200
        high = 3 * low + 20
        pix2pix.generator.eval()  # no dropout, so that the outputs can be made again
        with torch.no_grad():
            seen, fake = pix2pix.enhance(low)
            l1 = (fake - scale.normalise(high)).abs().mean().item()
            judged = pix2pix.judge(pix2pix.view(seen), pix2pix.view(fake))
        losses = pix2pix.step(low, high)
        self.assertAlmostEqual(losses.g_l1, 50 * l1, places=4)
        self.assertAlmostEqual(losses.d_fake, judged.square().mean().item(), places=3)

    def test_detail_does_not_see_a_constant(self):
        flat = torch.full((1, 1, 32, 32), 0.37)
        self.assertLess(detail(flat, 60.0).abs().max().item(), 1e-4)


class RecipeTest(unittest.TestCase):
    def test_the_papers_runs(self):
        self.assertEqual(
            (RECIPES["run1"].learning_rate, RECIPES["run1"].lambda_l1, RECIPES["run1"].total_epochs), (2e-4, 100.0, 200)
        )
        self.assertEqual((RECIPES["run2"].lambda_l1, RECIPES["run2"].total_epochs), (80.0, 300))
        self.assertEqual((RECIPES["run3"].init, RECIPES["run3"].gan_mode), ("xavier", "lsgan"))
        self.assertEqual((RECIPES["run4"].ngf, RECIPES["run4"].ndf), (96, 32))

    def test_wrong_fields_are_named(self):
        for wrong in (
            {"ngf": 0},
            {"gan_mode": "x"},
            {"crop_size": 100},
            {"ngf": "many"},
            {"colour": 1},
            {"dropout": 1},
        ):
            with self.assertRaisesRegex(InputError, next(iter(wrong))):
                recipe_from_dict(wrong)
        with self.assertRaisesRegex(InputError, "no recipe"):
            load_recipe("run9")

    def test_epochs_keep_the_proportion(self):
        recipe = load_recipe("run1", 10)
        self.assertEqual((recipe.epochs, recipe.epochs_decay), (5, 5))


class PatchesTest(unittest.TestCase):
    def test_sixteen_bits_keep_every_pixel_value(self):
        values = np.arange(16384, dtype=np.uint16).reshape(128, 128)
        scale = StoredScale(0.0, 65535.0, 65535)
        with tempfile.TemporaryDirectory() as folder:
            write_png(Path(folder) / "a.png", scale.encode(values))
            np.testing.assert_array_equal(scale.decode(read_png(Path(folder) / "a.png")), values)

    def test_the_grid_stays_inside(self):
        self.assertEqual(patch_grid((300, 449), 150, 150), [(0, 0), (0, 150), (150, 0), (150, 150)])

    def test_doses_go_to_the_nearest_level(self):
        levels = {"low": 3.359, "high": 11.523}
        self.assertEqual(dose_level(3.5, levels), "low")
        self.assertEqual(dose_level(11.0, levels), "high")
        self.assertIsNone(dose_level(8.407, levels))
        self.assertIsNone(dose_level(None, levels))


class PipelineTest(unittest.TestCase):
    """Four small arrangements, prepared and trained on."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp())
        parameters = parameters_for("small", {"rows": 448, "columns": 384})
        result_of(simulate(cls.folder / "dicom", SimulationPlan(9, 4, ("low", "high"), parameters, compress=False)))
        (cls.folder / "dicom" / "notes.txt").write_text("no DICOM")
        settings = PrepareSettings(128, 128, 16, "arrangement", test=1, validation=1, breast_part=0.7)
        cls.counts = result_of(prepare(cls.folder / "dicom", cls.folder / "set", settings))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def manifest(self, name="set"):
        return json.loads((self.folder / name / "manifest.json").read_text())

    def test_arrangements_are_kept_apart(self):
        sides = {}
        for patch in self.manifest()["patches"]:
            sides.setdefault(patch["arrangement"], set()).add(patch["split"])
        self.assertTrue(all(len(splits) == 1 for splits in sides.values()), sides)
        self.assertEqual({next(iter(splits)) for splits in sides.values()}, {"train", "val", "test"})
        self.assertEqual(self.counts["pairs"], sum(self.counts[name] for name in ("train", "val", "test")))

    def test_both_sides_hold_the_same_names_and_places(self):
        manifest = self.manifest()
        for split in ("train", "val", "test"):
            names = [sorted(p.name for p in (self.folder / "set" / side / split).iterdir()) for side in "AB"]
            self.assertEqual(names[0], names[1])
        patch = manifest["patches"][0]
        low, high = (read_png(self.folder / "set" / side / patch["split"] / patch["name"]) for side in "AB")
        self.assertGreater(np.corrcoef(low.ravel(), high.ravel())[0, 1], 0.9)
        why = {row["file"]: row["why"] for row in manifest["files"]}
        self.assertIn("not a DICOM", why["notes.txt"])

    def test_random_split_and_eight_bits(self):
        settings = PrepareSettings(64, 64, 8, test=5, breast_part=0.7)
        counts = result_of(prepare(self.folder / "dicom", self.folder / "set8", settings))
        self.assertEqual(counts["test"], 5)
        self.assertEqual(read_png(next((self.folder / "set8" / "A" / "train").iterdir())).dtype, np.uint8)

    def test_a_data_set_in_the_way_or_without_pairs_is_refused(self):
        with self.assertRaisesRegex(InputError, "other settings .*patch_size"):
            result_of(prepare(self.folder / "dicom", self.folder / "set"))
        with self.assertRaisesRegex(InputError, "no arrangement"):
            result_of(prepare(self.folder / "set", self.folder / "none"))
        self.assertFalse((self.folder / "none").exists())

    def test_training_gives_a_model_that_loads(self):
        recipe = recipe_from_dict({**TINY, "epochs": 1, "epochs_decay": 1})
        result = result_of(train(self.folder / "set", self.folder / "run", recipe))
        model = load_model(result["model"])
        self.assertEqual(model.card.intensity.kind, "log")
        self.assertEqual(model.card.composition.kind, "residual")
        self.assertAlmostEqual(model.card.composition.gain, open_data_set(self.folder / "set").gain)
        self.assertEqual({row["method"] for row in result["validation"]}, {"gain", "model"})
        self.assertTrue(all(math.isfinite(row["l1"]) for row in result["test"]))
        lines = (self.folder / "run" / "losses.csv").read_text().splitlines()
        self.assertEqual(len(lines), 3)
        self.assertTrue(list((self.folder / "run" / "samples").glob("*.png")))
        self.assertGreater(read_png_size(self.folder / "run" / "curves.png"), (300, 900))

    def test_a_killed_run_goes_on_bit_for_bit(self):
        self.addCleanup(torch.set_num_threads, torch.get_num_threads())
        recipe = recipe_from_dict(TINY)
        result_of(train(self.folder / "set", self.folder / "straight", recipe, settings=RunSettings(threads=1)))
        steps = train(self.folder / "set", self.folder / "killed", recipe, settings=RunSettings(threads=1))
        for progress in steps:
            if progress.epoch == 3:  # in the middle of an epoch
                break
        steps.close()
        torch.manual_seed(123)  # whatever else happened in between
        result_of(
            train(self.folder / "set", self.folder / "killed", recipe, resume=True, settings=RunSettings(threads=1))
        )
        straight, resumed = (load_model(self.folder / name / "model.safetensors") for name in ("straight", "killed"))
        for name, weight in straight.generator.state_dict().items():
            self.assertTrue(torch.equal(weight, resumed.generator.state_dict()[name]), name)
        with self.assertRaisesRegex(InputError, "trained with ngf"):
            other = recipe_from_dict({**TINY, "ngf": 4})
            result_of(train(self.folder / "set", self.folder / "killed", other, resume=True))
        with self.assertRaisesRegex(InputError, "not empty"):
            result_of(train(self.folder / "set", self.folder / "killed", recipe))

    def test_a_disk_that_is_too_small_is_noticed_before_anything_is_trained(self):
        with mock.patch("shutil.disk_usage", return_value=mock.Mock(free=10**5)):
            with self.assertRaisesRegex(InputError, "needs about 7 MB, 0 MB are free"):
                result_of(train(self.folder / "set", self.folder / "no-room", recipe_from_dict({**TINY, "ngf": 4})))
        self.assertFalse((self.folder / "no-room").exists())

    def test_a_patch_that_was_changed_is_refused(self):
        shutil.copytree(self.folder / "set", self.folder / "changed")
        path = next((self.folder / "changed" / "A" / "train").iterdir())
        path.write_bytes(path.read_bytes()[:-9])
        with self.assertRaisesRegex(InputError, path.name):
            result_of(train(self.folder / "changed", self.folder / "none", recipe_from_dict(TINY)))


class CommandLineTest(unittest.TestCase):
    def test_wrong_input_is_one_line_and_exit_code_2(self):
        with tempfile.TemporaryDirectory() as folder:
            wrong = (
                ["simulate", f"{folder}/a", "--arrangements", "0"],
                ["prepare", f"{folder}/nothing", f"{folder}/b"],
                ["train", folder, f"{folder}/c", "--recipe", "run1"],
                ["train", folder, f"{folder}/c", "--recipe", "run9"],
            )
            for arguments in wrong:
                said = io.StringIO()
                with contextlib.redirect_stderr(said):
                    self.assertEqual(main(arguments), 2)
                self.assertEqual(len(said.getvalue().splitlines()), 1, said.getvalue())
            self.assertEqual(list(Path(folder).iterdir()), [])


if __name__ == "__main__":
    unittest.main()
