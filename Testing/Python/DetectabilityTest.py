"""Model observers against closed forms, and on simulated acquisitions against physics."""

import dataclasses
import itertools
import tempfile
import unittest

import lowdosecontrast_examples  # noqa: F401  (finds the libraries in a checkout)
import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastTrainingLib.measurement.contrast import insert_contrasts
from LowDoseContrastTrainingLib.measurement.detectability import (
    SIZE_CLASSES_MM,
    calcification_regions,
    calcification_sites,
    clustered_auc,
    detectability,
    detectability_by_class,
    dprime_of,
    noise_limited_dprime,
    percent_correct,
    split,
)
from LowDoseContrastTrainingLib.measurement.observers import (
    eye_filter_squared,
    eye_filter_template,
    hotelling_template,
    laguerre_gauss,
)
from LowDoseContrastTrainingLib.measurement.regions import ABSENT, Regions, joined_regions, regions_at, sites_of, square
from LowDoseContrastTrainingLib.measurement.transfer import TransferTask, task_transfers
from LowDoseContrastTrainingLib.measurement.truth_places import CALCIFICATIONS, MASSES, Truth, read_truth
from LowDoseContrastTrainingLib.simulator.acquisition import make_arrangement
from LowDoseContrastTrainingLib.simulator.blur import blurred
from LowDoseContrastTrainingLib.simulator.dicom_exposure import oriented
from LowDoseContrastTrainingLib.simulator.inserts import draw
from LowDoseContrastTrainingLib.simulator.layout import truth_paths
from LowDoseContrastTrainingLib.simulator.parameters import parameters_for
from LowDoseContrastTrainingLib.simulator.truth import write_truth
from scipy import integrate, ndimage, stats

PIXEL, SIDE = 0.1, 33
GRAINS = (TransferTask("calcifications", CALCIFICATIONS, 4.8),)


def calcification_detectability(stacks, truths, observer="hotelling", classes=SIZE_CLASSES_MM, dark=True):
    """Size class -> detectability of single calcifications, from (realisations, rows, columns) of each arrangement."""
    sites = [calcification_sites(truth) for truth in truths]
    parts = [
        calcification_regions(stack, each, truth.pixel_mm, classes) for stack, each, truth in zip(stacks, sites, truths)
    ]
    return detectability_by_class(parts, truths[0].pixel_mm, observer, dark)


def sharp_contrast(truth, kinds):
    """Contrast of the inserts of some kinds before any blur but the pixels' own, float32 (rows, columns)."""
    total = np.zeros(truth.mask.shape, np.float32)
    thickness = np.zeros_like(total)
    for insert in truth.of_kind(kinds):
        drawn = draw(insert.shape, thickness, truth.pixel_mm)
        if drawn is not None:
            rows, columns, alone = drawn
            total[rows, columns] += insert.attenuation_per_mm * alone
    return np.expm1(-(total[:, ::-1] if truth.laterality == "R" else total))


def gaussian(amplitude, sigma, side=SIDE):
    """A Gaussian signal in the middle pixel."""
    y = np.arange(side) - side // 2
    return amplitude * np.exp(-(y[:, None] ** 2 + y[None, :] ** 2) / (2 * sigma**2))


def noise_regions(signal, sites=900, coloured=0.0, seed=0):
    """Regions of unit white noise, blurred by ``coloured`` pixels, each site a cluster of its own."""
    rng = np.random.default_rng(seed)
    side = len(signal)
    noise = rng.standard_normal((sites, 1 + ABSENT, 1, side + 8, side + 8))
    if coloured:
        noise = ndimage.gaussian_filter(noise, (0, 0, 0, coloured, coloured), mode="wrap")
    noise = noise[..., 4:-4, 4:-4]
    return Regions(noise[:, 0] + signal, noise[:, 1:], np.arange(sites), np.broadcast_to(signal, (sites, side, side)))


def forced_choice(dprime, alternatives=4):
    """Percent correct by the analytic integral of phi(t - d') Phi(t)^(M - 1)."""
    return (
        100 * integrate.quad(lambda t: stats.norm.pdf(t - dprime) * stats.norm.cdf(t) ** (alternatives - 1), -10, 15)[0]
    )


class ObserverTest(unittest.TestCase):
    def test_channels_are_orthonormal(self):
        channels = laguerre_gauss(81, 14.0, 5).reshape(5, -1)
        np.testing.assert_allclose(channels @ channels.T, np.eye(5), atol=1e-6)

    def test_hotelling_reaches_the_ideal_observer_in_white_noise(self):
        """A Gaussian that is the first channel: d'^2 = |s|^2 / sigma^2, less the mean that levelling takes."""
        signal = gaussian(0.4, 2.0)
        found = detectability(noise_regions(signal), PIXEL, width_mm=2.0 * PIXEL * np.sqrt(2 * np.pi))
        expected = np.sqrt((signal**2).sum() - signal.sum() ** 2 / signal.size)
        self.assertAlmostEqual(found.dprime / expected, 1, delta=0.06)
        self.assertAlmostEqual(found.auc, stats.norm.cdf(expected / np.sqrt(2)), delta=3 * found.auc_error)
        self.assertAlmostEqual(found.percent_correct, forced_choice(expected), delta=3)
        self.assertEqual((found.present, found.absent, found.clusters, found.reason), (900, 2700, 900, ""))

    def test_hotelling_in_coloured_noise_in_closed_form(self):
        """d'^2 = (C s)^T (C K C^T)^-1 (C s), K the covariance of white noise through a Gaussian."""
        signal, sigma, width = gaussian(0.25, 1.5), 1.0, 5.0
        channels = laguerre_gauss(SIDE, width, 5)
        channels = channels - channels.mean(axis=(1, 2), keepdims=True)  # levelling; they have no slope
        through = ndimage.gaussian_filter(
            np.pad(channels, ((0, 0), (4, 4), (4, 4))), (0, sigma, sigma), mode="wrap"
        ).reshape(5, -1)
        response = np.tensordot(channels, signal, axes=2)
        expected = np.sqrt(response @ np.linalg.solve(through @ through.T, response))
        found = detectability(noise_regions(signal, coloured=sigma, seed=1), PIXEL, width_mm=width * PIXEL)
        self.assertAlmostEqual(found.dprime / expected, 1, delta=0.07)
        self.assertAlmostEqual(found.auc, stats.norm.cdf(expected / np.sqrt(2)), delta=3 * found.auc_error)

    def test_template_whitens(self):
        """With one channel the template is the channel times difference over variance."""
        rng = np.random.default_rng(2)
        channels = laguerre_gauss(9, 4.0, 1)
        present, absent = rng.standard_normal((2, 200, 9, 9)) + 1
        present += gaussian(1, 1, 9)
        outputs = [(part * channels).sum(axis=(1, 2)) for part in (present, absent)]
        weight = (outputs[0].mean() - outputs[1].mean()) / np.mean([each.var(ddof=1) for each in outputs])
        np.testing.assert_allclose(hotelling_template(present, absent, channels), weight * channels[0])

    def test_eye_filter_observer_in_closed_form(self):
        """d'^2 = (int S^2 E^2)^2 / int S^2 E^4 NPS over frequency, for a Gaussian in white noise."""
        sigma_mm, viewing = 0.2, 400.0
        signal = gaussian(0.8, sigma_mm / PIXEL, 65)
        found = detectability(noise_regions(signal, 500, seed=3), PIXEL, "eye-filter", viewing_mm=viewing)

        def spectrum(f):
            return 0.8 * 2 * np.pi * sigma_mm**2 * np.exp(-2 * (np.pi * sigma_mm * f) ** 2)

        def eye(f):
            degrees = f * viewing * np.pi / 180
            return (degrees**1.9 * np.exp(-2 * degrees**0.5)) ** 2

        top = integrate.quad(lambda f: 2 * np.pi * f * spectrum(f) ** 2 * eye(f), 0, 5)[0]
        bottom = integrate.quad(lambda f: 2 * np.pi * f * spectrum(f) ** 2 * eye(f) ** 2 * PIXEL**2, 0, 5)[0]
        expected = top / np.sqrt(bottom)
        self.assertAlmostEqual(found.dprime / expected, 1, delta=0.08)
        self.assertAlmostEqual(found.auc, stats.norm.cdf(expected / np.sqrt(2)), delta=3 * found.auc_error)

    def test_eye_filter_peaks_at_three_and_a_half_cycles_per_degree(self):
        squared = eye_filter_squared(512, PIXEL, 400.0)[0, :256]
        peak = np.fft.fftfreq(512, PIXEL)[squared.argmax()] * 400 * np.pi / 180
        self.assertAlmostEqual(peak, 1.9**2, delta=0.1)
        degrees = np.fft.fftfreq(512, PIXEL)[:256] * 400 * np.tan(np.pi / 180)
        np.testing.assert_allclose(
            squared, (degrees**1.9 * np.exp(-2 * degrees**0.5)) ** 2 / (3.61**1.9 * np.exp(-3.8)) ** 2, atol=1e-12
        )

    def test_eye_filter_observer_has_the_published_numerator_and_denominator(self):
        """The template gives sum S^2 E^2 of the signal and the root of sum S^2 E^4 of white noise (Parseval)."""
        side, signal = 65, gaussian(1.0, 2.0, 65)
        template = eye_filter_template(signal, PIXEL, 400.0)
        spectrum = np.abs(np.fft.fft2(signal)) ** 2
        squared = eye_filter_squared(side, PIXEL, 400.0)
        self.assertAlmostEqual((template * signal).sum(), (spectrum * squared).mean(), places=9)
        self.assertAlmostEqual((template**2).sum(), (spectrum * squared**2).mean(), places=9)

    def test_untold_signals_stay_at_chance(self):
        for observer in ("hotelling", "eye-filter"):
            regions = noise_regions(gaussian(1.0, 2.0), 400, seed=4)
            regions = Regions(regions.absent[:, 0], regions.absent[:, 1:], regions.clusters, regions.signals)
            found = detectability(regions, PIXEL, observer)
            self.assertAlmostEqual(found.auc, 0.5, delta=3 * found.auc_error)
            self.assertAlmostEqual(found.percent_correct, 25, delta=6)


class FiguresTest(unittest.TestCase):
    def test_dprime_auc_and_forced_choice_of_normal_variables(self):
        rng = np.random.default_rng(5)
        for dprime in (0.0, 1.0, 2.5):
            present, absent = dprime + rng.standard_normal((20000, 1)), rng.standard_normal((20000, 3))
            auc, variance = clustered_auc(present, absent, np.arange(20000))
            self.assertAlmostEqual(dprime_of(present, absent), dprime, delta=0.03)
            self.assertAlmostEqual(auc, stats.norm.cdf(dprime / np.sqrt(2)), delta=0.006)
            self.assertAlmostEqual(percent_correct(present, absent), forced_choice(dprime), delta=1.0)
            anatomy = 3 * rng.standard_normal((5000, 2, 1))
            several = anatomy + rng.standard_normal((5000, 2, 4))
            expected = dprime + anatomy[:, 0].mean() - anatomy[:, 1].mean()
            self.assertAlmostEqual(noise_limited_dprime(several[:, 0] + dprime, several[:, 1]), expected, delta=0.05)
            self.assertLess(variance, 2e-5)

    def test_auc_is_mann_whitney_with_ties(self):
        rng = np.random.default_rng(6)
        present, absent = rng.integers(0, 6, (30, 2)) + 1, rng.integers(0, 6, (30, 3))
        expected = stats.mannwhitneyu(present.ravel(), absent.ravel()).statistic / (60 * 90)
        self.assertAlmostEqual(clustered_auc(present, absent, np.arange(30))[0], expected, places=12)

    def test_error_of_the_auc_is_its_spread(self):
        """Clusters share an offset: the stated variance must be that of 400 repeated experiments."""
        rng = np.random.default_rng(7)
        found = []
        for _ in range(400):
            offset = rng.standard_normal((40, 1, 1))
            drawn = offset + rng.standard_normal((40, 3, 8))
            drawn[:, :, :2] += 0.8
            found.append(
                clustered_auc(
                    drawn[:, :, :2].reshape(120, 2), drawn[:, :, 2:].reshape(120, 6), np.repeat(np.arange(40), 3)
                )
            )
        found = np.array(found)
        self.assertAlmostEqual(np.sqrt(found[:, 1].mean()) / found[:, 0].std(), 1, delta=0.12)

    def test_forced_choice_counts_every_set_of_three(self):
        """A signal above 4 of 5 wins C(4, 3) of the C(5, 3) sets."""
        self.assertAlmostEqual(percent_correct(np.array([4.5]), np.arange(1.0, 6.0)), 40.0)

    def test_no_cluster_is_in_both_halves(self):
        clusters = np.repeat(np.arange(9), (1, 20, 3, 4, 9, 2, 2, 7, 5))
        one, other = split(clusters)
        self.assertFalse(set(clusters[one]) & set(clusters[other]))
        self.assertTrue((one ^ other).all())
        self.assertLessEqual(abs(int(one.sum()) - int(other.sum())), 3)
        uneven = np.repeat(np.arange(4), (30, 3, 2, 1))
        self.assertEqual([len(set(uneven[half])) for half in split(uneven)], [2, 2])

    def test_too_little_says_so(self):
        full = noise_regions(gaussian(1, 2), 40)
        some = [detectability(full.of(chosen), PIXEL) for chosen in (slice(0, 0), slice(0, 3), slice(0, 8))]
        nowhere = Truth("", PIXEL, 0.0, {}, "L", (), np.zeros((99, 99), np.uint16), np.ones((99, 99), bool))
        for found in (*some, *calcification_detectability([np.ones((2, 99, 99))], [nowhere]).values()):
            self.assertTrue(
                found.reason and np.isnan([found.auc, found.dprime, found.percent_correct, found.auc_error]).all()
            )
        with self.assertRaises(InputError):
            detectability(full, PIXEL, "radiologist")
        with self.assertRaises(InputError):
            joined_regions([])


class SimulatedTest(unittest.TestCase):
    """Two arrangements, one of them mirrored, with many small calcifications far apart."""

    @classmethod
    def setUpClass(cls):
        cls.parameters = parameters_for(
            "small", {"clusters": [500, 500], "grains": [2, 2], "grain_mm": [0.14, 0.24], "fibres": [0, 0]}
        )
        cls.folder = tempfile.TemporaryDirectory()
        cls.truths, cls.high, cls.low = [], [], []
        for number in (0, 1):
            made = make_arrangement(cls.parameters, 5, number)
            paths = truth_paths(cls.folder.name, number, ("low", "high"))
            write_truth(paths, made, ("low", "high"))
            cls.truths.append(read_truth(paths["facts"].parent))
            for dose, kept in (("low", cls.low), ("high", cls.high)):
                kept.append(
                    np.stack([oriented(made.exposure(dose, k).pixels, number).astype(np.float32) for k in range(4)])
                )

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def measured(self, stacks, observer="hotelling"):
        (found,) = calcification_detectability(stacks, self.truths, observer, classes=((0.1, 0.3),)).values()
        return found

    def test_places_are_where_the_images_show_them(self):
        for truth in self.truths:
            grains = truth.of_kind(CALCIFICATIONS)
            there = [truth.insert_map[round(each.row), round(each.column)] == each.id for each in grains]
            self.assertGreater(np.mean(there), 0.8)
            fine = truth.noise_free("high")
            fine = fine - ndimage.gaussian_filter(fine, 5)
            drawn = sharp_contrast(truth, CALCIFICATIONS)
            shifts = {
                shift: np.sum(np.roll(drawn, shift, axis=(0, 1)) * fine)
                for shift in ((0, 0), (0, 2), (0, -2), (2, 0), (-2, 0))
            }
            self.assertEqual(max(shifts, key=shifts.get), (0, 0))
        self.assertEqual([truth.laterality for truth in self.truths], ["L", "R"])

    def test_signal_alone_is_that_of_the_map(self):
        for truth in self.truths:
            drawn = sharp_contrast(truth, CALCIFICATIONS)
            sites = sites_of(truth, CALCIFICATIONS, 5)
            self.assertGreater(len(sites), 50)
            regions = regions_at(drawn, sites, 5)
            np.testing.assert_allclose(regions.present[:, 0], [site.signal for site in sites], atol=1e-4)
            self.assertEqual(np.abs(regions.absent).max(), 0)

    def test_regions_of_different_clusters_share_no_pixel(self):
        for truth in self.truths:
            sites, owner = sites_of(truth, CALCIFICATIONS, 25), {}
            for site in sites:
                for row, column in [(site.row, site.column), *site.absent]:
                    rows, columns = square(row, column, 25)
                    for pixel in itertools.product(range(rows.start, rows.stop), range(columns.start, columns.stop)):
                        self.assertEqual(owner.setdefault(pixel, site.cluster), site.cluster)
            self.assertGreater(len({site.cluster for site in sites}), 10)

    def test_high_dose_is_detected_better_and_a_gain_changes_nothing(self):
        """Blotches of anatomy limit the eye filter at either dose; without them it must see the noise too."""
        gained = [stack * np.float32(3.43) for stack in self.low]
        smooth = [ndimage.gaussian_filter(stack, (0, 2.0, 2.0)) for stack in gained]
        high, low, gain, blur = (self.measured(stacks) for stacks in (self.high, self.low, gained, smooth))
        self.assertEqual(high.reason, "")
        for name in ("dprime", "dprime_noise", "auc", "percent_correct"):
            self.assertAlmostEqual(getattr(gain, name) / getattr(low, name), 1, places=4)
            self.assertGreater(getattr(high, name), getattr(low, name))
            self.assertGreater(getattr(low, name), getattr(blur, name))
        eye = [self.measured(stacks, "eye-filter").dprime_noise for stacks in (self.high, self.low, gained)]
        self.assertAlmostEqual(eye[2] / eye[1], 1, places=4)
        self.assertGreater(eye[0], 1.4 * eye[1])

    def test_noise_limited_contrast_grows_with_the_root_of_the_dose(self):
        """Contrast c m against sqrt(xi_q m + xi_e^2 + 1/12), m the signal above the offset."""
        truth, chain = self.truths[0], self.parameters
        found = [insert_contrasts(stacks[0], truth, MASSES) for stacks in (self.low, self.high)]
        self.assertFalse(any(each.reason for each in found[0]))
        for low, high in zip(*found):
            place = tuple(slice(round(at) - 60, round(at) + 60) for at in (low.insert.row, max(low.insert.column, 60)))
            levels = [truth.noise_free(dose)[place].mean() - truth.zero_level for dose in ("low", "high")]
            noise = [np.sqrt(chain.xi_q * m + chain.xi_e**2 + 1 / 12) for m in levels]
            expected = levels[1] / levels[0] * noise[0] / noise[1]
            self.assertAlmostEqual(high.sdnr_noise / low.sdnr_noise / expected, 1, delta=0.06)

    def test_against_the_noise_free_high_dose_nothing_is_lost_and_a_blur_is_found(self):
        references = [truth.noise_free("high") for truth in self.truths]
        found = task_transfers(self.low, references, self.truths, GRAINS)["calcifications"]
        self.assertTrue(np.isnan(found.half))
        np.testing.assert_allclose(found.transfer[found.frequency < 3], 1, atol=0.05)
        smooth = [ndimage.gaussian_filter(stack, (0, 1.5, 1.5)) for stack in self.low]
        self.assertAlmostEqual(
            task_transfers(smooth, references, self.truths, GRAINS)["calcifications"].half / 1.249, 1, delta=0.06
        )

    def test_against_sharp_grains_the_transfer_is_the_mtf_of_the_detector(self):
        """1 / (1 + f^2 / 5.6) over the aperture of a pixel, for grains in gel without film.

        With film it is not known.
        """
        truth, chain = self.truths[0], dataclasses.replace(self.parameters, scatter_to_primary=0.0)
        sharp = sharp_contrast(truth, CALCIFICATIONS)
        flat = blurred(1000 * (1 + sharp), chain)
        noise = 3 * np.random.default_rng(8).standard_normal(flat.shape)
        found = task_transfers([(flat + noise)[None]], [sharp], [truth], GRAINS)["calcifications"]
        f = np.linspace(0, 5, 501)
        expected = 1 / (1 + f**2 / chain.mtf_f2) / np.sinc(f * PIXEL / np.sqrt(2)) ** 2
        np.testing.assert_allclose(found.transfer, np.interp(found.frequency, f, expected), atol=0.02)
        self.assertAlmostEqual(found.half, f[expected < 0.5][0], delta=0.1)
        with_film = task_transfers(self.high[:1], [sharp], [truth], GRAINS)["calcifications"]
        self.assertIn("uncertain", with_film.reason)


if __name__ == "__main__":
    unittest.main()
