"""What a recipe can ask for: every loss, schedule and rule does what it says, and bad training stops."""

import unittest

import torch
from LowDoseContrastLib.intensity import Composition, IntensityScale
from LowDoseContrastTrainingLib.adversary import Pix2Pix
from LowDoseContrastTrainingLib.losses import gan_loss, gradient_penalty
from LowDoseContrastTrainingLib.recipe import recipe_from_dict

TINY = {
    "architecture": "unet_128", "ngf": 2, "ndf": 2, "crop_size": 128, "load_size": 136,
    "epochs": 2, "epochs_decay": 0, "batch_size": 2,
}  # fmt: skip


def small_pix2pix(**fields):
    """A pix2pix of two filters on 14-bit pixel values."""
    return Pix2Pix(recipe_from_dict({**TINY, **fields}), IntensityScale("linear", 0.0, 16383.0), Composition())


def pair(seed=1):
    """A low-dose batch (2, 1, 128, 128) and its high dose, pixel values."""
    low = torch.rand(2, 1, 128, 128, generator=torch.Generator().manual_seed(seed)) * 300 + 200
    return low, 3 * low + 20


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


if __name__ == "__main__":
    unittest.main()
