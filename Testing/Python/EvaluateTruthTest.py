"""``evaluate --simulation``.

A small simulation with two realisations, what must come out of it, and what is refused.
"""

import contextlib
import csv
import dataclasses
import io
import json
import shutil
import tempfile
import unittest
from pathlib import Path

import lowdosecontrast_examples as examples
import numpy as np
import torch
from LowDoseContrastLib.steps import Progress, run_to_end
from LowDoseContrastTrainingLib.__main__ import main
from LowDoseContrastTrainingLib.baselines.base import Method
from LowDoseContrastTrainingLib.common.file_names import PATCHES_FILE, TRUTH_FILE
from LowDoseContrastTrainingLib.dataset.manifest import open_data_set
from LowDoseContrastTrainingLib.dataset.prepare import prepare
from LowDoseContrastTrainingLib.dataset.prepare_settings import PrepareSettings
from LowDoseContrastTrainingLib.evaluation.ceiling import TrueHighDose
from LowDoseContrastTrainingLib.evaluation.evaluate import evaluate
from LowDoseContrastTrainingLib.evaluation.settings import EvaluationSettings
from LowDoseContrastTrainingLib.evaluation.simulated_arrangements import simulated_arrangements
from LowDoseContrastTrainingLib.evaluation.truth_measures import FIGURES, truth_results
from LowDoseContrastTrainingLib.simulator.layout import image_path
from LowDoseContrastTrainingLib.simulator.parameters import parameters_for
from LowDoseContrastTrainingLib.simulator.simulation import SimulationPlan, simulate
from scipy import ndimage

ARRANGEMENTS = 4
MANY_GRAINS = {
    "rows": 640,
    "columns": 544,
    "clusters": [700, 700],
    "grains": [2, 2],
    "grain_mm": [0.12, 0.28],
    "fibres": [0, 0],
}

FEW_GRAINS = {**MANY_GRAINS, "rows": 448, "columns": 384, "clusters": [110, 110], "grains": [9, 9]}
SET = PrepareSettings(patch_size=96, stride=96, bits=16, split="arrangement", validation=1, test=2)


class Blur(Method):
    """A method that smooths, for what a blur must show."""

    name = "blur"

    def whole_steps(self, mammogram):
        yield Progress(0.0)
        return ndimage.gaussian_filter(mammogram.pixels, (0, 2.0, 2.0))


class Grey(Method):
    """A method that shows nothing."""

    name = "grey"

    def whole_steps(self, mammogram):
        yield Progress(0.0)
        return np.full_like(mammogram.pixels, 500)


def high_dose_of(places):
    """The true high dose of whole images, as the evaluation's ceiling."""
    images = {
        str(image_path(each.folder, each.number, each.low, number)): each.image(each.high, number)
        for each in places
        for number in range(each.realisations)
    }
    return TrueHighDose(lambda mammogram: images[mammogram.source].pixels)


def simulation(folder, seed, arrangements=ARRANGEMENTS, realisations=2, parameters=MANY_GRAINS):
    plan = SimulationPlan(
        seed, arrangements, ("low", "high"), parameters_for("small", parameters), realisations, compress=False
    )
    run_to_end(simulate(folder, plan))
    return folder


class TruthTestCase(unittest.TestCase):
    folder = None

    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(1)
        if TruthTestCase.folder is None:  # once for all classes
            TruthTestCase.folder = Path(tempfile.mkdtemp())
            unittest.addModuleCleanup(shutil.rmtree, cls.folder)
            simulation(cls.folder / "simulation", 5)
            run_to_end(prepare(cls.folder / "simulation", cls.folder / "set", SET))
        cls.simulation, cls.data = cls.folder / "simulation", cls.folder / "set"

    def setUp(self):
        self.output = self.folder / self.id().rsplit(".", 1)[-1]

    def run_command(self, *more, simulation=None, data=None):
        """(exit code, standard output, standard error)."""
        arguments = [
            "evaluate",
            "--dataset",
            data or self.data,
            "--output",
            self.output,
            "--device",
            "cpu",
            "--simulation",
            simulation or self.simulation,
            *more,
        ]
        out, said = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
            code = main([str(each) for each in arguments])
        return code, out.getvalue(), said.getvalue()

    def refused(self, **choices):
        code, out, said = self.run_command("--baselines", "identity", **choices)
        self.assertEqual((code, out, len(said.splitlines()), self.output.exists()), (2, "", 1, False), said)
        return said


class CommandTest(TruthTestCase):
    def test_figures_are_part_of_table_and_files(self):
        model = examples.save_small_model(self.folder / "small.safetensors")
        code, out, said = self.run_command("--json", "--baselines", "identity,gain,anscombe-wavelet", "--model", model)
        self.assertEqual(code, 0, said)
        result = json.loads(out)
        rows = {row["method"]: row for row in result["rows"]}
        self.assertEqual(list(rows), ["identity", "gain", "anscombe-wavelet", "small", "high dose"])
        for name in ("detectability", "dprime_noise", "false_calcifications", "sensitivity", "residual_noise"):
            for row in rows.values():
                self.assertIsInstance(row[name], float, (name, row["truth_reasons"]))
        for name in ("detectability", "false_calcifications", "sensitivity", "bias", "residual_noise"):
            self.assertAlmostEqual(rows["gain"][name], rows["identity"][name], places=3)
        ceiling = rows["high dose"]
        self.assertGreater(ceiling["detectability"], rows["gain"]["detectability"])
        self.assertLess(ceiling["residual_noise"], rows["gain"]["residual_noise"])
        self.assertAlmostEqual(ceiling["truth_slope"], 1, delta=0.01)
        self.assertEqual((ceiling["verdict"], ceiling["against"]), ("reference", {}))
        self.assertGreater(ceiling["psnr"], rows["gain"]["psnr"])
        self.assertAlmostEqual(ceiling["cci_ratio_error"], 0, delta=0.05)
        self.assertLess(rows["anscombe-wavelet"]["residual_noise"], rows["gain"]["residual_noise"])
        self.check_statistics(rows)
        self.check_files(rows)

    def check_statistics(self, rows):
        against = rows["small"]["against"]["the gain"]
        for name in ("detectability", "bias", "false_calcifications"):
            found = against[name]
            self.assertEqual((found["arrangements"], found["p"]), (2, 0.5 if found["low"] * found["high"] > 0 else 1.0))
            self.assertAlmostEqual(found["mean"], rows["small"][name] - rows["gain"][name])
            self.assertLessEqual(found["low"], found["high"])
        self.assertNotIn("no truth", " ".join(rows["small"]["reasons"]))

    def check_files(self, rows):
        with (self.output / TRUTH_FILE).open(newline="") as stream:
            lines = list(csv.DictReader(stream))
        self.assertEqual(len(lines), 5 * 2)
        self.assertEqual(list(lines[0]), ["method", "arrangement", *FIGURES, "reasons"])
        mean = np.mean([float(line["bias"]) for line in lines if line["method"] == "small"])
        self.assertAlmostEqual(mean, rows["small"]["bias"])
        header = (self.output / PATCHES_FILE).read_text().splitlines()[0]
        self.assertNotIn("detectability", header)

    def test_too_few_clusters_in_one_arrangement_are_pooled_without_an_interval(self):
        few = simulation(self.folder / "few", 5, parameters=FEW_GRAINS)
        run_to_end(prepare(few, self.folder / "few-set", SET))
        code, out, said = self.run_command(
            "--json", "--baselines", "gain,anscombe-wavelet", simulation=few, data=self.folder / "few-set"
        )
        self.assertEqual(code, 0, said)
        result = json.loads(out)
        gain, denoiser = result["rows"][:2]
        self.assertIn("pooled over all, without an interval", " ".join(result["notes"]))
        self.assertRegex(" ".join(gain["truth_reasons"]), r"arrangement .* 0.1 to 0.2 mm: inserts of \d cluster\(s\)")
        self.assertTrue(0.5 < gain["detectability"] <= 1)
        self.assertIn(None, [figures["detectability"] for figures in gain["arrangements"].values()])
        found = denoiser["against"]["the gain"]["detectability"]
        self.assertAlmostEqual(found["mean"], denoiser["detectability"] - gain["detectability"])
        self.assertEqual((found["low"], found["high"], found["p"]), (None, None, None))
        self.assertIsNotNone(denoiser["against"]["the gain"]["bias"]["low"])
        code, out, said = self.run_command(
            "--json",
            "--overwrite",
            "--baselines",
            "gain,anscombe-wavelet",
            "--split",
            "val",
            simulation=few,
            data=self.folder / "few-set",
        )
        self.assertEqual(code, 0, said)
        denoiser = json.loads(out)["rows"][1]
        self.assertIsNone(denoiser["detectability"])
        self.assertNotIn("detectability", denoiser["against"]["the gain"])
        self.assertIn("bias", denoiser["against"]["the gain"])

    def test_what_is_printed(self):
        code, out, said = self.run_command("--baselines", "identity", "--split", "val", "--progress", "lines")
        self.assertEqual(code, 0, said)
        for words in ("against the truth", "high dose", "2 realisations of 1 whole image(s)", "channelised Hotelling"):
            self.assertIn(words, out)
        steps = [json.loads(line)["done"] for line in said.splitlines()]
        self.assertEqual((steps, steps[-1]), (sorted(steps), 1.0))


class MeasuresTest(TruthTestCase):
    def test_a_blur_has_bias_and_a_grey_image_nothing(self):
        data = open_data_set(self.data)
        places = simulated_arrangements(self.simulation, data, [data.of("val")[0].arrangement])
        found = run_to_end(truth_results([Blur(), high_dose_of(places), Grey()], places))
        blur, high = (found[name] for name in ("blur", "high dose"))
        self.assertGreater(blur.value("bias"), 2 * abs(high.value("bias")))
        self.assertLess(blur.value("residual_noise"), high.value("residual_noise"))
        self.assertLess(blur.value("detectability"), high.value("detectability"))
        grey = found["grey"]
        self.assertEqual(
            [grey.value(name) for name in ("detectability", "sensitivity", "false_calcifications")], [0.5, 0, 0]
        )
        self.assertGreater(grey.value("missed_calcifications"), blur.value("missed_calcifications"))
        for name in ("bias", "nnps_shape_error", "half_masses", "dprime_noise"):
            self.assertTrue(np.isnan(grey.value(name)), name)
        for words in ("do not rise with the reference", "the images are flat where the inserts are"):
            self.assertIn(words, " ".join(grey.of_truth.reasons))


class BadInputTest(TruthTestCase):
    def test_no_simulation(self):
        self.assertIn("is no simulation", self.refused(simulation=self.folder / "nowhere"))
        self.assertIn("is no simulation", self.refused(simulation=self.data))

    def test_a_simulation_without_realisations(self):
        self.assertIn(
            "holds one realisation of every image; simulate with realisations 2 or more",
            self.refused(simulation=simulation(self.folder / "single", 6, 1, 1)),
        )

    def test_another_simulation(self):
        self.assertRegex(
            self.refused(simulation=simulation(self.folder / "other", 6, 1)),
            "does not hold arrangement .* prepared from",
        )

    def test_truth_or_images_that_are_missing(self):
        copy = Path(shutil.copytree(self.simulation, self.folder / "copy"))
        for path in copy.glob("*/truth"):
            shutil.rmtree(path)
        self.assertIn("no truth of a simulated arrangement", self.refused(simulation=copy))
        shutil.copytree(self.simulation, copy, dirs_exist_ok=True)
        for path in copy.glob("*/realisation-02/low.dcm"):
            path.unlink()
        self.assertIn("low.dcm: there is no such file", self.refused(simulation=copy))

    def test_realisations_that_the_data_set_takes_for_arrangements(self):
        run_to_end(prepare(self.simulation, self.folder / "doubled", dataclasses.replace(SET, group_by="folder")))
        self.assertIn(
            "for several arrangements; prepare it with group_by study", self.refused(data=self.folder / "doubled")
        )

    def test_cancelled_it_leaves_nothing(self):
        steps = evaluate(self.data, [], self.output, EvaluationSettings("identity", simulation=str(self.simulation)))
        next(step for step in steps if step.message == "truth")
        steps.close()
        self.assertFalse(self.output.exists())


if __name__ == "__main__":
    unittest.main()
