"""Enhancing: windows, blending, modes, polarity, domain, devices."""

import dataclasses
import unittest
from unittest import mock

import lowdosecontrast_examples as examples
import numpy as np
import torch
from LowDoseContrastLib import inference
from LowDoseContrastLib.device import choose_placement, has_native_bf16
from LowDoseContrastLib.enhance import Enhancer, Settings
from LowDoseContrastLib.errors import InputError, OutOfDomainError
from LowDoseContrastLib.intensity import Composition, IntensityScale
from LowDoseContrastLib.mask import Breast
from LowDoseContrastLib.steps import run_to_end
from LowDoseContrastLib.tiling import Blender, cut, paper_plan, seam_index, tile_plan, whole_plan


class TilingTest(unittest.TestCase):
    def test_windowsCoverTheBreastAndStayInside(self):
        rng = np.random.default_rng(0)
        for shape in ((256, 256), (700, 513), (1001, 777), (300, 2000)):
            mask = np.zeros(shape, dtype=bool)
            r, c = (int(rng.integers(0, n // 3)) for n in shape)
            mask[r : r + shape[0] // 2, c : c + shape[1] // 2] = True
            for overlap in (0, 0.125, 0.5):
                plan, covered = tile_plan(mask, overlap), np.zeros(shape, dtype=bool)
                for row, column in plan.origins:
                    self.assertTrue(0 <= row <= shape[0] - 256 and 0 <= column <= shape[1] - 256)
                    covered[row : row + 256, column : column + 256] = True
                self.assertTrue(covered[mask].all())

    def test_airCostsNothing(self):
        mask = np.zeros((2000, 2000), dtype=bool)
        self.assertEqual(len(tile_plan(mask, 0.1).origins), 0)
        mask[900:1100, 900:1100] = True
        self.assertEqual(len(tile_plan(mask, 0.1).origins), 1)

    @examples.needs("monai")
    def test_positionsOfTheSlidingWindowPeer(self):
        """Where the sizes divide evenly the grid is MONAI's."""
        from monai.data.utils import dense_patch_slices

        expected = sorted((s[0].start, s[1].start) for s in dense_patch_slices((640, 448), (256, 256), (192, 192)))
        self.assertEqual(sorted(tile_plan(np.ones((640, 448), dtype=bool), 0.25).origins), expected)

    def test_blendingKeepsAnyImage(self):
        image = np.random.default_rng(1).standard_normal((700, 531)).astype(np.float32)
        mask = np.ones(image.shape, dtype=bool)
        for plan in (tile_plan(mask, 0.125), tile_plan(mask, 0), whole_plan(mask), paper_plan(mask)):
            blender = Blender(image.shape, plan)
            for origin in plan.origins:
                blender.add(origin, cut(image, origin, plan.shape))
            np.testing.assert_allclose(blender.result(), image, atol=1e-5)

    def test_cutMirrorsBeyondTheEdge(self):
        image = np.arange(12.0).reshape(3, 4)
        np.testing.assert_array_equal(
            cut(image, (1, 2), (4, 4)), np.pad(image[1:, 2:], ((0, 2), (0, 2)), mode="symmetric")
        )

    def test_seamIndexSeesSteps(self):
        rng = np.random.default_rng(2)
        before = rng.normal(400, 5, (600, 600))
        mask = np.ones(before.shape, dtype=bool)
        plan = tile_plan(mask, 0)
        after = 3 * before + rng.normal(0, 1, before.shape)
        self.assertAlmostEqual(seam_index(before, after, 3, plan, mask), 1, delta=0.03)
        for row, column in plan.origins:
            after[row : row + 256, column : column + 256] += 4 * rng.standard_normal()
        self.assertGreater(seam_index(before, after, 3, plan, mask), 1.5)
        whole_numbers = np.rint(before)
        self.assertEqual(seam_index(whole_numbers, 3 * whole_numbers, 3, plan, mask), 1.0)


class IntensityTest(unittest.TestCase):
    def test_invertsItself(self):
        values = np.linspace(120, 15000, 500)
        for scale in (IntensityScale("linear", 0, 16383), IntensityScale("log", 100, 16383)):
            np.testing.assert_allclose(scale.invert(scale.normalise(values)), values, rtol=1e-12)
            seen = scale.normalise(torch.from_numpy(values))
            np.testing.assert_allclose(scale.invert(seen).numpy(), values, rtol=1e-12)

    def test_eightBitsAreThePapers(self):
        scale = IntensityScale("linear", 0, 16383, levels=255)
        values = np.arange(0.0, 16384)
        eight = np.round(values / 16383 * 255)
        np.testing.assert_allclose(scale.normalise(values), eight / 255 * 2 - 1)
        np.testing.assert_allclose(scale.invert(scale.normalise(values)), eight / 255 * 16383)

    def test_residualWithoutAnAnswerIsTheGain(self):
        values = np.array([0.0, 2.0, 500.0, 20000.0])
        for scale in (IntensityScale("linear", 0, 16383), IntensityScale("log", 100, 16383)):
            result = Composition("residual", 3.43, 0.1, 2.0).compose(scale, values, np.zeros(4))
            np.testing.assert_allclose(result, 2 + 3.43 * (values - 2))

    def test_logResidualIsAFactor(self):
        scale = IntensityScale("log", 100, 16383)
        result = Composition("residual", 2, 0.1).compose(scale, np.array([50.0, 800.0]), np.array([1.0, -1.0]))
        factor = np.exp(0.05 * scale.span)
        np.testing.assert_allclose(result, [100 * factor, 1600 / factor])

    def test_wrongScales(self):
        for arguments in (("log", 0, 1), ("linear", 5, 5), ("cubic", 0, 1), ("linear", 0, float("nan"))):
            with self.assertRaises(ValueError):
                IntensityScale(*arguments)


class EnhancerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = examples.small_model()
        cls.enhancer = Enhancer(cls.model, "cpu", "fp32")
        cls.image = examples.mammogram()
        cls.breast = Breast(cls.image.pixels[0], 1).mask
        cls.result = cls.enhancer.run(cls.image)

    def test_keepsWhatAComparisonNeeds(self):
        out = self.result.mammogram
        self.assertEqual((out.pixels.shape, out.pixels.dtype), (self.image.pixels.shape, self.image.pixels.dtype))
        self.assertEqual(
            (out.spacing, out.geometry, out.photometric, out.bits),
            (self.image.spacing, self.image.geometry, "MONOCHROME1", 14),
        )

    def test_airStaysToTheBit(self):
        """Beyond the feathered seam of 16 pixels along the skin."""
        from scipy import ndimage

        air = ~ndimage.binary_dilation(self.breast, np.ones((33, 33)))
        self.assertGreater(air.mean(), 0.2)
        np.testing.assert_array_equal(self.result.mammogram.pixels[0][air], self.image.pixels[0][air])

    def test_breastIsTheSameWithoutTheMask(self):
        """The border is feathered outside of the breast; no pixel of it is half enhanced."""
        whole, masked = (self.enhancer.run(self.image, Settings(mode="whole", mask=m)) for m in (False, True))
        self.assertGreater(whole.report.clipped, 0)
        change = np.abs(whole.mammogram.pixels[0].astype(float) - masked.mammogram.pixels[0])[self.breast]
        self.assertLess(np.median(change), 3)

    def test_breastIsEnhanced(self):
        inner = np.zeros_like(self.breast)
        inner[200:400, 20:200] = True
        ratio = self.result.mammogram.pixels[0][inner] / self.image.pixels[0][inner]
        self.assertTrue(2.5 < ratio.mean() < 4.5)
        self.assertGreater(self.result.report.cci_after, self.result.report.cci_before)

    def test_sameBytesWhateverTheBatch(self):
        for batch in (1, 3, 7):
            enhancer = Enhancer(self.model, "cpu", "fp32")
            enhancer._runner._batch = batch
            np.testing.assert_array_equal(enhancer.run(self.image).mammogram.pixels, self.result.mammogram.pixels)

    @examples.needs("monai")
    def test_tilesAgreeWithTheSlidingWindowPeer(self):
        """The blended answer against MONAI on the same grid of windows."""
        from monai.inferers import sliding_window_inference

        pixels = examples.phantom_pixels((640, 448))
        plan = tile_plan(np.ones(pixels.shape, dtype=bool), 0.25)
        answer = run_to_end(self.enhancer._runner.answer_steps(pixels, plan))
        seen = self.model.card.intensity.normalise(torch.from_numpy(pixels.astype(np.float32))[None, None])
        with torch.no_grad():
            expected = sliding_window_inference(seen, 256, 4, self.model.generator, overlap=0.25, mode="gaussian")[
                0, 0
            ].numpy()
        self.assertLess(np.abs(answer - expected).mean(), 0.01 * expected.std())

    def test_wholeIsTheNetworkOnThePaddedImage(self):
        pixels = examples.phantom_pixels((512, 256))
        enhanced = self.enhancer.run(examples.mammogram(pixels), Settings(mode="whole", mask=False))
        card = self.model.card
        values = torch.from_numpy(pixels.astype(np.float32))[None, None]
        with torch.no_grad():
            expected = card.composition.compose(
                card.intensity, values, self.model.generator(card.intensity.normalise(values))
            )
        np.testing.assert_allclose(enhanced.mammogram.pixels[0], expected[0, 0].numpy().clip(0, 16383), atol=1.0)

    def test_modesReportThemselves(self):
        for mode in ("tiles", "whole", "paper"):
            report = self.enhancer.run(self.image, Settings(mode=mode)).report
            self.assertEqual(report.mode, mode)
            self.assertEqual(report.windows == 1, mode == "whole")

    def test_polarityIsInvertedForTheModelAndBack(self):
        flipped = examples.mammogram(16383 - self.image.pixels, photometric="MONOCHROME2", sign=-1)
        result = self.enhancer.run(flipped)
        np.testing.assert_array_equal(16383 - result.mammogram.pixels, self.result.mammogram.pixels)
        self.assertIn("polarity", " ".join(result.report.notes))
        for key in ("gain", "seam_index"):
            self.assertAlmostEqual(getattr(result.report, key), getattr(self.result.report, key), places=4)

    def test_polarityIsFoundFromTheAir(self):
        unknown = examples.mammogram(16383 - self.image.pixels, photometric=None, sign=None)
        np.testing.assert_array_equal(16383 - self.enhancer.run(unknown).mammogram.pixels, self.result.mammogram.pixels)

    def test_eachSliceOnItsOwn(self):
        stack = examples.mammogram(np.stack([examples.phantom_pixels(seed=1), self.image.pixels[0]]))
        np.testing.assert_array_equal(self.enhancer.run(stack).mammogram.pixels[1], self.result.mammogram.pixels[0])

    def test_floatsStayFloats(self):
        image = examples.mammogram(self.image.pixels.astype(np.float32) / 16383, bits=None)
        result = self.enhancer.run(image).mammogram.pixels
        self.assertEqual(result.dtype, np.float32)
        self.assertTrue(np.isfinite(result).all())

    def test_signalThatTrainingNeverSaw(self):
        """A little beyond it is noted; far beyond, as floats in [0, 1] are, it is refused before anyone believes it."""

        def enhancer(*signal):
            domain = dataclasses.replace(self.model.card.domain, signal=signal)
            model = dataclasses.replace(self.model, card=dataclasses.replace(self.model.card, domain=domain))
            return Enhancer(model, "cpu", "fp32")

        self.assertNotIn("median of the tissue", " ".join(enhancer(80, 2400).run(self.image).report.notes))
        report = enhancer(80, 300).run(self.image).report
        self.assertIn("median of the tissue", " ".join(report.notes))
        self.assertEqual(report.out_of_domain, ())
        for far in ((800, 2400), (8, 150)):
            with self.assertRaisesRegex(OutOfDomainError, "median of the tissue is 36"):
                enhancer(*far).run(self.image)
        image = examples.mammogram(self.image.pixels.astype(np.float32) / 16383, bits=None)
        with self.assertRaisesRegex(OutOfDomainError, "median of the tissue is 0.02"):
            enhancer(80, 2400).run(image)
        forced = enhancer(80, 2400).run(image, Settings(allow_out_of_domain=True)).report
        self.assertIn("median of the tissue is 0.02", " ".join(forced.out_of_domain))

    def test_clippingIsSaid(self):
        bright = examples.mammogram(np.minimum(self.image.pixels.astype(np.uint32) * 20, 16383).astype(np.uint16))
        with self.assertRaises(OutOfDomainError) as caught:
            self.enhancer.run(bright, Settings(mask=False))
        self.assertIn("of the enhanced tissue would be clipped at 16383, the upper end", str(caught.exception))
        report = self.enhancer.run(bright, Settings(mask=False, allow_out_of_domain=True)).report
        self.assertIn("clipped at 16383", " ".join(report.out_of_domain))
        self.assertGreater(report.clipped, 0)
        self.assertIn("end of the value range", " ".join(report.notes))

    def test_aModelOfResampledPatchesAsksForModePaper(self):
        model = examples.small_model()
        model = dataclasses.replace(model, card=dataclasses.replace(model.card, recipe={"crop": "resize"}))
        for mode, said in (("tiles", True), ("paper", False)):
            notes = " ".join(Enhancer(model, "cpu").run(examples.mammogram(), Settings(mode)).report.notes)
            self.assertEqual("mode paper shows it images as it has learnt them" in notes, said)

    def test_smallImagesAreMirroredUpToAWindow(self):
        small = examples.mammogram(examples.phantom_pixels((100, 61)))
        for mode in ("tiles", "whole", "paper"):
            self.assertEqual(self.enhancer.run(small, Settings(mode=mode)).mammogram.pixels.shape, (1, 100, 61))
        with self.assertRaises(InputError):
            self.enhancer.run(examples.mammogram(np.ones((8, 300), dtype=np.uint16)))

    def test_constantImage(self):
        black = examples.mammogram(np.zeros((300, 300), dtype=np.uint16))
        with self.assertRaisesRegex(OutOfDomainError, "clipped at 0"):
            self.enhancer.run(black)
        for value in (0, 400):
            image = examples.mammogram(np.full((300, 300), value, dtype=np.uint16))
            result = self.enhancer.run(image, Settings(allow_out_of_domain=value == 0))
            self.assertEqual(result.report.cci_before, 0)
            self.assertTrue(np.isfinite(result.report.gain))

    def test_outOfDomainNeedsAnOverride(self):
        for change, words in (
            ({"dose_mgy": 11.5}, "dose"), ({"intent": "FOR PRESENTATION"}, "intent"), ({"relationship": "LOG"}, "relationship"),
            ({"modality": "CT"}, "modality"), ({"spacing": (0.05, 0.05)}, "spacing"),
        ):  # fmt: skip
            image = examples.mammogram(**change)
            with self.assertRaisesRegex(OutOfDomainError, words):
                self.enhancer.run(image)
            report = self.enhancer.run(image, Settings(allow_out_of_domain=True)).report
            self.assertIn(words, " ".join(report.out_of_domain))

    def test_unknownPropertiesAreNoted(self):
        report = self.enhancer.run(examples.mammogram(dose_mgy=None, intent=None)).report
        self.assertIn("does not state its entrance dose", " ".join(report.notes))

    def test_stepsCanBeStopped(self):
        steps = self.enhancer.steps(self.image)
        seen = [next(steps).done for _ in range(10)]
        self.assertEqual(seen, sorted(seen))
        self.assertTrue(0 <= seen[-1] < 1)
        steps.close()
        np.testing.assert_array_equal(self.enhancer.run(self.image).mammogram.pixels, self.result.mammogram.pixels)

    def test_wrongSettings(self):
        for arguments in ({"mode": "patch"}, {"overlap": 1.0}, {"overlap": -0.1}):
            with self.assertRaises(InputError):
                Settings(**arguments)

    def test_instanceNormAndDirectOutput(self):
        """The direct output of an untrained network, whole against module, with the other norm."""
        model = examples.small_model(norm="instance", composition="direct", scale="linear", architecture="unet_128")
        pixels = examples.phantom_pixels((256, 256))
        result = Enhancer(model, "cpu", "fp32").run(examples.mammogram(pixels), Settings(mask=False))
        values = torch.from_numpy(pixels.astype(np.float32))[None, None]
        with torch.no_grad():
            expected = model.card.intensity.invert(model.generator(model.card.intensity.normalise(values)))
        np.testing.assert_allclose(result.mammogram.pixels[0], expected[0, 0].numpy(), atol=1.5)


class DeviceTest(unittest.TestCase):
    def test_choicesAndRefusals(self):
        self.assertEqual(choose_placement("cpu", "fp32").precision, "fp32")
        self.assertEqual(choose_placement("cpu").precision, "bf16" if has_native_bf16("cpu") else "fp32")
        for arguments in (("tpu", "auto"), ("auto", "fp64")):
            with self.assertRaises(InputError):
                choose_placement(*arguments)
        if not torch.cuda.is_available():
            with self.assertRaisesRegex(InputError, "cuda"):
                choose_placement("cuda")

    def test_bf16StaysWithinATenthOfAPercent(self):
        model, image = examples.small_model(ngf=4), examples.mammogram()
        fp32, bf16 = (
            Enhancer(model, "cpu", precision).run(image).mammogram.pixels.astype(float)
            for precision in ("fp32", "bf16")
        )
        self.assertLess(np.abs(fp32 - bf16).mean() / 16383, 1e-3)

    def test_bf16ThatDiffersFallsBack(self):
        model = examples.small_model(ngf=4)
        with (
            mock.patch.object(inference, "PRECISION_LIMIT", 0.0),
            mock.patch.object(inference, "choose_placement") as choose,
        ):
            choose.return_value = inference.Placement("cpu", "bf16", "native bf16")
            enhancer = Enhancer(model)
            report = enhancer.run(examples.mammogram()).report
        self.assertEqual(report.precision, "fp32")
        expected = Enhancer(model, "cpu", "fp32").run(examples.mammogram()).mammogram.pixels
        np.testing.assert_array_equal(enhancer.run(examples.mammogram()).mammogram.pixels, expected)

    def test_outOfMemoryShrinksTheWork(self):
        """The network fails above one window at a time; the result is the same and the report says so."""
        model, image = examples.small_model(), examples.mammogram()
        expected = Enhancer(model, "cpu", "fp32").run(image).mammogram.pixels
        steps = inference.FrozenGenerator.steps

        def scarce(network, x):
            if x.shape[0] > 1 or max(x.shape[2:]) > 256:
                raise RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes")
            return (yield from steps(network, x))

        for mode in ("tiles", "whole"):
            with mock.patch.object(inference.FrozenGenerator, "steps", scarce):
                result = Enhancer(model, "cpu", "fp32").run(image, Settings(mode=mode))
            np.testing.assert_array_equal(result.mammogram.pixels, expected)
            self.assertIn("memory ran out", " ".join(result.report.notes))
            self.assertEqual(result.report.mode, "tiles")

    def test_otherFailuresAreNotHidden(self):
        with mock.patch.object(inference.FrozenGenerator, "steps", side_effect=RuntimeError("broken")):
            with self.assertRaisesRegex(RuntimeError, "broken"):
                Enhancer(examples.small_model(), "cpu", "fp32").run(examples.mammogram())


if __name__ == "__main__":
    unittest.main()
