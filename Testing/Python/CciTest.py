"""The Carneiro Contrast Index against scipy and closed forms."""

import unittest

import lowdosecontrast_examples as examples
import numpy as np
from LowDoseContrastLib.cci import CciVariant, cci, local_moments, measure
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.mask import Breast
from scipy import ndimage


class LocalMomentsTest(unittest.TestCase):
    def test_equalsGenericFilter(self):
        rng = np.random.default_rng(0)
        for image in (
            rng.random((150, 70)),
            16000 + rng.random((33, 21)),
            rng.integers(0, 16384, (5, 300)).astype(np.uint16),
        ):
            for ddof in (0, 1):
                expected = ndimage.generic_filter(
                    image.astype(float), np.std, size=3, mode="reflect", extra_keywords={"ddof": ddof}
                )
                deviation, mean = local_moments(image, ddof)
                np.testing.assert_allclose(deviation, expected, rtol=1e-9)
                np.testing.assert_allclose(
                    mean, ndimage.uniform_filter(image.astype(float), 3, mode="reflect"), rtol=1e-12
                )

    def test_flatIsExactlyZero(self):
        deviation, mean = local_moments(np.full((20, 20), 1 / 3))
        self.assertEqual(deviation.max(), 0)
        np.testing.assert_allclose(mean, 1 / 3)

    def test_validLeavesTheFrameOut(self):
        deviation, _ = local_moments(np.eye(6), border="valid")
        self.assertTrue(np.isnan(deviation[0]).all() and np.isnan(deviation[:, -1]).all())
        self.assertFalse(np.isnan(deviation[1:-1, 1:-1]).any())
        with self.assertRaises(InputError):
            local_moments(np.zeros((2, 9)), border="valid")


class CciTest(unittest.TestCase):
    def test_checkerboardInClosedForm(self):
        """Windows of a 0/a checkerboard hold 5 and 4 of each: the deviation is a sqrt(20)/9."""
        image = 1000.0 * (np.indices((50, 50)).sum(0) % 2)
        result = cci(image, 4095.0, CciVariant(mask="none"))
        self.assertAlmostEqual(result.cci, 1000 / 4095 * 255 * np.sqrt(20) / 9, places=9)

    def test_linearRampInClosedForm(self):
        """A ramp of slope s has the population deviation s sqrt(2/3) everywhere."""
        image = np.tile(3.0 * np.arange(40), (30, 1))
        result = cci(image, 255.0, CciVariant(mask="none"))
        self.assertAlmostEqual(result.cci, 3 * np.sqrt(2 / 3), places=9)

    def test_levelsAndDdof(self):
        image = np.random.default_rng(1).integers(0, 4096, (60, 60))
        base = cci(image, 4095.0, CciVariant(mask="none")).cci
        self.assertAlmostEqual(
            cci(image, 4095.0, CciVariant(levels=4095, mask="none")).cci / base, 4095 / 255, places=9
        )
        self.assertAlmostEqual(cci(image, 4095.0, CciVariant(ddof=1, mask="none")).cci / base, np.sqrt(9 / 8), places=9)

    def test_scalesAgainstNormalisingFirst(self):
        image = np.random.default_rng(2).integers(100, 3000, (80, 90)).astype(np.uint16)
        x = image.astype(float)
        low, high = np.percentile(x, (0.5, 99.5))
        normalised = {
            "full": x / 16383, "12bit": x / 4095, "14bit": x / 16383,
            "window:500,2000": (np.clip(x, 500, 2000) - 500) / 1500,
            "minmax": (x - x.min()) / (x.max() - x.min()),
            "percentile": (np.clip(x, low, high) - low) / (high - low),
            "log": np.log1p(x) / np.log1p(16383),
        }  # fmt: skip
        for scale, image_255 in normalised.items():
            expected = ndimage.generic_filter(255 * image_255, np.std, size=3)[1:-1, 1:-1].mean()
            self.assertAlmostEqual(
                cci(image, 16383.0, CciVariant(scale, mask="none")).cci / expected, 1, places=9, msg=scale
            )

    def test_reflectTakesTheFrameIn(self):
        image = np.random.default_rng(3).integers(0, 256, (30, 20)).astype(float)
        expected = ndimage.generic_filter(image, np.std, size=3, mode="reflect").mean()
        self.assertAlmostEqual(cci(image, 255.0, CciVariant(mask="none", border="reflect")).cci, expected, places=9)

    def test_gainRaisesTheIndexAndNotTheNorm(self):
        pixels = examples.phantom_pixels()
        mask = Breast(pixels, 1).tissue
        low, high = (cci(pixels * gain, 65535.0, mask=mask) for gain in (1, 3))
        self.assertAlmostEqual(high.cci / low.cci, 3, places=9)
        self.assertAlmostEqual(high.cci_norm / low.cci_norm, 1, places=9)

    def test_onlyWindowsInsideTheBreastCount(self):
        image = np.zeros((40, 40))
        mask = np.zeros((40, 40), dtype=bool)
        mask[10:30, 10:30] = True
        image[~mask] = 1000
        deviations = np.empty(image.shape)
        result = cci(image, 1000.0, mask=mask, out=deviations)
        self.assertEqual(result.cci, 0)
        self.assertEqual(result.pixels, 18 * 18)
        self.assertGreater(deviations[9, 20], 0)

    def test_meanOfSlices(self):
        pixels = np.stack([examples.phantom_pixels(seed=s) for s in (0, 1)])
        result, maps = measure(examples.mammogram(pixels))
        self.assertAlmostEqual(result["cci"], np.mean(result["slices"]))
        self.assertEqual(maps.shape, pixels.shape)
        self.assertTrue(np.isfinite(maps).all())

    def test_wrongVariants(self):
        for arguments in (
            {"scale": "16bit"},
            {"scale": "window:5,5"},
            {"scale": "window:a"},
            {"levels": 256},
            {"ddof": 2},
            {"mask": "air"},
            {"border": "zero"},
        ):
            with self.assertRaises(InputError):
                CciVariant(**arguments)


class BreastMaskTest(unittest.TestCase):
    def test_findsTheBreastInBothPolarities(self):
        rows, columns = np.ogrid[:600, :420]
        truth = ((rows - 300) / 270) ** 2 + (columns / 315) ** 2 < 1
        for air_bright, sign in ((True, 1), (False, -1)):
            for given in (sign, None):
                mask = Breast(examples.phantom_pixels(air_bright=air_bright), given).mask
                self.assertGreater((mask & truth).sum() / (mask | truth).sum(), 0.995)

    def test_tissueLeavesTheSkinOut(self):
        """A thickness that falls to zero over 60 pixels: the mask goes to the skin, the tissue does not."""
        depth = np.clip((300 - np.arange(420)) / 60, 0, 1)
        image = np.tile(11500 * np.exp(-3.4 * depth), (600, 1))
        breast, tissue = Breast(image, 1).mask, Breast(image, 1).tissue
        self.assertAlmostEqual(breast[300].sum(), 300, delta=5)
        at_twice_the_median = 300 - 60 * (1 - np.log(2) / 3.4)
        self.assertAlmostEqual(tissue[300].sum(), at_twice_the_median, delta=9)
        self.assertFalse((tissue & ~breast).any())

    def test_tissueIsTheSameAtEveryDose(self):
        """A gain with saturation, as a higher dose has, must not move the place where contrast is measured."""
        pixels = examples.phantom_pixels().astype(float)
        masks = [Breast(np.minimum(gain * pixels, 16383), 1).tissue for gain in (1, 3.43)]
        self.assertLess((masks[0] ^ masks[1]).mean(), 1e-3)

    def test_withoutAirEverythingIsBreast(self):
        rng = np.random.default_rng(0)
        for image in (np.full((99, 77), 5), rng.normal(400, 5, (256, 256)), rng.random((20, 20))):
            self.assertTrue(Breast(image).mask.all())

    def test_holesAreFilled(self):
        pixels = examples.phantom_pixels()
        pixels[290:310, 40:60] = 11500 + np.random.default_rng(5).integers(-40, 40, (20, 20))
        self.assertTrue(Breast(pixels, 1).mask[280:320, 30:70].all())


class NotMeasuredTest(unittest.TestCase):
    """Areas of one value: padding, collimation, frames, labels, and air that was blacked out."""

    def setUp(self):
        self.pixels = examples.phantom_pixels()
        self.breast = Breast(self.pixels, full_scale=16383)

    def framed(self, value):
        pixels = self.pixels.copy()
        pixels[:16] = pixels[-16:] = value
        pixels[:, :16] = pixels[:, -16:] = value
        pixels[60:100, 330:390] = value
        return pixels

    def test_frames_and_labels_of_any_value_are_outside_of_every_mask(self):
        for value in (0, 5, 900, 16383):
            with self.subTest(value):
                pixels = self.framed(value)
                found = Breast(pixels, full_scale=16383)
                constant = pixels == value
                self.assertEqual(found.seen_sign, 1)
                self.assertFalse((found.mask & constant).any())
                inside = np.zeros(pixels.shape, dtype=bool)
                inside[16:-16, 16:-16] = True
                inside[60:100, 330:390] = False
                for name in ("mask", "tissue"):
                    expected, mask = getattr(self.breast, name) & inside, getattr(found, name)
                    self.assertLess((expected ^ mask).mean(), 1e-3)

    def test_a_negative_has_the_same_masks_to_the_pixel(self):
        for pixels in (self.pixels, self.framed(0), self.framed(16383), self.framed(77)):
            image, negative = Breast(pixels, full_scale=16383), Breast(16383 - pixels, full_scale=16383)
            self.assertEqual((image.seen_sign, negative.seen_sign), (1, -1))
            for name in ("unmeasured", "mask", "tissue"):
                np.testing.assert_array_equal(getattr(image, name), getattr(negative, name))

    def test_saturated_air_is_measured(self):
        pixels = examples.phantom_pixels().astype(float)
        soft = ndimage.gaussian_filter(pixels, 6)  # a skin line, and not a step
        saturated = np.minimum(np.rint(1.6 * soft), 16383)
        found = Breast(saturated, full_scale=16383)
        self.assertGreater((saturated == 16383).mean(), 0.2)
        self.assertFalse(found.unmeasured.any())
        self.assertEqual(found.seen_sign, 1)

    def test_air_that_was_blacked_out_is_dark_air(self):
        pixels = np.where(self.breast.mask, 16383 - self.pixels, 0)
        found = Breast(pixels, full_scale=16383)
        self.assertEqual(found.seen_sign, -1)
        self.assertLess((found.mask ^ self.breast.mask).mean(), 2e-3)


if __name__ == "__main__":
    unittest.main()
