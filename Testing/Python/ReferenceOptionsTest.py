"""The recipe against the options of the published pix2pix code: defaults, plateau, direction, image pool."""

import dataclasses
import json
import unittest

import numpy as np
import torch
from lowdosecontrast_training import TINY, FolderTest, write_data_set
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.model import load_model
from LowDoseContrastLib.steps import run_to_end
from LowDoseContrastTrainingLib.training.image_pool import ImagePool
from LowDoseContrastTrainingLib.training.recipes import RECIPES, recipe_from_dict
from LowDoseContrastTrainingLib.training.schedule import scheduled_rate
from LowDoseContrastTrainingLib.training.train import train

# Option of the published code, its default for pix2pix: our field, our value. Options without a
# counterpart: input_nc and output_nc (mammograms are grey), scale_width (patches are square),
# serial_batches, max_dataset_size and num_threads (the data set is prepared and in memory),
# eval, the names of folders, and what it displays.
DEFAULTS = {
    ("netG", "unet_256"): ("architecture", "unet_256"),
    ("ngf", 64): ("ngf", 64),
    ("norm", "batch"): ("norm", "batch"),
    ("no_dropout", False): ("dropout", True),
    ("netD", "basic"): ("discriminator", "basic"),
    ("ndf", 64): ("ndf", 64),
    ("n_layers_D", 3): ("n_layers", 3),
    ("init_type", "normal"): ("init", "normal"),
    ("init_gain", 0.02): ("init_gain", 0.02),
    ("gan_mode", "vanilla"): ("gan_mode", "vanilla"),
    ("lambda_L1", 100.0): ("lambda_l1", 100.0),
    ("pool_size", 0): ("pool_size", 0),
    ("direction", "AtoB"): ("direction", "AtoB"),
    ("lr", 0.0002): ("learning_rate", 0.0002),
    ("beta1", 0.5): ("beta1", 0.5),
    ("betas[1] of Adam", 0.999): ("beta2", 0.999),
    ("n_epochs", 100): ("epochs", 100),
    ("n_epochs_decay", 100): ("epochs_decay", 100),
    ("lr_policy", "linear"): ("lr_policy", "linear"),
    ("lr_decay_iters", 50): ("lr_step_epochs", 50),
    ("batch_size", 1): ("batch_size", 1),
    ("preprocess", "resize_and_crop"): ("crop", "resize"),
    ("load_size", 286): ("load_size", 286),
    ("crop_size", 256): ("crop_size", 256),
    ("no_flip", False): ("flip", "horizontal"),
    ("lambda_gp of the penalty", 10.0): ("penalty_weight", 10.0),
    ("constant of the penalty", 1.0): ("penalty_constant", 1.0),
    ("type of the penalty", "mixed"): ("penalty_points", "mixed"),
}

# What a field of ours adds to it, and the value at which it adds nothing.
DEPARTURES = {
    "answer_gain": 1.0, "detail_init": None, "gan_weight": 1.0, "gan_from": 0, "discriminator_rate": None, "crops_per_patch": 1,
    "scale": "linear", "scale_low": None, "scale_high": None, "composition": "direct", "detail_gain": None, "precision": "fp32",
    "ema": 0.0, "patience": 0, "decay_step": "end",
}  # fmt: skip

# The published code keeps the last epoch and never stops by itself; the others have no say in run1.
OWN = {"name", "select", "collapse_epochs", "correction", "offset", "seed"}


class DefaultsTest(unittest.TestCase):
    def test_the_first_run_is_the_published_codes_defaults(self):
        for (option, _), (field, value) in DEFAULTS.items():
            with self.subTest(option):
                self.assertEqual(getattr(RECIPES["run1"], field), value)
        for field, value in DEPARTURES.items():
            with self.subTest(field):
                self.assertEqual(getattr(RECIPES["run1"], field), value)
        fields = {field.name for field in dataclasses.fields(RECIPES["run1"])}
        self.assertEqual(fields, {field for field, _ in DEFAULTS.values()} | DEPARTURES.keys() | OWN)

    def test_the_papers_table_of_runs(self):
        changes = {
            "run1": {},
            "run2": {"lambda_l1": 80.0, "epochs": 150, "epochs_decay": 150},
            "run3": {"init": "xavier", "gan_mode": "lsgan"},
            "run4": {"init": "xavier", "gan_mode": "lsgan", "ngf": 96, "ndf": 32},
        }
        for name, changed in changes.items():
            with self.subTest(name):
                self.assertEqual(RECIPES[name], dataclasses.replace(RECIPES["run1"], name=name, **changed))

    def test_values_that_cannot_work_are_named(self):
        wrong = (
            {"direction": "CtoA"}, {"pool_size": -1}, {"lr_policy": "lambda"}, {"load_size": 200}, {"learning_rate": float("inf")}, {"lambda_l1": float("nan")},
        )  # fmt: skip
        for fields in wrong:
            with (
                self.subTest(**fields),
                self.assertRaisesRegex(InputError, f"recipe field {next(iter(fields))} must be"),
            ):
                recipe_from_dict(fields)


def rows(figures):
    return [{"val_l1_model": figure} for figure in figures]


class PlateauTest(FolderTest):
    def test_it_is_torchs_with_the_published_arguments(self):
        rng = np.random.default_rng(5)
        falling = list(np.linspace(10, 5, 12) + rng.normal(0, 0.4, 12))
        for figures in (
            falling + [5.0] * 20,
            [3.0] * 20,
            [10 / (1 + k) for k in range(20)],
            list(rng.uniform(1, 2, 40)),
        ):
            optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
            torchs = torch.optim.lr_scheduler.ReduceLROnPlateau(
                optimiser, mode="min", factor=0.2, threshold=0.01, patience=5, eps=0
            )
            recipe = recipe_from_dict({"lr_policy": "plateau"})
            for epoch, figure in enumerate(figures):
                self.assertAlmostEqual(
                    scheduled_rate(epoch, recipe, rows(figures[:epoch])), optimiser.param_groups[0]["lr"], places=12
                )
                torchs.step(figure)

    def test_epochs_before_the_discriminator_have_a_best_of_their_own(self):
        figures = [1.0] * 4 + [5.0, 4.0, 3.0, 2.9, 2.8, 2.7, 2.6]
        for gan_from, factor in ((4, 1.0), (0, 0.2)):
            recipe = recipe_from_dict({"lr_policy": "plateau", "gan_from": gan_from})
            self.assertEqual(scheduled_rate(len(figures), recipe, rows(figures)), factor)

    def test_without_validation_it_is_refused(self):
        data = write_data_set(self.folder / "no-validation", {"train": 1})
        with self.assertRaisesRegex(InputError, "no validation patches, which the recipe's lr_policy plateau needs"):
            run_to_end(train(data, self.folder / "none", recipe_from_dict({**TINY, "lr_policy": "plateau"})))

    def test_a_resumed_training_has_the_same_rates(self):
        fields = {"lr_policy": "plateau", "learning_rate": 1e-12, "epochs": 9}  # never better than the first
        self.train("straight", **fields)
        steps = train(self.data, self.folder / "resumed", recipe_from_dict({**TINY, **fields}))
        next(step for step in steps if step.epoch == 8)
        steps.close()
        self.train("resumed", resume=True, **fields)
        rates = [[row["learning_rate"] for row in self.checkpoint(name)["history"]] for name in ("straight", "resumed")]
        self.assertEqual(rates[0], rates[1])
        np.testing.assert_allclose(rates[0], [1e-12] * 7 + [2e-13] * 2)


class DirectionTest(FolderTest):
    def test_the_doses_change_places(self):
        fields = {
            "composition": "residual",
            "correction": 0.1,
            "learning_rate": 1e-12,
            "answer_gain": 1e-6,
            "epochs": 1,
        }
        there, back = (self.train(direction, direction=direction, **fields) for direction in ("AtoB", "BtoA"))
        cards = [load_model(result["model"]).card for result in (there, back)]
        self.assertAlmostEqual(cards[0].composition.gain, 3.0)
        self.assertAlmostEqual(cards[1].composition.gain, 1 / 3)
        self.assertEqual(cards[0].domain.dose_mgy, (2.7, 3.3))
        self.assertEqual(cards[1].domain.dose_mgy, (8.1, 9.9))
        self.assertIn("High-dose to low-dose", cards[1].description)
        self.assertIn("look like a low one", " ".join(cards[1].limits))
        # The same differences, on the scale of a third.
        errors = [
            next(row["l1"] for row in result["validation"] if row["method"] == "gain") for result in (there, back)
        ]
        self.assertAlmostEqual(errors[0] / errors[1], 3.0, places=2)
        self.assertEqual(cards[1].recipe["direction"], "BtoA")

    def test_a_model_of_one_direction_is_no_start_for_the_other(self):
        model = self.train("forth", epochs=1)["model"]
        with self.assertRaisesRegex(InputError, "has direction AtoB, the recipe BtoA"):
            self.train("and-back", start=model, direction="BtoA")


class PoolTest(FolderTest):
    def test_no_pool_shows_what_is_there(self):
        seen, fake = torch.rand(2, 1, 4, 4), torch.rand(2, 1, 4, 4, requires_grad=True)
        shown = ImagePool(0, 1).query(seen, fake)
        self.assertTrue(torch.equal(shown[0], seen) and torch.equal(shown[1], fake))
        self.assertFalse(shown[1].requires_grad)

    def test_a_full_pool_shows_earlier_pairs_half_of_the_time(self):
        pool, shown = ImagePool(10, 1), []
        for number in range(2000):
            image = torch.full((1, 1, 2, 2), float(number))
            seen, fake = pool.query(image, -image)
            self.assertTrue(torch.equal(seen, -fake))  # an input and its own fake
            shown.append(int(seen[0, 0, 0, 0]))
        self.assertEqual(shown[:10], list(range(10)))
        earlier = [number - old for number, old in enumerate(shown)][10:]
        self.assertTrue(all(age >= 0 for age in earlier))
        self.assertAlmostEqual(np.mean([age > 0 for age in earlier]), 0.5, delta=0.05)
        # A pair is replaced with chance 1/2 x 1/10 a step, so one that is shown is about 20 steps old.
        self.assertAlmostEqual(np.mean([age for age in earlier if age]), 20, delta=3)

    def test_its_draws_leave_other_randomness_alone(self):
        pool = ImagePool(1, 1)
        torch.manual_seed(7)
        before = torch.get_rng_state()
        for _ in range(5):
            pool.query(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))
        self.assertTrue(torch.equal(before, torch.get_rng_state()))

    def test_it_changes_a_training_and_a_resumed_one_goes_on_exactly(self):
        fields = {"pool_size": 2, "epochs": 3, "learning_rate": 0.01}
        straight, without = self.train("straight", **fields), self.train("without", **{**fields, "pool_size": 0})
        steps = train(self.data, self.folder / "resumed", recipe_from_dict({**TINY, **fields}))
        next(step for step in steps if step.epoch == 3)
        steps.close()
        torch.manual_seed(99)
        resumed = self.train("resumed", resume=True, **fields)
        weights = [load_model(result["model_last"]).generator.state_dict() for result in (straight, resumed, without)]
        self.assertTrue(all(torch.equal(value, weights[1][name]) for name, value in weights[0].items()))
        self.assertFalse(all(torch.equal(value, weights[2][name]) for name, value in weights[0].items()))
        self.assertEqual(len(self.checkpoint("straight")["pool"]["kept"]), 2)

    def test_a_checkpoint_from_before_these_fields_goes_on(self):
        self.train("old", epochs=1)
        path = self.folder / "old" / "checkpoint.pt"
        state = torch.load(path, weights_only=True)
        for name in ("pool", "from"):
            del state[name]
        for name in ("direction", "pool_size"):
            del state["recipe"][name]
        state["recipe"]["epochs"] = 2
        torch.save(state, path)
        recipe = self.folder / "old" / "recipe.json"
        recipe.write_text(
            json.dumps(
                {
                    name: value
                    for name, value in json.loads(recipe.read_text()).items()
                    if name not in ("direction", "pool_size", "from")
                }
            )
        )
        self.assertEqual(self.train("old", resume=True, epochs=2)["epochs"], 2)


if __name__ == "__main__":
    unittest.main()
