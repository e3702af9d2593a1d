"""Training in several processes: the parts of batches, agreement with one process, a killed worker."""

import csv
import json
import os
import signal
import subprocess
import time
import unittest
from pathlib import Path

import lowdosecontrast_examples as examples
import numpy as np
import torch
from lowdosecontrast_training import TINY, FolderTest, write_data_set
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.model import load_model
from LowDoseContrastTrainingLib.dataset.manifest import open_data_set
from LowDoseContrastTrainingLib.dataset.patch_store import PatchStore
from LowDoseContrastTrainingLib.training.batches import Batches
from LowDoseContrastTrainingLib.training.recipes import recipe_from_dict

# Without dropout and with a norm of single images, the parts of a batch do not depend on each other.
APART = {**TINY, "norm": "instance", "dropout": False, "batch_size": 4, "epochs": 3}


class PartsTest(FolderTest):
    """What each process sees of an epoch, without starting any."""

    def batches(self, part=0, parts=1, room=1e9, **fields):
        data = open_data_set(self.data)
        recipe = recipe_from_dict({**TINY, "crop": "native", "flip": "both", **fields})
        return Batches(PatchStore(data, "train", room), data.scale, recipe, part, parts)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.data = write_data_set(cls.folder / "eleven", {"train": 11})

    def test_the_parts_of_a_batch_are_what_one_process_sees(self):
        alone = list(self.batches(batch_size=4).epoch(5))
        parts = [list(self.batches(part, 2, batch_size=4).epoch(5)) for part in (0, 1)]
        self.assertEqual([len(batch.low) for batch in alone], [4, 4, 3])
        for batch, *pieces in zip(alone, *parts):
            for side in (0, 1):
                self.assertTrue(torch.equal(batch[side], torch.cat([piece[side] for piece in pieces])))

    def test_weights_make_the_mean_of_uneven_parts_that_of_the_batch(self):
        last = [list(self.batches(part, 2, batch_size=4).epoch(0))[-1] for part in (0, 1)]
        self.assertEqual([len(batch.low) for batch in last], [1, 2])
        together = np.mean([batch.weight * batch.low.mean().item() for batch in last])
        self.assertAlmostEqual(together, torch.cat([batch.low for batch in last]).mean().item(), places=2)

    def test_an_epoch_sees_each_patch_once_and_no_process_is_idle(self):
        for size, parts in ((4, 3), (5, 4), (11, 2), (10, 3)):
            with self.subTest(batch=size, processes=parts):
                seen = [
                    list(self.batches(part, parts, batch_size=size, crop_size=128, flip="none").epoch(1))
                    for part in range(parts)
                ]
                self.assertEqual({len(each) for each in seen}, {len(seen[0])})
                self.assertGreater(min(len(batch.low) for each in seen for batch in each), 0)
                self.assertEqual(sum(len(batch.low) for each in seen for batch in each), 11)

    def test_a_batch_smaller_than_the_processes_is_refused(self):
        with self.assertRaisesRegex(InputError, "batch_size"):
            self.batches(0, 2, batch_size=1)

    def test_patches_that_do_not_fit_in_memory_are_read_when_needed(self):
        kept, some, streamed = (self.batches(room=room, batch_size=3) for room in (1e9, 4 * 2 * 144 * 144 * 2, 0))
        self.assertEqual([each.store.kept for each in (kept, some, streamed)], [11, 4, 0])
        self.assertEqual(some.store.kept_bytes, 4 * 2 * 144 * 144 * 2)
        for batch, *others in zip(kept.epoch(2), some.epoch(2), streamed.epoch(2)):
            for other in others:
                self.assertTrue(torch.equal(batch.low, other.low) and torch.equal(batch.high, other.high))

    def test_a_streamed_patch_that_is_changed_meanwhile_is_refused(self):
        data = write_data_set(self.folder / "changed", {"train": 2})
        store = PatchStore(open_data_set(data), "train", 0)
        path = data / "B" / "train" / "1.png"
        path.write_bytes(path.read_bytes()[:-5])
        with self.assertRaisesRegex(InputError, "1.png: is not the file in the manifest"):
            store.pair(1)


class ProcessesTest(FolderTest):
    """Real processes, started by torchrun."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.data = write_data_set(cls.folder / "eight", {"train": 8, "val": 2})

    def started(self, name, restarts=0, **fields):
        """Start a training of two processes in the folder ``name``; returns torchrun's process."""
        recipe = self.folder / f"{name}.json"
        recipe.write_text(json.dumps({**APART, **fields}))
        arguments = [
            "--standalone",
            "--nnodes",
            "1",
            "--nproc_per_node",
            "2",
            "--max_restarts",
            str(restarts),
            "--monitor_interval",
            "0.1",
        ]
        command = [examples.PYTHON, "-m", "torch.distributed.run", *arguments, "-m", "LowDoseContrastTrainingLib"]
        command += ["train", str(self.data), str(self.folder / name), "--recipe", str(recipe), "--threads", "1"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=examples.environment()
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.kill)
        return process

    def finished(self, process):
        said, _ = process.communicate(timeout=240)
        self.assertEqual(process.returncode, 0, said)
        return said

    def losses(self, name):
        with open(self.folder / name / "losses.csv", newline="") as stream:
            return list(csv.DictReader(stream))

    def weights(self, name):
        return load_model(self.folder / name / "model-last.safetensors").generator.state_dict()

    def test_two_processes_follow_one(self):
        """Their gradients differ by rounding only, which Adam magnifies where a gradient is nearly zero."""
        said = self.finished(self.started("two"))
        self.assertEqual(said.count("the model of epoch"), 1, said)  # the first process speaks for both
        self.train("one", **APART)
        for one, two in zip(self.losses("one"), self.losses("two"), strict=True):
            for column in ("G_GAN_mean", "G_L1_mean", "D_real_mean", "D_fake_mean", "val_l1_model"):
                self.assertAlmostEqual(float(two[column]) / float(one[column]), 1, delta=1e-3, msg=column)
        one, two = (torch.cat([weight.flatten() for weight in self.weights(name).values()]) for name in ("one", "two"))
        self.assertLess((one - two).norm().item(), 0.01 * one.norm().item())

    @unittest.skipUnless(Path("/proc/self/task").is_dir(), "needs /proc to find the workers")
    def test_after_a_worker_is_killed_the_others_go_on_with_a_new_one(self):
        """Dropout and batch norm included, the restarted training is that which was never hurt, bit for bit."""
        fields = {"norm": "batch", "dropout": True, "epochs": 5, "crops_per_patch": 4}
        self.finished(self.started("unhurt", **fields))
        process = self.started("hurt", restarts=1, **fields)
        deadline = time.monotonic() + 120
        while not (self.folder / "hurt" / "checkpoint.pt").exists():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        os.kill(examples.children_of(examples.python_of(process))[-1], signal.SIGKILL)
        self.finished(process)
        self.assertEqual(len(self.losses("hurt")), 5)
        unhurt, hurt = self.weights("unhurt"), self.weights("hurt")
        for name, weight in unhurt.items():
            self.assertTrue(torch.equal(weight, hurt[name]), name)


if __name__ == "__main__":
    unittest.main()
