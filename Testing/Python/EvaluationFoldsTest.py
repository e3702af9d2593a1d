"""Several data sets as folds, a simulation in halves, the U-Net with L1 alone, and the leakage gap."""

import dataclasses
import shutil
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import lowdosecontrast_examples as examples
import numpy as np
from lowdosecontrast_training import TINY, OneThreadTest, change_manifest, write_arranged_data_set
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.steps import run_to_end
from LowDoseContrastTrainingLib.baselines import unet
from LowDoseContrastTrainingLib.dataset.manifest import open_data_set
from LowDoseContrastTrainingLib.dataset.patch_store import PatchStore
from LowDoseContrastTrainingLib.evaluation.evaluate import evaluate
from LowDoseContrastTrainingLib.evaluation.held_out_views import training_pairs
from LowDoseContrastTrainingLib.evaluation.settings import EvaluationSettings
from LowDoseContrastTrainingLib.simulator.parameters import parameters_for
from LowDoseContrastTrainingLib.simulator.simulation import SimulationPlan, simulate
from LowDoseContrastTrainingLib.training.recipes import recipe_from_dict
from LowDoseContrastTrainingLib.training.train import train

BARE = EvaluationSettings("affine", device="cpu")


def rows_of(document):
    return {row["method"]: row for row in document["rows"]}


class FoldsTestCase(OneThreadTest):
    data, models = (), ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not FoldsTestCase.data:  # once for all classes
            place = Path(tempfile.mkdtemp())
            unittest.addModuleCleanup(shutil.rmtree, place)
            FoldsTestCase.data = [
                write_arranged_data_set(place / f"fold{number}", turned=2 * number) for number in (0, 1)
            ]
            FoldsTestCase.models = [cls.trained(data, place) for data in cls.data]

    @classmethod
    def trained(cls, data, place):
        """The model of a short training, under the name of its recipe, ``tiny``."""
        return run_to_end(
            train(data, place / f"{data.name}-run", recipe_from_dict({**TINY, "name": "tiny", "epochs": 1}))
        )["model"]

    def judged(self, datasets, models=(), settings=BARE, output=None):
        return run_to_end(evaluate(datasets, models, output or tempfile.mkdtemp(dir=self.folder), settings)).to_json()

    def refused(self, words, *arguments, about="", field=None, **choices):
        """``about`` is what the error is said of, ``field`` the setting to change."""
        with self.assertRaisesRegex(InputError, words) as refused:
            self.judged(*arguments, **choices)
        self.assertTrue(refused.exception.subject.endswith(str(about)), refused.exception.subject)
        if field is not None:
            self.assertEqual(refused.exception.field, field)


class FoldsTest(FoldsTestCase):
    def test_each_fold_is_judged_by_its_own_model_and_baselines(self):
        together = rows_of(self.judged(self.data, self.models))
        alone = [rows_of(self.judged([data], [model])) for data, model in zip(self.data, self.models)]
        self.assertEqual(list(together), ["gain", "affine", "tiny, each fold by its own model"])
        for name in together:
            one = [rows["tiny" if name.startswith("tiny") else name]["arrangements"] for rows in alone]
            self.assertEqual(
                {group: found["cci_output"] for group, found in together[name]["arrangements"].items()},
                {group: found["cci_output"] for rows in one for group, found in rows.items()},
            )
        folds = together["affine"]["folds"]
        self.assertEqual(
            [fold["arrangements"] for fold in folds], [sorted(rows["affine"]["arrangements"]) for rows in alone]
        )
        self.assertEqual([fold["parameters"] for fold in folds], [rows["affine"]["parameters"] for rows in alone])

    def test_a_model_of_other_data_is_judged_on_all(self):
        other = examples.save_small_model(self.folder / "small.safetensors")
        document = self.judged(self.data, [other])
        self.assertEqual(len(rows_of(document)["small"]["arrangements"]), 4)
        self.assertIn("whether it has seen what is held out here is not known", " ".join(document["notes"]))

    def test_folds_that_do_not_fit_together(self):
        self.refused(
            "no model of recipe tiny was trained on it", self.data, self.models[:1], about=self.data[1], field="dataset"
        )
        self.refused("second model of its recipe", self.data, [*self.models, self.models[0]])
        again = write_arranged_data_set(self.folder / "again", turned=0)
        change_manifest(again, lambda manifest: manifest.update(note="other"))
        self.refused("both hold out arrangement phantom 5", [self.data[0], again])
        self.refused("give dataset, simulation, or both", [], field="dataset")


class LeakageTest(FoldsTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.random = write_arranged_data_set(cls.folder / "random")
        change_manifest(
            cls.random,
            lambda m: [
                patch.update(arrangement=1 + place % 2, group=f"phantom {1 + place % 2}")
                for place, patch in enumerate(m["patches"])
            ],
        )

    def test_the_gap_is_that_of_two_evaluations(self):
        leaky = self.trained(self.random, self.folder)
        document = self.judged(
            self.data[:1],
            [self.models[0], leaky],
            EvaluationSettings("identity", device="cpu", random=str(self.random)),
        )
        self.assertEqual(list(rows_of(document)), ["identity", "gain", "tiny"])
        (entry,) = document["leakage"]
        sides = [
            rows_of(self.judged([data], [model], EvaluationSettings("identity", device="cpu")))
            for data, model in ((self.data[0], self.models[0]), (self.random, leaky))
        ]
        for measure in ("psnr_matched", "ssim_matched", "cci_ratio_error"):
            honest, random = (rows["tiny"][measure] - rows["gain"][measure] for rows in sides)
            self.assertAlmostEqual(entry["gap"][measure], random - honest)
        self.assertEqual((entry["recipe"], entry["random"]["dataset"]), ("tiny", str(self.random)))

    def test_what_is_no_random_split_or_has_no_model(self):
        self.refused(
            "shares no arrangement",
            self.data[:1],
            self.models[:1],
            EvaluationSettings("identity", random=str(self.data[1])),
            about=self.data[1],
            field="random",
        )
        self.refused(
            "no model was trained on it",
            self.data[:1],
            self.models[:1],
            EvaluationSettings("identity", random=str(self.random)),
            about=self.random,
            field="model",
        )
        self.refused(
            "each must be of split loo or arrangement", [self.data[0], self.random], about=self.random, field="dataset"
        )


class UNetTest(FoldsTestCase):
    def test_a_small_net_is_trained_on_the_training_part_alone_and_kept(self):
        settings, output = EvaluationSettings("unet-l1,anscombe-wavelet", device="cpu"), self.folder / "judged"
        with mock.patch.object(unet, "_CROPS", 100):
            document = self.judged(self.data[:1], settings=settings, output=output)
            row = rows_of(document)["unet-l1"]
            (folder,) = output.glob("unet-l1-*")
            self.assertEqual((row["kind"], row["dataset"]), ("baseline", open_data_set(self.data[0]).fingerprint))
            losses = (folder / "losses.csv").read_text()
            self.assertNotRegex(losses.splitlines()[-1], "nan")
            for name in ("results.json", "results.csv", "report.html"):
                (output / name).unlink()
            before = (folder / "checkpoint.pt").stat().st_mtime_ns
            self.assertEqual(
                rows_of(self.judged(self.data[:1], settings=settings, output=output))["unet-l1"]["psnr"], row["psnr"]
            )
            self.assertEqual((folder / "checkpoint.pt").stat().st_mtime_ns, before)

    def test_small_patches_are_said(self):
        with mock.patch.object(unet, "LEAST_SIDE", 200):
            self.refused(
                "unet-l1 needs patches of 200 pixels or more, these have 150",
                self.data[:1],
                settings=EvaluationSettings("unet-l1"),
            )


class HalvesTest(OneThreadTest):
    """A simulation by itself."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        parameters = parameters_for(
            "small",
            {
                "rows": 448,
                "columns": 384,
                "clusters": [300, 300],
                "grains": [2, 2],
                "grain_mm": [0.12, 0.28],
                "fibres": [0, 0],
            },
        )
        run_to_end(
            simulate(
                cls.folder / "simulation",
                SimulationPlan(5, 3, ("low", "automatic", "high"), parameters, 2, compress=False),
            )
        )

    def settings(self, **choices):
        return EvaluationSettings(
            "affine,anscombe-wavelet", device="cpu", simulation=str(self.folder / "simulation"), **choices
        )

    def test_every_arrangement_is_judged_by_baselines_of_the_other_half(self):
        output = self.folder / "judged"
        document = run_to_end(evaluate([], [], output, self.settings())).to_json()
        rows = rows_of(document)
        self.assertEqual(list(rows), ["gain", "affine", "anscombe-wavelet", "high dose"])
        data = open_data_set(output / "pairs")
        groups = {patch.group for patch in data.patches}
        self.assertEqual((set(rows["affine"]["arrangements"]), len(groups)), (groups, 3))
        self.assertIn("fitted to the other half", " ".join(document["notes"]))
        for fold in rows["affine"]["folds"]:
            others = data.holding_out(fold["arrangements"])
            self.assertEqual({patch.group for patch in others.of("train")}, groups - set(fold["arrangements"]))
            pairs = training_pairs(others)
            slope, offset = np.polyfit(pairs.low[pairs.mask].astype(float), pairs.high[pairs.mask].astype(float), 1)
            self.assertAlmostEqual(fold["parameters"]["slope"], slope, places=4)
            self.assertAlmostEqual(fold["parameters"]["offset"], offset, delta=0.05)
        self.check_truth(rows, document)

    def check_truth(self, rows, document):
        for name, row in rows.items():
            self.assertAlmostEqual(row["mnse"], row["bias"] + row["residual_noise"])
            self.assertEqual(
                [entry["size_mm"] for entry in row["detectability_by_size"]],
                [[0.1, 0.2], [0.2, 0.3], [0.3, 0.4], [0.4, 0.7]],
            )
            small = row["detectability_by_size"][0]
            for observer in ("hotelling", "eye-filter"):
                self.assertTrue(0.4 < small[observer]["auc"] <= 1, (name, observer))
            self.assertIn("no insert", row["detectability_by_size"][3]["reason"])
            self.assertTrue(25 < row["forced_choice"] <= 100)
            self.assertEqual(row["seconds_per_image"] is None, name == "high dose")
        self.assertGreater(rows["high dose"]["forced_choice"], rows["gain"]["forced_choice"])
        self.assertLess(rows["high dose"]["mnse"], rows["gain"]["mnse"])
        self.assertEqual(set(document["seconds"]), {"pairs", "fitting baselines", "baselines", "truth"})

    def test_a_model_has_a_seam_index_and_a_second_evaluation_uses_the_same_patches(self):
        model = examples.save_small_model(self.folder / "small.safetensors")
        output, settings = (
            self.folder / "seams",
            EvaluationSettings(
                "gain", device="cpu", simulation=str(self.folder / "simulation"), allow_out_of_domain=True
            ),
        )
        run_to_end(evaluate([], [], output, settings))
        stamp = (output / "pairs" / "manifest.json").stat().st_mtime_ns
        row = rows_of(run_to_end(evaluate([], [model], output, settings, overwrite=True)).to_json())["small"]
        self.assertGreater(row["seam_index"], 0)
        self.assertEqual((output / "pairs" / "manifest.json").stat().st_mtime_ns, stamp)

    def test_a_simulation_that_cannot_be_halved(self):
        for place, words in ((self.folder, "is no simulation"), (self.one_dose(), "holds one dose")):
            with self.assertRaisesRegex(InputError, words):
                run_to_end(evaluate([], [], self.folder / "none", EvaluationSettings(simulation=str(place))))

    def one_dose(self):
        run_to_end(
            simulate(
                self.folder / "one",
                SimulationPlan(
                    5, 1, ("low",), parameters_for("small", {"rows": 320, "columns": 256}), 2, compress=False
                ),
            )
        )
        return Path(self.folder / "one")


class HoldingOutTest(FoldsTestCase):
    def test_patches_are_read_from_where_they_lie(self):
        data = open_data_set(self.data[0])
        turned = data.holding_out({"phantom 1", "phantom 2"})
        self.assertEqual({patch.group for patch in turned.of("test")}, {"phantom 1", "phantom 2"})
        self.assertNotEqual(turned.fingerprint, data.fingerprint)
        self.assertNotEqual(turned.fingerprint, data.holding_out({"phantom 1"}).fingerprint)
        first = turned.of("test")[0]
        number = data.of("train").index(dataclasses.replace(first, split="train"))
        np.testing.assert_array_equal(
            PatchStore(turned, "test", 0).pair(0)[0], PatchStore(data, "train", 0).pair(number)[0]
        )


if __name__ == "__main__":
    unittest.main()
