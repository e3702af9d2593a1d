"""What a recipe can ask for: every loss, schedule and rule does what it says, and bad training stops."""

import contextlib
import dataclasses
import io
import json
import unittest

import numpy as np
import torch
from lowdosecontrast_training import TINY, FolderTest, write_data_set
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.intensity import Composition, IntensityScale
from LowDoseContrastLib.model import load_model
from LowDoseContrastLib.steps import run_to_end
from LowDoseContrastTrainingLib.__main__ import main
from LowDoseContrastTrainingLib.training.choices import GAN_MODES, PENALTY_POINTS
from LowDoseContrastTrainingLib.training.divergence import Diverged, check_history, check_weights
from LowDoseContrastTrainingLib.training.losses import gan_loss, gradient_penalty
from LowDoseContrastTrainingLib.training.pix2pix import LOSS_NAMES, Pix2Pix
from LowDoseContrastTrainingLib.training.recipes import RECIPES, recipe_from_dict
from LowDoseContrastTrainingLib.training.run_settings import RunSettings
from LowDoseContrastTrainingLib.training.schedule import RATE_POLICIES, scheduled_rate
from LowDoseContrastTrainingLib.training.selection import best_epoch, is_over
from LowDoseContrastTrainingLib.training.train import train


def small_pix2pix(**fields):
    """A pix2pix of two filters on 14-bit pixel values."""
    return Pix2Pix(recipe_from_dict({**TINY, **fields}), IntensityScale("linear", 0.0, 16383.0), Composition())


def pair(seed=1):
    """A low-dose batch (2, 1, 128, 128) and its high dose, pixel values."""
    low = torch.rand(2, 1, 128, 128, generator=torch.Generator().manual_seed(seed)) * 300 + 200
    return low, 3 * low + 20


def rows_of(**columns):
    """Rows as of losses.csv from lists of values; losses that are not given are those of a healthy training."""
    healthy = {f"{name}_mean": 0.3 for name in LOSS_NAMES}
    return [healthy | dict(zip(columns, values)) for values in zip(*columns.values())]


class WassersteinTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(4)
        self.weight = torch.tensor([3.0, -4.0, 12.0], requires_grad=True)  # of norm 13
        self.real, self.fake = torch.randn(5, 3), torch.randn(5, 3)

    def test_the_critics_loss_is_its_mean(self):
        logits = torch.tensor([1.0, -4.0])
        self.assertEqual(gan_loss(logits, True, "wgangp").item(), 1.5)
        self.assertEqual(gan_loss(logits, False, "wgangp").item(), -1.5)

    def test_penalty_of_a_linear_critic_is_that_of_its_weights(self):
        for points in ("mixed", "real", "fake"):
            with self.subTest(points):
                penalty = gradient_penalty(lambda x: x @ self.weight, self.real, self.fake, points)
                self.assertAlmostEqual(penalty.item(), 10 * (13 - 1) ** 2, places=3)
                (slope,) = torch.autograd.grad(penalty, self.weight)
                expected = 10 * 2 * (13 - 1) * self.weight.detach() / 13
                torch.testing.assert_close(slope, expected)

    def test_penalty_is_taken_at_the_points_asked_for(self):
        def square(x):  # its gradient is 2x
            return x.square().sum(dim=1)

        for points, at in (("real", self.real), ("fake", self.fake)):
            expected = 3 * ((2 * at.norm(dim=1)) - 0.5).square().mean()
            torch.testing.assert_close(gradient_penalty(square, self.real, self.fake, points, 0.5, 3.0), expected)
        torch.manual_seed(8)
        share = torch.rand(5, 1)
        at = share * self.real + (1 - share) * self.fake
        torch.manual_seed(8)
        expected = 10 * (2 * at.norm(dim=1) - 1).square().mean()
        torch.testing.assert_close(gradient_penalty(square, self.real, self.fake), expected)

    def test_a_step_learns_from_the_penalty(self):
        changed = []
        for weight in (0.0, 10.0):
            pix2pix = small_pix2pix(gan_mode="wgangp", norm="instance", penalty_weight=weight)
            losses = pix2pix.step(*pair())
            self.assertEqual(losses.d_penalty > 0, weight > 0)
            changed.append(torch.cat([p.detach().flatten() for p in pix2pix.discriminator.parameters()]))
        self.assertFalse(torch.equal(*changed))


class DivergenceTest(FolderTest):
    def test_an_explosion_stops_with_one_line_and_keeps_the_last_good_epoch(self):
        explosive = {**TINY, "epochs": 4, "gan_from": 1, "norm": "none", "discriminator_rate": 1e38}
        (self.folder / "explosive.json").write_text(json.dumps(explosive))
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            code = main(
                [
                    "train",
                    str(self.data),
                    str(self.folder / "exploded"),
                    "--recipe",
                    str(self.folder / "explosive.json"),
                ]
            )
        self.assertEqual(code, 2, said.getvalue())
        self.assertRegex(
            said.getvalue(), r"^error: training diverged in epoch 2: .* is (nan|-?inf) at step \d; lower .*\n$"
        )
        self.train("calm", epochs=1, gan_from=1, norm="none")
        for model in ("model.safetensors", "model-last.safetensors"):
            kept, calm = (load_model(self.folder / run / model).generator.state_dict() for run in ("exploded", "calm"))
            self.assertTrue(all(torch.equal(kept[name], calm[name]) for name in calm))
        self.assertEqual(len(self.checkpoint("exploded")["history"]), 1)

    def test_an_explosion_at_once_leaves_no_model(self):
        with self.assertRaisesRegex(Diverged, "epoch 1"):
            self.train("at-once", norm="none", learning_rate=1e38)
        self.assertEqual([path.name for path in (self.folder / "at-once").iterdir()], ["recipe.json"])

    def test_a_weight_that_is_not_finite_is_named(self):
        pix2pix = small_pix2pix()
        check_weights(pix2pix, 1)
        with torch.no_grad():
            pix2pix.discriminator.model[0].weight[0, 0, 0, 0] = torch.inf
        with self.assertRaisesRegex(Diverged, "epoch 3: the discriminator's model.0.weight"):
            check_weights(pix2pix, 3)

    def test_a_discriminator_that_has_won_is_noticed(self):
        recipe = recipe_from_dict({**TINY, "collapse_epochs": 3})
        won, lost, growing = [0.3, 1e-4, 1e-4, 1e-4], [0.3, 1e-4, 0.3, 1e-4], [1.0, 2.0, 3.0, 4.0]
        with self.assertRaisesRegex(Diverged, "epoch 4: D_real and D_fake"):
            check_history(rows_of(D_real_mean=won, D_fake_mean=won, G_GAN_mean=growing), recipe)
        check_history(rows_of(D_real_mean=won, D_fake_mean=lost, G_GAN_mean=growing), recipe)
        check_history(rows_of(D_real_mean=won, D_fake_mean=won, G_GAN_mean=growing[::-1]), recipe)
        off = dataclasses.replace(recipe, collapse_epochs=0)
        check_history(rows_of(D_real_mean=won, D_fake_mean=won, G_GAN_mean=growing), off)

    def test_a_generator_that_has_lost_what_it_learnt_is_noticed(self):
        recipe = recipe_from_dict({**TINY, "collapse_epochs": 2})
        gain = [10.0] * 4
        with self.assertRaisesRegex(Diverged, "epoch 4: the validation's L1 is over 3 times"):
            check_history(rows_of(val_l1_gain=gain, val_l1_model=[50.0, 12.0, 37.0, 40.0]), recipe)
        for slow_start in ([500.0, 400.0, 300.0, 200.0], [50.0, 12.0, 37.0, 35.0]):
            check_history(rows_of(val_l1_gain=gain, val_l1_model=slow_start), recipe)
        with self.assertRaisesRegex(Diverged, "L1 is nan"):
            check_history(rows_of(val_l1_gain=gain[:1], val_l1_model=[float("nan")]), recipe)


class SelectionTest(FolderTest):
    def test_the_best_epoch_is_the_first_of_the_lowest(self):
        rows = rows_of(val_l1_model=[5.0, 3.0, 4.0, 3.0], val_psnr_model=[20.0, 30.0, 31.0, 29.0])
        for rule, index in (("l1", 1), ("psnr", 2), ("last", 3)):
            self.assertEqual(best_epoch(rows, recipe_from_dict({"select": rule})), index)
        self.assertEqual(best_epoch(rows, recipe_from_dict({"gan_from": 2})), 3)  # by L1, those with a discriminator
        self.assertEqual(best_epoch(rows, recipe_from_dict({"gan_from": 9})), 1)  # none of them has one yet
        self.assertEqual(best_epoch(rows_of(epoch=[1, 2]), recipe_from_dict({})), 1)  # no validation

    def test_patience_ends_a_training(self):
        rows = rows_of(val_l1_model=[5.0, 3.0, 4.0, 6.0])
        for patience, over in ((0, False), (2, True), (3, False)):
            self.assertEqual(is_over(rows, recipe_from_dict({"patience": patience})), over)
        self.assertFalse(is_over(rows, recipe_from_dict({"patience": 2, "gan_from": 4})))
        with self.assertRaisesRegex(InputError, "patience"):
            recipe_from_dict({"patience": 2, "select": "last"})

    def test_patience_without_validation_is_refused(self):
        data = write_data_set(self.folder / "no-validation", {"train": 1})
        with self.assertRaisesRegex(InputError, "no validation patches"):
            run_to_end(train(data, self.folder / "none", recipe_from_dict({**TINY, "patience": 1})))

    def test_both_models_are_there_and_resuming_decides_alike(self):
        self.addCleanup(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(1)
        fields = {"epochs": 12, "patience": 2, "learning_rate": 0.05, "norm": "instance"}
        straight = self.train("straight", **fields)
        self.assertLess(straight["epochs"], 12)  # a rate so high does not improve for long
        self.assertEqual(straight["best_epoch"], straight["epochs"] - 2)
        steps = train(self.data, self.folder / "resumed", recipe_from_dict({**TINY, **fields}))
        for progress in steps:
            if progress.epoch == straight["epochs"]:
                break
        steps.close()
        resumed = self.train("resumed", resume=True, **fields)
        self.assertEqual((resumed["epochs"], resumed["best_epoch"]), (straight["epochs"], straight["best_epoch"]))
        self.assertEqual(self.train("resumed", resume=True, **fields)["test"], resumed["test"])  # nothing left to do
        for name in ("model", "model_last"):
            weights = [load_model(result[name]).generator.state_dict() for result in (straight, resumed)]
            self.assertTrue(all(torch.equal(value, weights[1][key]) for key, value in weights[0].items()))
        best = load_model(straight["model"])
        self.assertEqual({row["split"] for row in best.card.results}, {"val", "test"})
        rows = self.checkpoint("straight")["history"]
        figure = next(row for row in straight["validation"] if row["method"] == "model")
        self.assertEqual(figure["l1"], rows[straight["best_epoch"] - 1]["val_l1_model"])


class ProgressTest(FolderTest):
    def command(self, *arguments):
        """Exit code, standard output and standard error of ``train`` for one epoch."""
        (self.folder / "tiny.json").write_text(json.dumps(TINY))
        out, said = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
            code = main(
                [
                    "train",
                    str(self.data),
                    *arguments,
                    "--recipe",
                    str(self.folder / "tiny.json"),
                    "--epochs",
                    "1",
                    "--device",
                    "cpu",
                ]
            )
        return code, out.getvalue(), said.getvalue()

    def test_progress_reaches_the_end_a_line_a_step(self):
        code, out, said = self.command(str(self.folder / "lines"), "--progress", "lines", "--json")
        self.assertEqual(code, 0, said)
        lines = [json.loads(line) for line in said.splitlines()]
        self.assertEqual([line["done"] for line in lines], [0.5, 1.0])
        self.assertRegex(lines[0]["message"], r"^epoch 1 of 1: G_GAN [0-9.]+, G_L1 [0-9.]+, D_real ")
        self.assertGreater(lines[0]["remaining"], 0)
        self.assertEqual(lines[1]["remaining"], 0)
        self.assertEqual(json.loads(out)["epochs"], 1)

    def test_progress_of_a_resumed_training_goes_on(self):
        recipe = recipe_from_dict(TINY)
        steps = train(self.data, self.folder / "going-on", recipe)
        first = [next(steps).done for _ in range(3)]
        steps.close()
        rest = [step.done for step in train(self.data, self.folder / "going-on", recipe, resume=True)]
        self.assertEqual((first, rest), ([0.25, 0.5, 0.75], [0.75, 1.0]))

    def test_a_device_that_is_not_there_is_refused(self):
        with self.assertRaisesRegex(InputError, "device must be .*abacus"):
            run_to_end(
                train(self.data, self.folder / "nowhere", recipe_from_dict(TINY), settings=RunSettings(device="abacus"))
            )
        self.assertFalse((self.folder / "nowhere").exists())


class ValuesTest(FolderTest):
    """Every value that a recipe accepts trains."""

    def test_rates_follow_their_policy(self):
        fields = {"epochs": 4, "epochs_decay": 4, "lr_step_epochs": 3}
        expected = {
            "linear": [1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2],
            "step": [1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01],
            "cosine": [1, 0.9619, 0.8536, 0.6913, 0.5, 0.3087, 0.1464, 0.0381],
        }
        self.assertEqual({*expected, "plateau"}, set(RATE_POLICIES))
        for policy, rates in expected.items():
            recipe = recipe_from_dict({**fields, "lr_policy": policy})
            np.testing.assert_allclose([scheduled_rate(epoch, recipe) for epoch in range(8)], rates, atol=1e-4)

    def test_one_step_of_each_value_changes_both_networks(self):
        values = {
            "gan_mode": GAN_MODES, "norm": ("batch", "instance", "none"), "discriminator": ("basic", "n_layers", "pixel"),
            "init": ("normal", "xavier", "kaiming", "orthogonal"), "dropout": (True, False), "precision": ("fp32", "bf16", "auto"),
        }  # fmt: skip
        cases = [{name: value} for name, allowed in values.items() for value in allowed]
        cases += [{"gan_mode": "wgangp", "norm": "none", "penalty_points": points} for points in PENALTY_POINTS]
        cases += [{"architecture": "unet_256", "crop_size": 256, "load_size": 286}]
        for fields in cases:
            with self.subTest(**fields):
                self._steps(small_pix2pix(**fields))

    def test_the_papers_recipes_step_at_reduced_width(self):
        for name in ("run1", "run2", "run3", "run4"):
            with self.subTest(name):
                narrow = {"ngf": RECIPES[name].ngf // 32, "ndf": RECIPES[name].ndf // 32, "batch_size": 2}
                recipe = dataclasses.replace(RECIPES[name], **narrow)
                pix2pix = Pix2Pix(recipe, IntensityScale("linear", 0.0, 16383.0), Composition())
                self._steps(pix2pix)

    def _steps(self, pix2pix):
        size = (pix2pix.recipe.crop_size,) * 2
        batch = [torch.nn.functional.interpolate(side, size=size) for side in pair()]
        networks = (pix2pix.generator, pix2pix.discriminator)
        before = [[p.detach().clone() for p in network.parameters()] for network in networks]
        losses = pix2pix.step(*batch).as_tuple()
        self.assertTrue(np.isfinite(losses).all(), losses)
        check_weights(pix2pix, 1)
        for network, old in zip(networks, before):
            self.assertTrue(any(not torch.equal(p, q) for p, q in zip(network.parameters(), old)))

    def test_each_way_of_making_batches_trains(self):
        ways = [
            {"crop": "resize"},
            {"crop": "native"},
            {"decay_step": "start"},
            {"ema": 0.9},
            {"scale": "log", "scale_low": 30.0, "scale_high": 16383.0},
        ]
        ways += [{"flip": flip} for flip in ("none", "horizontal", "both")] + [
            {"lr_policy": policy} for policy in RATE_POLICIES
        ]
        ways += [{"composition": "residual", "correction": 0.1}, {"pool_size": 2}, {"direction": "BtoA"}]
        for number, fields in enumerate(ways):
            with self.subTest(**fields):
                result = self.train(f"way-{number}", epochs=1, **fields)
                self.assertTrue(all(np.isfinite(row["l1"]) for row in result["test"]))


if __name__ == "__main__":
    unittest.main()
