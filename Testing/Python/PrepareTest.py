"""From acquisitions to patches: how pairs are looked at, cut, split, and kept in a folder."""

import contextlib
import errno
import hashlib
import io
import json
import shutil
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
from LowDoseContrastLib.derived import write_with_pixels
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.files import read_mammogram
from LowDoseContrastLib.steps import run_to_end
from LowDoseContrastTrainingLib.__main__ import main
from LowDoseContrastTrainingLib.dataset import cutting_patches
from LowDoseContrastTrainingLib.dataset.manifest import PatchEntry, open_data_set
from LowDoseContrastTrainingLib.dataset.overlap import overlap
from LowDoseContrastTrainingLib.dataset.patch_store import PatchStore
from LowDoseContrastTrainingLib.dataset.prepare import prepare
from LowDoseContrastTrainingLib.dataset.prepare_settings import PrepareSettings
from LowDoseContrastTrainingLib.simulator.parameters import parameters_for
from LowDoseContrastTrainingLib.simulator.simulation import SimulationPlan, simulate


class OverlapTest(unittest.TestCase):
    def test_what_is_left_shows_the_same_in_both(self):
        low = np.arange(48).reshape(6, 8)
        for shift in ((0, 0), (2, -3), (-1, 1)):
            high = np.roll(low, shift, (0, 1))
            common = overlap(low.shape, shift)
            np.testing.assert_array_equal(*common.crop(low, high))
            self.assertEqual(common.shape, (6 - abs(shift[0]), 8 - abs(shift[1])))


class SettingsTest(unittest.TestCase):
    def test_values_out_of_range_name_their_option(self):
        wrong = [
            ("patch_size", {"patch_size": 0}), ("seed", {"seed": -1}), ("max_shift", {"max_shift": float("nan")}), ("bits", {"bits": 12}),
            ("breast_part", {"breast_part": 1.1}), ("split", {"split": "x"}), ("split", {"split": "loo"}), ("split", {"fold": 2}),
            ("test", {"split": "loo", "fold": 1, "test": 1}), ("scale", {"scale": "5,5"}), ("scale", {"scale": "1,2,3"}), ("doses", {"doses": "low=1"}),
        ]  # fmt: skip
        for field, values in wrong:
            with self.subTest(values), self.assertRaises(InputError) as caught:
                PrepareSettings(**values)
            self.assertEqual(caught.exception.field, field)
            self.assertIn(
                "--" + field.replace("_", "-"), caught.exception.told(lambda name: "--" + name.replace("_", "-"))
            )


def moved(path, shift):
    """Write the image at ``path`` anew with its content moved by (rows, columns)."""
    mammogram = read_mammogram(path)
    write_with_pixels(path, mammogram.header, np.roll(mammogram.pixels, shift, (1, 2)), overwrite=True)


class PreparedTest(unittest.TestCase):
    """Data sets of four small simulated arrangements."""

    place = None

    @classmethod
    def setUpClass(cls):
        if PreparedTest.place is None:  # once for all classes
            PreparedTest.place = Path(tempfile.mkdtemp())
            unittest.addModuleCleanup(shutil.rmtree, cls.place)
            parameters = parameters_for("small", {"rows": 448, "columns": 384})
            run_to_end(simulate(cls.place / "dicom", SimulationPlan(9, 4, ("low", "high"), parameters, compress=False)))

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(dir=self.place))
        self.dicom, self.output = self.place / "dicom", self.folder / "set"

    def prepared(self, output=None, **choices):
        settings = PrepareSettings(**{"patch_size": 64, "stride": 64, "validation": 1, "test": 1, **choices})
        return prepare(self.dicom, output or self.output, settings)

    def manifest(self):
        return json.loads((self.output / "manifest.json").read_text())

    def contents(self, folder=None):
        """Bytes and time of every file."""
        folder = folder or self.output
        return {
            p.relative_to(folder).as_posix(): (p.read_bytes(), p.stat().st_mtime_ns)
            for p in folder.rglob("*")
            if p.is_file()
        }

    def moved_copy(self, shift):
        """Let the second arrangement's high dose be moved."""
        self.dicom = self.folder / "moved"
        shutil.copytree(self.place / "dicom", self.dicom)
        moved(self.dicom / "arrangement-02" / "high.dcm", shift)


class ShiftTest(PreparedTest):
    def test_images_in_place_have_no_shift(self):
        run_to_end(self.prepared(split="arrangement"))
        self.assertEqual([each["shift"] for each in self.manifest()["arrangements"]], [[0, 0]] * 4)
        self.assertEqual(self.manifest()["warnings"], [])

    def test_a_shift_is_told(self):
        self.moved_copy((3, -2))
        result = run_to_end(self.prepared(split="arrangement"))
        np.testing.assert_allclose(self.manifest()["arrangements"][1]["shift"], [3, -2], atol=0.11)
        self.assertEqual(len(result["warnings"]), 1)
        self.assertRegex(result["warnings"][0], r"arrangement 2: .*\+3.0 rows and -[12].[09] columns")

    def test_align_gives_the_patches_of_unmoved_images(self):
        self.moved_copy((3, -2))
        result = run_to_end(self.prepared(split="arrangement", align=True, bits=16))
        self.assertEqual(result["warnings"], [])
        second = self.manifest()["arrangements"][1]
        self.assertEqual(second["overlap"], {"low": [0, 2], "high": [3, 0], "shape": [445, 382]})
        patch = next(each for each in self.manifest()["patches"] if each["arrangement"] == 2)
        data = open_data_set(self.output)
        index = data.of(patch["split"]).index(PatchEntry.from_json(patch))
        row, column = patch["row"], patch["column"] + 2
        for side, name in enumerate(("low", "high")):
            pixels = read_mammogram(self.place / "dicom" / "arrangement-02" / f"{name}.dcm").pixels[0]
            stored = PatchStore(data, patch["split"], room=0).pair(index)[side]
            np.testing.assert_array_equal(stored, pixels[row : row + 64, column : column + 64])

    def test_a_pair_too_far_apart_is_left_out(self):
        self.moved_copy((9, 0))
        result = run_to_end(self.prepared(split="arrangement"))
        self.assertEqual((result["images"], result["arrangements"]), (6, 3))
        why = {row["file"]: row["why"] for row in self.manifest()["files"]}
        self.assertIn("--max-shift: +9.0 rows", why["arrangement-02/high.dcm"])

    def test_a_damaged_image_is_left_out(self):
        self.moved_copy((0, 0))
        path = self.dicom / "arrangement-02" / "low.dcm"
        path.write_bytes(path.read_bytes()[:-1000])
        self.assertEqual(run_to_end(self.prepared(split="arrangement"))["arrangements"], 3)
        self.assertIn(
            "cannot be used", {row["file"]: row["why"] for row in self.manifest()["files"]}["arrangement-02/low.dcm"]
        )


class SplitTest(PreparedTest):
    def test_random_says_that_it_leaks(self):
        result = run_to_end(self.prepared(test=20))
        self.assertIn("in training and in test", result["warnings"][0])
        splits = {}
        for patch in self.manifest()["patches"]:
            splits.setdefault(patch["group"], set()).add(patch["split"])
        self.assertTrue(any({"train", "test"} <= each for each in splits.values()))

    def test_each_fold_holds_out_another_arrangement(self):
        held_out = []
        for fold in (1, 2, 3, 4):
            self.output = self.folder / f"fold-{fold}"
            result = run_to_end(self.prepared(split="loo", fold=fold, test=None))
            test, val, train = (
                {p["arrangement"] for p in self.manifest()["patches"] if p["split"] == name}
                for name in ("test", "val", "train")
            )
            held_out += test
            self.assertEqual(
                (len(test), len(val), len(train), test & val, (test | val) & train), (1, 1, 2, set(), set())
            )
            self.assertEqual(
                self.manifest()["folds"][fold - 1]["test"], self.manifest()["arrangements"][fold - 1]["group"]
            )
            self.assertEqual(result["warnings"], [])
        self.assertEqual(held_out, [1, 2, 3, 4])

    def test_views_of_one_arrangement_stay_together(self):
        table = self.folder / "table.csv"
        rows = [
            f"arrangement-{n:02d}/{dose}.dcm,{'a' if n < 3 else n}" for n in (1, 2, 3, 4) for dose in ("low", "high")
        ]
        table.write_text("\n".join(["file,arrangement", *rows]))
        self.moved_copy((0, 0))
        for dose in ("low", "high"):
            path = self.dicom / "arrangement-02" / f"{dose}.dcm"
            mammogram = read_mammogram(path)
            mammogram.header.ViewPosition = "MLO"
            write_with_pixels(path, mammogram.header, mammogram.pixels, overwrite=True)
        result = run_to_end(self.prepared(split="loo", fold=1, test=None, group_by=str(table)))
        self.assertEqual((result["images"], result["arrangements"]), (8, 3))
        self.assertEqual({p["arrangement"] for p in self.manifest()["patches"] if p["split"] == "test"}, {1, 2})

    def test_a_fold_that_is_not_there_leaves_nothing(self):
        with self.assertRaisesRegex(InputError, "must be from 1 to 4") as caught:
            run_to_end(self.prepared(split="loo", fold=5, test=None))
        self.assertEqual(caught.exception.field, "fold")
        self.assertFalse(self.output.exists())


class ScaleTest(PreparedTest):
    def scale(self, **choices):
        self.output = self.folder / str(len(list(self.folder.iterdir())))
        run_to_end(self.prepared(**choices))
        return self.manifest()["scale"]

    def test_scales(self):
        self.assertEqual(self.scale(scale="full"), {"low": 0, "high": 2**14 - 1, "levels": 255})
        self.assertEqual(self.scale(scale="10,4000"), {"low": 10, "high": 4000, "levels": 255})
        self.assertEqual(self.scale(bits=16), {"low": 0, "high": 65535, "levels": 65535})
        auto = self.scale()
        self.assertEqual(
            auto["high"], np.ceil(np.mean([each["high"]["signal"][2] for each in self.manifest()["arrangements"]]))
        )


class FolderTest(PreparedTest):
    def test_a_second_run_changes_nothing(self):
        first = run_to_end(self.prepared())
        before = self.contents()
        self.assertEqual(run_to_end(self.prepared()), first)
        self.assertEqual(self.contents(), before)

    def test_an_interrupted_run_goes_on(self):
        run_to_end(self.prepared(self.folder / "straight"))
        steps = self.prepared()
        for progress in steps:
            if progress.message == "patches 2 of 4":
                break
        steps.close()
        before = self.contents()
        self.assertTrue(any(name.startswith("A/train/") for name in before))
        self.assertFalse((self.output / "manifest.json").exists())
        run_to_end(self.prepared())
        after, straight = self.contents(), self.contents(self.folder / "straight")
        self.assertEqual({name: after[name] for name in before}, before)
        self.assertEqual(
            {name: data for name, (data, _) in after.items()}, {name: data for name, (data, _) in straight.items()}
        )

    def test_a_lost_patch_is_made_again(self):
        run_to_end(self.prepared())
        before = self.contents()
        name = next(name for name in before if name.startswith("B/train/"))
        (self.output / name).unlink()
        run_to_end(self.prepared())
        self.assertEqual(
            {name: data for name, (data, _) in self.contents().items()},
            {name: data for name, (data, _) in before.items()},
        )

    def test_other_settings_sources_and_files_are_refused(self):
        run_to_end(self.prepared())
        before = self.contents()
        with self.assertRaisesRegex(InputError, r"other settings \(stride\)"):
            run_to_end(self.prepared(stride=32))
        self.moved_copy((1, 0))
        with self.assertRaisesRegex(InputError, r"other settings \(sources\)"):
            run_to_end(self.prepared())
        self.assertEqual(self.contents(), before)
        foreign = self.folder / "foreign"
        foreign.mkdir()
        (foreign / "thesis.txt").write_text("mine")
        with self.assertRaisesRegex(InputError, "not empty.*thesis.txt"):
            run_to_end(self.prepared(foreign))

    def test_a_full_disk_is_one_line_and_the_run_can_go_on(self):
        full = OSError(errno.ENOSPC, "No space left on device")
        with (
            mock.patch.object(cutting_patches, "write_png", side_effect=full),
            self.assertRaisesRegex(InputError, "no space left on the disk"),
        ):
            run_to_end(self.prepared())
        self.assertEqual(list(self.contents()), ["prepare.json"])
        self.assertEqual(list(self.output.rglob(".writing-*")), [])
        run_to_end(self.prepared())
        self.assertTrue((self.output / "manifest.json").exists())

    def test_the_manifest_names_the_sources_and_the_sheet_is_there(self):
        result = run_to_end(self.prepared())
        low = self.manifest()["arrangements"][0]["low"]
        self.assertEqual((low["file"], low["dose_from"]), ("arrangement-01/low.dcm", "dose tag"))
        self.assertEqual(low["sha256"], hashlib.sha256((self.dicom / low["file"]).read_bytes()).hexdigest())
        self.assertTrue(Path(result["contact_sheet"]).read_bytes().startswith(b"\x89PNG"))

    def test_without_matplotlib_there_is_no_sheet(self):
        with mock.patch.dict("sys.modules", {"matplotlib": None, "matplotlib.figure": None}):
            self.assertIsNone(run_to_end(self.prepared())["contact_sheet"])

    def test_the_command_prints_json_and_lines_of_progress(self):
        said, shown = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(shown):
            self.assertEqual(
                main(
                    [
                        "prepare",
                        str(self.dicom),
                        str(self.output),
                        "--patch-size",
                        "64",
                        "--json",
                        "--progress",
                        "lines",
                    ]
                ),
                0,
            )
        result = json.loads(said.getvalue())
        self.assertLessEqual({"images", "arrangements", "pairs", "train", "val", "test", "excluded"}, result.keys())
        self.assertEqual(self.manifest()["settings"]["stride"], 64)
        done = [json.loads(line)["done"] for line in shown.getvalue().splitlines()]
        self.assertEqual((done, done[-1]), (sorted(done), 1))


if __name__ == "__main__":
    unittest.main()
