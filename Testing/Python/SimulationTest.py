"""The simulator: physics against closed forms, and files against the standard."""

import json
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastTrainingLib import beam, detector
from LowDoseContrastTrainingLib.acquisition import DETECTORS, expose, simulate_arrangement, with_changes
from LowDoseContrastTrainingLib.acquisition_dicom import exposure_dataset, oriented, write_exposure
from LowDoseContrastTrainingLib.inserts import Insert, draw
from LowDoseContrastTrainingLib.randomness import stream
from LowDoseContrastTrainingLib.simulation import plan, simulate
from LowDoseContrastTrainingLib.texture import power_law_field

SMALL = with_changes(DETECTORS["small"], rows=384, columns=320)
UNIFORM = with_changes(SMALL, rows=512, columns=512, xi_s=0.0, heel_fall=0.0, bad_pixels=0)


def drained(steps):
    """The yields and the result of a generator of steps."""
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as stop:
            return seen, stop.value


class BeamTest(unittest.TestCase):
    def test_effective_attenuation_is_that_of_the_rhodium_beam(self):
        effective = -np.log(beam.reference_transmission(50.0, SMALL.spectrum)) / 5.0
        self.assertAlmostEqual(effective, 0.689, delta=0.003)

    def test_transmission_of_one_energy_is_beer_lambert(self):
        t = np.array([0.0, 1.0, 5.0])
        got = beam.transmission({"pvc": t, "paraffin": 2 * t}, (0.0, 1.0, 0.0))
        np.testing.assert_allclose(got, np.exp(-(0.595 * t + 0.0388 * 2 * t)), rtol=1e-5)

    def test_film_in_gel_attenuates_like_tissue(self):
        film = np.float32(beam.film_for_density(0.5, 50.0))
        gel = beam.transmission({"pvc": film, "paraffin": 50 - film}, (0.0, 1.0, 0.0))
        half = np.float32(25.0)
        tissue = beam.transmission({"glandular": half, "adipose": half}, (0.0, 1.0, 0.0))
        self.assertAlmostEqual(float(gel / tissue), 1.0, places=4)


class PhantomTest(unittest.TestCase):
    def test_texture_has_the_exponent_asked_for(self):
        field = power_law_field(stream(1, "t"), (512, 512), 0.1, 3.2, largest_mm=20.0)
        window = np.outer(np.hanning(512), np.hanning(512))
        power = np.abs(np.fft.fft2((field - field.mean()) * window)) ** 2
        radius = np.hypot(*np.meshgrid(np.fft.fftfreq(512, 0.1), np.fft.fftfreq(512, 0.1)))
        edges = np.geomspace(0.3, 3.0, 12)
        middle = np.sqrt(edges[1:] * edges[:-1])
        mean = [power[(radius >= a) & (radius < b)].mean() for a, b in zip(edges, edges[1:])]
        slope = -np.polyfit(np.log(middle), np.log(mean), 1)[0]
        self.assertAlmostEqual(slope, 3.2, delta=0.2)

    def test_a_grain_smaller_than_a_pixel_keeps_its_volume(self):
        target = np.zeros((40, 40), np.float32)
        draw(Insert("circumscribed", "pla", 2.0, 2.0, 1.0, 0.5, seed=3), target, 0.1)
        whole = np.zeros((80, 80), np.float32)
        draw(Insert("circumscribed", "pla", 2.0, 2.0, 1.0, 0.5, seed=3), whole, 0.05)
        self.assertAlmostEqual(float(target.sum() * 0.01 / (whole.sum() * 0.0025)), 1.0, delta=0.02)

    def test_breast_covers_about_half_and_thins_to_its_edge(self):
        phantom = simulate_arrangement(SMALL, 5, 0, ("low",)).phantom
        self.assertTrue(0.42 < phantom.mask.mean() < 0.58)
        total = sum(phantom.thickness_mm.values())
        self.assertEqual(float(total[~phantom.mask].max()), 0.0)
        self.assertAlmostEqual(float(np.median(total[phantom.profile > 0.999])), 50.0, delta=0.01)
        kinds = {insert.kind for insert in phantom.inserts}
        self.assertEqual(kinds, {"circumscribed", "spiculated", "fibre", "grain"})


class DetectorTest(unittest.TestCase):
    def test_variance_against_mean_recovers_the_noise_coefficients(self):
        response = detector.fixed_pattern(UNIFORM, 0)
        means, variances = [], []
        for level in (50, 200, 500, 1000, 2000, 4000):
            flat = np.full((512, 512), level, np.float32)
            image = expose(UNIFORM, flat, response, 1.0, stream(7, level)).astype(np.float64)
            means.append(image.mean() - UNIFORM.offset)
            variances.append(image.var() - 1 / 12)  # less the rounding to whole values
        weights = 1 / np.asarray(variances)
        slope, intercept = np.polyfit(means, variances, 1, w=weights)
        self.assertAlmostEqual(slope / UNIFORM.xi_q, 1.0, delta=0.03)
        self.assertAlmostEqual(np.sqrt(intercept) / UNIFORM.xi_e, 1.0, delta=0.03)

    def test_noise_is_coloured_by_the_mtf(self):
        quiet = with_changes(UNIFORM, xi_e=0.0)
        image = expose(quiet, np.full((512, 512), 4000, np.float32), detector.fixed_pattern(quiet, 0), 1.0, stream(3, "n"))
        power = np.abs(np.fft.fft2(image - image.mean())) ** 2
        radius = np.hypot(*np.meshgrid(np.fft.fftfreq(512, 0.1), np.fft.fftfreq(512, 0.1)))
        shape = []
        for f in (0.6, 1.0, 2.0, 3.0, 4.0):
            ring = np.abs(radius - f) < 0.1
            shape.append(power[ring].mean() / np.mean(detector.mtf(radius[ring].astype(np.float32), 5.6) ** 2))
        np.testing.assert_allclose(np.array(shape) / np.mean(shape), 1.0, atol=0.1)

    def test_slanted_edge_gives_the_target_mtf(self):
        side, fine, pixel = 256, 8, 0.1
        position = (np.arange(side * fine) + 0.5) / fine
        across = (position[None, :] - side / 2) * np.cos(0.07) + (position[:, None] - side / 2) * np.sin(0.07)
        edge = (across > 0).reshape(side, fine, side, fine).mean(axis=(1, 3)).astype(np.float32)
        image = detector.blurred(edge, UNIFORM)
        where = np.arange(side) + 0.5 - side / 2
        distance = where[None, :] * np.cos(0.07) + where[:, None] * np.sin(0.07)
        bins = np.round(distance * 4).astype(int).ravel()
        inside = np.abs(bins) <= 256
        spread = np.bincount(bins[inside] + 256, image.ravel()[inside]) / np.bincount(bins[inside] + 256)
        line = np.diff(spread)
        measured = np.abs(np.fft.rfft(line)) / line.sum()
        frequency = np.fft.rfftfreq(line.size, pixel / 4)
        for f in (1.0, 2.0, 4.0):
            # The drawn edge is averaged over pixels and the samples over bins: divide both out.
            expected = float(detector.mtf(np.float32(f), 5.6))
            got = np.interp(f, frequency, measured) / (np.sinc(f * pixel) * np.sinc(f * pixel / 4) ** 2)
            self.assertAlmostEqual(got, expected, delta=0.03)

    def test_signal_is_linear_in_dose(self):
        made = simulate_arrangement(SMALL, 11, 1)
        inside = made.phantom.profile > 0.999
        doses = [exposure.dose_mgy for exposure in made.exposures]
        means = [exposure.pixels[inside].mean() for exposure in made.exposures]
        slope, intercept = np.polyfit(doses, means, 1)
        self.assertLess(abs(intercept - SMALL.offset), 0.01 * means[0])
        np.testing.assert_allclose(np.polyval((slope, intercept), doses), means, rtol=0.01)

    def test_reference_signal_and_snr_are_the_papers(self):
        response = detector.fixed_pattern(UNIFORM, 0)
        for dose, signal, snr in ((3.359, 367, 83), (8.407, 918, 152), (11.523, 1259, 183)):
            flat = np.full((512, 512), UNIFORM.signal_per_mgy, np.float32)
            image = expose(UNIFORM, flat, response, dose, stream(1, dose)).astype(np.float64) - UNIFORM.offset
            self.assertAlmostEqual(image.mean() / signal, 1.0, delta=0.01)
            self.assertAlmostEqual(image.mean() / image.std() / snr, 1.0, delta=0.02)


class DeterminismTest(unittest.TestCase):
    def test_a_dose_does_not_depend_on_the_others_asked_for(self):
        alone = simulate_arrangement(SMALL, 3, 2, ("high",)).exposures[0]
        together = simulate_arrangement(SMALL, 3, 2).exposures[2]
        np.testing.assert_array_equal(alone.pixels, together.pixels)

    def test_realisations_are_independent(self):
        first = simulate_arrangement(SMALL, 3, 2, ("low",), realisation=0)
        second = simulate_arrangement(SMALL, 3, 2, ("low",), realisation=1)
        clean = first.unit_signal * first.exposures[0].dose_mgy
        inside = first.phantom.profile > 0.999
        noise = [(a.exposures[0].pixels - clean)[inside] for a in (first, second)]
        # The fixed pattern is shared, and weak.
        self.assertLess(abs(np.corrcoef(*noise)[0, 1]), 0.1)


class FilesTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def test_dicom_says_what_it_is_and_gives_the_pixels_back(self):
        import pydicom

        made = simulate_arrangement(SMALL, 1, 1, ("low",))
        path = self.folder / "low.dcm"
        write_exposure(path, exposure_dataset(made, made.exposures[0]), compress=False)
        header = pydicom.dcmread(path)
        expected = {
            "Modality": "MG", "PresentationIntentType": "FOR PROCESSING", "PhotometricInterpretation": "MONOCHROME1",
            "PixelIntensityRelationship": "LIN", "PixelIntensityRelationshipSign": 1, "BitsStored": 14,
            "QualityControlImage": "YES", "ImageLaterality": "R", "ImagerPixelSpacing": [0.1, 0.1],
            "EntranceDoseInmGy": made.exposures[0].dose_mgy,
        }  # fmt: skip
        for name, value in expected.items():
            self.assertEqual(getattr(header, name), value, name)
        np.testing.assert_array_equal(header.pixel_array, oriented(made.exposures[0].pixels, 1))
        air = header.pixel_array[:, :8]
        self.assertGreater(air.mean(), 5 * np.median(header.pixel_array[150:250, -60:]))

    def test_a_folder_is_resumed_to_the_same_bytes(self):
        chosen = plan(4, 2, "small", ("low", "high"))
        seen, result = drained(simulate(self.folder / "a", chosen))
        self.assertEqual(len(seen), 4)
        for name in result["files"]:
            self.assertTrue(Path(name).is_file())
        steps = simulate(self.folder / "b", chosen)
        next(steps)
        steps.close()
        drained(simulate(self.folder / "b", chosen))
        for path in (self.folder / "a").rglob("*.*"):
            twin = self.folder / "b" / path.relative_to(self.folder / "a")
            self.assertEqual(path.read_bytes(), twin.read_bytes(), path.name)
        truth = json.loads((self.folder / "a" / "arrangement-02" / "truth.json").read_text())
        self.assertEqual(truth["laterality"], "R")
        self._check_with_validator(result["files"])
        with self.assertRaisesRegex(InputError, "other settings"):
            drained(simulate(self.folder / "a", plan(5, 2, "small", ("low",))))

    def _check_with_validator(self, files):
        validator = shutil.which("dciodvfy")
        if validator is None:
            print("dciodvfy is not installed (Debian package dicom3tools): conformance is not checked")
            return
        for name in files:
            said = subprocess.run([validator, name], capture_output=True, text=True).stderr
            self.assertNotIn("Error", said, name)

    def test_the_paper_set_is_35_files(self):
        images = plan().images()
        self.assertEqual(len(images), 35)
        self.assertNotIn((11, "high"), images)

    def test_bad_input_is_one_clear_line(self):
        for wrong in (dict(detector="none"), dict(arrangements=0), dict(seed=-1), dict(doses=("huge",))):
            with self.assertRaises(InputError):
                plan(**wrong)
        (self.folder / "notes.txt").write_text("mine")
        with self.assertRaisesRegex(InputError, "not empty"):
            drained(simulate(self.folder, plan(0, 1, "small")))


if __name__ == "__main__":
    unittest.main()
