"""The command ``evaluate`` as a user runs it: its table, its files, and one line for whatever is wrong."""

import contextlib
import csv
import io
import json
import shutil
import unittest
from pathlib import Path

import lowdosecontrast_examples as examples
import numpy as np
from lowdosecontrast_training import OneThreadTest, change_manifest, digest, write_arranged_data_set
from LowDoseContrastTrainingLib.__main__ import main
from LowDoseContrastTrainingLib.baselines.names import BASELINES
from LowDoseContrastTrainingLib.dataset.manifest import open_data_set
from LowDoseContrastTrainingLib.dataset.png import read_png, write_png
from LowDoseContrastTrainingLib.evaluation.evaluate import evaluate
from LowDoseContrastTrainingLib.evaluation.held_out_views import held_out_views
from LowDoseContrastTrainingLib.evaluation.verdict import NO_TRUTH, TRUTH_MEASURES


class EvaluateTestCase(OneThreadTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.data = write_arranged_data_set(cls.folder / "set")
        cls.model = examples.save_small_model(cls.folder / "small.safetensors")

    def setUp(self):
        self.output = self.folder / self.id().rsplit(".", 1)[-1]

    def run_command(self, *more, data=None, baselines="identity,gain"):
        """(exit code, standard output, standard error)."""
        arguments = [
            "evaluate",
            "--dataset",
            data or self.data,
            "--output",
            self.output,
            "--baselines",
            baselines,
            "--device",
            "cpu",
            *more,
        ]
        out, said = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
            code = main([str(each) for each in arguments])
        return code, out.getvalue(), said.getvalue()

    def judged(self, *more, **choices):
        code, out, said = self.run_command("--json", *more, **choices)
        self.assertEqual(code, 0, said)
        return json.loads(out)

    def refused(self, *more, **choices):
        code, out, said = self.run_command(*more, **choices)
        self.assertEqual((code, out, len(said.splitlines())), (2, "", 1), said)
        return said

    def copy_of_data(self):
        return Path(shutil.copytree(self.data, self.folder / f"{self.output.name}-set"))


class TableTest(EvaluateTestCase):
    def test_all_baselines_and_a_model_are_rows_of_one_table(self):
        result = self.judged("--model", self.model, "--split", "all", baselines="all")
        self.assertEqual([row["method"] for row in result["rows"]], [*BASELINES, "small"])
        rows = {row["method"]: row for row in result["rows"]}
        for row in rows.values():
            self.assertEqual([row[name] for name in TRUTH_MEASURES], [NO_TRUTH] * 3)
            self.assertEqual((row["patches"], len(row["arrangements"])), (6, 3))
        self.assertEqual(rows["gain"]["verdict"], "reference")
        self.assertAlmostEqual(rows["gain"]["parameters"]["factor"], 3.0)
        self.assertEqual(rows["identity"]["cci_output"], rows["identity"]["cci_input"])
        self.assertIn(rows["small"]["verdict"], ("appearance match", "worse"))
        self.assertIn("improvement cannot be claimed", rows["small"]["reasons"][-1])
        denoiser = rows["small"]["against"]["the best denoising baseline"]["method"]
        self.assertGreater(rows[denoiser]["psnr_matched"], rows["gain"]["psnr_matched"])
        none = rows["identity"]["against"]["the gain"]["psnr_matched"]
        self.assertEqual((none["mean"], none["low"], none["high"], none["p"]), (0, 0, 0, 1))
        found = rows["affine"]["against"]["the gain"]["psnr"]
        self.assertLessEqual(found["low"], found["mean"] <= found["high"])
        self.assertEqual(found["p"], 0.25)
        self.assertGreaterEqual(found["p_holm"], found["p"])

    def test_files_hold_every_patch_and_the_table(self):
        result = self.judged("--model", self.model)
        stored = json.loads((self.output / "results.json").read_text())
        self.assertEqual(stored["rows"], result["rows"])
        self.assertEqual(stored["rows"][-1]["model_sha256"], digest(self.model))
        with (self.output / "results.csv").open(newline="") as stream:
            lines = list(csv.DictReader(stream))
        self.assertEqual(len(lines), 3 * 4)
        mean = sum(float(line["psnr"]) for line in lines if line["method"] == "gain") / 4
        self.assertAlmostEqual(mean, next(row["psnr"] for row in stored["rows"] if row["method"] == "gain"))
        self.assertEqual({line["detectability"] for line in lines}, {NO_TRUTH})
        self.assertEqual([path.name for path in self.output.glob(".*")], [])

    def test_what_is_printed(self):
        code, out, said = self.run_command("--model", self.model, "--progress", "lines")
        self.assertEqual(code, 0, said)
        for words in (
            "CCI error",
            "small: ",
            "trained on another data set",
            "data range",
            "Closer to the target is better",
            "no X-ray quanta",
            "research use",
        ):
            self.assertIn(words, out)
        steps = [json.loads(line)["done"] for line in said.splitlines()]
        self.assertEqual((steps, steps[-1]), (sorted(steps), 1.0))

    def test_the_same_twice(self):
        first, second = (self.judged("--overwrite", "--model", self.model)["rows"] for _ in range(2))
        self.assertEqual(first, second)

    def test_noise_and_scale_that_are_given_are_used(self):
        result = self.judged("--noise", "xi_q=0.9,xi_e=2,offset=5", "--cci-scale", "window:0,2000")
        self.assertEqual((result["noise_model"]["xi_q"], result["rows"][1]["parameters"]["offset"]), (0.9, 5.0))
        self.assertEqual(result["settings"]["cci"]["scale"], "window:0,2000")

    def test_models_of_one_name_are_told_apart(self):
        other = examples.save_small_model(self.folder / "other.safetensors", seed=1)
        names = [row["method"] for row in self.judged("--model", self.model, "--model", other)["rows"]][-2:]
        self.assertEqual(len(set(names)), 2)
        self.assertTrue(all(name.startswith("small (") for name in names))

    def test_nothing_of_the_held_out_targets_reaches_the_baselines(self):
        """Spoilt held-out targets change the figures and no parameter."""
        copy, names = self.copy_of_data(), "affine,histogram,gamma,clahe,anscombe-wavelet"
        for patch in (copy / "B" / "test").glob("*.png"):
            write_png(patch, read_png(patch)[::-1] // 2)
        change_manifest(
            copy,
            lambda m: [
                patch.update(sha256_B=digest(copy / "B" / "test" / patch["name"]))
                for patch in m["patches"]
                if patch["split"] == "test"
            ],
        )
        before, after = (
            self.judged("--overwrite", baselines=names),
            self.judged("--overwrite", baselines=names, data=copy),
        )
        self.assertEqual([row["parameters"] for row in before["rows"]], [row["parameters"] for row in after["rows"]])
        self.assertNotEqual(before["rows"][1]["psnr"], after["rows"][1]["psnr"])


class MaskTest(EvaluateTestCase):
    def test_where_eight_bits_end_nothing_is_compared(self):
        folder = write_arranged_data_set(self.folder / "eight", levels=255)
        stored = np.full((150, 150), 100, np.uint8)
        stored[40:90, 60:] = 255
        for patch in (folder / "B" / "test").glob("*.png"):
            write_png(patch, stored)

        def change(manifest):
            manifest["scale"] = {"low": 0.1, "high": 1234.567, "levels": 255}
            for patch in manifest["patches"]:
                patch["sha256_B"] = digest(folder / "B" / patch["split"] / patch["name"])

        change_manifest(folder, change)
        for view in held_out_views(open_data_set(folder), "test")[0]:
            np.testing.assert_array_equal(view.mask, np.broadcast_to(stored < 255, view.mask.shape))


class CautionTest(EvaluateTestCase):
    def test_one_arrangement_has_no_interval_and_it_is_said(self):
        result = self.judged("--split", "val", "--model", self.model)
        found = result["rows"][-1]["against"]["the gain"]["psnr"]
        self.assertEqual((found["low"], found["high"], found["p"]), (None, None, None))
        self.assertIn("one arrangement: no interval and no test", " ".join(result["notes"]))

    def test_a_random_split_is_said_to_leak(self):
        copy = self.copy_of_data()
        change_manifest(copy, lambda m: [patch.update(arrangement=1, group="phantom 1") for patch in m["patches"]])
        self.assertIn("figures on the test part are too good", self.judged(data=copy)["notes"][0])
        shutil.rmtree(self.output)
        self.assertNotIn("too good", " ".join(self.judged()["notes"]))


class BadInputTest(EvaluateTestCase):
    def refused(self, *more, **choices):
        said = super().refused(*more, **choices)
        self.assertFalse(self.output.exists())
        return said

    def test_a_model_outside_of_its_domain(self):
        copy = self.copy_of_data()
        change_manifest(copy, lambda m: [each["low"].update(dose_mgy=9.0) for each in m["arrangements"]])
        self.assertRegex(
            self.refused("--model", self.model, data=copy),
            "outside of the domain of model small: entrance dose is 9 mGy.*--allow-out-of-domain",
        )
        result = self.judged("--model", self.model, "--allow-out-of-domain", data=copy)
        self.assertIn("entrance dose is 9 mGy", result["rows"][-1]["out_of_domain"][0])
        self.assertIn("outside of its domain", " ".join(result["notes"]))

    def test_no_data_set_and_no_model(self):
        self.assertIn("is no prepared data set", self.refused(data=self.folder / "nowhere"))
        self.assertIn("there is no model of that name", self.refused("--model", "nobody"))
        self.assertIn("no such model file", self.refused("--model", self.folder / "none.safetensors"))

    def test_nothing_held_out(self):
        copy = self.copy_of_data()
        change_manifest(
            copy, lambda m: [patch.update(split="val") for patch in m["patches"] if patch["split"] == "test"]
        )
        self.assertIn("holds no patches with tissue in its test part", self.refused(data=copy))

    def test_a_manifest_without_arrangements(self):
        copy = self.copy_of_data()
        change_manifest(copy, lambda m: m["patches"][0].pop("arrangement"))
        self.assertIn("does not say of which arrangement", self.refused(data=copy))

    def test_a_patch_that_is_damaged_or_of_another_size(self):
        copy = self.copy_of_data()
        patch = copy / "B" / "test" / "1.png"
        patch.write_bytes(b"no PNG")
        self.assertIn("1.png: is not the file in the manifest", self.refused(data=copy))
        write_png(patch, np.zeros((150, 144), np.uint16))
        change_manifest(
            copy,
            lambda m: [
                each.update(sha256_B=digest(patch))
                for each in m["patches"]
                if (each["split"], each["name"]) == ("test", "1.png")
            ],
        )
        self.assertIn("patches of several sizes", self.refused(data=copy))

    def test_pixel_values_that_are_not_linear(self):
        for change, words in (
            ({"relationship": "LOG"}, "logarithmic"),
            ({"sign": -1, "high": {"dose_mgy": 9.0, "signal": [700, 1200, 1700]}}, "inverted"),
        ):
            copy = self.copy_of_data()
            change_manifest(copy, lambda m, new=change: [each.update(new) for each in m["arrangements"]])
            self.assertIn(f"pixel values are {words}", self.refused(data=copy))
            shutil.rmtree(copy)

    def test_options_that_are_wrong(self):
        for option, value, words in (
            ("--baselines", "bm3d", "there is no 'bm3d'"),
            ("--split", "train", "--split must be one of test, val, all"),
            ("--cci-scale", "wide", "--cci-scale must be one of full, 12bit"),
            ("--noise", "xi_q=0.03", "xi_q and xi_e together"),
            ("--noise", "offset=9000", "offset 9000 is not below"),
            ("--seed", "-1", "--seed must be at least 0, it is -1"),
            ("--device", "abacus", "abacus"),
        ):
            self.assertIn(words, self.refused("--model", self.model, option, value))


class FolderInUseTest(EvaluateTestCase):
    def test_results_are_not_replaced_unasked(self):
        self.judged()
        before = (self.output / "results.json").read_bytes()
        self.assertIn("exists already", self.refused("--model", self.model))
        self.assertEqual((self.output / "results.json").read_bytes(), before)
        self.judged("--overwrite", "--model", self.model)
        self.assertNotEqual((self.output / "results.json").read_bytes(), before)

    def test_cancelled_it_leaves_nothing(self):
        steps = evaluate(self.data, [], self.output)
        next(steps)
        steps.close()
        self.assertFalse(self.output.exists())


if __name__ == "__main__":
    unittest.main()
