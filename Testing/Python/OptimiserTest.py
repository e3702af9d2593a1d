"""One step of training against the plain loop, and the optimiser against torch's own."""

import copy
import unittest

import torch
from LowDoseContrastLib.intensity import Composition, IntensityScale
from LowDoseContrastTrainingLib.training.optimiser import DenseAdam
from LowDoseContrastTrainingLib.training.pix2pix import Pix2Pix
from LowDoseContrastTrainingLib.training.recipes import recipe_from_dict
from torch import nn


def network(layout):
    torch.manual_seed(4)
    return nn.Sequential(
        nn.Conv2d(3, 5, 4, bias=False), nn.BatchNorm2d(5), nn.ConvTranspose2d(5, 2, 4), nn.Conv2d(2, 1, 1)
    ).to(memory_format=layout)


class DenseAdamTest(unittest.TestCase):
    def descend(self, networks, optimisers, steps, seed=0):
        for step in range(steps):
            image = torch.randn(2, 3, 12, 12, generator=torch.Generator().manual_seed(seed + step))
            for each, optimiser in zip(networks, optimisers):
                optimiser.zero_grad()
                each(image).square().mean().backward()
                optimiser.step()

    def test_it_steps_as_torch_does_whatever_the_layout(self):
        for layout in (torch.contiguous_format, torch.channels_last):
            ours, theirs = network(layout), network(layout)
            settings = {"lr": 1e-3, "betas": (0.5, 0.999)}
            self.descend(
                (ours, theirs),
                (
                    DenseAdam(ours.parameters(), **settings),
                    torch.optim.Adam(theirs.parameters(), fused=True, **settings),
                ),
                4,
            )
            for one, other in zip(ours.parameters(), theirs.parameters()):
                self.assertTrue(torch.equal(one, other))
                self.assertEqual(one.stride(), other.stride())

    def test_its_state_fits_weights_of_another_layout(self):
        """As where a training that began on one processor goes on where bf16 is not native."""
        first = network(torch.channels_last)
        before = DenseAdam(first.parameters(), lr=1e-3)
        self.descend((first,), (before,), 3)
        second = copy.deepcopy(first).to(memory_format=torch.contiguous_format)
        after = DenseAdam(second.parameters(), lr=1e-3)
        after.load_state_dict(copy.deepcopy(before.state_dict()))
        for index, state in before.state_dict()["state"].items():
            self.assertEqual(state["exp_avg"].shape, list(first.parameters())[index].shape)
        self.descend((first, second), (before, after), 2, seed=9)
        for one, other in zip(first.parameters(), second.parameters()):
            torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)

    def test_weights_without_a_gradient_stay(self):
        weight, other = (
            nn.Parameter(torch.ones(2, 3, 4, 4).to(memory_format=torch.channels_last)),
            nn.Parameter(torch.ones(3)),
        )
        optimiser = DenseAdam([weight, other], lr=0.1)
        other.sum().backward()
        optimiser.step()
        self.assertTrue(torch.equal(weight, torch.ones(2, 3, 4, 4)))
        self.assertLess(other.max().item(), 1)


class StepTest(unittest.TestCase):
    def test_a_step_is_that_of_the_plain_loop(self):
        """Two steps of the published order, written out with torch's own losses and Adam."""
        fields = {
            "architecture": "unet_128",
            "ngf": 3,
            "ndf": 3,
            "crop_size": 128,
            "dropout": False,
            "learning_rate": 1e-3,
        }
        for mode, criterion in (("vanilla", nn.BCEWithLogitsLoss()), ("lsgan", nn.MSELoss())):
            with self.subTest(mode=mode):
                recipe = recipe_from_dict({**fields, "gan_mode": mode})
                pix2pix = Pix2Pix(recipe, IntensityScale("linear", 0.0, 12000.0), Composition())
                generator, discriminator = (
                    copy.deepcopy(pix2pix.generator).train(),
                    copy.deepcopy(pix2pix.discriminator).train(),
                )
                fresh = copy.deepcopy((generator, discriminator))
                adams = [
                    torch.optim.Adam(each.parameters(), lr=1e-3, betas=(0.5, 0.999))
                    for each in (generator, discriminator)
                ]
                for seed in (1, 2):
                    low = 3000 * torch.rand(2, 1, 128, 128, generator=torch.Generator().manual_seed(seed))
                    losses = pix2pix.step(low, 3 * low)
                    expected = self.plain_step(
                        generator, discriminator, adams, criterion, low / 6000 - 1, 3 * low / 6000 - 1
                    )
                    for value, name in zip(expected, ("g_gan", "g_l1", "d_real", "d_fake")):
                        self.assertAlmostEqual(getattr(losses, name), value, delta=1e-4 * max(1, value), msg=name)
                for ours, plain, before in zip(
                    (pix2pix.generator, pix2pix.discriminator), (generator, discriminator), fresh
                ):
                    apart, way = (
                        torch.cat(
                            [(one - other).flatten() for one, other in zip(pair[0].parameters(), pair[1].parameters())]
                        )
                        for pair in ((ours, plain), (plain, before))
                    )
                    self.assertLess(apart.norm().item(), 0.05 * way.norm().item())

    def plain_step(self, generator, discriminator, adams, criterion, low, high):
        fake = generator(low)
        adams[1].zero_grad()
        judged = discriminator(torch.cat([low, fake.detach()], 1))
        d_fake = criterion(judged, torch.zeros_like(judged))
        d_real = criterion(discriminator(torch.cat([low, high], 1)), torch.ones_like(judged))
        (0.5 * (d_fake + d_real)).backward()
        adams[1].step()
        adams[0].zero_grad()
        g_gan = criterion(discriminator(torch.cat([low, fake], 1)), torch.ones_like(judged))
        g_l1 = 100 * (fake - high).abs().mean()
        (g_gan + g_l1).backward()
        adams[0].step()
        return [loss.item() for loss in (g_gan, g_l1, d_real, d_fake)]


if __name__ == "__main__":
    unittest.main()
