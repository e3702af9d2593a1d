"""From nothing to an enhanced image on the command line, and the paper's recipes at their full width."""

import contextlib
import csv
import gc
import hashlib
import io
import json
import math
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import lowdosecontrast_examples as examples
import numpy as np
import torch
from lowdosecontrast_training import write_data_set
from LowDoseContrastLib.files import read_mammogram
from LowDoseContrastTrainingLib.__main__ import main
from LowDoseContrastTrainingLib.training import train as training
from LowDoseContrastTrainingLib.training.recipes import RECIPES


def command(*arguments):
    """The JSON object that ``lowdosecontrast`` prints in a process of its own."""
    call = [examples.PYTHON, "-m", "LowDoseContrastTrainingLib", *map(str, arguments), "--json"]
    done = subprocess.run(call, env=examples.environment(), capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise AssertionError(f"{' '.join(call)}: exit code {done.returncode}\n{done.stderr}")
    return json.loads(done.stdout)


def is_finite(value):
    """Whether all numbers inside lists and dictionaries are finite."""
    if isinstance(value, dict):
        return all(map(is_finite, value.values()))
    return (
        all(map(is_finite, value)) if isinstance(value, list) else not isinstance(value, float) or math.isfinite(value)
    )


class WholePathTest(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.folder = Path(place.name)

    def test_simulate_prepare_train_enhance(self):
        acquisitions, pairs, run, output = (
            self.folder / name for name in ("acquisitions", "pairs", "run", "enhanced.dcm")
        )
        made = command(
            "simulate", acquisitions, "--arrangements", 3, "--detector", "small", "--doses", "low,high", "--seed", 3
        )
        self.assertEqual(len(made["files"]), 6)
        prepared = command(
            "prepare",
            acquisitions,
            pairs,
            "--patch-size",
            256,
            "--bits",
            16,
            "--split",
            "arrangement",
            "--test",
            1,
            "--validation",
            1,
        )
        self.assertEqual((prepared["images"], prepared["arrangements"]), (6, 3))
        self.assertEqual(prepared["pairs"], prepared["train"] + prepared["val"] + prepared["test"])
        trained = command("train", pairs, run, "--recipe", "compact", "--epochs", 2, "--device", "cpu", "--threads", 1)
        self.assertEqual(trained["epochs"], 2)
        self.assertTrue(is_finite([trained["losses"], trained["validation"], trained["test"]]), trained)
        self.assertGreater(trained["losses"]["G_L1"]["last"], 0)

        patches = json.loads((pairs / "manifest.json").read_text())["patches"]
        held_out = next(patch["arrangement"] for patch in patches if patch["split"] == "test")
        low, high = (acquisitions / f"arrangement-{held_out:02d}" / f"{dose}.dcm" for dose in ("low", "high"))
        told = command("enhance", low, "--output", output, "--model", trained["model"], "--device", "cpu")
        self.assertEqual(told["model_sha256"], hashlib.sha256(Path(trained["model"]).read_bytes()).hexdigest())
        self.assertEqual(told["out_of_domain"], [])
        self.assertNearer(output, low, high)

    def assertNearer(self, output, low, high):
        """In the breast the output is as bright as the true high dose, and far nearer to it than the low dose."""
        enhanced, before, true = (read_mammogram(path).pixels[0].astype(float) for path in (output, low, high))
        breast = true < 0.5 * 16383
        self.assertGreater(breast.mean(), 0.2)
        self.assertAlmostEqual(enhanced[breast].mean() / true[breast].mean(), 1, delta=0.03)
        errors = [np.abs(image - true)[breast].mean() for image in (enhanced, before)]
        self.assertLess(errors[0], 0.1 * errors[1])


class PaperRecipesTest(unittest.TestCase):
    """The four recipes as they are, on two pairs of the paper's 8-bit patches, for two epochs."""

    def test_each_trains_at_full_width(self):
        self.addCleanup(torch.set_num_threads, torch.get_num_threads())
        with tempfile.TemporaryDirectory() as place:
            data = write_data_set(Path(place) / "set", {"train": 2}, side=150, levels=255)
            for name in ("run1", "run2", "run3", "run4"):
                with self.subTest(name):
                    rows = self.trained(data, Path(place) / name, name)
                    self.assertEqual([row["epoch"] for row in rows], ["1", "2"])
                    losses = [
                        float(value) for row in rows for column, value in row.items() if column.startswith(("G_", "D_"))
                    ]
                    self.assertEqual(len(losses), 20)
                    self.assertTrue(all(map(math.isfinite, losses)), rows)
                shutil.rmtree(Path(place) / name, ignore_errors=True)
                gc.collect()

    def trained(self, data, run, name):
        """The rows of losses.csv of two epochs."""
        out, said = io.StringIO(), io.StringIO()
        # Two checkpoints of a gigabyte or two, and waiting for the disk, tell nothing about a recipe.
        with (
            mock.patch.object(training, "save_checkpoint"),
            mock.patch("os.fsync"),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(said),
        ):
            code = main(
                [
                    "train",
                    str(data),
                    str(run),
                    "--recipe",
                    name,
                    "--epochs",
                    "2",
                    "--device",
                    "cpu",
                    "--threads",
                    "1",
                    "--json",
                ]
            )
        self.assertEqual(code, 0, said.getvalue())
        kept = json.loads((run / "recipe.json").read_text())
        self.assertEqual(
            (kept["ngf"], kept["ndf"], kept["architecture"]), (RECIPES[name].ngf, RECIPES[name].ndf, "unet_256")
        )
        with open(run / "losses.csv", newline="") as stream:
            return list(csv.DictReader(stream))


if __name__ == "__main__":
    unittest.main()
