"""Whatever is wrong with the input of prepare and train is one line and exit code 2."""

import contextlib
import hashlib
import io
import json
import os
import shutil
import subprocess
import unittest

import lowdosecontrast_examples as examples
import numpy as np
import torch
from lowdosecontrast_training import TINY, FolderTest
from LowDoseContrastLib.model import load_model
from LowDoseContrastTrainingLib.__main__ import main
from LowDoseContrastTrainingLib.dataset.png import write_png
from pydicom.uid import generate_uid

LIMITED = """
import resource, sys
from LowDoseContrastTrainingLib.__main__ import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.exit(main(sys.argv[2:]))
"""


class BadInputTestCase(FolderTest):
    def setUp(self):
        self.here = self.folder / self.id().rsplit(".", 1)[-1]
        self.here.mkdir()

    def recipe(self, name="tiny", **fields):
        path = self.here / f"{name}.json"
        path.write_text(json.dumps({"name": "run1", **TINY, **fields}))
        return path

    def refused(self, *arguments):
        """The one line that a command says."""
        out, said = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
            code = main([str(argument) for argument in arguments])
        self.assertEqual((code, out.getvalue()), (2, ""), said.getvalue())
        self.assertEqual(len(said.getvalue().splitlines()), 1, said.getvalue())
        return said.getvalue()

    def train_refused(self, data=None, **fields):
        return self.refused(
            "train", data or self.data, self.here / "run", "--recipe", self.recipe(**fields), "--device", "cpu"
        )


class PrepareTest(BadInputTestCase):
    def image(self, name, dose, study, **choices):
        pixels = examples.phantom_pixels(choices.pop("shape", (300, 260)))
        (self.here / "dicom").mkdir(exist_ok=True)
        examples.write_dicom(
            self.here / "dicom" / name, pixels, EntranceDoseInmGy=dose, StudyInstanceUID=study, **choices
        )

    def prepare_refused(self):
        said = self.refused("prepare", self.here / "dicom", self.here / "set", "--patch-size", "64")
        self.assertFalse((self.here / "set").exists())
        return said

    def test_a_folder_without_images(self):
        (self.here / "dicom").mkdir()
        self.assertIn("dicom", self.prepare_refused())
        (self.here / "dicom" / "notes.txt").write_text("no DICOM")
        self.assertIn("no arrangement", self.prepare_refused())

    def test_one_dose_only(self):
        for name in "ab":
            self.image(f"{name}.dcm", 3.359, generate_uid())
        self.assertRegex(
            self.prepare_refused(), "no arrangement has two matching images at both doses .* among 2 files"
        )

    def test_mixed_sizes(self):
        study = generate_uid()
        self.image("low.dcm", 3.359, study)
        self.image("high.dcm", 11.523, study, shape=(320, 260))
        self.assertIn("size", self.prepare_refused())


class DataSetTest(BadInputTestCase):
    def setUp(self):
        super().setUp()
        self.copy = self.here / "set"
        shutil.copytree(self.data, self.copy)
        self.patch = self.copy / "A" / "train" / "1.png"

    def manifest(self, change):
        path = self.copy / "manifest.json"
        manifest = json.loads(path.read_text())
        change(manifest)
        path.write_text(json.dumps(manifest))

    def vouch_for(self, path):
        """Let the manifest hold the hash of what a patch is now, as if it had always been so."""

        def change(manifest):
            entry = next(p for p in manifest["patches"] if p["split"] == "train" and p["name"] == path.name)
            entry["sha256_A"] = hashlib.sha256(path.read_bytes()).hexdigest()

        self.manifest(change)

    def train_refused(self, **fields):
        said = super().train_refused(self.copy, **fields)
        self.assertFalse((self.here / "run").exists())
        return said

    def test_a_corrupt_png(self):
        self.patch.write_bytes(self.patch.read_bytes()[:100])
        self.assertIn("1.png: is not the file in the manifest", self.train_refused())
        self.vouch_for(self.patch)
        self.assertIn("1.png: cannot be read as PNG", self.train_refused())

    def test_patches_of_several_sizes(self):
        write_png(self.patch, np.zeros((150, 144), np.uint16))
        self.vouch_for(self.patch)
        self.assertIn("patches of several sizes", self.train_refused())

    def test_a_manifest_that_does_not_match_the_files(self):
        self.patch.unlink()
        self.assertIn("1.png: is missing", self.train_refused())

    def test_a_manifest_that_is_none(self):
        for change in (
            lambda m: m.pop("patches"),
            lambda m: m["patches"][0].pop("sha256_B"),
            lambda m: m["arrangements"][0]["low"].pop("dose_mgy"),
            lambda m: m["arrangements"].clear(),
            lambda m: m["scale"].update(colour=1),
            lambda m: m["scale"].update(low="1"),
            lambda m: m["scale"].update(high=float("nan")),
            lambda m: m["patches"][0].update(name=3),
            lambda m: m["arrangements"][0].update(spacing=[0.1]),
            lambda m: m["arrangements"][0]["high"].update(signal=["1", 2, 3]),
        ):
            self.manifest(change)
            self.assertIn("manifest.json: is not a valid manifest", self.train_refused())
            shutil.copy(self.data / "manifest.json", self.copy)
        (self.copy / "manifest.json").write_text("[]")
        self.assertIn("manifest.json: is not a valid manifest", self.train_refused())


class RecipeTest(BadInputTestCase):
    def test_fields_that_are_wrong(self):
        self.assertIn("unknown recipe field 'colour'", self.train_refused(colour=1))
        self.assertIn("ngf must be at least 1, it is 0", self.train_refused(ngf=0))
        self.assertIn(
            "a log intensity scale must start above 0, not at 0.0; set the recipe's scale_low",
            self.train_refused(scale="log"),
        )
        self.assertIn("low (9.0) must be below high (5.0)", self.train_refused(scale_low=9.0, scale_high=5.0))
        self.assertFalse((self.here / "run").exists())


class CheckpointTest(BadInputTestCase):
    def test_one_of_another_architecture(self):
        self.train("trained", epochs=1)
        said = self.refused("train", self.data, self.folder / "trained", "--recipe", self.recipe(ngf=3), "--resume")
        self.assertIn("trained with ngf 2, not 3; resume with the same recipe", said)
        run = self.here / "run"
        shutil.copytree(self.folder / "trained", run)
        recipe = self.recipe(epochs=1)
        state = torch.load(run / "checkpoint.pt", weights_only=True)
        torch.save(
            {**state, "recipe": {**state["recipe"], "architecture": "unet_256", "crop_size": 256, "load_size": 286}},
            run / "checkpoint.pt",
        )
        self.assertIn(
            "trained with architecture unet_256, not unet_128",
            self.refused("train", self.data, run, "--recipe", recipe, "--resume"),
        )

    def test_one_that_is_damaged(self):
        self.train("whole", epochs=1)
        run = self.here / "run"
        shutil.copytree(self.folder / "whole", run)
        (run / "checkpoint.pt").write_bytes((run / "checkpoint.pt").read_bytes()[:-500])
        self.assertIn(
            "checkpoint.pt: cannot be read as a checkpoint",
            self.refused("train", self.data, run, "--recipe", self.recipe(epochs=1), "--resume"),
        )


class FolderInUseTest(BadInputTestCase):
    def test_what_is_no_run_is_not_resumed(self):
        (self.here / "run").mkdir()
        (self.here / "run" / "thesis.txt").write_text("mine")
        for more, words in (([], "is not empty"), (["--resume"], "holds no training run to resume, but thesis.txt")):
            self.assertIn(words, self.refused("train", self.data, self.here / "run", "--recipe", self.recipe(), *more))

    def test_what_a_kill_left_half_written_is_removed(self):
        self.train("killed", epochs=1)
        leftover = self.folder / "killed" / ".writing-x" / "checkpoint.pt"
        leftover.parent.mkdir()
        leftover.write_bytes(b"half")
        self.train("killed", resume=True, epochs=1)
        self.assertFalse(leftover.parent.exists())


class FullDiskTest(BadInputTestCase):
    @unittest.skipIf(os.name == "nt", "files cannot be limited there")
    def test_the_last_good_checkpoint_stays(self):
        """A limit on the size of files stands in for a disk that fills up, in the checkpoint and in a model."""
        run, recipe = self.here / "run", self.recipe(epochs=3)
        steps = self.steps(run, epochs=3)
        next(step for step in steps if step.epoch == 2)
        steps.close()
        before = {name: (run / name).read_bytes() for name in ("checkpoint.pt", "losses.csv")}
        for limited in ("checkpoint.pt", "model-last.safetensors"):
            said = self.limited(
                (run / limited).stat().st_size - 100,
                "train",
                self.data,
                run,
                "--recipe",
                recipe,
                "--resume",
                "--device",
                "cpu",
            )
            self.assertRegex(said, rf"^error: .*{limited}: no space left on the disk.*\n$")
            self.assertEqual((run / "checkpoint.pt").read_bytes(), before["checkpoint.pt"])
            self.assertEqual(list(run.glob(".writing-*")), [])
        resumed, straight = (
            self.train(run.relative_to(self.folder), resume=True, epochs=3),
            self.train("straight", epochs=3),
        )
        weights = [load_model(result["model_last"]).generator.state_dict() for result in (resumed, straight)]
        self.assertTrue(all(torch.equal(value, weights[1][name]) for name, value in weights[0].items()))

    def limited(self, size, *arguments):
        """What a command says in a process that can write files of so many bytes."""
        environment = {**examples.environment(), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [examples.PYTHON, "-c", LIMITED, str(size), *map(str, arguments)],
            env=environment,
            capture_output=True,
            text=True,
        )
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        return done.stderr


if __name__ == "__main__":
    unittest.main()
