"""The paper's experiment at a size for tests.

Every number on the page, where it was read, and going on after an interruption.
"""

import contextlib
import dataclasses
import html.parser
import io
import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
from lowdosecontrast_training import TINY, OneThreadTest
from LowDoseContrastLib.cci import local_moments
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.files import read_mammogram
from LowDoseContrastLib.steps import run_to_end
from LowDoseContrastTrainingLib.__main__ import main
from LowDoseContrastTrainingLib.dataset.prepare_settings import PrepareSettings
from LowDoseContrastTrainingLib.reproduction import paper
from LowDoseContrastTrainingLib.reproduction.duration import seconds_of
from LowDoseContrastTrainingLib.reproduction.plan import RUNS, ReproductionPlan
from LowDoseContrastTrainingLib.reproduction.reproduce import reproduce
from LowDoseContrastTrainingLib.simulator.parameters import parameters_for
from LowDoseContrastTrainingLib.simulator.simulation import SimulationPlan
from LowDoseContrastTrainingLib.training.recipes import RECIPES

FIELD = {"rows": 320, "columns": 272, "clusters": [0, 0], "fibres": [0, 0]}


@dataclasses.dataclass(frozen=True)
class TinyPlan(ReproductionPlan):
    """The quick plan with a few small patches of small images."""

    quick: bool = True

    @property
    def simulation(self):
        return SimulationPlan(self.seed, 12, parameters=parameters_for("small", FIELD), compress=False)

    @property
    def random(self):
        return PrepareSettings(128, 128, seed=self.seed, test=6, validation=1)

    @property
    def arrangement(self):
        return dataclasses.replace(self.random, split="arrangement", test=2)

    def recipe(self, run):
        return dataclasses.replace(super().recipe(run), **{**TINY, "epochs": 1})


class Page(html.parser.HTMLParser):
    """The numbers of a page, and what it would fetch."""

    def __init__(self, text):
        super().__init__()
        self.values, self.fetched = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "data":
            self.values.add(float(attributes["value"]))
        self.fetched += [
            value
            for name, value in attributes.items()
            if name in ("src", "href") and not value.startswith(("data:", "#"))
        ]


class ReproductionTest(OneThreadTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.told = []
        interrupted = reproduce(cls.folder, TinyPlan(), "cpu", cls.told.append)
        next(progress for progress in interrupted if progress.message == "run2")
        interrupted.close()
        cls.was_done = (cls.folder / "run1" / "checkpoint.pt").stat().st_mtime_ns
        cls.progress = []
        cls.result = run_to_end(reproduce(cls.folder, TinyPlan(), "cpu"), cls.progress.append).to_json()
        cls.numbers = cls.result["numbers"]

    def numbers_of(self, table):
        return {(each["subject"], each["quantity"]): each for each in self.numbers if each["table"] == table}

    def test_every_number_of_the_paper_has_ours_beside_it(self):
        expected = [("data", "", name, value) for name, value in paper.DATA.items()]
        for run in RUNS:
            expected += [("losses", run, name, value) for name, value in paper.LOSSES[run].items()]
            expected += [
                ("CCI of patches", run, name, value)
                for name, value in zip(("input", "target", "output"), paper.CCI[run])
            ]
        found = [
            (each["table"], each["subject"], each["quantity"], each["paper"])
            for each in self.numbers
            if each["table"] in ("data", "losses", "CCI of patches")
        ]
        self.assertEqual(
            found, [each for table in ("data", "losses", "CCI of patches") for each in expected if each[0] == table]
        )
        for each in self.numbers:
            self.assertTrue(np.isfinite(each["ours"]), each)
            self.assertTrue((self.folder / each["file"]).is_file(), each)

    def test_data(self):
        ours = {name: each["ours"] for (_, name), each in self.numbers_of("data").items()}
        self.assertEqual(
            [
                ours[name]
                for name in (
                    "DICOM images",
                    "arrangements",
                    "arrangements at low and high dose",
                    "images in groups A and B",
                )
            ],
            [35, 12, 11, 22],
        )
        self.assertEqual(ours["pairs for testing"], 6)

    def test_losses_are_those_of_the_run(self):
        for run in RUNS:
            line = (self.folder / run / "losses.csv").read_text().splitlines()
            last = dict(zip(line[0].split(","), map(float, line[-1].split(","))))
            for name in paper.LOSSES[run]:
                number = self.numbers_of("losses")[run, name]
                self.assertEqual(
                    (number["ours"], number["beside"]["mean of the last epoch"]), (last[name], last[f"{name}_mean"])
                )

    def test_group_means_are_of_the_eleven_pairs(self):
        """The definition of the index by scipy's own moments, on whole images stretched to their range."""
        found = []
        for number in range(1, 12):
            pixels = (
                read_mammogram(self.folder / "acquisitions" / f"arrangement-{number:02d}" / "low.dcm")
                .pixels[0]
                .astype(float)
            )
            shown = np.rint((pixels - pixels.min()) / np.ptp(pixels) * 255)
            found.append(local_moments(shown)[0].mean())
        self.assertAlmostEqual(
            self.numbers_of("group means")["each image's minimum to maximum", "low"]["ours"], np.mean(found), places=9
        )

    def test_the_page_holds_every_number_and_fetches_nothing(self):
        text = Path(self.result["page"]).read_text()
        page = Page(text)
        self.assertEqual(page.fetched, [])
        for each in self.numbers:
            self.assertTrue({each["ours"], *filter(None, [each["paper"]])} <= page.values, each)
            self.assertIn(each["file"].split("/")[-1].rsplit(".", 1)[1], text)
        for words in (
            "quick size",
            "research use",
            "not published",
            "The leakage gap",
            "reproduce OUTDIR --quick --seed 1",
        ):
            self.assertIn(words, text)
        self.assertEqual(text.count("data:image/png"), 4)

    def test_the_leakage_gap_is_model_less_gain_both_ways(self):
        for each in self.numbers_of("leakage gap").values():
            self.assertAlmostEqual(each["ours"], each["beside"]["random"] - each["beside"]["held_out"])

    def test_it_went_on_where_it_was_interrupted(self):
        self.assertEqual((self.folder / "run1" / "checkpoint.pt").stat().st_mtime_ns, self.was_done)
        self.assertEqual(json.loads((self.folder / "numbers.json").read_text()), self.numbers)
        self.assertRegex(self.told[0], "this takes about .*: 5 trainings of .* on this device")
        done = [progress.done for progress in self.progress]
        self.assertEqual((done, done[-1]), (sorted(done), 1.0))

    def test_a_folder_of_another_plan_is_refused(self):
        with self.assertRaisesRegex(InputError, r"other settings \(seed\)"):
            run_to_end(reproduce(self.folder, TinyPlan(seed=2), "cpu"))


class PlanTest(unittest.TestCase):
    def test_without_quick_it_is_the_paper(self):
        plan = ReproductionPlan()
        for run, (penalty, epochs, mode, init, ngf, ndf) in paper.SETTINGS.items():
            recipe = plan.recipe(run)
            self.assertEqual(
                (recipe.lambda_l1, recipe.total_epochs, recipe.gan_mode, recipe.init, recipe.ngf, recipe.ndf),
                (penalty, epochs, mode, init, ngf, ndf),
            )
            quick = ReproductionPlan(quick=True).recipe(run)
            self.assertEqual(
                (quick.total_epochs, quick.ngf, quick.ndf, quick.learning_rate),
                (epochs // 50, ngf // 4, ndf // 4, recipe.learning_rate),
            )
        self.assertEqual(len(plan.simulation.images()), paper.DATA["DICOM images"])

    def test_an_estimate_counts_steps(self):
        recipe = dataclasses.replace(RECIPES["run1"], **{**TINY, "epochs": 4})
        one, ten = (
            min(seconds_of(recipe, patches, "cpu") for _ in range(3)) for patches in (100, 1000)
        )  # others may be busy
        self.assertTrue(3 < ten / one < 33, (one, ten))

    def test_wrong_usage_is_one_line(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "mine.txt").write_text("mine")
            out, said = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
                code = main(["reproduce", folder, "--quick"])
            self.assertEqual((code, out.getvalue(), len(said.getvalue().splitlines())), (2, "", 1))
            self.assertIn("is not empty", said.getvalue())


if __name__ == "__main__":
    unittest.main()
