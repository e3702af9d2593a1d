"""Dose reduction: against direct simulation at the lower dose, and the files that it makes."""

import dataclasses
import json
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import lowdosecontrast_examples  # noqa: F401  puts the libraries on the path
import numpy as np
from lowdosecontrast_physics import noise_power
from LowDoseContrastLib.cli import main
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.mammogram import Mammogram
from LowDoseContrastLib.mask import Breast
from LowDoseContrastLib.steps import run_to_end
from LowDoseContrastTrainingLib.commands.all_commands import COMMANDS
from LowDoseContrastTrainingLib.common.randomness import stream
from LowDoseContrastTrainingLib.dataset.pairing import find_pairs
from LowDoseContrastTrainingLib.dose_reduction.noise_estimation import from_flats, from_image
from LowDoseContrastTrainingLib.dose_reduction.noise_model import NoiseModel, given_values
from LowDoseContrastTrainingLib.dose_reduction.pairs import ReductionPlan, reduce_dose
from LowDoseContrastTrainingLib.dose_reduction.reduction import reduced
from LowDoseContrastTrainingLib.measurement.noise_power import blocks_of, radial_profile
from LowDoseContrastTrainingLib.simulator import defects
from LowDoseContrastTrainingLib.simulator.acquisition import expose, make_arrangement
from LowDoseContrastTrainingLib.simulator.dicom_exposure import exposure_dataset, write_exposure
from LowDoseContrastTrainingLib.simulator.parameters import parameters_for

SMALL = parameters_for("small")
TRUTH = NoiseModel(SMALL.xi_q, SMALL.xi_e, SMALL.offset, SMALL.noise_f2, SMALL.heel_fall, SMALL.xi_s)
HIGH, LOW = 11.523, 3.359  # mGy
FRACTION = LOW / HIGH
BANDS = np.array([0.4, 1.0, 2.0, 3.0, 4.0, 5.0])  # lp/mm
GIVEN = "xi_q=0.031,xi_e=2.8,offset=1.9,noise_f2=5.6,heel_fall=0.28,xi_s=0.002"


def uniform(dose, draw, parameters=SMALL):
    """A simulated flat field of the reference phantom, uint16."""
    signal = np.full(parameters.shape, parameters.signal_per_mgy * dose, np.float32)
    return expose(parameters, signal, defects.response(parameters, 3), stream(3, "uniform", dose, draw))


def reduced_uniform(model, draws):
    """High-dose flat fields reduced to the low dose; their noise is independent."""
    return [reduced(uniform(HIGH, draw), FRACTION, model, SMALL.pixel_mm, stream(5, draw)) for draw in draws]


def noise_of(images):
    """Half of the difference of every two images in turn, so that neither offset nor fixed pattern is left."""
    return [(a.astype(np.float64) - b) / np.sqrt(2) for a, b in zip(images[::2], images[1::2])]


def bands_of(noises):
    """Power in bands of frequency, as if each pixel were 1 mm^2 times its area."""
    blocks = np.concatenate([blocks_of(noise, 64) for noise in noises])
    return radial_profile(noise_power(blocks, SMALL.pixel_mm), SMALL.pixel_mm, BANDS) / SMALL.pixel_mm**2


def flat_field(dose, draw):
    pixels = uniform(dose, draw)
    return Mammogram(
        pixels[None],
        (0.1, 0.1),
        14,
        "MG",
        "FOR PROCESSING",
        "LIN",
        "MONOCHROME1",
        1,
        dose,
        source=f"flat at {dose} mGy",
    )


class ReductionTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.direct = [uniform(LOW, draw) for draw in range(8)]
        cls.made = reduced_uniform(TRUTH, range(100, 108))

    def test_mean_and_variance_are_those_of_the_low_dose(self):
        self.assertAlmostEqual(np.mean(self.made) / np.mean(self.direct), 1.0, delta=0.005)
        self.assertAlmostEqual(np.var(noise_of(self.made)) / np.var(noise_of(self.direct)), 1.0, delta=0.03)

    def test_variance_rises_along_the_columns_as_the_heel_effect_makes_it(self):
        made, direct = (
            np.var(noise_of(images), axis=(0, 1)).reshape(4, -1).mean(axis=1) for images in (self.made, self.direct)
        )
        np.testing.assert_allclose(made / direct, 1.0, atol=0.03)
        self.assertGreater(direct[-1] / direct[0], 1.25)

    def test_noise_spectrum_is_that_of_the_low_dose(self):
        ratio = bands_of(noise_of(self.made)) / bands_of(noise_of(self.direct))
        np.testing.assert_allclose(ratio * (np.mean(self.direct) / np.mean(self.made)) ** 2, 1.0, atol=0.05)

    def test_published_electronic_term_fails_the_same_test(self):
        g = FRACTION
        wrong = dataclasses.replace(TRUTH, xi_e=TRUTH.xi_e * (1 - g) / np.sqrt(1 - g**2))
        ratio = np.var(noise_of(reduced_uniform(wrong, range(4)))) / np.var(noise_of(self.direct))
        self.assertLess(ratio, 0.9)

    def test_injected_quanta_are_coloured_and_injected_electronics_are_white(self):
        clean = np.full(SMALL.shape, 1261, np.uint16)
        for model in (NoiseModel(xi_q=0.031), NoiseModel(xi_e=2.8)):
            images = [reduced(clean, FRACTION, model, 0.1, stream(1, draw)) for draw in range(4)]
            f2 = (BANDS[1:] + BANDS[:-1]) ** 2 / 4
            shape = (bands_of(noise_of(images)) - 1 / 12) * ((1 + f2 / 5.6) ** 2 if model.xi_q else 1)
            np.testing.assert_allclose(shape / shape.mean(), 1.0, atol=0.08)

    def test_a_structured_phantom_agrees_too(self):
        made = make_arrangement(SMALL, 2, 0)
        fraction = made.dose_mgy("low") / made.dose_mgy("high")
        low = [made.exposure("low", draw).pixels for draw in range(4)]
        less = [reduced(made.exposure("high", draw).pixels, fraction, TRUTH, 0.1, stream(8, draw)) for draw in range(4)]
        tissue = Breast(low[0], 1).tissue
        self.assertAlmostEqual(np.mean([i[tissue] for i in less]) / np.mean([i[tissue] for i in low]), 1.0, delta=0.005)
        ratio = np.var([n[tissue] for n in noise_of(less)]) / np.var([n[tissue] for n in noise_of(low)])
        self.assertAlmostEqual(ratio, 1.0, delta=0.03)

    def test_saturated_pixels_are_scaled_without_noise(self):
        image = np.full((64, 64), 16383, np.uint16)
        made = reduced(image, 0.5, NoiseModel(xi_q=1.0, xi_e=9.0), 0.1, stream(0))
        self.assertEqual(set(made.ravel()), {8192})

    def test_the_heel_effect_follows_the_chest_wall(self):
        image = np.full((256, 512), 1000, np.uint16)
        left, right = (
            reduced(image, 0.3, TRUTH, 0.1, stream(0), chest_wall=side).astype(float) for side in ("left", "right")
        )
        self.assertGreater(left[:, -128:].var(), 1.2 * left[:, :128].var())
        self.assertGreater(right[:, :128].var(), 1.2 * right[:, -128:].var())


class EstimationTest(unittest.TestCase):
    def test_flat_fields_give_the_truth_within_their_error_and_three_per_cent(self):
        model = from_flats([flat_field(dose, 0) for dose in (LOW, 8.407, HIGH)], {})
        for name in ("xi_q", "xi_e", "xi_s", "heel_fall", "noise_f2"):
            value, truth = getattr(model, name), getattr(TRUTH, name)
            self.assertAlmostEqual(value / truth, 1.0, delta=0.03, msg=name)
            self.assertLess(abs(value - truth), 3 * model.errors[name], name)
        self.assertAlmostEqual(model.offset, TRUTH.offset, delta=0.3)

    def test_given_values_stay_and_have_no_error(self):
        model = from_flats([flat_field(dose, 0) for dose in (LOW, HIGH)], {"xi_e": 2.5, "offset": 1.0})
        self.assertEqual((model.xi_e, model.offset), (2.5, 1.0))
        self.assertFalse({"xi_e", "offset"} & set(model.errors))
        self.assertIn("xi_q", model.errors)

    def test_when_all_is_given_nothing_is_estimated(self):
        model = from_flats([flat_field(dose, 0) for dose in (LOW, HIGH)], given_values(GIVEN))
        self.assertEqual((model.errors, model.heel_fall, model.xi_s), ({}, 0.28, 0.002))

    def test_flat_fields_seen_from_the_other_side_give_the_same(self):
        flats = [flat_field(dose, 0) for dose in (LOW, HIGH)]
        mirrored = [dataclasses.replace(flat, pixels=flat.pixels[..., ::-1]) for flat in flats]
        here, there = (from_flats(each, {}) for each in (flats, mirrored))
        self.assertAlmostEqual(here.heel_fall, there.heel_fall, delta=0.005)
        self.assertAlmostEqual(here.xi_q / there.xi_q, 1.0, delta=0.01)

    def test_flat_fields_of_one_dose_or_saturated_are_refused(self):
        with self.assertRaisesRegex(InputError, "two or more doses"):
            from_flats([flat_field(LOW, 0), flat_field(LOW, 1)], {})
        with self.assertRaisesRegex(InputError, "saturated"):
            from_flats([flat_field(LOW, 0), flat_field(300, 0)], {})

    def test_an_image_by_itself_gives_its_variance(self):
        made = make_arrangement(parameters_for("essential", {"rows": 1200, "columns": 960}), 4, 1)
        pixels = made.exposure("low").pixels
        model = from_image(Mammogram(pixels[None], (0.1, 0.1), 14, "MG", sign=1, source="test"), {})
        tissue, mean = Breast(pixels, 1).tissue, made.noise_free("low") - np.float32(TRUTH.offset)
        found, truth = (
            each.variance(mean, each.relative_exposure(960, "left"))[tissue].mean() for each in (model, TRUTH)
        )
        self.assertAlmostEqual(found / truth, 1.0, delta=0.10)
        self.assertLess(abs(model.xi_q - TRUTH.xi_q), 3 * model.errors["xi_q"])
        self.assertTrue(any("offset" in note for note in model.notes))
        self.assertTrue(any("colour" in note for note in model.notes))


class FilesTest(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.input = self.folder / "case.dcm"
        self.made = make_arrangement(parameters_for("small", {"rows": 384, "columns": 320}), 1, 1)
        write_exposure(self.input, exposure_dataset(self.made, self.made.exposure("high")), compress=False)
        self.output = self.folder / "pairs"

    def plan(self, **changes):
        return ReductionPlan(
            **{"inputs": (str(self.input),), "fraction": 0.29, "given": given_values(GIVEN), **changes}
        )

    def edited(self, name, **changes):
        """A copy of the input with other header values; None removes one."""
        import pydicom

        header = pydicom.dcmread(self.input)
        for keyword, value in changes.items():
            if value is None:
                delattr(header, keyword)
            else:
                setattr(header, keyword, value)
        path = self.folder / name
        header.save_as(path)
        return path

    def test_a_pair_says_what_it_is(self):
        import pydicom

        result = run_to_end(reduce_dose(self.output, self.plan(realisations=2)))
        self.assertEqual(len(result["files"]), 3)
        self.assertEqual(result["arrangements"], 1)
        self.assertEqual((self.output / "case" / "full.dcm").read_bytes(), self.input.read_bytes())
        full, less = (pydicom.dcmread(path) for path in result["files"][:2])
        again = pydicom.dcmread(result["files"][2])
        for keyword in (
            "StudyInstanceUID",
            "FrameOfReferenceUID",
            "BitsStored",
            "PresentationIntentType",
            "SOPClassUID",
            "XRayTubeCurrent",
        ):
            self.assertEqual(full.get(keyword), less.get(keyword), keyword)
        self.assertEqual(len({full.SOPInstanceUID, less.SOPInstanceUID, again.SOPInstanceUID}), 3)
        self.assertNotEqual(full.SeriesInstanceUID, less.SeriesInstanceUID)
        self.assertEqual(list(less.ImageType)[:2], ["DERIVED", "PRIMARY"])
        for keyword in ("EntranceDoseInmGy", "ExposureInuAs", "Exposure", "ExposureTime", "OrganDose"):
            self.assertAlmostEqual(
                float(less[keyword].value) / float(full[keyword].value), 0.29, delta=0.005, msg=keyword
            )
        source = less.SourceImageSequence[0]
        self.assertEqual(source.ReferencedSOPInstanceUID, full.SOPInstanceUID)
        self.assertEqual(source.PurposeOfReferenceCodeSequence[0].CodeValue, "121322")
        for word in ("Borges", "0.29", "xi_q 0.031", "given", full.SOPInstanceUID):
            self.assertIn(word, less.DerivationDescription)
        record = json.loads((self.output / "case" / "noise-model.json").read_text())
        self.assertEqual((record["dose_fraction"], record["noise_model"]["xi_e"]), (0.29, 2.8))
        self.assertFalse(np.array_equal(less.pixel_array, again.pixel_array))
        json.dumps(result)

    def test_the_standards_validator_finds_no_error(self):
        validator = shutil.which("dciodvfy")
        if validator is None:
            self.skipTest("dciodvfy is not installed (Debian package dicom3tools): conformance is not checked")
        result = run_to_end(reduce_dose(self.output, self.plan()))
        self.assertNotIn(
            "Error", subprocess.run([validator, result["files"][1]], capture_output=True, text=True).stderr
        )

    def test_pairs_are_found_for_training(self):
        run_to_end(reduce_dose(self.output, self.plan()))
        dose = self.made.dose_mgy("high")
        pairs, _ = find_pairs(self.output, levels={"low": 0.29 * dose, "high": dose})
        self.assertEqual([(pair.low.path.name, pair.high.path.name) for pair in pairs], [("reduced.dcm", "full.dcm")])

    def test_same_seed_same_bytes_and_an_interrupted_run_goes_on(self):
        plan = self.plan(realisations=2)
        run_to_end(reduce_dose(self.output, plan))
        steps = reduce_dose(self.folder / "again", plan)
        next(steps), next(steps)
        steps.close()
        self.assertFalse((self.folder / "again" / "case" / "realisation-02" / "reduced.dcm").exists())
        run_to_end(reduce_dose(self.folder / "again", plan))
        files = [path.relative_to(self.output) for path in self.output.rglob("*") if path.is_file()]
        self.assertEqual(len(files), 5)
        for name in files:
            self.assertEqual((self.output / name).read_bytes(), (self.folder / "again" / name).read_bytes(), name)
        run_to_end(reduce_dose(self.folder / "other", self.plan(seed=1)))
        self.assertNotEqual(
            *((each / "case" / "reduced.dcm").read_bytes() for each in (self.output, self.folder / "other"))
        )

    def test_folders_of_other_things_or_other_settings_are_refused(self):
        with self.assertRaisesRegex(InputError, "not empty"):
            run_to_end(reduce_dose(self.folder, self.plan()))
        run_to_end(reduce_dose(self.output, self.plan()))
        with self.assertRaisesRegex(InputError, "other settings .*fraction"):
            run_to_end(reduce_dose(self.output, self.plan(fraction=0.5)))

    def test_inputs_that_will_not_do_are_refused_before_anything_is_written(self):
        cases = {
            "For Presentation": dict(PresentationIntentType="FOR PRESENTATION"),
            "LOG, not LIN": dict(PixelIntensityRelationship="LOG"),
            "sign": dict(PixelIntensityRelationshipSign=-1),
            "not MG": dict(Modality="DX"),
            "spacing": dict(ImagerPixelSpacing=None),
            "StudyInstanceUID": dict(StudyInstanceUID=None),
        }
        for reason, changes in cases.items():
            path = self.edited("bad.dcm", **changes)
            with self.assertRaisesRegex(InputError, reason):
                run_to_end(reduce_dose(self.output, self.plan(inputs=(str(self.input), str(path)))))
            self.assertFalse(self.output.exists())
        with self.assertRaisesRegex(InputError, "no such file"):
            run_to_end(reduce_dose(self.output, self.plan(inputs=("missing.dcm",))))

    def test_headers_without_optional_tags_and_equal_names_are_taken(self):
        bare = dict.fromkeys(
            (
                "EntranceDoseInmGy",
                "OrganDose",
                "Exposure",
                "ExposureInuAs",
                "ExposureTime",
                "SeriesDescription",
                "DetectorType",
            )
        )
        other = self.folder / "other"
        other.mkdir()
        shutil.move(self.edited("moved.dcm", **bare), other / "case.dcm")
        result = run_to_end(reduce_dose(self.output, self.plan(inputs=(str(self.input), str(other / "case.dcm")))))
        self.assertEqual([Path(name).parent.name for name in result["files"]], ["case", "case", "case-2", "case-2"])

    def test_the_command_refuses_options_that_make_no_sense_together(self):
        pair = [str(self.output), "--from", str(self.input)]
        for wrong in (pair, [*pair, "--dose-fraction", "0.3", "--arrangements", "2"], [*pair, "--dose-fraction", "0.3", "--detector", "small"],
                      [*pair, "--dose-fraction", "1.5"], [str(self.output), "--dose-fraction", "0.3"], [str(self.output), "--noise", "xi_q=1"],
                      [*pair, "--dose-fraction", "0.3", "--noise", "xi=1"], [*pair, "--dose-fraction", "0.3", "--noise", "xi_q=much"]):  # fmt: skip
            self.assertEqual(main(["simulate", *wrong], COMMANDS), 2, wrong)
            self.assertFalse(self.output.exists())
        self.assertEqual(main(["simulate", *pair, "--dose-fraction", "0.29", "--noise", GIVEN], COMMANDS), 0)

    def test_a_model_of_an_earlier_run_can_be_given(self):
        run_to_end(reduce_dose(self.output, self.plan()))
        self.assertEqual(given_values(str(self.output / "case" / "noise-model.json")), given_values(GIVEN))


if __name__ == "__main__":
    unittest.main()
