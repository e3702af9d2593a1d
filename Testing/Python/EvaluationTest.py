"""What a model is judged by: each measure against its definition, each baseline against what it promises."""

import dataclasses
import json
import math
import unittest

import lowdosecontrast_examples  # noqa: F401  finds the libraries
import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastTrainingLib.baselines.anscombe import stabilised, unstabilised
from LowDoseContrastTrainingLib.baselines.contrast import UnsharpMask, WaveletEnhancement
from LowDoseContrastTrainingLib.baselines.denoising import (
    AnscombeNonLocalMeans,
    AnscombeWavelet,
    WeightedRestoration,
    restored,
)
from LowDoseContrastTrainingLib.baselines.intensity import Affine, Gain, Gamma, HistogramMatching, Identity
from LowDoseContrastTrainingLib.baselines.names import BASELINES, chosen_baselines, chosen_names
from LowDoseContrastTrainingLib.baselines.starlet import decomposed
from LowDoseContrastTrainingLib.baselines.training_pairs import TrainingPairs, noise_of_pairs
from LowDoseContrastTrainingLib.dose_reduction.noise_model import NoiseModel
from LowDoseContrastTrainingLib.evaluation.statistics import (
    PairedDifference,
    bootstrap_interval,
    holm,
    paired_difference,
    sign_flip_p,
)
from LowDoseContrastTrainingLib.evaluation.verdict import DENOISER, GAIN, verdict
from LowDoseContrastTrainingLib.measurement.fidelity import fidelity, ssim_map
from scipy import stats
from skimage.exposure import match_histograms

SHAPE = (64, 64)
FITTED = [kind for kind in chosen_baselines("all") if not kind.is_trained]
EVERYWHERE = np.ones(SHAPE, bool)


def texture(level=400.0, shape=SHAPE, seed=0):
    """Noise-free anatomy, float64 pixel values around ``level``."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return level * (1 + 0.2 * np.sin((rows + seed) / 11) * np.cos(columns / (9 + seed)))


class FidelityTest(unittest.TestCase):
    def setUp(self):
        self.rng = np.random.default_rng(1)
        self.target = self.rng.normal(texture(1200), 8)
        self.source = self.rng.normal(texture(350), 5)

    def measured(self, output, mask=EVERYWHERE, target=None):
        return fidelity(self.source, output, self.target if target is None else target, mask, 16383.0, 500.0)

    def test_psnr_and_line_by_definition(self):
        output = self.rng.normal(0.9 * self.target + 30, 6)
        found = self.measured(output)
        self.assertAlmostEqual(found.psnr, 10 * math.log10(500**2 / np.mean((output - self.target) ** 2)), 9)
        np.testing.assert_allclose(
            (found.slope, found.offset), np.polyfit(self.target.ravel(), output.ravel(), 1), rtol=1e-8
        )
        self.assertEqual((found.pixels, found.data_range), (64 * 64, 500.0))

    def test_cci_by_definition(self):
        windows = np.lib.stride_tricks.sliding_window_view(self.target * 255 / 16383, (3, 3))
        found = self.measured(3 * self.target)
        self.assertAlmostEqual(found.cci_target, windows.std(axis=(2, 3)).mean(), 9)
        self.assertAlmostEqual(found.cci_ratio_error, 2, 9)
        self.assertAlmostEqual(found.cci_norm_output, found.cci_norm_target, 12)

    def test_match_forgives_gain_and_offset_and_nothing_else(self):
        exact = self.measured(self.target)
        self.assertEqual((exact.psnr, exact.ssim, exact.slope, exact.cci_ratio_error), (math.inf, 1.0, 1.0, 0.0))
        changed = self.measured(0.5 * self.target - 100)
        self.assertLess(changed.psnr, 10)
        self.assertGreater(changed.psnr_matched, 200)
        self.assertAlmostEqual(changed.ssim_matched, 1, 9)
        noisy = self.rng.normal(self.target, 20)
        self.assertAlmostEqual(self.measured(2 * noisy + 9).psnr_matched, self.measured(noisy).psnr_matched, 9)
        self.assertGreaterEqual(self.measured(noisy).psnr_matched, self.measured(noisy).psnr)

    def test_ssim_by_definition(self):
        """One window of the middle, summed by hand (Wang et al. 2004)."""
        output, radius = self.rng.normal(self.target, 30), np.arange(-5, 6)
        weights = np.exp(-np.add.outer(radius**2, radius**2) / (2 * 1.5**2))
        weights /= weights.sum()
        x, y = (image[27:38, 27:38] for image in (output, self.target))
        mx, my = (weights * x).sum(), (weights * y).sum()
        vx, vy, vxy = ((weights * a * b).sum() for a, b in ((x - mx, x - mx), (y - my, y - my), (x - mx, y - my)))
        c1, c2 = (0.01 * 500) ** 2, (0.03 * 500) ** 2
        expected = (2 * mx * my + c1) * (2 * vxy + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
        self.assertAlmostEqual(ssim_map(output, self.target, 500.0)[32, 32], expected, 9)

    def test_nothing_outside_of_the_mask_counts(self):
        mask = np.zeros(SHAPE, bool)
        mask[10:50, 10:50] = True
        output = self.rng.normal(self.target, 20)
        spoilt = output.copy()
        spoilt[:4] = 9999.0  # further off than the window of SSIM
        before, after = self.measured(output, mask), self.measured(spoilt, mask)
        self.assertEqual(before, after)

    def test_a_constant_image_has_no_slope(self):
        flat = np.full(SHAPE, 700.0)
        found = self.measured(self.target, target=flat)
        self.assertTrue(math.isnan(found.slope) and math.isnan(found.cci_ratio_error))
        self.assertTrue(math.isfinite(self.measured(flat).psnr_matched))

    def test_what_cannot_be_compared_is_refused(self):
        with self.assertRaisesRegex(InputError, r"several sizes.*\(60, 64\)"):
            self.measured(self.target[:60])
        with self.assertRaisesRegex(InputError, "output holds NaN"):
            self.measured(np.full(SHAPE, np.nan))
        with self.assertRaisesRegex(InputError, "3x3 window"):
            self.measured(self.target, ~EVERYWHERE)
        small = np.ones((9, 9))
        with self.assertRaisesRegex(InputError, "9 x 9 pixels are too small"):
            fidelity(small, small, small, small > 0, 16383.0, 500.0)


NOISE = NoiseModel(xi_q=0.5, xi_e=2.8, offset=10.0)
DOSE_RATIO = 3.43


def exposure(mean, rng, noise=NOISE):
    """White Poisson-Gaussian noise on ``mean``, pixel values above the offset."""
    return noise.xi_q * rng.poisson(mean / noise.xi_q) + rng.normal(0, noise.xi_e, np.shape(mean)) + noise.offset


def training_pairs(patches=12, shape=(96, 96), **given):
    """Pairs of exposures of smooth objects of several thicknesses."""
    rng = np.random.default_rng(5)
    truth = np.stack([texture(150 + 60 * number, shape, number) for number in range(patches)])
    low, high = (exposure(truth * dose, rng).astype(np.float32) for dose in (1, DOSE_RATIO))
    mask = np.ones(low.shape, bool)
    return TrainingPairs(
        low, high, mask, DOSE_RATIO, noise_of_pairs(low, high, mask, DOSE_RATIO, {"offset": NOISE.offset, **given})
    ), truth


class NoiseOfPairsTest(unittest.TestCase):
    def test_it_finds_the_noise_that_is_there(self):
        """On white noise, to a few percent of the variance; the fixed pattern leaves no trace."""
        found = training_pairs()[0].noise
        self.assertAlmostEqual(found.xi_q / NOISE.xi_q, 1, delta=0.05)
        self.assertAlmostEqual(found.variance(400.0, 1.0) / NOISE.variance(400.0, 1.0), 1, delta=0.03)

    def test_what_is_given_stays(self):
        self.assertEqual(training_pairs(xi_q=0.7, xi_e=1.0)[0].noise.xi_q, 0.7)

    def test_half_a_noise_model_is_refused(self):
        with self.assertRaisesRegex(InputError, "xi_q and xi_e together"):
            training_pairs(xi_e=2.8)

    def test_images_without_noise_are_refused(self):
        flat = np.full((1, 64, 64), 100.0)
        with self.assertRaisesRegex(InputError, "give it with noise") as refused:
            noise_of_pairs(flat, 3 * flat, flat > 0, 3.0, {})
        self.assertEqual(refused.exception.field, "noise")


class AnscombeTest(unittest.TestCase):
    def test_variance_is_one_and_the_inverse_unbiased(self):
        """Over the means of the low to the high dose; the algebraic inverse would be a quarter of a quantum off."""
        rng = np.random.default_rng(2)
        for mean in (20, 100, 400, 3000):
            values = stabilised(exposure(np.full(400_000, float(mean)), rng), NOISE)
            self.assertAlmostEqual(values.var(), 1, delta=0.02)
            error = 4 * math.sqrt(NOISE.variance(mean, 1.0) / 400_000)
            self.assertAlmostEqual(float(unstabilised(values.mean(), NOISE)) - NOISE.offset, mean, delta=error)

    def test_few_quanta(self):
        """Where the algebraic inverse is wrong by much (pure Poisson, mean 2)."""
        quanta = NoiseModel(xi_q=1.0)
        values = stabilised(np.random.default_rng(1).poisson(2.0, 1_000_000), quanta)
        self.assertAlmostEqual(float(unstabilised(values.mean(), quanta)), 2, delta=0.02)
        self.assertLess(values.mean() ** 2 / 4 - 0.375, 1.8)

    def test_noise_without_quanta_is_refused(self):
        with self.assertRaisesRegex(InputError, "xi_q"):
            stabilised(np.ones((4, 4)), NoiseModel(xi_e=2.0))


class StarletTest(unittest.TestCase):
    def test_planes_sum_to_the_image(self):
        image = np.random.default_rng(0).normal(400, 20, (50, 61))
        np.testing.assert_allclose(decomposed(image, 4).sum(axis=0), image, rtol=1e-12)

    def test_finest_noise_level_is_the_published_one(self):
        """0.890 of white noise in the first scale, 0.201 in the second (Starck and Murtagh 2006, table 2.2)."""
        planes = decomposed(np.random.default_rng(0).normal(0, 1, (512, 512)), 2)
        np.testing.assert_allclose(planes[:2].std(axis=(1, 2)), (0.890, 0.201), rtol=0.02)


class BaselineTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.training, truth = training_pairs()
        rng = np.random.default_rng(11)
        cls.truth = texture(420, (96, 96), 3)
        cls.low, cls.high = (exposure(cls.truth * dose, rng) for dose in (1, DOSE_RATIO))

    def error(self, output):
        """Mean squared difference to the noise-free high dose."""
        return float(np.mean((output - NOISE.offset - DOSE_RATIO * self.truth) ** 2))

    def test_every_baseline_answers_for_every_image(self):
        for kind in FITTED:
            name, fitted = kind.name, kind.fit(self.training)
            for image in (self.low, np.full((40, 50), 300.0), np.zeros((40, 50))):
                output = fitted.apply(image)
                self.assertEqual((output.shape, output.dtype), (image.shape, np.float32), name)
                self.assertTrue(np.isfinite(output).all(), name)
            json.dumps(dataclasses.asdict(fitted), allow_nan=False)

    def test_identity_and_gain_are_exact(self):
        np.testing.assert_array_equal(Identity.fit(self.training).apply(self.low), self.low.astype(np.float32))
        np.testing.assert_allclose(Gain(3.0, 10.0).apply(np.array([[10.0, 110.0]])), [[10, 310]])

    def test_affine_and_gamma_recover_what_made_the_target(self):
        low, training = self.training.low, self.training
        affine = Affine.fit(dataclasses.replace(training, high=2.5 * low + 40))
        np.testing.assert_allclose((affine.slope, affine.offset), (2.5, 40), rtol=1e-4)
        gamma = Gamma.fit(dataclasses.replace(training, high=7 * low**0.8))
        np.testing.assert_allclose((gamma.scale, gamma.exponent), (7, 0.8), rtol=1e-3)

    def test_histogram_matching_gives_the_histogram_of_the_target(self):
        """As scikit-image's of the pooled images."""
        matching, low, high = HistogramMatching.fit(self.training), self.training.low, self.training.high
        output = np.stack([matching.apply(each) for each in low])
        ranks = np.linspace(0.01, 0.99, 50)
        np.testing.assert_allclose(np.quantile(output, ranks), np.quantile(high, ranks), rtol=2e-3)
        np.testing.assert_allclose(output, match_histograms(low, high), atol=0.02 * float(high.mean()))
        self.assertTrue((np.diff(matching.apply(np.linspace(0, 9000, 400))) >= 0).all())

    def test_contrast_is_raised_by_those_that_should(self):
        gained = fidelity(
            self.low, Gain(DOSE_RATIO, 10.0).apply(self.low), self.high, np.ones((96, 96), bool), 16383.0, 1000.0
        )
        for kind in (UnsharpMask, WaveletEnhancement):
            made = fidelity(
                self.low, kind.fit(self.training).apply(self.low), self.high, np.ones((96, 96), bool), 16383.0, 1000.0
            )
            self.assertGreater(made.cci_output, 1.1 * gained.cci_output)
            self.assertGreater(made.cci_ratio_error, gained.cci_ratio_error)

    def test_a_gain_beats_the_true_high_dose_on_cci(self):
        """Why a high CCI proves nothing."""
        made = fidelity(
            self.low, Gain(DOSE_RATIO, 10.0).apply(self.low), self.high, np.ones((96, 96), bool), 16383.0, 1000.0
        )
        self.assertGreater(made.cci_output, made.cci_target)

    def test_denoisers_come_nearer_to_the_truth_than_the_gain(self):
        gained = self.error(Gain.fit(self.training).apply(self.low))
        for kind in (AnscombeNonLocalMeans, AnscombeWavelet):
            denoised = kind.fit(self.training).apply(self.low)
            self.assertLess(self.error(denoised), 0.3 * gained, kind.name)
            self.assertAlmostEqual(float(np.mean(denoised)) / (DOSE_RATIO * self.truth.mean() + 10), 1, delta=0.003)
        self.assertLess(self.error(WeightedRestoration.fit(self.training).apply(self.low)), gained)

    def test_weighted_restoration_has_the_noise_of_the_high_dose(self):
        mean = np.full((700, 700), 300.0)
        low = exposure(mean, np.random.default_rng(8))
        output = restored(low, mean + NOISE.offset, NOISE, DOSE_RATIO)
        self.assertAlmostEqual(float(output.mean()), DOSE_RATIO * 300 + NOISE.offset, delta=0.2)
        self.assertAlmostEqual(
            float(output.var(dtype=np.float64)) / NOISE.variance(DOSE_RATIO * 300, 1.0), 1, delta=0.01
        )

    def test_names(self):
        self.assertEqual([kind.name for kind in chosen_baselines("clahe, identity")], ["identity", "gain", "clahe"])
        self.assertEqual([kind.name for kind in chosen_baselines("all")], [*(kind.name for kind in FITTED), "unet-l1"])
        self.assertEqual([kind.name for kind in chosen_baselines("all")], list(BASELINES))
        self.assertEqual(chosen_names("all"), list(BASELINES))
        with self.assertRaisesRegex(InputError, "no 'bm3d'; choose all or from identity"):
            chosen_baselines("gain,bm3d")


class StatisticsTest(unittest.TestCase):
    def test_sign_flip_is_the_exact_permutation_test(self):
        rng = np.random.default_rng(4)
        for count in (2, 5, 9):
            differences = rng.normal(0.7, 1, count)
            exact = stats.permutation_test(
                (differences, np.zeros(count)),
                lambda a, b, axis: np.mean(a - b, axis=axis),
                permutation_type="samples",
                vectorized=True,
            )
            self.assertAlmostEqual(sign_flip_p(differences), exact.pvalue, 12)
        self.assertEqual((sign_flip_p(np.ones(10)), sign_flip_p(np.zeros(3))), (2 / 2**10, 1.0))
        with self.assertRaisesRegex(InputError, "21 arrangements are too many"):
            sign_flip_p(np.ones(21))

    def test_holm_by_definition(self):
        """Each p times the number of those not yet rejected, never below the one before."""
        np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
        self.assertEqual(holm([0.9, 0.8]), [1.0, 1.0])
        self.assertEqual(holm([]), [])

    def test_the_arrangement_is_the_unit(self):
        """Three arrangements with opposite effects say nothing, however many patches they have."""
        rng = np.random.default_rng(0)
        found = paired_difference(
            {name: rng.normal(shift, 0.1, 200) for name, shift in (("a", 1.0), ("b", -1.1), ("c", 0.4))}
        )
        self.assertLess(found.low, found.high > 0)
        self.assertEqual((found.arrangements, found.patches), (3, 600))
        self.assertIn("p cannot fall below 0.25", found.note)

    def test_the_mean_does_not_depend_on_how_many_patches_an_arrangement_has(self):
        self.assertAlmostEqual(paired_difference({"a": np.ones(100), "b": np.full(2, 3.0)}).mean, 2.0)

    def test_one_arrangement_has_no_interval_and_it_is_said(self):
        found = paired_difference({"a": np.array([1.0, 2.0, np.nan])})
        self.assertEqual((found.mean, found.low, found.high, found.p, found.patches), (1.5, None, None, None, 2))
        self.assertIn("one arrangement", found.note)
        with self.assertRaisesRegex(InputError, "no patches"):
            paired_difference({"a": np.array([np.nan])})

    def test_the_interval_covers_the_truth(self):
        """Of 200 studies with 10 arrangements of 6 patches nine in ten hold it."""
        rng, held = np.random.default_rng(3), 0
        for study in range(200):
            units = [rng.normal(rng.normal(0.5, 1), 0.5, 6) for _ in range(10)]
            low, high = bootstrap_interval(units, study)
            held += low <= 0.5 <= high
        self.assertGreater(held / 200, 0.86)
        self.assertLess(held / 200, 0.98)


def difference(mean, half=0.1):
    return PairedDifference(mean, mean - half, mean + half, 0.01, 6, 60)


class VerdictTest(unittest.TestCase):
    def setUp(self):
        truth = {"detectability": difference(0.5), "bias": difference(-0.2), "false_calcifications": difference(0.0)}
        self.better = {
            GAIN: {**truth, "cci_ratio_error": difference(-0.3), "psnr_matched": difference(1.0)},
            DENOISER: truth,
        }

    def changed(self, opponent, measure, value):
        return verdict({**self.better, opponent: {**self.better[opponent], measure: value}})

    def without_truth(self, **likeness):
        return verdict(
            {GAIN: {"cci_ratio_error": difference(-0.3), "psnr_matched": difference(1.0), **likeness}, DENOISER: {}}
        )

    def test_all_of_it_is_an_improvement(self):
        self.assertEqual(verdict(self.better).word, "improvement")

    def test_any_of_it_missing_is_none(self):
        for opponent in (GAIN, DENOISER):
            found = self.changed(opponent, "detectability", difference(0.05))
            self.assertEqual(found.word, "appearance match")
            self.assertIn(f"not shown to be above that of {opponent}", found.reasons[-1])
        for opponent, measure in (
            (DENOISER, "bias"),
            (GAIN, "false_calcifications"),
            (DENOISER, "false_calcifications"),
        ):
            self.assertEqual(self.changed(opponent, measure, difference(0.05)).word, "appearance match")
        self.assertEqual(self.changed(GAIN, "bias", difference(0.5)).word, "improvement")

    def test_what_is_surely_worse_is_called_so(self):
        for opponent, measure, value in (
            (GAIN, "detectability", -0.3), (DENOISER, "detectability", -0.3), (DENOISER, "bias", 0.3),
            (GAIN, "false_calcifications", 0.3),
        ):  # fmt: skip
            found = self.changed(opponent, measure, difference(value))
            self.assertEqual(found.word, "worse", measure)
            self.assertIn("95%", found.reasons[0])

    def test_no_truth_no_improvement(self):
        found = self.without_truth()
        self.assertEqual(found.word, "appearance match")
        self.assertRegex(found.reasons[-1], "no truth.*an improvement cannot be claimed")

    def test_without_truth_likeness_decides(self):
        further, less = difference(0.3), difference(-1.0)
        self.assertEqual(self.without_truth(cci_ratio_error=further, psnr_matched=less).word, "worse")
        self.assertEqual(self.without_truth(cci_ratio_error=further, psnr_matched=difference(0.05)).word, "worse")
        mixed = self.without_truth(cci_ratio_error=further)
        self.assertEqual(mixed.word, "appearance match")
        self.assertRegex(" ".join(mixed.reasons), "CCI ratio error is worse.*PSNR after the affine match is better")

    def test_likeness_does_not_veto_detectability(self):
        self.assertEqual(self.changed(GAIN, "cci_ratio_error", difference(0.3)).word, "improvement")

    def test_no_denoising_baseline_no_improvement(self):
        self.assertIn("the best denoising baseline was not computed", verdict({GAIN: self.better[GAIN]}).reasons[-1])

    def test_one_arrangement_is_never_an_improvement(self):
        alone = PairedDifference(0.5, None, None, None, 1, 9, "one arrangement: no interval and no test")
        found = self.changed(GAIN, "detectability", alone)
        self.assertEqual(
            (found.word, found.reasons[-1]),
            ("appearance match", "one arrangement: no interval and no test: an improvement cannot be claimed"),
        )
        self.assertEqual(self.without_truth(cci_ratio_error=alone, psnr_matched=difference(0.05)).word, "worse")


if __name__ == "__main__":
    unittest.main()
