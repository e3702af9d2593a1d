"""A prepared data set and runs of training small enough for tests."""

import dataclasses
import hashlib
import json
import shutil
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch
from LowDoseContrastLib.steps import run_to_end
from LowDoseContrastTrainingLib.common.file_names import MANIFEST_FILE
from LowDoseContrastTrainingLib.dataset.eight_bit_conversion import StoredScale
from LowDoseContrastTrainingLib.dataset.manifest import SCHEMA
from LowDoseContrastTrainingLib.dataset.png import write_png
from LowDoseContrastTrainingLib.training.recipes import recipe_from_dict
from LowDoseContrastTrainingLib.training.train import train

TINY = {
    "architecture": "unet_128", "ngf": 2, "ndf": 2, "crop_size": 128, "load_size": 136,
    "epochs": 2, "epochs_decay": 0, "batch_size": 2,
}  # fmt: skip


def write_data_set(folder, counts, side=144, levels=65535):
    """A prepared data set of noisy textures, ``counts`` patch pairs a split, without a simulation."""
    scale, rng, patches = StoredScale(0.0, 16383.0, levels), np.random.default_rng(3), []
    for split, count in counts.items():
        for number in range(count):
            anatomy = 400 + 150 * np.sin(np.add.outer(np.arange(side), 2 * np.arange(side)) / (9 + number))
            entry = {"name": f"{number}.png", "split": split}
            for group, image in (
                ("A", rng.normal(anatomy, np.sqrt(anatomy))),
                ("B", rng.normal(3 * anatomy, np.sqrt(anatomy))),
            ):
                path = folder / group / split / entry["name"]
                path.parent.mkdir(parents=True, exist_ok=True)
                write_png(path, scale.encode(image))
                entry[f"sha256_{group}"] = hashlib.sha256(path.read_bytes()).hexdigest()
            patches.append(entry)
    sides = {name: {"dose_mgy": dose, "signal": [100, 400, 700]} for name, dose in (("low", 3.0), ("high", 9.0))}
    arrangement = {
        "intent": "FOR PROCESSING",
        "relationship": "LIN",
        "sign": 1,
        "spacing": [0.1, 0.1],
        "bits": 14,
        **sides,
    }
    manifest = {"schema": SCHEMA, "scale": dataclasses.asdict(scale), "arrangements": [arrangement], "patches": patches}
    (folder / MANIFEST_FILE).write_text(json.dumps(manifest))
    return folder


def write_arranged_data_set(folder, arrangements=6, levels=65535, turned=0):
    """A prepared data set whose patches are of several arrangements.

    Two patches a piece are held out of the last two, ``turned`` by so many.
    """
    write_data_set(folder, {"train": 6, "test": 4, "val": 2}, side=150, levels=levels)

    def arrange(manifest):
        entry = {**manifest["arrangements"][0], "high": {"dose_mgy": 9.0, "signal": [700, 1200, 1700]}}
        manifest["arrangements"] = [
            {**entry, "number": number, "group": f"phantom {number}"} for number in range(1, arrangements + 1)
        ]
        held_out = {"train": 0, "val": arrangements - 3, "test": arrangements - 2}
        for place, patch in enumerate(manifest["patches"]):
            number = (
                1 + (held_out[patch["split"]] + (place % 2 if patch["split"] != "val" else 0) + turned) % arrangements
            )
            patch |= {"arrangement": number, "group": f"phantom {number}"}

    change_manifest(folder, arrange)
    return folder


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def change_manifest(folder, change):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


class OneThreadTest(unittest.TestCase):
    """Tests in a folder of their own; on one thread, for which such networks are large enough."""

    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(1)
        cls.folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)


class FolderTest(OneThreadTest):
    """Tests with a data set and a folder for runs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.data = write_data_set(cls.folder / "set", {"train": 3, "val": 2, "test": 2})

    def steps(self, name, resume=False, start=None, **fields):
        return train(self.data, self.folder / name, recipe_from_dict({**TINY, **fields}), resume, start=start)

    def train(self, name, resume=False, start=None, **fields):
        return run_to_end(self.steps(name, resume, start, **fields))

    def checkpoint(self, name):
        return torch.load(self.folder / name / "checkpoint.pt", weights_only=True)
