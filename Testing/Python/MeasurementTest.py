"""Measures of noise, bias, sharpness and contrast against closed forms and planted truths."""

import tempfile
import unittest
from pathlib import Path

import lowdosecontrast_examples  # noqa: F401  (finds the libraries in a checkout)
import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastTrainingLib.measurement.calcifications import CalcificationSearch, candidates, matched
from LowDoseContrastTrainingLib.measurement.contrast import insert_contrasts
from LowDoseContrastTrainingLib.measurement.noise_and_bias import noise_and_bias
from LowDoseContrastTrainingLib.measurement.noise_power import radial_frequency, radial_profile
from LowDoseContrastTrainingLib.measurement.noise_texture import noise_texture, shape_error
from LowDoseContrastTrainingLib.measurement.transfer import task_transfers, transfer
from LowDoseContrastTrainingLib.measurement.truth_places import PlacedInsert, Truth, read_truth
from LowDoseContrastTrainingLib.simulator.inserts import Insert
from scipy import ndimage

PIXEL = 0.1


def planted_truth(shape, inserts):
    """A truth by hand: (kind, row, column, size_mm) of round inserts, contrast -0.2, everything is phantom."""
    insert_map, placed = np.zeros(shape, np.uint16), []
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    for index, (kind, row, column, size) in enumerate(inserts):
        insert_map[np.hypot(rows - row, columns - column) * PIXEL <= size / 2] = index + 1
        drawn = Insert(kind, "pla", (row + 0.5) * PIXEL, (column + 0.5) * PIXEL, size, size)
        placed.append(PlacedInsert(index + 1, kind, row, column, size, size, -0.2, -1, drawn))
    return Truth(Path("planted"), PIXEL, 0.0, {}, "L", tuple(placed), insert_map, np.ones(shape, bool))


class NoiseAndBiasTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.reference = np.tile(np.linspace(500, 1500, 400), (300, 1))

    def realisations(self, count, variance, seed=0):
        rng = np.random.default_rng(seed)
        return self.reference + np.sqrt(variance) * rng.standard_normal((count, *self.reference.shape))

    def test_noise_in_proportion_to_the_signal_is_its_factor(self):
        """Var = k Y gives R_N = k and no bias, whatever the gain and the offset of the images."""
        images = 0.3 * self.realisations(5, 0.04 * self.reference) + 12
        found = noise_and_bias(images, self.reference)
        self.assertAlmostEqual(found.residual_noise, 0.04, delta=0.0004)
        self.assertAlmostEqual(found.bias_squared, 0, delta=2e-4)
        self.assertAlmostEqual(found.slope, 0.3, delta=1e-3)
        self.assertAlmostEqual(found.offset, 12, delta=0.5)
        self.assertGreater(found.mnse_unmatched, 100)

    def test_parts_sum_to_the_error_by_definition(self):
        images = ndimage.gaussian_filter(self.realisations(3, 100.0), (0, 1, 9))
        found = noise_and_bias(images, self.reference, zero_level=100)
        restored = (images - found.offset) / found.slope
        self.assertAlmostEqual(
            found.mnse, np.mean((self.reference - restored) ** 2 / (self.reference - 100)), places=10
        )
        self.assertAlmostEqual(found.mnse, found.residual_noise + found.bias_squared, places=12)

    def test_bias_of_a_blur_in_closed_form(self):
        """Two cosines of amplitudes a that a blur leaves T of: matching takes the mean T, the rest is bias."""
        x = np.arange(1200)
        frequencies, amplitudes, sigma = np.array([1 / 120, 1 / 12]), np.array([8.0, 6.0]), 2.0
        waves = amplitudes[:, None] * np.cos(2 * np.pi * frequencies[:, None] * x)
        reference = np.tile(1000 + waves.sum(axis=0), (200, 1))
        kept = np.exp(-2 * (np.pi * sigma * frequencies) ** 2)
        slope = (amplitudes**2 @ kept) / (amplitudes**2).sum()
        expected = (amplitudes**2 @ (1 - kept / slope) ** 2) / 2 / 1000
        rng = np.random.default_rng(1)
        blurred = ndimage.gaussian_filter(reference, sigma, mode="wrap")
        found = noise_and_bias(blurred + 3 * rng.standard_normal((4, *reference.shape)), reference)
        self.assertAlmostEqual(found.slope / slope, 1, delta=2e-3)
        self.assertAlmostEqual(found.bias_squared / expected, 1, delta=0.02)
        self.assertAlmostEqual(found.residual_noise / (9 / 1000 / slope**2), 1, delta=0.01)

    def test_wrong_input_is_refused(self):
        images = self.realisations(2, 1.0)
        for arguments in (
            (images[:1], self.reference), (images[:, :-1], self.reference), ([images[0], images[1][:-1]], self.reference),
            (images, self.reference, np.zeros(self.reference.shape, bool)), (images, self.reference, np.ones((2, 2), bool)),
            (images, np.full_like(self.reference, 7.0)), (images, self.reference, None, 600.0), (-images, self.reference),
        ):  # fmt: skip
            with self.assertRaises(InputError) as caught:
                noise_and_bias(*arguments)
            self.assertNotIn("\n", str(caught.exception))


class NoiseTextureTest(unittest.TestCase):
    def test_white_noise_in_closed_form(self):
        """NNPS = variance x pixel area / mean^2 at every frequency, from realisations and from the truth."""
        rng = np.random.default_rng(2)
        anatomy = 800 + ndimage.gaussian_filter(rng.standard_normal((600, 500)), 20) * 500
        images = anatomy + 20 * rng.standard_normal((3, *anatomy.shape))
        expected = 400 * PIXEL**2 / (anatomy.mean() - 50) ** 2
        for truth in (None, anatomy):
            found = noise_texture(images, PIXEL, truth=truth, zero_level=50)
            np.testing.assert_allclose(found.nnps, expected, rtol=0.06)
            self.assertAlmostEqual(found.nnps.mean() / expected, 1, delta=0.01)

    def test_shape_error_of_coloured_noise_in_closed_form(self):
        """White noise through a Gaussian has NPS exp(-4 pi^2 sigma^2 f^2)."""
        white = np.random.default_rng(3).standard_normal((3, 640, 640))
        flat = noise_texture(1000 + 10 * white, PIXEL)
        coloured = noise_texture(3000 + ndimage.gaussian_filter(10 * white, (0, 1.0, 1.0)), PIXEL)
        f = radial_frequency(128, PIXEL)
        edges = np.append(flat.frequency - 0.1, flat.frequency[-1] + 0.1)
        shape = radial_profile(np.exp(-4 * (np.pi * f * PIXEL) ** 2), PIXEL, edges)
        even = np.full(len(shape), 1 / len(shape))
        expected = np.sqrt(np.mean((shape / shape.sum() - even) ** 2)) / even[0]
        self.assertAlmostEqual(shape_error(coloured, flat) / expected, 1, delta=0.03)
        self.assertLess(shape_error(noise_texture(70 * white - 500, PIXEL), flat), 1e-9)

    def test_wrong_input_is_refused(self):
        with self.assertRaises(InputError):
            noise_texture(np.zeros((1, 300, 300)), PIXEL)
        with self.assertRaises(InputError):
            noise_texture(np.zeros((2, 100, 100)), PIXEL)
        textures = [noise_texture(np.random.default_rng(0).random((2, 200, 200)), pixel) for pixel in (0.1, 0.085)]
        with self.assertRaises(InputError):
            shape_error(*textures)


class TransferTest(unittest.TestCase):
    def discs(self, contrasts, side=96):
        """A disc of 4 mm for each contrast, off the middle of the pixel: (count, side, side)."""
        fine = 8
        at = (np.arange(side * fine) + 0.5) / fine - side / 2
        discs = [
            (np.hypot(at[:, None] - dy, at[None, :] - dx) < 20).reshape(side, fine, side, fine).mean(axis=(1, 3))
            for dy, dx in ((0.2, 0.3), (-0.4, 0.1))
        ]
        return np.array([1000 * (1 - contrast * discs[k % 2]) for k, contrast in enumerate(contrasts)])

    def test_gaussian_blur_has_its_transfer_and_half_frequency(self):
        """exp(-2 pi^2 sigma^2 f^2), 0.5 at 0.1874 / sigma; the gain comes out apart."""
        reference = self.discs([0.2] * 6)
        for sigma in (1.0, 1.5, 2.0):
            found = transfer(0.4 * ndimage.gaussian_filter(reference, (0, sigma, sigma)) + 30, reference, PIXEL)
            low = found.frequency < 3
            np.testing.assert_allclose(
                found.transfer[low], np.exp(-2 * (np.pi * sigma * PIXEL * found.frequency[low]) ** 2), atol=0.03
            )
            self.assertAlmostEqual(found.half / (np.sqrt(np.log(2) / 2) / np.pi / sigma / PIXEL), 1, delta=0.03)
            self.assertAlmostEqual(found.gain, 0.4, delta=0.01)

    def test_noise_does_not_bias_low_contrast(self):
        rng = np.random.default_rng(4)
        for contrast, tolerance in ((0.05, 0.12), (0.3, 0.03)):
            reference = self.discs([contrast] * 12)
            images = ndimage.gaussian_filter(reference, (0, 1.5, 1.5)) + 8 * rng.standard_normal(reference.shape)
            found = transfer(images, reference, PIXEL)
            self.assertAlmostEqual(found.half / 1.249, 1, delta=tolerance)
            beyond = found.frequency > 2.5
            expected = np.exp(-2 * (np.pi * 0.15 * found.frequency) ** 2)
            away = (found.transfer - expected)[beyond] / found.error[beyond]
            self.assertLess(abs(away.mean()), 1.0)

    def test_what_cannot_be_known_says_so(self):
        reference = self.discs([0.2])
        sharp = transfer(reference, reference, PIXEL)
        self.assertTrue(np.isnan(sharp.half) and "0.5" in sharp.reason)
        noise = transfer(1000 * np.random.default_rng(5).standard_normal((8, 96, 96)), self.discs([0.01] * 8), PIXEL)
        self.assertTrue(np.isnan(noise.half))
        empty = task_transfers([np.ones((1, 300, 300))], [np.ones((300, 300))], [planted_truth((300, 300), [])])
        self.assertTrue(all(each.inserts == 0 and each.reason and np.isnan(each.half) for each in empty.values()))

    def test_places_come_from_the_truth(self):
        truth = planted_truth((400, 400), [("circumscribed", 150, 140, 6.0), ("circumscribed", 240, 250, 9.0)])
        reference = np.where(truth.insert_map > 0, 800.0, 1000.0)
        found = task_transfers([ndimage.gaussian_filter(reference, 1.5)[None]], [reference], [truth])
        self.assertEqual((found["masses"].inserts, found["fibres"].inserts), (2, 0))
        self.assertAlmostEqual(found["masses"].half / 1.249, 1, delta=0.03)


class ContrastTest(unittest.TestCase):
    def test_sdnr_and_cnr_in_closed_form(self):
        """Signal 800 +- 20 in 1000 +- 10; fixed stripes of +-30 count in the spatial spread only."""
        truth = planted_truth((300, 300), [("circumscribed", 150, 150, 8.0), ("fibre", 40, 250, 2.0)])
        rng = np.random.default_rng(6)
        stripes = 30 * (2 * (np.arange(300) % 2) - 1)
        for fixed in (np.zeros(300), stripes):
            noise = rng.standard_normal((6, 300, 300))
            images = np.where(truth.insert_map > 0, 800 + 20 * noise, 1000 + 10 * noise) + fixed
            mass, fibre = insert_contrasts(images, truth, zero_level=200)
            signal, ring = np.sqrt(20**2 + fixed.var()), np.sqrt(10**2 + fixed.var())
            for found, close in ((mass, 0.03), (fibre, 0.06)):
                self.assertAlmostEqual(found.contrast, -200 / 800, delta=0.01)
                self.assertAlmostEqual(found.sdnr / (200 / ring), 1, delta=close)
                self.assertAlmostEqual(found.cnr / (200 / np.sqrt((signal**2 + ring**2) / 2)), 1, delta=close)
                self.assertAlmostEqual(found.sdnr_noise / 20, 1, delta=close)

    def test_what_cannot_be_measured_says_so(self):
        hidden = planted_truth((60, 60), [("fibre", 30, 30, 2.0), ("circumscribed", 30, 30, 12.0)])
        found = insert_contrasts(np.ones((60, 60)), hidden)
        self.assertTrue(all(each.reason and np.isnan(each.sdnr) for each in found))
        self.assertEqual(insert_contrasts(np.ones((60, 60)), planted_truth((60, 60), [])), [])
        with self.assertRaises(InputError):
            insert_contrasts(np.ones((60, 61)), hidden)


class CalcificationsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """A grid of 36 places: grains at 20 of them, of which 5 are not shown, and false ones at 7 others."""
        grid = [(60 + 80 * k, 60 + 80 * m) for k in range(6) for m in range(6)]
        cls.shown, hidden, cls.false = grid[:15], grid[15:20], grid[20:27]
        cls.truth = planted_truth(
            (520, 520), [*(("grain", *place, 0.3) for place in [*cls.shown, *hidden]), ("fibre", *grid[30], 3.0)]
        )
        spots = np.zeros((520, 520))
        for place in [*cls.shown, *cls.false, grid[30]]:
            spots[place] = -1
        cls.image = (
            1000
            + 10 * np.random.default_rng(7).standard_normal(spots.shape)
            + 1500 * ndimage.gaussian_filter(spots, 1.2)
        )

    def test_planted_grains_are_kept_missed_and_added(self):
        """What lies on the fibre is no calcification of the truth, nor one that was added."""
        found = CalcificationSearch(self.truth).match(self.image)
        self.assertEqual((int(found.kept.sum()), found.missed, found.added), (15, 5, 7))
        np.testing.assert_array_equal(found.kept, [True] * 15 + [False] * 5)
        self.assertAlmostEqual(found.sensitivity, 0.75)
        self.assertAlmostEqual(found.added_per_cm2, 7 / 5.04**2, delta=0.03)
        self.assertAlmostEqual(found.missed_per_cm2, 5 / 5.04**2, delta=0.03)

    def test_gain_and_polarity_change_nothing(self):
        expected = sorted(candidates(self.image, PIXEL).tolist())
        self.assertEqual(len(expected), 23)
        for image, dark in ((7 * self.image + 30, True), (-self.image, False)):
            np.testing.assert_allclose(sorted(candidates(image, PIXEL, dark=dark).tolist()), expected, rtol=1e-4)

    def test_threshold_is_in_units_of_the_noise(self):
        """The share of white noise above a threshold is the normal distribution's, wherever it is louder."""
        noise = np.random.default_rng(8).standard_normal((512, 512)) * np.linspace(1, 6, 512)
        found = candidates(noise, PIXEL, threshold=3.0)
        quiet, loud = (np.count_nonzero((found[:, 1] // 256) == half) for half in (0, 1))
        self.assertAlmostEqual(quiet / loud, 1, delta=0.25)
        self.assertLess(len(candidates(noise, PIXEL)), 3)

    def test_one_candidate_for_one_grain(self):
        places = np.array([[10, 10], [10, 14], [50, 50]])
        self.assertEqual(matched(np.array([[10, 12.5], [10, 9.0]]), places, 3.5).tolist(), [1, 0, -1])
        self.assertEqual(matched(np.empty((0, 3)), places, 3.5).tolist(), [-1, -1, -1])

    def test_no_grains_says_so(self):
        found = CalcificationSearch(planted_truth((520, 520), [])).match(self.image)
        self.assertTrue(found.reason and np.isnan(found.sensitivity))
        self.assertEqual(found.added, 23)
        self.assertEqual(len(candidates(np.full((200, 200), 5.0), PIXEL)), 0)


class TruthTest(unittest.TestCase):
    def test_no_truth_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaises(InputError):
                read_truth(folder)
            (Path(folder) / "truth.json").write_text("{}")
            with self.assertRaises(InputError):
                read_truth(folder)


if __name__ == "__main__":
    unittest.main()
