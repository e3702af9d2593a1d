"""The adversarial controls: for each one a method that it catches, and the true high dose, which passes all."""

import contextlib
import csv
import dataclasses
import io
import json
import unittest
from unittest import mock

import lowdosecontrast_examples as examples
import numpy as np
from lowdosecontrast_training import OneThreadTest
from LowDoseContrastLib.card import Domain
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.model import save_model
from LowDoseContrastLib.steps import Progress, run_to_end
from LowDoseContrastTrainingLib.__main__ import main
from LowDoseContrastTrainingLib.baselines.base import Method
from LowDoseContrastTrainingLib.baselines.intensity import Gain
from LowDoseContrastTrainingLib.controls import contrast_sweep, dose_sweep, one_sided, presence, shifted_pair
from LowDoseContrastTrainingLib.controls import controls as suite
from LowDoseContrastTrainingLib.controls.candidates import Candidate, models_of
from LowDoseContrastTrainingLib.controls.cheats import CHEATS, Cheated, compared
from LowDoseContrastTrainingLib.controls.planted import WITH, WITHOUT
from LowDoseContrastTrainingLib.controls.rows import ControlRow, summary_of
from LowDoseContrastTrainingLib.controls.settings import ControlSettings
from LowDoseContrastTrainingLib.evaluation.document import Row
from scipy import ndimage

OFFSET, RATIO = 1.9, 11.523 / 3.359
SMALL = ControlSettings(seed=4, realisations=2, rows=480, columns=400)
FULL = ControlSettings(seed=2, realisations=2, patch=96)  # detectability needs the area
REFERENCES = ("identity", "gain", "high dose")


class Changing(Method):
    """A method whose output is ``change`` of the mammogram."""

    def __init__(self, name, change):
        self.name, self._change = name, change

    def steps(self, mammogram):
        yield Progress(0.0)
        return np.stack([np.asarray(self._change(mammogram, each), np.float32) for each in mammogram.pixels])


def gained(pixels, factor=RATIO):
    return (np.asarray(pixels, np.float64) - OFFSET) * factor + OFFSET


def times(image, place, strength):
    """``image`` with a lesion's own signal added ``strength`` times."""
    image = image.copy()
    image[place.box] = (image[place.box] - OFFSET) * (1 + strength * place.signal) + OFFSET
    return image


class ControlsTestCase(OneThreadTest):
    def failed(self, rows, method):
        """Conditions that a method fails among some rows, as dictionaries or :class:`ControlRow`."""
        rows = [row.to_json() if isinstance(row, ControlRow) else row for row in rows]
        return [row["condition"] for row in rows if row["method"] == method and not row["passed"]]


class PlantedTest(ControlsTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scenes = cls.pair, cls.sweep = suite.planted_scenes(SMALL)
        methods = {
            "painter": lambda _, image: times(gained(image), cls.pair.places["mass"], 1.0),
            "blur": lambda _, image: ndimage.gaussian_filter(gained(image), 6.0),
            "eraser": lambda mammogram, image: gained(cls.as_if_without(mammogram, image)),
            "contrast stretcher": lambda _, image: cls.stretched(gained(image)),
            "fixed ratio": lambda _, image: gained(image),
            "multiplier": lambda _, image: gained(image, 1.5 * RATIO),
            "grey": lambda _, image: np.full_like(image, 1000.0),
        }
        candidates = [Candidate(Changing(name, change)) for name, change in methods.items()]
        cls.found = run_to_end(suite.planted_controls(candidates, cls.scenes))

    @classmethod
    def as_if_without(cls, mammogram, image):
        """The exposure of the phantom without lesions, where ``mammogram`` is one with."""
        known = {cls.pair.image(WITH, "low", number).source: number for number in cls.pair.realisations}
        return cls.pair.image(WITHOUT, "low", known[mammogram.source]).pixels[0] if mammogram.source in known else image

    @classmethod
    def stretched(cls, image):
        """Masses amplified where they are strong, dropped where they are weak."""
        for place in cls.sweep.places.values():
            image = times(image, place, place.contrast / 0.1 - 1)
        return image

    def test_true_high_dose_passes_all_and_gain_too(self):
        for name, rows in self.found.items():
            for method in ("high dose", "gain"):
                self.assertEqual((name, self.failed(rows, method)), (name, []))

    def test_a_lesion_that_is_painted_in_is_caught(self):
        self.assertEqual(self.failed(self.found[presence.NAME], "painter"), ["with mass", "without mass"])
        self.assertEqual(
            self.failed(self.found[one_sided.NAME], "painter"),
            ["mass only in the low dose", "mass only in the high dose"],
        )

    def test_small_details_that_are_blurred_away_are_caught(self):
        failed = self.failed(self.found[presence.NAME], "blur")
        self.assertIn("with cluster", failed)
        self.assertNotIn("with mass", failed)

    def test_lesions_that_are_erased_are_caught(self):
        self.assertEqual(self.failed(self.found[presence.NAME], "eraser"), ["with mass", "with cluster"])
        self.assertEqual(
            self.failed(self.found[one_sided.NAME], "eraser"),
            ["mass only in the low dose", "cluster only in the low dose"],
        )

    def test_strong_contrast_amplified_and_weak_dropped_is_caught(self):
        rows = [row for row in self.found[contrast_sweep.NAME] if row.method == "contrast stretcher"]
        recovered = [row.figures["recovered"] for row in rows[:-1]]
        self.assertEqual(recovered, sorted(recovered))
        self.assertEqual([row.passed for row in rows], [False, False, True, False, False, False])
        self.assertGreater(rows[-1].figures["slope"], contrast_sweep.SLOPE[1])

    def test_true_contrast_is_what_was_planted(self):
        for place, planted in zip(self.sweep.places.values(), contrast_sweep.CONTRASTS):
            self.assertAlmostEqual(
                place.contrast / planted, 0.95, delta=0.2
            )  # scatter takes some, film hardens the beam

    def test_one_ratio_for_all_doses_is_caught_elsewhere(self):
        rows = self.found[dose_sweep.NAME]
        self.assertEqual(self.failed(rows, "fixed ratio"), ["25 %", "40 %", "50 %", "60 %"])
        self.assertEqual(len(self.failed(rows, "multiplier")), 5)
        errors = {row.condition: row.figures["mean error"] for row in rows if row.method == "fixed ratio"}
        for condition, error in errors.items():
            self.assertAlmostEqual(error, float(condition[:2]) / 100 * RATIO - 1, delta=0.01)
        errors = [row.figures["mean error"] for row in rows if row.method == "identity"]
        np.testing.assert_allclose(errors, [each - 1 for each in dose_sweep.FRACTIONS], atol=0.01)

    def test_an_output_without_anatomy_fails_each(self):
        for name, rows in self.found.items():
            self.assertTrue(self.failed(rows, "grey"), name)

    def test_same_seed_same_rows_and_another_seed_other_rows(self):
        scenes = suite.planted_scenes(SMALL)
        for name, rows in run_to_end(suite.planted_controls([], scenes)).items():
            self.assertEqual(
                [row for row in rows if row.method in REFERENCES],
                [row for row in self.found[name] if row.method in REFERENCES],
            )
        other = suite.planted_scenes(dataclasses.replace(SMALL, seed=5))[0]
        self.assertGreater(np.abs(other.noise_free(WITHOUT) - scenes[0].noise_free(WITHOUT))[other.tissue].mean(), 10)

    def test_contents_differ_by_the_lesions_alone(self):
        low = [self.pair.image(content, "low", 0).pixels[0] for content in (WITH, WITHOUT)]
        difference = low[0] - low[1]
        away = np.ones(difference.shape, bool)
        for place in self.pair.places.values():
            away[place.box] = False
        self.assertLess(
            np.abs(difference[away & self.pair.tissue]).max(), 3
        )  # what scatters less; the noise is 4 and more
        self.assertLess(difference[self.pair.places["mass"].box].min(), -10)

    def test_a_shift_that_cannot_be_measured_is_caught(self):
        rng, scene = np.random.default_rng(0), mock.Mock(realisations=range(1))
        scene.image = lambda *_: examples.mammogram(rng.normal(500, 5, (200, 200)))
        self.assertEqual(self.failed(shifted_pair.measured_shifts(self.pair), shifted_pair.PREPARE), [])
        self.assertTrue(self.failed(shifted_pair.measured_shifts(scene), shifted_pair.PREPARE))


class ArrangedTest(ControlsTestCase):
    """One run of everything, with a model and a method that shows nothing."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        model = examples.save_small_model(cls.folder / "small.safetensors")
        candidates = [
            *models_of([model], "cpu", False, []),
            Candidate(Changing("grey", lambda _, image: np.full_like(image, 1000.0))),
        ]
        cls.controlled = run_to_end(suite.judged_controls(candidates, FULL))
        cls.document = cls.controlled.to_json()
        cls.rows = {
            name: [row for row in cls.document["rows"] if row["control"] == name] for name in cls.document["controls"]
        }

    def test_cheats_raise_the_cci_and_earn_nothing(self):
        rows = [row for row in self.rows["cheats"] if row["method"] in ("identity", "gain", "small")]
        self.assertEqual(len(rows), 9)
        for row in rows:
            self.assertGreater(row["figures"]["CCI after"], row["figures"]["CCI before"])
            self.assertNotEqual(row["figures"]["verdict after"], "improvement")
            self.assertTrue(row["passed"])
        gains = [row["figures"] for row in rows if row["condition"] == "gain 1.2"]
        for figures in gains:
            self.assertAlmostEqual(figures["CCI after"] / figures["CCI before"], 1.2, places=3)
            self.assertAlmostEqual(figures["detectability difference"], 0, places=3)
        noisy = [
            row["figures"] for row in rows if row["condition"] == "gain 1.2 and noise" and row["method"] != "small"
        ]
        for figures in noisy:
            self.assertAlmostEqual(figures["CCI after"] / figures["CCI before"], 2.4, delta=0.4)
            self.assertLess(figures["detectability difference"], -0.05)

    def test_a_cheat_that_raises_nothing_is_caught(self):
        self.assertIn("unsharp mask", self.failed(self.rows["cheats"], "grey"))

    def test_a_verdict_of_improvement_can_be_earned_here(self):
        row = next(row for row in self.rows["cheats"] if row["condition"] == "none")
        self.assertEqual(
            (row["method"], row["figures"]["verdict before"], row["passed"]), ("high dose", "improvement", True)
        )

    def test_true_high_dose_passes_all(self):
        summary = {each["method"]: each for each in self.document["summary"]}
        self.assertEqual((summary["high dose"]["passed"], summary["high dose"]["failed"]), (6, []))
        self.assertEqual((summary["gain"]["passed"], summary["prepare"]["passed"]), (6, 1))
        self.assertEqual(summary["identity"]["failed"], ["dose sweep"])
        self.assertIn("dose sweep", summary["small"]["failed"])

    def test_shifts_lower_psnr_and_what_shows_nothing_is_caught(self):
        for row in self.rows["shifted pair"]:
            if row["method"] in REFERENCES:
                self.assertLess(row["figures"]["PSNR at"], row["figures"]["PSNR before"])
        self.assertEqual(len(self.failed(self.rows["shifted pair"], "grey")), 3)

    def test_doses_outside_of_the_domain_are_marked(self):
        marked = [row["condition"] for row in self.document["rows"] if row["out_of_domain"]]
        self.assertEqual(marked, ["40 %", "50 %", "60 %"])

    def test_files_hold_every_row(self):
        output = self.folder / "controlled"

        def judged(*_):
            yield from ()
            return self.controlled

        with mock.patch.object(suite, "judged_controls", judged), contextlib.redirect_stdout(io.StringIO()) as out:
            self.assertEqual(
                main(["controls", str(output), "--json", "--model", str(self.folder / "small.safetensors")]), 0
            )
        result = json.loads(out.getvalue())
        self.assertEqual(json.loads((output / "controls.json").read_text())["rows"], result["rows"])
        with (output / "controls.csv").open(newline="") as stream:
            lines = list(csv.DictReader(stream))
        self.assertEqual([line["passed"] for line in lines], [str(row["passed"]) for row in result["rows"]])
        text = (output / "controls.md").read_text()
        self.assertEqual(text.count("| yes |") + text.count("| **no** |"), len(result["rows"]))


class CheatTest(unittest.TestCase):
    def test_a_cheat_that_earns_an_improvement_is_caught(self):
        def row(verdict, cci):
            return Row("m", figures={"cci_output": cci, "cci_ratio_error": 0.1, "detectability": 0.9}, verdict=verdict)

        cases = [
            ("worse", "improvement", 2.0, False),
            ("improvement", "improvement", 2.0, True),
            ("improvement", "worse", 2.0, True),
        ]
        cases += [("worse", "worse", 2.0, True), ("worse", "worse", 1.0, False)]
        for before, after, cci, passed in cases:
            self.assertEqual(
                compared(row(before, 1.0), row(after, cci), CHEATS[0]).passed, passed, (before, after, cci)
            )

    def test_noise_of_an_image_is_always_the_same_and_of_another_not(self):
        one, other = (
            examples.mammogram(np.full((64, 64), 500.0) + np.random.default_rng(1).normal(0, 5, (64, 64)), uid=uid)
            for uid in ("1", "2")
        )
        method = Cheated(Gain(2.0, OFFSET), CHEATS[1], OFFSET, 1)
        first, again, elsewhere = (run_to_end(method.whole_steps(each)) for each in (one, one, other))
        np.testing.assert_array_equal(first, again)
        self.assertGreater(np.abs(first - elsewhere).max(), 1)


class SummaryTest(unittest.TestCase):
    def test_one_failed_check_fails_its_control_alone(self):
        rows = [
            ControlRow(control, condition, "m", {}, "", passed)
            for control, condition, passed in (("a", "1", True), ("a", "2", False), ("b", "1", True))
        ]
        self.assertEqual(
            [each.to_json() for each in summary_of(rows)],
            [{"method": "m", "passed": 1, "controls": 2, "failed": ["a"], "checks": 3, "checks_failed": ["a: 2"]}],
        )


class BadInputTest(OneThreadTest):
    def setUp(self):
        self.output = self.folder / self.id().rsplit(".", 1)[-1]

    def refused(self, *more):
        out, said = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
            code = main(["controls", str(self.output), "--device", "cpu", *map(str, more)])
        self.assertEqual((code, out.getvalue(), len(said.getvalue().splitlines())), (2, "", 1), said.getvalue())
        return said.getvalue()

    def test_unknown_model_and_seed(self):
        self.assertIn("no model of that name", self.refused("--model", "nobody"))
        self.assertIn("--seed", self.refused("--seed", "-1"))
        self.assertFalse(self.output.exists())

    def test_model_outside_of_its_domain(self):
        model = examples.small_model()
        card = dataclasses.replace(
            model.card, domain=Domain("MG", "FOR PROCESSING", "LIN", 1, (0.09, 0.11), (8.0, 9.0))
        )
        path = save_model(self.folder / "other.safetensors", model.generator, card, dtype="float32")
        self.assertIn("--allow-out-of-domain", self.refused("--model", path))
        self.assertFalse(self.output.exists())

    def test_folder_in_use(self):
        self.output.mkdir()
        (self.output / "controls.csv").write_text("mine")
        self.assertIn("exists already", self.refused())
        self.assertEqual([(each.name, each.read_text()) for each in self.output.iterdir()], [("controls.csv", "mine")])

    def test_sizes_that_cannot_be_used(self):
        for name, value in (("arrangements", 5), ("realisations", 1), ("rows", 100)):
            with self.assertRaisesRegex(InputError, name):
                ControlSettings(**{name: value})


if __name__ == "__main__":
    unittest.main()
