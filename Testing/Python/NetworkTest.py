"""Generator, discriminator and initialisation against the published definition."""

import unittest

import lowdosecontrast_examples  # noqa: F401  (finds the libraries)
import numpy as np
import torch
from LowDoseContrastLib.discriminator import build_discriminator
from LowDoseContrastLib.frozen import FrozenGenerator
from LowDoseContrastLib.generator import UNetGenerator
from LowDoseContrastLib.initialisation import initialise
from torch import nn


def parameters(network):
    return sum(p.numel() for p in network.parameters())


class GeneratorTest(unittest.TestCase):
    def test_parameterCountsOfThePublishedNetworks(self):
        self.assertEqual(parameters(UNetGenerator("unet_128", ngf=64)), 41_822_849)
        self.assertEqual(parameters(UNetGenerator("unet_256", ngf=64)), 54_407_809)
        self.assertEqual(parameters(UNetGenerator("unet_256", ngf=96)), 122_407_873)

    def test_keysOfTheReferenceCheckpoint(self):
        """Built from the published positions: outer conv 0; {1,2,3,5,6}; innermost {1,3,4}; outer up conv 3."""
        for architecture, downs in (("unet_128", 7), ("unet_256", 8)):
            expected = {"model.model.0.weight", "model.model.3.weight", "model.model.3.bias"}
            prefix = "model.model.1.model."
            norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
            for level in range(1, downs):
                innermost = level == downs - 1
                down, up, norms = ("1", "3", ("4",)) if innermost else ("1", "5", ("2", "6"))
                expected |= {f"{prefix}{down}.weight", f"{prefix}{up}.weight"}
                expected |= {f"{prefix}{n}.{part}" for n in norms for part in norm}
                prefix += "3.model."
            self.assertEqual(set(UNetGenerator(architecture, ngf=2).state_dict()), expected)

    def test_biasesFollowTheNorm(self):
        for norm, biased in (("batch", False), ("instance", True), ("none", False)):
            convolutions = [
                m for m in UNetGenerator(ngf=2, norm=norm).modules() if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))
            ]
            last = [c for c in convolutions if isinstance(c, nn.ConvTranspose2d) and c.out_channels == 1]
            self.assertTrue(all(c.bias is not None for c in last))
            self.assertEqual({c.bias is not None for c in convolutions if c not in last}, {biased})

    def test_dropoutInTheIntermediateLevels(self):
        for architecture, count in (("unet_128", 2), ("unet_256", 3)):
            network = UNetGenerator(architecture, ngf=2)
            self.assertEqual(sum(isinstance(m, nn.Dropout) for m in network.modules()), count)

    def test_sizesAndRange(self):
        for architecture, side in (("unet_128", 128), ("unet_256", 256)):
            network = UNetGenerator(architecture, in_channels=3, out_channels=2, ngf=2).eval()
            with torch.no_grad():
                result = network(torch.rand(1, 3, side, 2 * side))
            self.assertEqual(tuple(result.shape), (1, 2, side, 2 * side))
            self.assertLessEqual(float(result.abs().max()), 1.0)

    def test_wrongArguments(self):
        for arguments in ({"architecture": "unet_512"}, {"ngf": 0}, {"norm": "layer"}):
            with self.assertRaises(ValueError):
                UNetGenerator(**arguments)


class DiscriminatorTest(unittest.TestCase):
    def test_parameterCounts(self):
        self.assertEqual(parameters(build_discriminator("basic", ndf=64)), 2_764_609)
        self.assertEqual(parameters(build_discriminator("basic", ndf=32)), 694_177)

    def test_receptiveFields(self):
        """The pixels that change one logit, found by gradients, against the published 16, 34, 70, 142, 286."""
        for layers, field in ((1, 16), (2, 34), (3, 70), (4, 142), (5, 286)):
            network = build_discriminator("n_layers", in_channels=1, ndf=2, n_layers=layers, norm="none")
            image = torch.zeros(1, 1, 640, 640, requires_grad=True)
            logits = network(image)
            middle = logits.shape[-1] // 2
            for parameter in network.parameters():
                parameter.data.fill_(0.1)
            network(image)[0, 0, middle, middle].backward()
            touched = np.flatnonzero(image.grad[0, 0].abs().sum(0).numpy())
            self.assertEqual(touched[-1] - touched[0] + 1, field)

    def test_pixelDiscriminatorSeesOnePixel(self):
        network = build_discriminator("pixel", ndf=4).eval()
        image = torch.zeros(1, 2, 8, 8, requires_grad=True)
        network(image)[0, 0, 3, 4].backward()
        self.assertEqual(image.grad[0, 0].nonzero().tolist(), [[3, 4]])

    def test_keysOfTheReferenceCheckpoint(self):
        weights = {k for k in build_discriminator("basic").state_dict() if k.endswith("weight")}
        self.assertEqual(weights, {f"model.{i}.weight" for i in (0, 2, 3, 5, 6, 8, 9, 11)})

    def test_unknownKind(self):
        with self.assertRaises(ValueError):
            build_discriminator("global")


class InitialisationTest(unittest.TestCase):
    def test_spreadOfTheWeights(self):
        """Standard deviations from the definitions: gain, Glorot, He."""
        convolution = (64, 128, 4, 4)
        fan_in, fan_out = 128 * 16, 64 * 16
        expected = {"normal": 0.02, "xavier": 0.02 * (2 / (fan_in + fan_out)) ** 0.5, "kaiming": (2 / fan_in) ** 0.5}
        for kind, spread in expected.items():
            torch.manual_seed(1)
            layer = initialise(nn.Conv2d(convolution[1], convolution[0], 4), kind)
            self.assertAlmostEqual(float(layer.weight.detach().std()) / spread, 1, delta=0.02)
            self.assertEqual(float(layer.bias.detach().abs().max()), 0)

    def test_orthogonalRows(self):
        layer = initialise(nn.Conv2d(32, 16, 4), "orthogonal", gain=0.5)
        rows = layer.weight.detach().flatten(1)
        np.testing.assert_allclose((rows @ rows.T).numpy(), 0.25 * np.eye(16), atol=1e-5)

    def test_unknownKind(self):
        with self.assertRaises(ValueError):
            initialise(nn.Conv2d(1, 1, 1), "zeros")


class FrozenGeneratorTest(unittest.TestCase):
    """The unrolled network against the module in eval mode."""

    def test_equalsTheModule(self):
        for architecture in ("unet_128", "unet_256"):
            for norm in ("batch", "instance", "none"):
                torch.manual_seed(2)
                network = UNetGenerator(architecture, ngf=4, norm=norm).train()
                network(torch.randn(4, 1, 256, 256))
                network.eval()
                image = torch.randn(2, 1, 256, 512)
                with torch.no_grad():
                    expected = network(image)
                frozen = FrozenGenerator(network)
                for _ in range(2):  # the second time on memory used before
                    np.testing.assert_allclose(frozen(image).numpy(), expected.numpy(), atol=2e-5)

    def test_stopsBetweenLevels(self):
        frozen = FrozenGenerator(UNetGenerator(ngf=2).eval())
        self.assertEqual(sum(1 for _ in frozen.steps(torch.zeros(1, 1, 256, 256))), 14)

    def test_leavesItsInputAlone(self):
        frozen, image = FrozenGenerator(UNetGenerator(ngf=2).eval()), torch.randn(1, 1, 256, 256)
        before = image.clone()
        frozen(image)
        self.assertTrue(torch.equal(image, before))


if __name__ == "__main__":
    unittest.main()
