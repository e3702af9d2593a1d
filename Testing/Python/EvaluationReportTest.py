"""``report.html``: that it needs nothing but itself, tells all that the results hold, and lets no name become markup."""

import base64
import contextlib
import copy
import io
import json
import shutil
import tempfile
import unittest
import xml.etree.ElementTree
from html.parser import HTMLParser
from pathlib import Path
from unittest import mock

import lowdosecontrast_examples as examples
import numpy as np
from EvaluateCommandTest import write_arranged_data_set
from lowdosecontrast_training import OneThreadTest
from LowDoseContrastLib.steps import run_to_end
from LowDoseContrastTrainingLib.baselines.base import CEILING
from LowDoseContrastTrainingLib.common.file_names import REPORT_FILE
from LowDoseContrastTrainingLib.dataset.manifest import open_data_set
from LowDoseContrastTrainingLib.evaluation.document import Evaluation
from LowDoseContrastTrainingLib.evaluation.evaluate import evaluate
from LowDoseContrastTrainingLib.evaluation.held_out_views import held_out_views
from LowDoseContrastTrainingLib.evaluation.report import charts, page
from LowDoseContrastTrainingLib.evaluation.report.album import MOST, PatchPicture, Pictures, chosen_patches
from LowDoseContrastTrainingLib.evaluation.report.measures import LIKENESS, SEEN, TEXTURE, TRUTH
from LowDoseContrastTrainingLib.evaluation.report.page import write_report
from LowDoseContrastTrainingLib.evaluation.settings import EvaluationSettings
from LowDoseContrastTrainingLib.evaluation.truth_curves import MethodCurves
from LowDoseContrastTrainingLib.measurement.noise_texture import NoiseTexture
from LowDoseContrastTrainingLib.measurement.transfer import TaskTransfer
from LowDoseContrastTrainingLib.training.recipes import RECIPES

BASELINES = "identity,gain,clahe,anscombe-wavelet"
VOID = {"meta", "img", "br", "wbr", "col"}
LOSSES = ("G_GAN_mean", "G_L1_mean", "D_real_mean", "D_fake_mean", "val_l1_model", "val_l1_gain")


class Page(HTMLParser):
    """What a reader sees: ``text``, ``tables`` as rows of cells (text, whole numbers), ``tags``, ``images`` and
    addresses.
    """

    def __init__(self, html):
        super().__init__()
        self.text, self.tables, self.tags, self.images, self.addresses, self._open = "", [], [], [], [], []
        self.feed(html)
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.append((tag, attributes))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "img":
            self.images.append(attributes["src"])
        self.addresses += [
            value
            for name, value in attributes.items()
            if name in ("src", "href", "action", "data", "poster", "srcset", "background")
        ]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.tables[-1][-1].append(["", []])
        elif tag == "data":
            self.tables[-1][-1][-1][1].append(float(attributes["value"]))

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, tag

    def handle_data(self, data):
        if self._open and self._open[-1] == "style":
            return
        self.text += data
        if {"th", "td"} & set(self._open):
            self.tables[-1][-1][-1][0] += data

    def charts(self):
        return [
            base64.b64decode(each.partition(",")[2]).decode()
            for each in self.images
            if each.startswith("data:image/svg")
        ]

    def rows(self, table):
        """First cell -> the whole row of a table, counted from 0."""
        return {row[0][0]: row for row in self.tables[table]}


def read(path):
    return Page(Path(path).read_text(encoding="utf-8"))


def report_page(document, *pictures):
    """The page of what ``results.json`` holds."""
    return page.report_page(Evaluation.from_json(document), *pictures)


def write_losses(folder, epochs=5):
    lines = [",".join(("epoch", *LOSSES))] + [
        ",".join(map(str, (epoch, *np.linspace(1, 2, len(LOSSES)) / epoch))) for epoch in range(1, epochs + 1)
    ]
    (folder / "losses.csv").write_text("\n".join(lines) + "\n")


def with_truth(document):
    """``document`` as if there were a truth of it: made-up figures and curves."""
    found = copy.deepcopy(document)
    rng = np.random.default_rng(4)
    found["rows"].append(
        {
            **found["rows"][1],
            "method": "high dose",
            "kind": CEILING,
            "against": {},
            "verdict": "reference",
            "reasons": ["the ceiling"],
        }
    )
    for row in found["rows"]:
        row |= {each.key: float(rng.uniform(0.1, 9)) for each in TRUTH} | {"half_fibres": None, "truth_reasons": []}
        row["truth_reasons"] = [
            f"arrangement {group}: transfer of fibres: stays above 0.5 up to 4.{rng.integers(9)} lp/mm"
            for group in row["arrangements"]
        ]
        for figures in row["arrangements"].values():
            figures |= {each.key: row[each.key] for each in TRUTH}
        for against in row["against"].values():
            against |= {
                key: {**against["psnr"], "mean": -0.25} for key in ("detectability", "bias", "false_calcifications")
            }
    frequency = np.linspace(0.3, 4.9, 6)
    noise, transfer = (
        NoiseTexture(frequency, 1e-6 / frequency, 400.0, 9),
        TaskTransfer(frequency, np.ones(6), np.full(6, 0.02), 1.0, np.nan, 5),
    )
    found["curves"] = {
        row["method"]: MethodCurves([noise] * 2, [{"masses": transfer, "fibres": transfer}]).mean().to_json()
        for row in found["rows"]
    }
    return found


class ReportTestCase(OneThreadTest):
    made = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if ReportTestCase.made is None:  # once for all classes
            ReportTestCase.made = Path(tempfile.mkdtemp())
            unittest.addModuleCleanup(shutil.rmtree, cls.made)
            write_arranged_data_set(cls.made / "set")
            (cls.made / "run").mkdir()
            model = examples.save_small_model(cls.made / "run" / "model.safetensors")
            run_to_end(
                evaluate(
                    cls.made / "set", [model], cls.made / "judged", EvaluationSettings(BASELINES, "all", device="cpu")
                )
            )
        cls.data, cls.run_folder, cls.output = (cls.made / name for name in ("set", "run", "judged"))
        cls.model = cls.run_folder / "model.safetensors"
        cls.document = json.loads((cls.output / "results.json").read_text())
        cls.page = read(cls.output / REPORT_FILE)

    def check_numbers(self, page, table, measures, rows):
        shown = page.rows(table)
        for row in rows:
            cells = shown[row["method"]][1 : len(measures) + 1]
            for measure, (text, values) in zip(measures, cells):
                value = row.get(measure.key)
                self.assertEqual(values, [value] if isinstance(value, float) else [], (row["method"], measure.key))
                if values:
                    decimals = len(text.partition(".")[2])
                    self.assertAlmostEqual(float(text.replace("−", "-")), value, delta=0.51 * 10.0**-decimals)
                else:
                    self.assertEqual(text[0], "–")


class WholePageTest(ReportTestCase):
    def test_it_needs_nothing_but_itself(self):
        self.assertTrue(self.page.images)
        self.assertTrue(
            all(
                each.startswith(("data:image/svg+xml;base64,", "data:image/png;base64,", "#"))
                for each in self.page.addresses
            ),
            self.page.addresses,
        )
        self.assertFalse(
            {"script", "link", "iframe", "object", "embed", "base", "form"} & {tag for tag, _ in self.page.tags}
        )
        self.assertFalse([name for _, attributes in self.page.tags for name in attributes if name.startswith("on")])
        html = (self.output / REPORT_FILE).read_text(encoding="utf-8")
        self.assertNotRegex(html, r"https?://|url\(|@import")
        self.assertIn("default-src 'none'", html)
        self.assertLess(len(html), 4e6)
        self.assertTrue(all(attributes.get("alt") for tag, attributes in self.page.tags if tag == "img"))
        for chart in self.page.charts():
            xml.etree.ElementTree.fromstring(chart)

    def test_every_row_verdict_reason_and_note_is_there(self):
        for row in self.document["rows"]:
            self.assertEqual(self.page.rows(0)[row["method"]][-1][0], row["verdict"])
            for reason in row["reasons"]:
                self.assertIn(reason, self.page.text)
        facts = [self.document[key] for key in ("notice", "caution", "mask", "dataset_fingerprint", "version")]
        for words in (
            *facts,
            *self.document["notes"],
            self.document["rows"][-1]["model_sha256"],
            "3 arrangements, 6 patches",
        ):
            self.assertIn(words, self.page.text)
        self.assertLess(
            self.page.text.index(self.document["rows"][-1]["reasons"][0]), self.page.text.index("What was judged")
        )

    def test_numbers_are_those_of_the_results(self):
        stored = json.loads((self.output / "results.json").read_text())
        self.assertEqual(stored["report"], str(self.output / REPORT_FILE))
        self.check_numbers(self.page, 0, LIKENESS, stored["rows"])
        first, ends = stored["rows"][0], self.page.rows(0)
        self.assertEqual(ends["input (low dose)"][1][1], [first["cci_input"]])
        self.assertEqual(ends["target (high dose)"][2][1], [first["cci_norm_target"]])

    def test_differences_are_those_of_the_results(self):
        found = next(row for row in self.document["rows"] if row["method"] == "clahe")["against"]["the gain"][
            "cci_ratio_error"
        ]
        self.assertEqual(self.page.rows(1)["clahe"][1][1], [found[name] for name in ("mean", "low", "high", "p_holm")])
        last, denoiser = self.page.tables[1][-1], self.document["rows"][-1]["against"]["the best denoising baseline"]
        self.assertEqual(
            (last[0][0], last[1][1]), ("small", [denoiser["cci_ratio_error"][name] for name in ("mean", "low", "high")])
        )
        self.assertIn(denoiser["method"], self.page.tables[1][-2][0][0])

    def test_missing_truth_is_said(self):
        self.assertIn("no truth", self.page.text)
        self.assertIn("prepared from a simulation, and give that with --simulation", self.page.text)
        self.assertNotIn("Against the truth", self.page.text)

    def test_the_command_that_reproduces_it(self):
        for words in (
            f"--dataset {self.data}",
            f"--model {self.model}",
            f"--baselines {BASELINES}",
            "--split all",
            f"--output {self.output}",
        ):
            self.assertIn(words, self.page.text)

    def test_patches_are_of_all_arrangements(self):
        for title in ("Patches: small", "Details: small", "What differs: small"):
            self.assertIn(title, self.page.text)
        for group in self.document["rows"][0]["arrangements"]:
            self.assertIn(f"Arrangement {group}", self.page.text)
        pixels = [each for each in self.page.images if each.startswith("data:image/png")]
        self.assertEqual(len(pixels), 3 * (4 + 4 + 2))


class StoredTest(ReportTestCase):
    def test_what_is_read_back_is_what_was_written(self):
        """To the order of the keys; also with a truth, a leakage gap and folds."""
        sides = {
            "held_out": {"method": "m", "over_gain": {"psnr_matched": 0.5}},
            "random": {"method": "n", "dataset": "d", "over_gain": {"psnr_matched": 1.0}},
        }
        folded = copy.deepcopy(self.document)
        for number, row in enumerate(folded["rows"]):
            described = {
                name: row.pop(name)
                for name in (
                    "parameters",
                    "model",
                    "model_sha256",
                    "dataset",
                    "out_of_domain",
                    "notes",
                    "seam_index",
                    "mode",
                )
                if name in row
            }
            rest = {name: row.pop(name) for name in ("against", "verdict", "reasons")}
            folds = {
                "folds": [
                    {"arrangements": ["phantom 4"], **described},
                    {"arrangements": ["phantom 5", "phantom 6"], **described},
                ]
            }
            against = {"against": rest.pop("against")}
            folded["rows"][number] = {
                **row,
                **({**against, **folds} if against["against"] else {**folds, **against}),
                **rest,
            }
        for document in (
            self.document,
            folded,
            {**self.document, "leakage": [{"recipe": "r", **sides, "gap": {"psnr_matched": 0.5}}]},
        ):
            found = Evaluation.from_json(document)
            self.assertEqual(json.dumps(found.to_json()), json.dumps(document))
            self.assertEqual(Evaluation.from_json(found.to_json()), found)

    def test_a_file_that_states_little_has_defaults(self):
        found = Evaluation.from_json({"rows": [{"method": "gain", "psnr": 40.0, "unheard of": [1]}], "more": {}})
        self.assertEqual((found.settings, found.noise_model, found.datasets, found.curves), (None, None, (), None))
        row = found.rows[0]
        self.assertEqual(
            (row.value("psnr"), row.value("ssim"), row.value("unheard of"), row.against, row.of_truth),
            (40.0, None, None, {}, None),
        )
        for nothing in ({}, {"rows": None}):
            with self.assertRaises((KeyError, TypeError)):
                Evaluation.from_json(nothing)


class PatchesTest(ReportTestCase):
    def test_the_choice_knows_targets_alone(self):
        views, _ = held_out_views(open_data_set(self.data), "all")
        chosen = chosen_patches(views)
        self.assertEqual(len({view.group for view, _ in chosen}), 3)
        self.assertLessEqual(len(chosen), MOST)
        self.assertEqual(len(chosen_patches(views[:1])), 2)
        self.assertEqual(len(chosen_patches([])), 0)

    def test_the_cci_below_a_picture_is_that_of_the_patch(self):
        lines = [line.split(",") for line in (self.output / "results.csv").read_text().splitlines()]
        place = lines[0].index("cci_output")
        values = {f"CCI {float(line[place]):.4g}" for line in lines[1:] if line[0] == "small"}
        self.assertGreaterEqual(sum(each in self.page.text for each in values), 3)


class TruthTest(ReportTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.told = with_truth(cls.document)
        cls.known = Page(report_page(cls.told))

    def test_its_table_and_its_notes(self):
        for table, measures in ((2, SEEN), (3, TEXTURE)):
            self.check_numbers(self.known, table, measures, self.told["rows"])
        fibres = 1 + [each.key for each in TEXTURE].index("half_fibres")
        self.assertEqual(self.known.rows(3)["small"][fibres][0], "–a")
        self.assertEqual(self.known.text.count("transfer of fibres: stays above 0.5"), 1)
        self.assertNotIn("prepared from a simulation", self.known.text)

    def test_detectability_by_size(self):
        found = copy.deepcopy(self.told)
        for place, row in enumerate(found["rows"]):
            small = {"auc": 0.5 + place / 100, "auc_error": 0.0125, "percent_correct": 25.0 + place}
            none = dict.fromkeys(small)
            row["detectability_by_size"] = [
                {
                    "size_mm": [0.1, 0.2],
                    "clusters": 9,
                    "reason": "",
                    "hotelling": small,
                    "eye-filter": {**small, "auc": 0.75},
                },
                {
                    "size_mm": [0.4, 0.7],
                    "clusters": 0,
                    "reason": "no insert of this kind",
                    "hotelling": none,
                    "eye-filter": none,
                },
            ]
        page = Page(report_page(found))
        for place, row in enumerate(found["rows"]):
            cells = page.rows(4)[row["method"]][1:]
            self.assertEqual(
                [values for _, values in cells], [[0.5 + place / 100, 0.0125], [0.75], [25.0 + place], [], [], []]
            )
        self.assertIn("0.4 to 0.7 mm: no insert of this kind", page.text)
        self.assertNotIn("by size", self.known.text)

    def test_the_leakage_gap(self):
        measures = ("cci_ratio_error", "psnr_matched", "ssim_matched")
        sides = {
            side: {"over_gain": dict.fromkeys(measures, value)} for side, value in (("random", 1.75), ("held_out", 0.5))
        }
        found = {**self.told, "leakage": [{"recipe": "<b>mine", **sides, "gap": dict.fromkeys(measures, 1.25)}]}
        page = Page(report_page(found))
        self.assertEqual([values for _, values in page.rows(4)["PSNR matched (dB)"][1:]], [[1.75], [0.5], [1.25]])
        self.assertIn("<b>mine", page.text)
        self.assertNotIn("leakage", self.known.text)

    def test_its_charts(self):
        for words in ("Noise power spectra", "Task transfer"):
            self.assertIn(words, self.known.text)
        descriptions = " ".join(attributes["alt"] for tag, attributes in self.known.tags if tag == "img")
        for words in ("detectability", "masses, fibres", "false calc."):
            self.assertIn(words, descriptions)

    def test_curves_are_means_over_arrangements(self):
        frequency = np.array([1.0, 2.0])
        textures = [NoiseTexture(frequency, np.array(each), 1.0, 1) for each in ([1.0, 2.0], [3.0, 8.0])]
        transfers = [
            {"masses": TaskTransfer(frequency, np.array([value, 0.5]), np.array([0.3, np.nan]), 1.0, np.nan, 2)}
            for value in (1.0, 0.8)
        ]
        empty = {"masses": TaskTransfer(np.empty(0), np.empty(0), np.empty(0), np.nan, np.nan, 0, "none there")}
        found = MethodCurves(textures, [*transfers, empty]).mean().to_json()
        self.assertEqual((found["noise"]["nnps"], found["noise"]["arrangements"]), ([2.0, 5.0], 2))
        masses = found["transfer"]["masses"]
        self.assertEqual((masses["transfer"], masses["inserts"], masses["error"][1]), ([0.9, 0.5], 4, None))
        self.assertAlmostEqual(masses["error"][0], 0.3 / np.sqrt(2), places=5)
        self.assertEqual(MethodCurves([], [empty]).mean().to_json(), {"transfer": {}})


class ToleranceTest(ReportTestCase):
    def test_hostile_names_stay_names(self):
        evil = "<script>alert('1')</script>&amp;\"><img src=http://x.y/z onerror=a> $\\frac$ \x01\udc80"
        found = with_truth(self.document)
        found["dataset"], found["notes"], found["version"] = f"/data/{evil.replace('/', '|')}", [evil], evil
        found["rows"][-2] |= {
            "method": evil,
            "reasons": [evil],
            "verdict": evil,
            "model": f"/models/{evil}",
            "kind": "model",
        }
        found["curves"][evil] = found["curves"].pop("small")
        found["rows"] = json.loads(json.dumps(found["rows"]).replace("phantom 4", "<b onclick=x>4</b>"))
        picture = self.pictures({"small": 1.0, "gain": 1.0}).patches[0]
        picture.outputs[evil] = picture.outputs["small"]
        write_report(self.folder, Evaluation.from_json(found), Pictures((picture,)))
        page = read(self.folder / REPORT_FILE)
        self.assertFalse({"script", "form"} & {tag for tag, _ in page.tags})
        self.assertTrue(all(each.startswith("data:") for each in page.addresses))
        self.assertFalse([name for _, attributes in page.tags for name in attributes if name.startswith("on")])
        self.assertGreater(page.text.count("<script>alert('1')</script>&amp;"), 5)
        for chart in page.charts():
            xml.etree.ElementTree.fromstring(chart)

    def pictures(self, factors):
        rng = np.random.default_rng(1)
        low = rng.normal(400, 20, (64, 64)).astype(np.float32)
        outputs = {name: factor * 3 * low for name, factor in factors.items()}
        return Pictures(
            (
                PatchPicture(
                    "phantom 4",
                    "0.png",
                    low,
                    3 * low,
                    np.ones(low.shape, bool),
                    outputs,
                    dict.fromkeys(factors, 1.0),
                    1.0,
                    1.0,
                    1,
                    (0.1, 0.1),
                ),
            )
        )

    def test_rows_that_lack_almost_everything(self):
        rows = [
            {"method": "gain", "kind": "baseline", "psnr": 40.0, "strange": [1]},
            {"method": "m", "kind": "model", "psnr": None, "ssim": "no truth", "verdict": "worse"},
        ]
        page = Page(report_page({"rows": rows}))
        self.assertEqual(page.rows(0)["gain"][6][1], [40.0])
        self.assertEqual([cell[0] for cell in page.rows(0)["m"][1:]], ["–"] * 9 + ["worse"])
        self.assertIn("No model was judged", Page(report_page({"rows": rows[:1]})).text)

    def test_maps_are_in_units_of_the_predicted_noise(self):
        """An error of one predicted deviation everywhere has mean 1."""
        found = {**self.document, "noise_model": {"xi_q": 0.0, "xi_e": 30.0}}
        pictures = self.pictures({"small": 1.0, "gain": 1.0, "anscombe-wavelet": 1.0})
        patch = pictures.patches[0]
        patch.outputs["small"] = patch.high + np.float32(30 * np.sqrt(1 + 9))
        self.assertIn("mean 1; SD", Page(report_page(found, pictures)).text)
        self.assertIn("mean 95; SD", Page(report_page({**found, "noise_model": None}, pictures)).text)

    def test_without_matplotlib_the_tables_stand(self):
        with mock.patch.dict("sys.modules", {"matplotlib": None, "matplotlib.figure": None}):
            self.assertFalse(charts.is_drawable())
            page = Page(report_page(self.document))
        self.assertEqual(page.images, [])
        self.assertIn("matplotlib is not installed", page.text)
        self.assertIn("small", page.rows(0))


class TrainingTest(ReportTestCase):
    def tearDown(self):
        for name in ("losses.csv", "recipe.json"):
            (self.run_folder / name).unlink(missing_ok=True)

    def test_losses_are_drawn_where_they_are(self):
        self.assertNotIn("Training of", self.page.text)
        write_losses(self.run_folder)
        page = Page(report_page(self.document))
        self.assertIn("Training of small.", page.text)
        self.assertEqual(len(page.charts()), len(Page(self.without_losses()).charts()) + 1)

    def test_the_kept_epoch_is_that_of_the_recipe(self):
        write_losses(self.run_folder)
        self.assertNotIn("<!-- kept -->", Page(report_page(self.document)).charts()[-1])
        (self.run_folder / "recipe.json").write_text(json.dumps({**RECIPES["run1"].to_dict(), "data": "of the run"}))
        self.assertIn("<!-- kept -->", Page(report_page(self.document)).charts()[-1])

    def without_losses(self):
        (self.run_folder / "losses.csv").unlink()
        return report_page(self.document)

    def test_a_file_of_that_name_that_holds_none(self):
        (self.run_folder / "losses.csv").write_bytes(b"\xff\x00, what")
        self.assertIn("losses.csv cannot be read", Page(report_page(self.document)).text)


class WritingTest(ReportTestCase):
    def test_a_failure_leaves_nothing(self):
        output = self.folder / "fails"
        with mock.patch.object(page, "atomic_output", side_effect=OSError("broken")), self.assertRaises(OSError):
            run_to_end(evaluate(self.data, [], output, EvaluationSettings("gain")))
        self.assertFalse(output.exists())
        with (
            mock.patch("LowDoseContrastTrainingLib.evaluation.results.json.dumps", side_effect=OSError("broken")),
            self.assertRaises(OSError),
        ):
            run_to_end(evaluate(self.data, [], output, EvaluationSettings("gain")))
        self.assertFalse(output.exists())

    def test_a_report_is_not_replaced_unasked(self):
        other = Path(shutil.copytree(self.output, self.folder / "other"))
        for path in other.glob("results*"):
            path.unlink()
        before = (other / REPORT_FILE).read_bytes()
        with (
            contextlib.redirect_stderr(io.StringIO()),
            self.assertRaisesRegex(ValueError, "report.html: exists already"),
        ):
            run_to_end(evaluate(self.data, [], other, EvaluationSettings("gain")))
        self.assertEqual((other / REPORT_FILE).read_bytes(), before)

    def test_the_same_twice(self):
        self.assertEqual(report_page(self.document), report_page(self.document))


if __name__ == "__main__":
    unittest.main()
