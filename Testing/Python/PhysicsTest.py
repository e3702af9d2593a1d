"""The simulated acquisition against closed forms, published figures and scipy."""

import dataclasses
import unittest

import lowdosecontrast_examples  # noqa: F401  (finds the libraries in a checkout)
import lowdosecontrast_physics as physics
import numpy as np
from LowDoseContrastLib.cci import CciVariant, cci
from LowDoseContrastTrainingLib.common.randomness import stream
from LowDoseContrastTrainingLib.measurement.noise_power import blocks_of, radial_profile
from LowDoseContrastTrainingLib.simulator import beam
from LowDoseContrastTrainingLib.simulator.acquisition import expose, make_arrangement, unit_signal
from LowDoseContrastTrainingLib.simulator.beam_tables import (
    ABSORPTION,
    ATTENUATION_PER_CM,
    ENERGIES_KEV,
    FLUENCE,
    HVL_MM,
)
from LowDoseContrastTrainingLib.simulator.heel import heel
from LowDoseContrastTrainingLib.simulator.inserts import Insert, draw
from LowDoseContrastTrainingLib.simulator.parameters import DETECTORS, parameters_for
from LowDoseContrastTrainingLib.simulator.scatter import scattered
from LowDoseContrastTrainingLib.simulator.texture import power_law_field
from scipy import ndimage, signal, stats

FIELD = parameters_for("small", {"rows": 512, "columns": 512, "bad_pixels": 0})
SELENIUM = parameters_for("selenium", {"rows": 512, "columns": 512, "bad_pixels": 0})

# Linear attenuation, 1/cm at 18, 20 and 22 keV, tabulated independently of the project's tables.
PUBLISHED_ATTENUATION = {
    "adipose": (0.632, 0.510, 0.428), "glandular": (1.000, 0.781, 0.636), "mass": (1.029, 0.805, 0.655),
    "pmma": (0.850, 0.680, 0.567), "paraffin": (0.464, 0.388, 0.338), "pvc": (8.04, 5.95, 4.54),
    "abs": (0.570, 0.470, 0.404), "pla": (0.981, 0.776, 0.640), "nylon": (0.726, 0.589, 0.498),
    "hydroxyapatite": (28.0, 20.7, 15.8), "calcium_oxalate": (13.6, 10.1, 7.7),
}  # fmt: skip


class BeamTest(unittest.TestCase):
    def test_tables_hold_the_published_attenuation(self):
        at = [ENERGIES_KEV.index(energy) for energy in (18, 20, 22)]
        for material, expected in PUBLISHED_ATTENUATION.items():
            np.testing.assert_allclose(
                np.array(ATTENUATION_PER_CM[material])[at], expected, rtol=0.01, err_msg=material
            )

    def test_beams_have_the_published_hardness(self):
        """Half-value layer, effective attenuation and contrast of gland in fat behind 5 cm (SpekPy)."""
        published = {
            "Rh/Rh 29 kVp": (0.405, 0.689, 0.238),
            "Mo/Mo 26 kVp": (0.321, 0.854, 0.316),
            "Mo/Rh 28 kVp": (0.397, 0.757, 0.269),
        }
        for name, (hvl, effective, contrast) in published.items():
            weights = beam.spectrum(name, "CsI")
            self.assertAlmostEqual(HVL_MM[name], hvl, delta=0.005)
            self.assertAlmostEqual(-np.log(beam.reference_transmission(weights)) / 5, effective, delta=0.01, msg=name)
            more = beam.transmission({"glandular": 25.1, "adipose": 24.9}, weights) / beam.reference_transmission(
                weights
            )
            self.assertAlmostEqual(-np.log(float(more)) / 0.01, contrast, delta=0.005, msg=name)

    def test_spectra_are_shares(self):
        for name in FLUENCE:
            self.assertAlmostEqual(sum(FLUENCE[name]), 1, places=3)
            self.assertAlmostEqual(sum(beam.spectrum(name, "a-Se")), 1, places=6)
        for shares in ABSORPTION.values():
            self.assertTrue(all(0 < share <= 1 for share in shares))

    def test_transmission_is_beer_lambert_summed_over_energies(self):
        rng = np.random.default_rng(0)
        maps = {name: rng.uniform(0, 5, (300, 7)).astype(np.float32) for name in ("paraffin", "pvc", "pla")}
        maps["pla"][:200] = 0
        weights = np.array(beam.spectrum("Rh/Rh 29 kVp", "CsI"))
        expected = sum(
            w * np.exp(-sum(ATTENUATION_PER_CM[m][k] / 10 * t.astype(np.float64) for m, t in maps.items()))
            for k, w in enumerate(weights)
        )
        np.testing.assert_allclose(beam.transmission(maps, tuple(weights)), expected, rtol=2e-5)

    def test_film_in_gel_attenuates_like_tissue_at_20_kev(self):
        one_energy = tuple(float(energy == 20) for energy in ENERGIES_KEV)
        film = beam.film_for_density(0.5, 50.0)
        gel = beam.transmission({"pvc": film, "paraffin": 50 - film}, one_energy)
        self.assertAlmostEqual(float(gel) / beam.reference_transmission(one_energy), 1.0, places=4)
        self.assertAlmostEqual(beam.density_of_film(film, 50.0), 0.5, places=9)

    def test_inserts_have_the_contrast_of_their_material(self):
        for parameters in (FIELD, SELENIUM):
            for material, (found, expected) in physics.insert_contrasts(parameters).items():
                self.assertAlmostEqual(found / expected, 1, delta=0.02, msg=material)


class PhantomTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.made = make_arrangement(parameters_for("small"), 5, 0)

    def test_texture_has_the_exponent_asked_for(self):
        for beta in (2.6, 3.2):
            parameters = parameters_for("essential", {"rows": 1400, "columns": 1200, "texture_beta": beta})
            found = [physics.texture_exponent(make_arrangement(parameters, seed, 0).phantom, 0.1) for seed in (1, 2)]
            self.assertAlmostEqual(np.mean(found), beta, delta=0.2)

    def test_fields_have_the_exponent_asked_for(self):
        for beta in (2.0, 3.2):
            field = power_law_field(stream(1, "t"), (512, 512), 0.1, beta, largest_mm=20.0)
            edges = np.geomspace(0.3, 3.0, 12)
            power = radial_profile(physics.noise_power(blocks_of(field, 256, step=128), 0.1), 0.1, edges)
            slope = -np.polyfit(np.log(np.sqrt(edges[1:] * edges[:-1])), np.log(power), 1)[0]
            self.assertAlmostEqual(slope, beta, delta=0.2)

    def test_a_detail_smaller_than_a_pixel_keeps_what_it_absorbs(self):
        grain = Insert("grain", "hydroxyapatite", 2.03, 2.06, 0.3, 0.25, seed=3)
        absorbed = []
        for pixel in (0.1, 0.0125):
            drawn = np.zeros((round(4 / pixel),) * 2, np.float32)
            draw(grain, drawn, pixel, 2.0)
            absorbed.append((1 - np.exp(-2.0 * drawn)).sum() * pixel**2)
        self.assertAlmostEqual(absorbed[0] / absorbed[1], 1.0, delta=0.03)

    def test_breast_covers_about_half_and_thins_to_its_edge(self):
        phantom = self.made.phantom
        self.assertTrue(0.42 < phantom.mask.mean() < 0.58)
        total = sum(phantom.thickness_mm.values())
        self.assertEqual(float(total[~phantom.mask].max()), 0.0)
        self.assertAlmostEqual(float(np.median(total[phantom.profile > 0.999])), 50.0, delta=0.01)
        self.assertEqual({insert.kind for insert in phantom.inserts}, {"circumscribed", "spiculated", "fibre", "grain"})
        sizes = [i.size_mm / self.made.parameters.magnification for i in phantom.inserts if i.kind == "grain"]
        self.assertTrue(min(sizes) >= 0.1 and max(sizes) <= 0.6 + 1e-9)

    def test_densities_go_through_the_classes(self):
        limits = ((0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1))
        small = parameters_for("small", {"rows": 512, "columns": 448})
        for number, (low, high) in enumerate(limits):
            phantom = make_arrangement(small, 4, number).phantom
            self.assertTrue(low < phantom.density < high)
            self.assertAlmostEqual(phantom.measured_density(), phantom.density, delta=0.12)

    def test_insert_map_marks_every_insert_at_its_centre(self):
        phantom, pixel = self.made.phantom, self.made.parameters.pixel_mm
        hidden = 0
        for index, insert in enumerate(phantom.inserts):
            row, column = int(insert.row_mm / pixel), int(insert.column_mm / pixel)
            hidden += phantom.insert_map[row, column] != index + 1
        self.assertLess(hidden, 0.2 * len(phantom.inserts))  # some lie above one another


class DetectorTest(unittest.TestCase):
    def test_signal_is_linear_in_dose(self):
        made = make_arrangement(FIELD, 11, 1)
        found = physics.dose_linearity(made)
        self.assertLess(found["deviation"], 0.01)
        self.assertAlmostEqual(found["intercept"], FIELD.offset, delta=0.1)

    def test_variance_against_mean_recovers_the_noise_coefficients(self):
        for parameters in (FIELD, SELENIUM):
            found = physics.noise_coefficients(parameters, pairs=4)
            self.assertAlmostEqual(found["xi_q"] / parameters.xi_q, 1, delta=0.03)
            self.assertAlmostEqual(found["xi_e"] / parameters.xi_e, 1, delta=0.03)
            self.assertAlmostEqual(found["offset"], parameters.offset, delta=0.03)

    def test_noise_power_follows_the_mtf_squared(self):
        for parameters in (FIELD, SELENIUM):
            np.testing.assert_allclose(physics.nps_shape(parameters, pairs=2)[1], 1, atol=0.1)

    def test_direct_detector_has_nearly_white_noise(self):
        difference = physics.flat_field(SELENIUM, 2000, 0) - physics.flat_field(SELENIUM, 2000, 1)
        power = radial_profile(
            physics.noise_power(blocks_of(difference, 64), SELENIUM.pixel_mm), SELENIUM.pixel_mm, (0.5, 1.5, 4.0, 5.0)
        )
        self.assertGreater(power[2] / power[0], 0.85)

    def test_slanted_edge_gives_the_target_mtf(self):
        published = {1: 0.85, 2: 0.59, 4: 0.24}  # Ghetti et al. 2008
        found = physics.measured_mtf(FIELD, list(published))
        np.testing.assert_allclose(found, list(published.values()), atol=0.03)
        frequencies = np.array([1.0, 2.0, 4.0])
        np.testing.assert_allclose(
            physics.measured_mtf(SELENIUM, frequencies), 1 / (1 + frequencies**2 / SELENIUM.mtf_f2), atol=0.03
        )

    def test_realisations_and_doses_are_independent(self):
        made = make_arrangement(FIELD, 3, 2)
        for dose in ("low", "high"):
            found = physics.realisation_correlation(made, dose)
            self.assertLess(abs(found["correlation"]), found["chance"])
        inside = made.phantom.profile > 0.999
        noise = [
            (made.exposure(d).pixels - made.unit_signal * made.dose_mgy(d) * made.response)[inside]
            for d in ("low", "high")
        ]
        self.assertLess(abs(np.corrcoef(*noise)[0, 1]), physics.realisation_correlation(made, "low")["chance"])

    def test_reference_signal_and_snr_are_the_published_ones(self):
        for dose, level, snr in ((3.359, 367, 83), (8.407, 918, 152), (11.523, 1259, 183)):
            found = physics.reference_snr(parameters_for("essential"), dose)
            self.assertAlmostEqual(found["signal"] / level, 1, delta=0.01)
            self.assertAlmostEqual(found["snr"] / snr, 1, delta=0.02)

    def test_contrast_of_the_tissue_grows_between_noise_and_texture(self):
        """CCI on a fixed scale: texture grows by the dose ratio, noise by its root only."""
        made = make_arrangement(parameters_for("small"), 2, 1)
        found = [cci(made.exposure(dose).pixels, 16383.0, CciVariant()).cci for dose in ("low", "automatic", "high")]
        ratio = made.dose_mgy("high") / made.dose_mgy("low")
        self.assertTrue(found[0] < found[1] < found[2])
        self.assertTrue(np.sqrt(ratio) < found[2] / found[0] < ratio)

    def test_flat_fielding_leaves_the_noise_of_the_heel(self):
        quiet = dataclasses.replace(FIELD, xi_s=0.0, xi_e=0.0)
        image = physics.flat_field(quiet, 3000)
        thirds = [image[:, k * 128 : (k + 1) * 128] for k in range(4)]
        np.testing.assert_allclose([t.mean() for t in thirds], 3000 + quiet.offset, rtol=0.002)
        expected = [1 / heel(quiet)[0, k * 128 : (k + 1) * 128].mean() for k in range(4)]
        np.testing.assert_allclose([t.var() / (quiet.xi_q * 3000) for t in thirds], expected, rtol=0.05)

    def test_fixed_pattern_is_that_of_the_detector(self):
        """What the mean of many exposures keeps is the response, with its bad pixels."""
        parameters = dataclasses.replace(FIELD, rows=128, columns=128, bad_pixels=3, xi_s=0.02)
        mean = np.mean([physics.flat_field(parameters, 2000, k) for k in range(40)], axis=0)
        from LowDoseContrastTrainingLib.simulator.defects import response

        pattern = response(parameters, 0)
        self.assertEqual(np.count_nonzero(pattern < 0.75), 3)
        self.assertGreater(stats.pearsonr(mean.ravel(), pattern.ravel())[0], 0.99)

    def test_pixel_values_saturate_at_the_bits(self):
        bright = expose(FIELD, np.full(FIELD.shape, 1e5, np.float32), np.ones(FIELD.shape, np.float32), stream(0, "x"))
        self.assertEqual((bright.dtype, bright.min(), bright.max()), (np.uint16, 16383, 16383))

    def test_scatter_is_a_wide_gaussian_of_the_primary(self):
        rng = np.random.default_rng(1)
        primary = ndimage.gaussian_filter(rng.random((400, 300)), 5).astype(np.float32)
        presence = np.zeros_like(primary)
        presence[:, :200] = 1
        parameters = dataclasses.replace(FIELD, scatter_sigma_mm=5.0)
        expected = 0.1 * ndimage.gaussian_filter(primary * presence, 50, mode="nearest", truncate=3)
        np.testing.assert_allclose(scattered(primary, presence, parameters), expected, atol=0.01 * expected.max())

    def test_blur_keeps_the_mean_and_spreads_a_point_as_its_mtf_says(self):
        parameters = dataclasses.replace(FIELD, scatter_to_primary=0.0)
        uniform = unit_signal(
            parameters, {"pmma": np.full(parameters.shape, 40, np.float32)}, np.ones(parameters.shape, np.float32)
        )
        self.assertLess(np.ptp(uniform) / uniform.mean(), 1e-4)


class NoisePowerTest(unittest.TestCase):
    def test_white_noise_has_its_variance_times_the_pixel_area_everywhere(self):
        image = 3.0 * np.random.default_rng(2).standard_normal((1024, 1024))
        power = radial_profile(physics.noise_power(blocks_of(image, 64), 0.1), 0.1, np.linspace(0.5, 5, 8))
        np.testing.assert_allclose(power, 9 * 0.01, rtol=0.03)

    def test_agrees_with_scipy_on_coloured_noise(self):
        image = ndimage.gaussian_filter(np.random.default_rng(3).standard_normal((512, 512)), 0.7)
        ours = physics.noise_power(blocks_of(image, 128, step=64), 0.1)
        # Along one axis, summed over the other, the spectrum is that of Welch's method.
        _, expected = signal.welch(image, fs=10, window="hann", nperseg=128, detrend="linear", axis=1)
        along = ours.sum(axis=0) * (10 / 128)
        np.testing.assert_allclose(along[4:60], expected.mean(axis=0)[4:60] / 2, rtol=0.12)

    def test_a_plane_is_no_noise(self):
        plane = np.add.outer(np.arange(64.0), 3 * np.arange(64.0))
        self.assertLess(physics.noise_power(plane[None], 0.1).max(), 1e-18)


class PresetsTest(unittest.TestCase):
    def test_every_detector_makes_an_image(self):
        for name in DETECTORS:
            parameters = parameters_for(name, {"rows": 256, "columns": 224})
            pixels = make_arrangement(parameters, 0, 0).exposure("low").pixels
            self.assertEqual(pixels.shape, (256, 224))
            self.assertTrue(100 < np.median(pixels[100:150, :60]) < 1000, name)


if __name__ == "__main__":
    unittest.main()
