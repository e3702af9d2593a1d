"""Training that starts from weights that there are already."""

import contextlib
import dataclasses
import hashlib
import io
import json
import unittest

import lowdosecontrast_examples as examples
import torch
from lowdosecontrast_training import TINY, FolderTest
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.model import load_model, save_model
from LowDoseContrastLib.reference_checkpoint import read_generator
from LowDoseContrastLib.steps import run_to_end
from LowDoseContrastTrainingLib.__main__ import main
from LowDoseContrastTrainingLib.training.recipes import recipe_from_dict
from LowDoseContrastTrainingLib.training.train import train
from ReferenceCheckpointTest import published_shapes, random_checkpoint
from safetensors.torch import save_file

SLOW = 1e-30  # a learning rate that changes no float32 weight


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class FineTuningTestCase(FolderTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.recipe = recipe_from_dict({**TINY, "learning_rate": 0.01})
        run_to_end(train(cls.data, cls.folder / "first", cls.recipe))
        cls.model = cls.folder / "first" / "model.safetensors"

    def tune(self, name, start, resume=False, **fields):
        recipe = dataclasses.replace(self.recipe, **fields)
        return run_to_end(train(self.data, self.folder / name, recipe, resume, start=start))

    def assertSameWeights(self, path, weights):
        found = load_model(path).generator.state_dict()
        for name, parameter in load_model(path).generator.named_parameters():
            self.assertTrue(torch.equal(found[name], weights[name]), name)
            self.assertEqual(parameter.shape, weights[name].shape)


class StartTest(FineTuningTestCase):
    def test_without_learning_the_model_and_its_figures_stay(self):
        for ema in (0.0, 0.9):
            with self.subTest(ema=ema):
                result = self.tune(f"still-{ema}", self.model, learning_rate=SLOW, ema=ema)
                before = load_model(self.model)
                self.assertSameWeights(result["model_last"], before.generator.state_dict())
                stated = {row["split"]: row for row in before.card.results if row["method"] == "model"}
                row = self.checkpoint(f"still-{ema}")["history"][0]
                self.assertAlmostEqual(row["val_l1_model"] / stated["val"]["l1"], 1, places=4)
                self.assertAlmostEqual(row["val_psnr_model"] / stated["val"]["psnr"], 1, places=4)

    def test_the_average_starts_from_the_loaded_weights(self):
        before = load_model(self.model).generator.state_dict()
        moved = []
        for ema in (0.0, 0.999):
            result = self.tune(f"average-{ema}", self.model, ema=ema, learning_rate=0.001)
            after = load_model(result["model_last"]).generator
            moved.append(sum((p.detach() - before[n]).abs().sum().item() for n, p in after.named_parameters()))
        self.assertGreater(moved[1], 0)
        self.assertLess(moved[1], moved[0] / 50)  # four steps of a thousandth each

    def test_gain_and_detail_of_the_first_weights_are_for_fresh_ones_alone(self):
        result = self.tune("plain", self.model, learning_rate=SLOW, answer_gain=0.01, detail_init=100.0)
        self.assertSameWeights(result["model_last"], load_model(self.model).generator.state_dict())

    def test_the_origin_is_kept_in_the_run_and_on_the_card(self):
        result = self.tune("told", self.model, epochs=1)
        origin = {"name": "model", "sha256": sha256(self.model)}
        card = load_model(result["model"]).card
        self.assertEqual(card.recipe["from"], origin)
        self.assertEqual(card.intensity, load_model(self.model).card.intensity)
        self.assertLessEqual(
            origin.items(), json.loads((self.folder / "told" / "recipe.json").read_text())["from"].items()
        )
        self.assertLessEqual(origin.items(), self.checkpoint("told")["from"].items())
        self.assertNotIn("from", load_model(self.model).card.recipe)

    def test_the_scale_of_the_model_is_kept_and_the_gain_is_of_the_data(self):
        path = examples.save_small_model(self.folder / "small.safetensors", architecture="unet_128")
        fields = {"scale": "log", "composition": "residual", "offset": 2.0, "architecture": "unet_128"}
        correction = 0.05 * load_model(path).card.intensity.span / 2
        result = self.tune("scaled", path, epochs=1, correction=correction, **fields)
        card = load_model(result["model"]).card
        self.assertEqual((card.intensity.low, card.intensity.high), (100.0, 16383.0))
        self.assertAlmostEqual(card.composition.gain, 3.0)
        self.assertAlmostEqual(card.composition.strength, 0.05)

    def test_the_name_of_a_model_at_hand_is_enough(self):
        with self.assertRaisesRegex(InputError, "starter.safetensors: has .*, the recipe "):
            self.tune("named", "starter")


class PublishedTest(FineTuningTestCase):
    """Checkpoints as the published code writes them."""

    def test_its_weights_are_taken_grey_or_colour(self):
        for channels in (1, 3):
            weights = random_checkpoint(published_shapes(7, 2, (channels, channels)))
            for name in (f"latest-{channels}_net_G.pth", f"latest-{channels}.safetensors"):
                with self.subTest(name):
                    path = self.folder / name
                    torch.save(weights, path) if path.suffix == ".pth" else save_file(weights, str(path))
                    result = self.tune(f"published-{name}", path, learning_rate=SLOW, epochs=1)
                    self.assertSameWeights(result["model"], read_generator(path)[0].state_dict())
                    self.assertEqual(
                        load_model(result["model"]).card.recipe["from"], {"name": path.stem, "sha256": sha256(path)}
                    )

    def test_it_states_no_scale_so_the_recipe_does(self):
        path = self.folder / "scaleless_net_G.pth"
        torch.save(random_checkpoint(published_shapes(7, 2)), path)
        result = self.tune("scaleless", path, epochs=1, scale="log", scale_low=50.0, scale_high=9000.0)
        scale = load_model(result["model"]).card.intensity
        self.assertEqual((scale.kind, scale.low, scale.high), ("log", 50.0, 9000.0))


class RefusalTest(FineTuningTestCase):
    def refused(self, text, start, **fields):
        with self.assertRaisesRegex(InputError, text) as caught:
            self.tune("refused", start, **fields)
        self.assertEqual(len(str(caught.exception).splitlines()), 1)
        self.assertFalse((self.folder / "refused").exists())

    def test_another_network_names_the_field_and_both_values(self):
        self.refused("has ngf 2, the recipe 4", self.model, ngf=4)
        self.refused("has norm batch, the recipe instance", self.model, norm="instance")
        self.refused(
            "has architecture unet_128, the recipe unet_256",
            self.model,
            architecture="unet_256",
            crop_size=256,
            load_size=286,
        )
        path = self.folder / "other_net_G.pth"
        torch.save(random_checkpoint(published_shapes(8, 4)), path)
        self.refused("other_net_G.pth: has architecture unet_256, the recipe unet_128", path)

    def test_another_scale_or_composition_names_the_field_and_both_values(self):
        self.refused("has scale linear, the recipe log", self.model, scale="log", scale_low=1.0)
        self.refused("has scale_high 16383, the recipe 4095.0", self.model, scale_high=4095.0)
        self.refused("has composition direct, the recipe residual", self.model, composition="residual")
        model = load_model(self.model)
        card = dataclasses.replace(
            model.card, composition=dataclasses.replace(model.card.composition, kind="residual", strength=0.2)
        )
        path = save_model(self.folder / "residual.safetensors", model.generator, card, overwrite=True)
        self.refused("has correction 0.2, the recipe 1.0", path, composition="residual")

    def test_what_is_not_there_or_no_model_is_named(self):
        self.refused("none.safetensors: there is no such model file", self.folder / "none.safetensors")
        self.refused("none.pth: there is no such checkpoint", self.folder / "none.pth")
        self.refused("no model of that name", "no-such-model")
        damaged = self.folder / "damaged.safetensors"
        damaged.write_bytes(self.model.read_bytes()[:-7])
        self.refused("damaged.safetensors: is not a whole", damaged)
        self.refused("checkpoint.pt: holds something else", self.folder / "first" / "checkpoint.pt")

    def test_the_command_line_says_it_in_one_line(self):
        (self.folder / "wide.json").write_text(json.dumps({**TINY, "ngf": 3}))
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            code = main(
                [
                    "train",
                    str(self.data),
                    str(self.folder / "wide"),
                    "--recipe",
                    str(self.folder / "wide.json"),
                    "--from",
                    str(self.model),
                ]
            )
        self.assertEqual(code, 2)
        self.assertRegex(said.getvalue(), r"^error: .*model.safetensors: has ngf 2, the recipe 3; .*\n$")


class ResumeTest(FineTuningTestCase):
    def interrupted(self, name, epoch):
        recipe = dataclasses.replace(self.recipe, ema=0.9)
        steps = train(self.data, self.folder / name, recipe, start=self.start)
        for progress in steps:
            if progress.epoch == epoch:
                break
        steps.close()

    def test_a_killed_run_goes_on_bit_for_bit_without_the_file(self):
        self.start = self.folder / "moved.safetensors"
        self.start.write_bytes(self.model.read_bytes())
        straight = self.tune("straight", self.start, ema=0.9)
        for epoch in (1, 2):
            self.interrupted(f"killed-{epoch}", epoch)
        self.start.unlink()
        for epoch in (1, 2):
            resumed = self.tune(f"killed-{epoch}", None, resume=True, ema=0.9)
            self.assertSameWeights(resumed["model_last"], load_model(straight["model_last"]).generator.state_dict())
            self.assertEqual(
                load_model(resumed["model"]).card.recipe["from"], load_model(straight["model"]).card.recipe["from"]
            )

    def test_a_run_stopped_before_its_first_checkpoint_asks_for_the_file(self):
        self.start = self.model
        self.interrupted("early", 1)
        (self.folder / "early" / "checkpoint.pt").unlink()
        with self.assertRaisesRegex(InputError, "before it had read model; name that again with start"):
            self.tune("early", None, resume=True)
        self.assertEqual(self.tune("early", self.model, resume=True)["epochs"], 2)

    def test_another_start_is_refused_and_the_same_is_not(self):
        self.start = self.model
        self.interrupted("again", 2)
        other = self.folder / "first" / "model-last.safetensors"
        with self.assertRaisesRegex(
            InputError, "this run started from model .*, not from .*model-last.safetensors; resume without start"
        ):
            self.tune("again", other, resume=True, ema=0.9)
        with self.assertRaisesRegex(InputError, "this run started from fresh weights"):
            self.tune("first", self.model, resume=True)
        self.assertEqual(self.tune("again", self.model, resume=True, ema=0.9)["epochs"], 2)


if __name__ == "__main__":
    unittest.main()
