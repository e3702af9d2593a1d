"""What the pixels say of a pair: whether both images show the same, and whether their signals fit their doses."""

import json
import unittest
from unittest import mock

import numpy as np
from lowdosecontrast_examples import breast_exposure
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.mask import Breast
from LowDoseContrastLib.steps import run_to_end
from LowDoseContrastTrainingLib.dataset import pair_sheet
from LowDoseContrastTrainingLib.dataset.content import Exposure, compare_content, compare_shifted, mirrored
from LowDoseContrastTrainingLib.dataset.prepare import prepare
from LowDoseContrastTrainingLib.dataset.prepare_settings import PrepareSettings
from PairingTest import FolderTestCase

LOW, HIGH = 3.359, 11.523


def exposure(*arguments, **choices):
    pixels = breast_exposure(*arguments, **choices)
    return Exposure(pixels, Breast(pixels, 1).tissue)


class ContentTest(unittest.TestCase):
    def test_right_pairs_are_kept_and_wrong_ones_refused_at_all_noise_levels(self):
        for noise in (0, 1, 4, 12, 30):
            high = exposure(HIGH, noise=noise)
            right = compare_content(exposure(LOW, noise=noise), high)
            self.assertIs(right.same, True, noise)
            self.assertGreater(right.correlation, right.expected - 0.05)
            for texture in range(1, 5):
                wrong = compare_content(exposure(LOW, texture, noise=noise), high)
                self.assertIs(wrong.same, False, (noise, texture))

    def test_the_expected_correlation_falls_with_the_noise(self):
        expected = [compare_content(exposure(LOW, noise=n), exposure(HIGH, noise=n)).expected for n in (0, 10, 30, 60)]
        self.assertEqual(expected, sorted(expected, reverse=True))
        self.assertGreater(expected[0], 0.85)
        self.assertLess(expected[2], 0.8)

    def test_images_without_structure_decide_nothing(self):
        flat = [
            Exposure(np.random.default_rng(seed).normal(level, 5, (448, 384)), np.ones((448, 384), bool))
            for seed, level in ((1, 300), (2, 1000))
        ]
        self.assertIsNot(compare_content(*flat).same, True)
        constant = [Exposure(np.full((448, 384), level), np.ones((448, 384), bool)) for level in (300, 1000)]
        self.assertIsNone(compare_content(*constant).same)

    def test_small_images_decide_nothing(self):
        small = [Exposure(np.full((32, 32), 300), np.ones((32, 32), bool))] * 2
        self.assertIsNone(compare_content(*small).same)

    def test_a_mirrored_image_is_found_and_named(self):
        low, high = exposure(LOW, noise=4), exposure(HIGH, noise=4)
        self.assertEqual(mirrored(low, high), "")
        for steps, words in (((1, -1), "left and right"), ((-1, 1), "top and bottom"), ((-1, -1), "180 degrees")):
            turned = high.turned(steps)
            self.assertIs(compare_content(low, turned).same, False)
            self.assertIn(words, mirrored(low, turned))

    def test_the_gain_is_that_of_the_doses_whatever_the_offset_and_the_noise(self):
        for offset in (0, 2, 50, 500):
            for noise in (0, 1, 10):
                found = compare_content(
                    exposure(LOW, noise=noise, offset=offset), exposure(HIGH, noise=noise, offset=offset)
                )
                self.assertAlmostEqual(found.gain, HIGH / LOW, delta=0.12)

    def test_shifted_images_show_the_same(self):
        low, high = exposure(LOW), exposure(HIGH)
        for shift in ((3, -5), (0, 4), (9, 0), (40, -13)):
            moved = Exposure(*(np.roll(each, shift, (0, 1)) for each in (high.pixels, high.mask)))
            found = compare_shifted(low, moved, shift)
            self.assertIs(found.same, True, shift)
            np.testing.assert_allclose(found.shift, shift, atol=8)


class CandidatesTest(FolderTestCase):
    """Through ``prepare``: what is left out, and with which reason."""

    def pair(self, folder, low=None, high=None, **elements):
        elements = {"StudyInstanceUID": "1.2." + str(sum(map(ord, folder))), **elements}
        self.image(f"{folder}/low.dcm", LOW, breast_exposure(LOW) if low is None else low, **elements)
        self.image(f"{folder}/high.dcm", HIGH, breast_exposure(HIGH) if high is None else high, **elements)

    def prepared(self, **choices):
        """The pairs as (low, high) files, and the row of every file."""
        output = self.folder.parent / "set"
        settings = PrepareSettings(**{"patch_size": 64, "bits": 16, "test": 1, "validation": 1, **choices})
        self.result = run_to_end(prepare(self.folder, output, settings))
        manifest = json.loads((output / "manifest.json").read_text())
        pairs = [(each["low"]["file"], each["high"]["file"]) for each in manifest["arrangements"]]
        return pairs, {row["file"]: row for row in manifest["files"]}

    def left_out(self, reason, **choices):
        """That pair ``x`` is left out for a reason while ``ok`` is used."""
        self.pair("ok")
        pairs, rows = self.prepared(**choices)
        self.assertEqual(pairs, [("ok/low.dcm", "ok/high.dcm")])
        for name in ("x/low.dcm", "x/high.dcm"):
            self.assertEqual(rows[name]["fate"], "left out")
            self.assertRegex(rows[name]["why"], reason)
        return rows

    def test_another_breast_is_left_out_for_its_content_not_for_a_shift(self):
        self.pair("x", high=breast_exposure(HIGH, texture=1))
        rows = self.left_out(r"^the two images show different things: correlation 0\.\d+, at least 0\.\d+ expected")
        self.assertNotIn("max-shift", rows["x/low.dcm"]["why"])

    def test_another_breast_is_left_out_whatever_shift_is_allowed(self):
        self.pair("x", high=breast_exposure(HIGH, texture=1))
        self.left_out("show different things", max_shift=1000.0)

    def test_a_shift_is_blamed_where_it_is_one(self):
        self.pair("x", high=np.roll(breast_exposure(HIGH), (20, 0), (0, 1)))
        self.left_out(r"--max-shift: \+(19|20)\.")

    def test_a_mirrored_image_is_left_out(self):
        self.pair("x", high=np.ascontiguousarray(breast_exposure(HIGH)[:, ::-1]))
        self.left_out(r"^the high dose is mirrored \(left and right\)")

    def test_identical_pixels_are_left_out(self):
        self.pair("x", high=breast_exposure(LOW))
        self.left_out("^the two images have the same pixels, though their doses differ: 3.359 and 11.52 mGy")

    def test_the_low_dose_exposed_twice_is_left_out(self):
        self.pair("x", high=breast_exposure(LOW, seed=1))
        self.left_out(r"^the signals do not fit the doses: (0.9|1.0)\d times the signal at 3.43 times the dose")

    def test_swapped_doses_are_left_out(self):
        self.pair("x", breast_exposure(HIGH), breast_exposure(LOW))
        self.left_out(r"^the doses of the two images are swapped: 0\.(29|30) times the signal at 3\.43")

    def test_doses_of_flat_images_are_compared_by_their_level(self):
        flat = [
            np.random.default_rng(seed).normal(level, 5, (448, 384)).astype(np.uint16)
            for seed, level in ((1, 300), (2, 1000))
        ]
        self.pair("x", flat[1], flat[0])
        self.left_out("^the signals do not fit the doses|^the doses of the two images are swapped|different things")

    def test_the_signal_of_a_logarithmic_image_is_not_compared(self):
        low, high = (np.log(breast_exposure(dose).astype(float)) * 1500 for dose in (LOW, HIGH))
        self.pair("x", low.astype(np.uint16), high.astype(np.uint16), PixelIntensityRelationship="LOG")
        self.assertEqual(len(self.prepared()[0]), 1)

    def test_a_candidate_that_fails_is_replaced_by_the_next(self):
        self.pair("x", high=breast_exposure(LOW))
        self.image("x/repeated.dcm", HIGH, breast_exposure(HIGH), StudyInstanceUID="1.2.120")
        pairs, rows = self.prepared()
        self.assertEqual(pairs, [("x/low.dcm", "x/repeated.dcm")])
        self.assertRegex(rows["x/high.dcm"]["why"], "the same pixels")
        self.assertEqual(rows["x/repeated.dcm"]["fate"], "paired")
        self.assertEqual(self.prepared()[0], pairs)  # a second run leaves all as it is

    def test_a_second_image_that_is_not_needed_stays_out(self):
        self.pair("x")
        self.image("x/repeated.dcm", HIGH, breast_exposure(HIGH, seed=2), StudyInstanceUID="1.2.120")
        pairs, rows = self.prepared()
        self.assertEqual(pairs, [("x/low.dcm", "x/high.dcm")])
        self.assertEqual(rows["x/repeated.dcm"]["why"], "a second image of its view at the high dose")

    def test_images_of_unknown_view_are_paired_by_their_content_with_a_note(self):
        unknown = {"ViewPosition": None, "ImageLaterality": None}
        for name, dose, texture in (("1", LOW, 0), ("2", LOW, 1), ("3", HIGH, 1), ("4", HIGH, 0)):
            self.image(f"{name}.dcm", dose, breast_exposure(dose, texture), **unknown)
        pairs, rows = self.prepared()
        self.assertEqual(sorted(pairs), [("1.dcm", "4.dcm"), ("2.dcm", "3.dcm")])
        for row in rows.values():
            self.assertRegex(row["note"], r"paired by the pixels \(correlation .*side .*neither.*view .*neither")
        self.assertEqual(sum("by the pixels" in line for line in self.result["warnings"]), 2)

    def test_unknown_views_with_other_content_are_refused_and_nothing_is_written(self):
        self.pair("x", high=breast_exposure(HIGH, texture=1), ViewPosition=None)
        with self.assertRaisesRegex(InputError, "show different things: .*not known to agree: view"):
            self.prepared()
        self.assertFalse((self.folder.parent / "set").exists())

    def test_unknown_views_without_structure_are_left_out(self):
        flat = [np.full((448, 384), level, np.uint16) for level in (300, 1000)]
        for each in flat:
            each[::2] += 1
        self.pair("x", *flat, ViewPosition=None)
        self.left_out("^neither headers nor pixels tell")

    def test_a_fact_that_one_states_alone_is_decided_by_content(self):
        self.image("low.dcm", LOW, breast_exposure(LOW), ViewPosition=None)
        self.image("high.dcm", HIGH, breast_exposure(HIGH))
        pairs, rows = self.prepared()
        self.assertEqual(pairs, [("low.dcm", "high.dcm")])
        self.assertIn("view (stated by the high dose alone)", rows["low.dcm"]["note"])

    def test_repeated_exposures_of_unknown_view_are_one_pair(self):
        for name, dose, seed in (("a", LOW, 0), ("b", LOW, 1), ("c", HIGH, 0), ("d", HIGH, 1)):
            self.image(f"{name}.dcm", dose, breast_exposure(dose, seed=seed), ViewPosition=None)
        pairs, rows = self.prepared()
        self.assertEqual(pairs, [("a.dcm", "c.dcm")])
        self.assertIn("a second exposure", rows["b.dcm"]["why"])
        self.assertEqual(rows["d.dcm"]["fate"], "left out")

    def test_the_contact_sheet_says_why_files_were_left_out(self):
        self.pair("x", high=breast_exposure(LOW))
        self.pair("ok", PaddleDescription="FLAT")
        self.image("other/lone.dcm", LOW, StudyInstanceUID="1.9")
        (self.folder / "notes.txt").write_text("no DICOM")
        with mock.patch.object(pair_sheet, "write_sheet") as written:
            written.side_effect = lambda folder, content, **_: self.assertLines(content().lines)
            self.prepared()
        written.assert_called_once()

    def assertLines(self, lines):
        for expected in (
            "mammograms left out: 3; other files: 1",
            "x/low.dcm: the two images have the same pixels",
            "other/lone.dcm: its view lacks the other dose",
        ):
            self.assertTrue(any(line.startswith(expected) for line in lines), (expected, lines))

    def test_right_pairs_have_no_notes(self):
        self.pair("x")
        _, rows = self.prepared()
        self.assertEqual(
            {frozenset(row) for row in rows.values()}, {frozenset({"file", "fate", "why", "level", "dose_from"})}
        )


if __name__ == "__main__":
    unittest.main()
