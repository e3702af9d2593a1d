"""Model files: what is written is read, and nothing damaged is ever used."""

import json
import os
import tempfile
import unittest
from pathlib import Path

import lowdosecontrast_examples as examples
import numpy as np
import torch
from LowDoseContrastLib import catalogue
from LowDoseContrastLib.card import ModelCard
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.model import load_model, read_card, save_model
from safetensors.torch import load_file, save_file


class ModelFileTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.model = examples.small_model()
        self.path = save_model(
            self.folder / "small.safetensors", self.model.generator, self.model.card, dtype="float32"
        )

    def assertRefused(self, path, words):
        with self.assertRaises(InputError) as caught:
            load_model(path)
        message = str(caught.exception)
        self.assertIn(path.name, message)
        self.assertIn(words, message)
        self.assertNotIn("\n", message)

    def rewritten(self, change, metadata=None):
        """A copy whose tensors went through ``change``, with a metadata that is right for them."""
        weights = load_file(self.path)
        change(weights)
        from LowDoseContrastLib import model as module

        text = self.model.card.to_json()
        target = self.folder / "changed.safetensors"
        save_file(
            weights,
            target,
            metadata or {"format": module.FORMAT, "card": text, "sha256": module._content_hash(weights, text)},
        )
        return target

    def test_roundTrip(self):
        loaded = load_model(self.path)
        self.assertEqual(loaded.card, self.model.card)
        self.assertEqual(read_card(self.path), self.model.card)
        image = torch.rand(1, 1, 256, 256)
        with torch.no_grad():
            self.assertTrue(torch.equal(loaded.generator(image), self.model.generator(image)))

    def test_aCardOfOtherTypesIsRefused(self):
        changes = {
            "name": 3,
            "recipe": "run1",
            "results": [1],
            "limits": [None],
            "domain": {"dose_mgy": [1.0, "2"]},
            "intensity": {"kind": "linear", "low": 0.0, "high": 10**400},
        }
        for name, value in changes.items():
            with self.subTest(name), self.assertRaisesRegex(InputError, "model card is not valid"):
                ModelCard.from_dict({**self.model.card.to_dict(), name: value})
        with self.assertRaisesRegex(InputError, "model card has schema None"):
            ModelCard.from_dict(["a list"])

    def test_aCardOfAHugeNetworkTakesNoMemory(self):
        from LowDoseContrastLib import model as module

        for ngf, words in ((100_000, "has shape"), (2**40, "")):
            card = self.model.card.to_dict()
            card["architecture"]["ngf"] = ngf
            text = json.dumps(card)
            metadata = {
                "format": module.FORMAT,
                "card": text,
                "sha256": module._content_hash(load_file(self.path), text),
            }
            self.assertRefused(self.rewritten(lambda weights: None, metadata), words)

    def test_halfPrecisionIsSmallAndClose(self):
        half = save_model(self.folder / "half.safetensors", self.model.generator, self.model.card)
        self.assertLess(half.stat().st_size, 0.62 * self.path.stat().st_size)
        image = torch.rand(1, 1, 256, 256)
        with torch.no_grad():
            difference = (load_model(half).generator(image) - self.model.generator(image)).abs().max()
        self.assertLess(float(difference), 5e-3)

    def test_everyFlippedByteIsNoticed(self):
        data = self.path.read_bytes()
        rng = np.random.default_rng(0)
        header = int.from_bytes(data[:8], "little")
        places = [0, 3, 9, *rng.integers(8, 8 + header, 40), *rng.integers(8 + header, len(data), 40), len(data) - 1]
        damaged = self.folder / "damaged.safetensors"
        for place in places:
            changed = bytearray(data)
            changed[place] ^= 1 << int(rng.integers(8))
            damaged.write_bytes(changed)
            with self.assertRaises(InputError, msg=f"byte {place} of {len(data)}"):
                load_model(damaged)

    def test_truncated(self):
        short = self.folder / "short.safetensors"
        short.write_bytes(self.path.read_bytes()[:-100])
        self.assertRefused(short, "not a whole safetensors file")

    def test_nanWeights(self):
        def poison(weights):
            weights["model.model.3.weight"][0, 0, 0, 0] = float("nan")

        self.assertRefused(self.rewritten(poison), "NaN")

    def test_wrongShape(self):
        def cut(weights):
            weights["model.model.0.weight"] = weights["model.model.0.weight"][:1].clone()

        self.assertRefused(self.rewritten(cut), "shape")

    def test_missingTensor(self):
        self.assertRefused(self.rewritten(lambda weights: weights.pop("model.model.0.weight")), "do not fit")

    def test_otherFiles(self):
        self.assertRefused(self.rewritten(lambda weights: None, metadata={"format": "pt"}), "no LowDoseContrast model")
        text = self.folder / "text.safetensors"
        text.write_text("hello")
        self.assertRefused(text, "not a whole safetensors file")
        self.assertRefused(self.folder / "nowhere.safetensors", "no such model file")

    def test_cardOfAnotherSchema(self):
        with self.assertRaisesRegex(InputError, "schema 99"):
            ModelCard.from_dict({**self.model.card.to_dict(), "schema": 99})
        with self.assertRaisesRegex(InputError, "not valid"):
            ModelCard.from_dict({**self.model.card.to_dict(), "intensity": {"kind": "log", "low": 0, "high": 1}})

    def test_badWeightsAreNotSaved(self):
        with torch.no_grad():
            self.model.generator.model.model[0].weight[0] = float("inf")
        target = self.folder / "bad.safetensors"
        with self.assertRaises(InputError):
            save_model(target, self.model.generator, self.model.card)
        self.assertFalse(target.exists())

    def test_catalogueKeepsAddedModels(self):
        folder = self.folder / "mine"
        os.environ["LOWDOSECONTRAST_MODELS"] = str(folder)
        self.addCleanup(os.environ.pop, "LOWDOSECONTRAST_MODELS")
        entry = catalogue.add_model(self.path)
        self.assertEqual(entry.path.parent, folder)
        self.assertEqual(catalogue.find_model("small"), folder / "small.safetensors")
        with self.assertRaisesRegex(InputError, "already"):
            catalogue.add_model(self.path)
        other = save_model(
            self.folder / "other.safetensors", examples.small_model(seed=1).generator, self.model.card, dtype="float32"
        )
        trained = [
            catalogue.add_trained_model(path, "run").name for path in (self.path, self.path, other, other, self.path)
        ]
        self.assertEqual(trained, ["run", "run", "run-2", "run-2", "run"])
        with self.assertRaisesRegex(InputError, "known:.*small"):
            catalogue.find_model("unknown")
        (folder / "broken.safetensors").write_text("x")
        self.assertTrue(next(e for e in catalogue.list_models() if e.name == "broken").problem)


if __name__ == "__main__":
    unittest.main()
