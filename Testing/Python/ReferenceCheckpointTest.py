"""Checkpoints of the published pix2pix code, against a network written from its tensor names alone."""

import contextlib
import io
import pickle
import tempfile
import unittest
from pathlib import Path

import lowdosecontrast_examples as examples
import numpy as np
import torch
from LowDoseContrastLib.__main__ import main
from LowDoseContrastLib.card import ModelCard
from LowDoseContrastLib.choices import DOWNSAMPLINGS
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.frozen import FrozenGenerator
from LowDoseContrastLib.inference import Runner
from LowDoseContrastLib.model import Model, build_generator, load_model, save_model
from LowDoseContrastLib.reference_checkpoint import (
    IMAGE_LIMIT,
    RUNNING_LIMIT,
    architecture_of,
    export_checkpoint,
    import_checkpoint,
)
from LowDoseContrastLib.steps import run_to_end
from LowDoseContrastLib.tiling import tile_plan, whole_plan
from torch.nn import functional


def published_shapes(downs, ngf, channels=(1, 1), norm="batch"):
    """Tensor name -> shape of the reference code's U-Net, from the published positions.

    Outer convolution 0 and transposed 3; inside, at ``1``, blocks of {1, 2, 3, 5, 6}: down, norm, inner,
    up, norm; the innermost block has {1, 3, 4}: down, up, norm.
    """
    widths = [min(2**level, 8) * ngf for level in range(downs)]
    shapes = {"model.model.0.weight": (ngf, channels[0], 4, 4)}
    bias = norm == "instance"
    if bias:
        shapes["model.model.0.bias"] = (ngf,)
    shapes |= {"model.model.3.weight": (2 * ngf, channels[1], 4, 4), "model.model.3.bias": (channels[1],)}

    def add_conv(name, shape, width):
        shapes[f"{name}.weight"] = shape
        if bias:
            shapes[f"{name}.bias"] = (width,)

    def add_norm(name, width):
        if norm == "batch":
            shapes.update({f"{name}.{part}": (width,) for part in ("weight", "bias", "running_mean", "running_var")})
            shapes[f"{name}.num_batches_tracked"] = ()

    prefix = "model.model.1.model."
    for level in range(1, downs):
        outer, inner, innermost = widths[level - 1], widths[level], level == downs - 1
        up, last = ("3", "4") if innermost else ("5", "6")
        add_conv(prefix + "1", (inner, outer, 4, 4), inner)
        if not innermost:
            add_norm(prefix + "2", inner)
        add_conv(prefix + up, (inner if innermost else 2 * inner, outer, 4, 4), outer)
        add_norm(prefix + last, outer)
        prefix += "3.model."
    return shapes


def random_checkpoint(shapes, seed=0):
    """Tensors of these shapes, of a size that keeps the tanh away from its ends."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in shapes.items():
        values = torch.randn(shape, generator=generator)
        if name.endswith("running_var"):
            values = 1 + values.abs()
        elif name.endswith("num_batches_tracked"):
            values = torch.tensor(7)
        elif len(shape) == 4:
            values = values / (16 * min(shape[:2])) ** 0.5
        weights[name] = values
    return weights


def published_forward(weights, image, statistics="image"):
    """The reference code's generator at test time (``running``: with ``--eval``), by its tensor names."""

    def conv(x, name, transposed=False):
        work = functional.conv_transpose2d if transposed else functional.conv2d
        return work(x, weights[f"{name}.weight"], weights.get(f"{name}.bias"), stride=2, padding=1)

    def norm(x, name):
        if f"{name}.running_mean" in weights:
            w = {part: weights[f"{name}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")}
            if statistics == "image":
                return functional.batch_norm(x, None, None, w["weight"], w["bias"], training=True, eps=1e-5)
            return functional.batch_norm(x, w["running_mean"], w["running_var"], w["weight"], w["bias"], eps=1e-5)
        return functional.instance_norm(x) if "model.model.0.bias" in weights else x

    def block(x, prefix):
        y = conv(functional.leaky_relu(x, 0.2), prefix + "1")
        if f"{prefix}3.model.1.weight" in weights:
            y = block(norm(y, prefix + "2"), prefix + "3.model.")
            up, last = "5", "6"
        else:
            up, last = "3", "4"
        y = norm(conv(functional.relu(y), prefix + up, transposed=True), prefix + last)
        return torch.cat([x, y], 1)

    y = block(conv(image, "model.model.0"), "model.model.1.model.")
    return torch.tanh(conv(functional.relu(y), "model.model.3", transposed=True))


class CheckpointTestCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def saved(self, weights, name="latest_net_G.pth"):
        torch.save(weights, self.folder / name)
        return self.folder / name

    def command(self, *arguments):
        """(exit code, standard output, standard error) of ``lowdosecontrast models``."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(["models", *map(str, arguments)])
            except SystemExit as stop:
                code = stop.code
        return code, out.getvalue(), err.getvalue()


class ImportTest(CheckpointTestCase):
    def test_networksOfAllKindsAnswerAsThePublishedOne(self):
        for name, downs in DOWNSAMPLINGS.items():
            for norm in ("batch", "instance", "none"):
                with self.subTest(name=name, norm=norm):
                    weights = random_checkpoint(published_shapes(downs, 2, norm=norm))
                    generator, card = import_checkpoint(self.saved(weights), "mine", 0, 4095)
                    a = card.architecture
                    self.assertEqual((a.architecture, a.ngf, a.norm, a.dropout), (name, 2, norm, False))
                    self.assertEqual((card.intensity.low, card.intensity.high), (0, 4095))
                    # Instance norm needs more than one value at the bottleneck.
                    image = torch.rand(1, 1, 2 ** (downs + 1), 2**downs) * 2 - 1
                    with torch.no_grad():
                        torch.testing.assert_close(
                            generator(image), published_forward(weights, image), rtol=1e-4, atol=1e-5
                        )

    def test_colourNetworkSeesAGreyImageAsBefore(self):
        weights = random_checkpoint(published_shapes(7, 2, (3, 3)))
        generator, card = import_checkpoint(self.saved(weights), "mine", 0, 255)
        self.assertEqual((card.architecture.in_channels, card.architecture.out_channels), (1, 1))
        self.assertTrue(any("colour" in limit for limit in card.limits))
        image = torch.rand(1, 1, 128, 256) * 2 - 1
        with torch.no_grad():
            before_tanh = torch.atanh(published_forward(weights, image.repeat(1, 3, 1, 1)).double()).mean(
                1, keepdim=True
            )
            torch.testing.assert_close(generator(image).double(), torch.tanh(before_tanh), rtol=1e-3, atol=1e-4)

    def test_batchNormsUseTheStatisticsAskedFor(self):
        """Of each image, also where several are answered at once; in the network and in its frozen form."""
        weights = random_checkpoint(published_shapes(7, 2))
        image = torch.rand(1, 1, 256, 128, generator=torch.Generator().manual_seed(1)) * 2 - 1
        images = torch.cat([image, -0.3 * image])
        answers = {}
        for statistics, limit in (("image", IMAGE_LIMIT), ("running", RUNNING_LIMIT)):
            generator, card = import_checkpoint(self.saved(weights), "mine", 0, 4095, statistics)
            self.assertEqual(card.architecture.norm_statistics, statistics)
            self.assertIn(limit, card.limits)
            path = save_model(self.folder / f"{statistics}.safetensors", generator, card, "float32")
            loaded = load_model(path)
            self.assertEqual(loaded.card, card)
            with torch.no_grad():
                answers[statistics] = torch.cat(
                    [published_forward(weights, each, statistics) for each in images[:, None]]
                )
                for network in (generator, loaded.generator, FrozenGenerator(loaded.generator)):
                    torch.testing.assert_close(network(images), answers[statistics], rtol=1e-4, atol=1e-5)
                half = FrozenGenerator(loaded.generator, dtype=torch.bfloat16)(images)
                self.assertLess(float((half - answers[statistics]).abs().mean()), 0.02)
        self.assertGreater(float((answers["image"] - answers["running"]).abs().mean()), 0.02)

    def test_aCardThatDoesNotSayItMeansRunningStatistics(self):
        """So cards from before there was a choice are valid and stay the same to the byte."""
        card = examples.small_model().card
        self.assertNotIn("norm_statistics", card.to_json())
        self.assertEqual(ModelCard.from_dict(card.to_dict()).architecture.norm_statistics, "running")
        wrong = card.to_dict()
        wrong["architecture"]["norm_statistics"] = "other"
        with self.assertRaisesRegex(InputError, "card is not valid: unknown statistics"):
            build_generator(ModelCard.from_dict(wrong))

    def test_namesThatWrappersLeaveAreRead(self):
        weights = random_checkpoint(published_shapes(7, 2))
        image = torch.rand(1, 1, 128, 128)
        with torch.no_grad():
            expected = published_forward(weights, image)
        for prefix in ("module.", "_orig_mod.", "_orig_mod.module.", "module._orig_mod.", "module.module."):
            with self.subTest(prefix), torch.no_grad():
                wrapped = {prefix + name: tensor for name, tensor in weights.items()}
                generator, _ = import_checkpoint(self.saved(wrapped), "mine", 0, 255)
                torch.testing.assert_close(generator(image), expected, rtol=1e-4, atol=1e-5)
        inside = {name.replace("model.", "model._orig_mod.", 1): tensor for name, tensor in weights.items()}
        self.assertEqual(import_checkpoint(self.saved(inside), "mine", 0, 255)[1].architecture.ngf, 2)
        with self.assertRaisesRegex(InputError, "two networks"):
            import_checkpoint(self.saved({**weights, **wrapped}), "mine", 0, 255)

    def test_countsOfBatchesMayBeMissingOrHaveADimension(self):
        weights = random_checkpoint(published_shapes(7, 2))
        is_count = {name: name.endswith("num_batches_tracked") for name in weights}
        old = {name: tensor for name, tensor in weights.items() if not is_count[name]}
        listed = {name: tensor.reshape(1) if is_count[name] else tensor for name, tensor in weights.items()}
        image = torch.rand(1, 1, 128, 128)
        for written in (old, listed):
            generator, _ = import_checkpoint(self.saved(written), "mine", 0, 255)
            with torch.no_grad():
                torch.testing.assert_close(generator(image), published_forward(weights, image), rtol=1e-4, atol=1e-5)

    def test_instanceNormSavedBeforeTorch04(self):
        """It had running statistics, which it did not use."""
        weights = random_checkpoint(published_shapes(7, 2, norm="instance"))
        norms = [name for name in published_shapes(7, 2) if name.endswith(("running_mean", "running_var"))]
        shapes = published_shapes(7, 2)
        old = {**weights, **{name: torch.rand(shapes[name]) for name in norms}}
        generator, card = import_checkpoint(self.saved(old), "mine", 0, 255)
        self.assertEqual((card.architecture.norm, card.architecture.norm_statistics), ("instance", "running"))
        self.assertFalse({IMAGE_LIMIT, RUNNING_LIMIT} & set(card.limits))
        image = torch.rand(1, 1, 128, 128)
        with torch.no_grad():
            torch.testing.assert_close(generator(image), published_forward(weights, image), rtol=1e-4, atol=1e-5)

    def test_theCommandsSayWhatBatchNormsUse(self):
        path, model = self.saved(random_checkpoint(published_shapes(7, 2))), self.folder / "m.safetensors"
        code, out, err = self.command("import", path, "--output", model)
        self.assertEqual(code, 0, err)
        self.assertIn(IMAGE_LIMIT, out)
        self.assertIn("norm_statistics image", self.command("show", model)[1])
        self.assertIn("without --eval", self.command("export", model, "--output", self.folder / "x.pth")[1])
        _, out, _ = self.command("import", path, "--output", model, "--norm-statistics", "running", "--overwrite")
        self.assertIn(RUNNING_LIMIT, out)
        self.assertIn("test it with --eval", self.command("export", model, "--output", self.folder / "y.pth")[1])

    def test_windowsWithStatisticsOfTheirOwnAreNoted(self):
        weights = random_checkpoint(published_shapes(7, 2))
        for statistics in ("image", "running"):
            runner = Runner(
                Model(*import_checkpoint(self.saved(weights), "mine", 0, 255, statistics)[::-1]), "cpu", "fp32"
            )
            image, everywhere = np.zeros((300, 300), np.float32), np.ones((300, 300), bool)
            for plan in (whole_plan(everywhere), tile_plan(everywhere, 0.5)):
                run_to_end(runner.answer_steps(image, plan))
                expected = statistics == "image" and len(plan.origins) > 1
                self.assertEqual(any("mode whole" in note for note in runner.notes), expected)

    def test_whatIsNoGeneratorIsRefused(self):
        weights = random_checkpoint(published_shapes(7, 2))
        broken = {**weights, "model.model.3.bias": torch.tensor([float("nan")])}
        missing = {
            name: tensor for name, tensor in weights.items() if not name.endswith("1.weight") or name.count("model") < 5
        }
        cases = {
            "there is no such": self.folder / "none.pth",
            "NaN": self.saved(broken, "broken.pth"),
            "down-samplings": self.saved(random_checkpoint(published_shapes(5, 2)), "unet_32.pth"),
            "no U-Net generator": self.saved({"model.0.weight": torch.zeros(1)}, "latest_net_D.pth"),
            "something else": self.saved({"epoch": 3, "weights": weights}, "run.pth"),
        }
        text = self.folder / "text.pth"
        text.write_text("no weights")
        cases["is no checkpoint"] = text
        for words, path in cases.items():
            with self.subTest(words), self.assertRaisesRegex(InputError, words) as caught:
                import_checkpoint(path, "mine", 0, 255)
            self.assertIn(path.name, str(caught.exception))
        with self.assertRaises(InputError):
            import_checkpoint(self.saved(missing, "missing.pth"), "mine", 0, 255)
        with self.assertRaisesRegex(InputError, "below high"):
            import_checkpoint(self.saved(weights), "mine", 255, 0)

    def test_codeInACheckpointIsNeverRun(self):
        ran = []

        class Trap:
            def __reduce__(self):
                return (ran.append, (1,))

        path = self.folder / "trap.pth"
        path.write_bytes(pickle.dumps({"model.model.0.weight": Trap()}))
        with self.assertRaises(InputError):
            architecture_of(import_checkpoint(path, "mine", 0, 255), path)
        self.assertEqual(ran, [])


class ExportTest(CheckpointTestCase):
    def test_exportedWeightsAreThePublishedOnesAndAnswerTheSame(self):
        for norm in ("batch", "instance", "none"):
            model = examples.small_model(norm=norm, composition="direct")
            path = export_checkpoint(self.folder / f"{norm}.pth", model.generator)
            weights = torch.load(path, weights_only=True)
            shapes = {name: tuple(tensor.shape) for name, tensor in weights.items()}
            self.assertEqual(shapes, published_shapes(8, 2, norm=norm))
            image = torch.rand(1, 1, 256, 512) * 2 - 1
            with torch.no_grad():
                torch.testing.assert_close(
                    published_forward(weights, image, "running"), model.generator(image), rtol=1e-4, atol=1e-5
                )

    def test_outAndInAgainIsTheSameNetwork(self):
        path = examples.save_small_model(self.folder / "small.safetensors", composition="direct")
        code, out, err = self.command("export", path, "--output", self.folder / "latest_net_G.pth")
        self.assertEqual(code, 0, err)
        self.assertIn("--netG unet_256 --ngf 2 --norm batch", out)
        code, _, err = self.command(
            *("import", self.folder / "latest_net_G.pth", "--output", self.folder / "back.safetensors"),
            *("--norm-statistics", "running"),
        )
        self.assertEqual(code, 0, err)
        before, after = load_model(path), load_model(self.folder / "back.safetensors")
        image = torch.rand(1, 1, 256, 256)
        with torch.no_grad():
            self.assertTrue(torch.equal(before.generator(image), after.generator(image)))
        self.assertEqual(self.command("export", path, "--output", self.folder / "latest_net_G.pth")[0], 2)
        self.assertEqual(
            self.command("import", self.folder / "latest_net_G.pth", "--output", self.folder / "back.pth")[0], 2
        )

    def test_aCorrectingModelSaysThatItsOutputIsNoImage(self):
        path = examples.save_small_model(self.folder / "small.safetensors")
        _, out, _ = self.command("export", path, "--output", self.folder / "G.pth")
        self.assertIn("no image by itself", out)


if __name__ == "__main__":
    unittest.main()
