"""What the page on adding a baseline says: one new file, one line of the registry, and the command judges with it."""

import importlib.util
import json
import re
import sys
import unittest
from unittest import mock

import lowdosecontrast_examples as examples
from EvaluateCommandTest import EvaluateTestCase
from LowDoseContrastTrainingLib.baselines import names
from LowDoseContrastTrainingLib.baselines.base import BASELINE

PAGE = examples.REPOSITORY / "Resources" / "Docs" / "add-a-baseline.md"
BASELINES = examples.REPOSITORY / "LowDoseContrastTraining" / "LowDoseContrastTrainingLib" / "baselines"


def added(page):
    """{file: (lines before and around, lines added)} of the diff on a page."""
    diff = re.search(r"```diff\n(.*?)```", page, re.DOTALL)[1]
    parts = {}
    for part in diff.split("diff --git ")[1:]:
        lines = part.splitlines()
        start = next(place for place, line in enumerate(lines) if line.startswith("@@"))
        body = lines[start + 1 :]
        kept = [line[1:] for line in body if line.startswith(" ")]
        parts[lines[0].rsplit("/", 1)[-1]] = kept, [line[1:] for line in body if line.startswith("+")]
    return parts


@unittest.skipUnless(PAGE.is_file(), "needs a checkout")
class AddBaselineTest(EvaluateTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.added = added(PAGE.read_text(encoding="utf-8"))

    def test_one_new_file_and_one_line_of_the_registry(self):
        (module, (before, _)), (registry, (around, line)) = self.added.items()
        self.assertEqual((module, before), ("median.py", []))
        self.assertFalse((BASELINES / module).exists())
        self.assertEqual((registry, len(line)), ("names.py", 1))
        self.assertIn("\n".join(around), (BASELINES / registry).read_text(encoding="utf-8"))

    def test_the_command_judges_with_it(self):
        module, (_, lines) = next(iter(self.added.items()))
        path = self.folder / module
        path.write_text("\n".join(lines), encoding="utf-8")
        name, place = re.fullmatch(r' *"([\w-]+)": "(\S+)",', self.added["names.py"][1][0]).groups()
        full = f"{names.__package__}{place.partition(':')[0]}"
        spec = importlib.util.spec_from_file_location(full, path)
        found = importlib.util.module_from_spec(spec)
        with mock.patch.dict(sys.modules, {full: found}), mock.patch.dict(names.BASELINES, {name: place}):
            spec.loader.exec_module(found)
            result = self.judged("--model", self.model, baselines=f"identity,{name}")
        row = next(row for row in result["rows"] if row["method"] == name)
        self.assertEqual((row["kind"], set(row["parameters"])), (BASELINE, {"gain", "side"}))
        self.assertIn(row["parameters"]["side"], (3, 5, 7))
        self.assertEqual(result["rows"][-1]["against"]["the best denoising baseline"]["method"], name)
        self.assertIn(name, (self.output / "report.html").read_text(encoding="utf-8"))
        self.assertEqual(
            json.loads((self.output / "results.json").read_text())["settings"]["baselines"], f"identity,{name}"
        )


if __name__ == "__main__":
    unittest.main()
