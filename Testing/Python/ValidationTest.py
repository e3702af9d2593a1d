"""The figures on held-out patches: the same as taken over all patches at once, by independent means."""

import dataclasses
import unittest

import numpy as np
from lowdosecontrast_training import TINY, FolderTest, write_data_set
from LowDoseContrastLib.intensity import Composition, IntensityScale
from LowDoseContrastTrainingLib.dataset.manifest import open_data_set
from LowDoseContrastTrainingLib.training.held_out import CHUNK, HeldOut
from LowDoseContrastTrainingLib.training.pix2pix import Pix2Pix
from LowDoseContrastTrainingLib.training.recipes import recipe_from_dict
from LowDoseContrastTrainingLib.training.validation import enhanced, judge
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity


class ValidationTest(FolderTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.count = CHUNK + 2
        cls.data = open_data_set(write_data_set(cls.folder / "held-out", {"train": 1, "val": cls.count}))
        cls.recipe = recipe_from_dict({**TINY, "crop": "native"})
        cls.pix2pix = Pix2Pix(cls.recipe, IntensityScale("linear", 0.0, 3000.0), Composition())
        cls.pix2pix.generator.eval()

    def held_out(self, data=None):
        return HeldOut(data or self.data, "val", self.recipe, 1e9)

    def test_figures_are_those_of_all_patches_at_once(self):
        held = self.held_out()
        self.assertEqual([len(low) for low, _ in held.chunks()], [CHUNK, 2])
        low, high = (np.concatenate(side) for side in zip(*held.chunks()))
        valid = held.valid(low, high)
        gain = np.linalg.lstsq(low[valid][:, None].astype(float), high[valid].astype(float), rcond=None)[0][0]
        rows = {row["method"]: row for row in judge(self.pix2pix, self.pix2pix.generator, held)}
        outputs = {
            "gain": low * gain,
            "model": np.concatenate([enhanced(self.pix2pix, self.pix2pix.generator, each[None]) for each in low]),
        }
        span = float(np.ptp(high[valid]))
        for name, made in outputs.items():
            row = rows[name]
            self.assertAlmostEqual(row["l1"], np.abs(made.astype(float) - high)[valid].mean(), places=2)
            self.assertAlmostEqual(
                row["psnr"],
                peak_signal_noise_ratio(high[valid].astype(float), made[valid].astype(float), data_range=16383),
                places=3,
            )
            ssim = [
                structural_similarity(
                    a, b, data_range=span, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
                )
                for a, b in zip(made.astype(float), high.astype(float))
            ]
            self.assertAlmostEqual(row["ssim"], np.mean(ssim), delta=0.02)  # skimage's mean leaves out the rim
            deviations = [
                np.mean([np.mean(ndimage.generic_filter(each[:24, :24], np.std, 3)) for each in side])
                for side in (made.astype(float), high.astype(float))
            ]
            self.assertAlmostEqual(row["cci_ratio"], deviations[0] / deviations[1], delta=0.15 * row["cci_ratio"])

    def test_saturated_pixels_are_left_out_of_the_detector_and_of_the_png(self):
        held = self.held_out()
        low, high = next(held.chunks())
        self.assertTrue(held.valid(low, high).all())
        narrow = dataclasses.replace(self.data, scale=dataclasses.replace(self.data.scale, high=1000.0))
        held = self.held_out(narrow)  # the same PNG values, whose highest are now those of 1000 and more
        full = np.full((1, 2, 2), 65535, np.uint16)
        self.assertFalse(held.valid(*(narrow.scale.decode(each) for each in (full, full))).any())
        self.assertTrue(held.valid(*(narrow.scale.decode(each) for each in (full - 2, full - 2))).all())

    def test_without_patches_there_are_no_figures(self):
        held = HeldOut(self.data, "test", self.recipe, 1e9)
        self.assertEqual(judge(self.pix2pix, self.pix2pix.generator, held), [])


if __name__ == "__main__":
    unittest.main()
