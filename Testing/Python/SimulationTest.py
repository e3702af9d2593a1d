"""Folders of simulated acquisitions: files, truth, resuming, and the command."""

import contextlib
import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

import lowdosecontrast_examples as examples
import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.files import read_mammogram
from LowDoseContrastLib.steps import run_to_end
from LowDoseContrastTrainingLib.__main__ import main
from LowDoseContrastTrainingLib.dataset.pairing import find_pairs
from LowDoseContrastTrainingLib.simulator.acquisition import make_arrangement
from LowDoseContrastTrainingLib.simulator.dicom_exposure import oriented
from LowDoseContrastTrainingLib.simulator.layout import image_path
from LowDoseContrastTrainingLib.simulator.parameters import DETECTORS, documented, parameters_for
from LowDoseContrastTrainingLib.simulator.simulation import simulate
from LowDoseContrastTrainingLib.simulator.simulation_plan import plan

TINY = {"rows": 320, "columns": 256, "fibres": (2, 3)}


def tiny_plan(seed=4, arrangements=2, doses=("low", "high"), **choices):
    """A plan whose images take no time."""
    return plan(seed, arrangements, "small", doses, TINY, **choices)


def contents(folder):
    """Relative path -> bytes of every file."""
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()
    }


class FolderTestCase(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def simulated(self, name, chosen, **options):
        return run_to_end(simulate(self.folder / name, chosen, **options))

    def command(self, *arguments):
        """(exit code, standard output, standard error) of ``lowdosecontrast simulate``."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = main(["simulate", *map(str, arguments)])
            except SystemExit as stop:
                code = stop.code
        return code, out.getvalue(), err.getvalue()


class FilesTest(FolderTestCase):
    def test_dicom_says_what_it_is_and_gives_the_pixels_back(self):
        import pydicom

        chosen = tiny_plan(1)
        self.simulated("a", chosen)
        header = pydicom.dcmread(image_path(self.folder / "a", 1, "low"))
        made = make_arrangement(chosen.parameters, 1, 1)
        expected = {
            "Modality": "MG", "PresentationIntentType": "FOR PROCESSING", "PhotometricInterpretation": "MONOCHROME1",
            "PixelIntensityRelationship": "LIN", "PixelIntensityRelationshipSign": 1, "BitsStored": 14,
            "QualityControlImage": "YES", "ImageLaterality": "R", "ImagerPixelSpacing": [0.1, 0.1],
            "EntranceDoseInmGy": made.dose_mgy("low"), "ExposureInuAs": round(12000 * made.dose_mgy("low")),
            "AnodeTargetMaterial": "RHODIUM", "FilterMaterial": "RHODIUM", "KVP": 29, "HalfValueLayer": 0.405,
        }  # fmt: skip
        for name, value in expected.items():
            self.assertEqual(getattr(header, name), value, name)
        self.assertAlmostEqual(float(header.OrganDose) * 100 / float(header.EntranceDoseInmGy), 0.22, places=3)
        np.testing.assert_array_equal(header.pixel_array, oriented(made.exposure("low").pixels, 1))
        other = pydicom.dcmread(image_path(self.folder / "a", 1, "high"))
        self.assertEqual(header.StudyInstanceUID, other.StudyInstanceUID)
        self.assertNotEqual(header.SeriesInstanceUID, other.SeriesInstanceUID)
        another = pydicom.dcmread(image_path(self.folder / "a", 0, "low"))
        self.assertNotEqual(header.StudyInstanceUID, another.StudyInstanceUID)

    def test_other_parameters_have_other_identifiers(self):
        uids = set()
        for xi_e in (2.0, 3.0):
            chosen = plan(1, 1, "small", ("low",), {**TINY, "xi_e": xi_e})
            self.simulated(str(xi_e), chosen)
            uids.add(read_mammogram(image_path(self.folder / str(xi_e), 0, "low")).uid)
        self.assertEqual(len(uids), 2)

    def test_for_presentation_counterpart(self):
        import pydicom

        self.simulated("a", tiny_plan(1, presentation=True))
        raw = pydicom.dcmread(image_path(self.folder / "a", 0, "low"))
        shown = pydicom.dcmread(image_path(self.folder / "a", 0, "low", presentation=True))
        expected = {
            "SOPClassUID": "1.2.840.10008.5.1.4.1.1.1.2", "PresentationIntentType": "FOR PRESENTATION", "BitsStored": 12,
            "PixelIntensityRelationship": "LOG", "PixelIntensityRelationshipSign": -1, "PhotometricInterpretation": "MONOCHROME2",
            "PresentationLUTShape": "IDENTITY", "VOILUTFunction": "LINEAR", "StudyInstanceUID": raw.StudyInstanceUID,
        }  # fmt: skip
        for name, value in expected.items():
            self.assertEqual(getattr(shown, name), value, name)
        self.assertEqual(shown.SourceImageSequence[0].ReferencedSOPInstanceUID, raw.SOPInstanceUID)
        self.assertEqual(len(shown.WindowCenter), len(shown.WindowCenterWidthExplanation))
        self.assertNotIn("WindowCenter", raw)
        linear, values = raw.pixel_array.astype(float) - 1.9, shown.pixel_array.astype(float)
        inner = slice(130, 190), slice(20, 90)
        slope = np.polyfit(np.log(linear[inner]).ravel(), values[inner].ravel(), 1)[0]
        self.assertAlmostEqual(slope, -4095 / 7, delta=0.05 * 4095 / 7)
        tissue, air = values[inner].mean(), values[5:30, -30:].mean()
        low = shown.WindowCenter[0] - shown.WindowWidth[0] / 2
        self.assertTrue(air < low < tissue < low + shown.WindowWidth[0])
        # The rim, where thickness and with it everything but the skin's edge falls, is not darker than air.
        self.assertLess(np.ptp(values[inner]) / 2, abs(tissue - air))

    def test_files_conform_to_the_standard(self):
        validator = shutil.which("dciodvfy")
        if validator is None:
            self.skipTest("dciodvfy is not installed (Debian package dicom3tools)")
        files = self.simulated("a", tiny_plan(2, presentation=True, realisations=2))["files"]
        selenium = plan(2, 1, "selenium", ("low",), {"rows": 320, "columns": 256})
        files += self.simulated("b", selenium)["files"]
        self.assertEqual(len(files), 2 * 2 * 2 * 2 + 1)
        for name in files:
            said = subprocess.run([validator, name], capture_output=True, text=True).stderr
            self.assertNotIn("Error", said, name)

    def test_pairs_are_found_among_counterparts_and_realisations(self):
        self.simulated("a", tiny_plan(presentation=True, realisations=2))
        pairs, table = find_pairs(self.folder / "a")
        self.assertEqual(len(pairs), 2)
        for number, pair in enumerate(pairs):
            self.assertEqual(pair.low.path, image_path(self.folder / "a", number, "low"))
        self.assertTrue(all(row["why"] for row in table if row["fate"] == "left out"))


class TruthTest(FolderTestCase):
    def truth(self, name="a", number=0):
        place = self.folder / name / f"arrangement-{number + 1:02d}" / "truth"
        images = {path.stem: read_mammogram(path).pixels[0] for path in place.glob("*.nrrd")}
        return images, json.loads((place / "truth.json").read_text())

    def test_noise_free_image_is_the_mean_of_the_realisations(self):
        many = 12
        self.simulated("a", tiny_plan(6, 1, ("low",), realisations=many))
        clean = self.truth()[0]["low"].astype(float)
        draws = [
            read_mammogram(image_path(self.folder / "a", 0, "low", k)).pixels[0].astype(float) for k in range(many)
        ]
        self.assertEqual(len({draw.tobytes() for draw in draws}), many)
        inside = self.truth()[0]["mask"] > 0
        error = (np.mean(draws, axis=0) - clean)[inside]
        spread = np.std(draws, axis=0, ddof=1)[inside]
        self.assertLess(abs(error.mean()), 0.02)
        # Noise shrinks with the number of draws; only the fixed pattern, 0.2% of the mean, remains.
        expected = np.sqrt(np.mean(spread**2) / many + np.mean((0.002 * clean[inside]) ** 2))
        self.assertAlmostEqual(np.sqrt(np.mean(error**2)) / expected, 1, delta=0.1)

    def test_inserts_are_where_the_truth_says(self):
        self.simulated("a", tiny_plan())
        for number, side in enumerate("LR"):
            images, facts = self.truth(number=number)
            self.assertEqual(facts["laterality"], side)
            pixels = read_mammogram(image_path(self.folder / "a", number, "high")).pixels[0]
            air_first = pixels[:, :5].mean() > pixels[:, -5:].mean()
            self.assertEqual(air_first, side == "R")
            found = 0
            for insert in facts["inserts"]:
                self.assertIn(insert["kind"], ("circumscribed", "spiculated", "fibre", "grain"))
                row, column = round(insert["row"]), round(insert["column"])
                if 0 <= row < pixels.shape[0] and 0 <= column < pixels.shape[1]:
                    found += images["inserts"][row, column] == insert["id"]
            self.assertGreater(found, 0.7 * len(facts["inserts"]))

    def test_a_nodule_has_the_contrast_that_the_truth_states(self):
        chosen = plan(3, 1, "small", ("high",), {"rows": 640, "columns": 512, "scatter_to_primary": 0.0})
        made = make_arrangement(chosen.parameters, 3, 0)
        from LowDoseContrastTrainingLib.simulator.acquisition import primary
        from LowDoseContrastTrainingLib.simulator.truth import insert_list

        with_inserts = primary(chosen.parameters, made.phantom.thickness_mm)
        bare = {name: made.phantom.thickness_mm[name] for name in ("paraffin", "pvc")}
        others = [m for name, m in made.phantom.thickness_mm.items() if name not in bare]
        bare["paraffin"] = bare["paraffin"] + sum(others)
        without = primary(chosen.parameters, bare)
        nodules = [entry for entry in insert_list(made) if entry["kind"] in ("circumscribed", "spiculated")]
        self.assertTrue(nodules)
        for entry in nodules:
            at = round(entry["row"]), round(entry["column"])
            self.assertAlmostEqual((with_inserts[at] / without[at] - 1) / entry["contrast"], 1, delta=0.06)

    def test_parameters_are_kept_with_unit_and_source(self):
        self.simulated("a", tiny_plan())
        kept = json.loads((self.folder / "a" / "simulation.json").read_text())["parameters"]
        self.assertEqual(kept["xi_q"]["value"], 0.031)
        self.assertTrue(all(entry["unit"] and entry["source"] for entry in kept.values()))
        # What the tool wrote, it reads: another simulation with the very same chain.
        (self.folder / "mine.json").write_text(json.dumps(kept))
        self.assertEqual(parameters_for("essential", self.folder / "mine.json"), tiny_plan().parameters)


class RepeatTest(FolderTestCase):
    def test_same_seed_same_bytes_whatever_the_jobs(self):
        chosen = tiny_plan(arrangements=3, presentation=True)
        self.simulated("one", chosen)
        self.simulated("two", chosen, jobs=2)
        one, two = contents(self.folder / "one"), contents(self.folder / "two")
        self.assertEqual(list(one), list(two))
        self.assertEqual([name for name in one if one[name] != two[name]], [])
        with (
            mock.patch.object(sys, "executable", "/opt/SlicerApp-real"),
            mock.patch("LowDoseContrastTrainingLib.simulator.simulation.in_processes") as started,
        ):
            self.simulated("inside an application", chosen, jobs=2)
        started.assert_not_called()  # it would be copies of the application
        self.assertEqual(contents(self.folder / "inside an application"), one)
        self.simulated("other", tiny_plan(5, 3, presentation=True))
        name = "arrangement-01/low.dcm"
        self.assertNotEqual(contents(self.folder / "other")[name], one[name])

    def test_an_image_does_not_depend_on_the_others_asked_for(self):
        self.simulated("a", tiny_plan())
        self.simulated("b", tiny_plan(arrangements=1, doses=("high",)))
        name = "arrangement-01/high.dcm"
        self.assertEqual(contents(self.folder / "a")[name], contents(self.folder / "b")[name])

    def test_a_cancelled_run_goes_on_where_it_stopped(self):
        chosen = tiny_plan()
        self.simulated("whole", chosen)
        steps = simulate(self.folder / "part", chosen)
        for _ in range(3):
            next(steps)
        steps.close()
        made = self.folder / "part" / "arrangement-01" / "low.dcm"
        before = made.stat().st_mtime_ns
        self.simulated("part", chosen)
        self.assertEqual(made.stat().st_mtime_ns, before)
        self.assertEqual(contents(self.folder / "part"), contents(self.folder / "whole"))

    @unittest.skipIf(sys.platform == "win32", "kills by POSIX signals")
    def test_a_killed_run_goes_on_and_leaves_nothing_behind(self):
        for kill, jobs in ((signal.SIGKILL, 1), (signal.SIGTERM, 2)):
            place = self.folder / f"killed-{jobs}"
            paths = [str(examples.REPOSITORY / name) for name in ("LowDoseContrast", "LowDoseContrastTraining")]
            arguments = [
                place,
                "--arrangements",
                "4",
                "--seed",
                "1",
                "--detector",
                "small",
                "--doses",
                "low,high",
                "--jobs",
                str(jobs),
            ]
            child = subprocess.Popen(
                [examples.PYTHON, "-m", "LowDoseContrastTrainingLib", "simulate", *map(str, arguments)],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
                stderr=subprocess.PIPE,
                text=True,
            )
            end = time.time() + 60
            # os.walk passes over the folders that the run renames meanwhile; rglob stumbles over them.
            while (
                not any("truth.json" in names for _place, _folders, names in os.walk(place))
                and child.poll() is None
                and time.time() < end
            ):
                time.sleep(0.02)
            os.kill(examples.python_of(child), kill)
            said = child.communicate(timeout=60)[1]
            if kill == signal.SIGTERM:
                self.assertEqual(child.returncode, 130, said)
                self.assertFalse(list(place.rglob(".writing-*")))
            self.assertLess(len(list(place.rglob("*.dcm"))), 8)
            self.assertEqual(self.command(*arguments[:-2])[0], 0)
            self.assertFalse(list(place.rglob(".writing-*")))
        # Both went on to what an undisturbed run makes.
        run_to_end(simulate(self.folder / "whole", plan(1, 4, "small", ("low", "high"))))
        self.assertEqual(contents(self.folder / "killed-1"), contents(self.folder / "whole"))
        self.assertEqual(contents(self.folder / "killed-2"), contents(self.folder / "whole"))


class CommandTest(FolderTestCase):
    def test_the_paper_set_is_35_files(self):
        images = plan().images()
        self.assertEqual(len(images), 35)
        self.assertNotIn((11, "high", 0, False), images)
        self.assertEqual(len(plan(arrangements=11).images()), 33)

    def test_json_and_progress_lines(self):
        code, out, err = self.command(
            self.folder / "a",
            "--arrangements",
            "1",
            "--detector",
            "small",
            "--doses",
            "low",
            "--seed",
            "3",
            "--json",
            "--progress",
            "lines",
        )
        self.assertEqual(code, 0, err)
        result = json.loads(out)
        self.assertEqual((result["arrangements"], result["seed"], len(result["files"])), (1, 3, 1))
        self.assertTrue(Path(result["contact_sheet"]).is_file())
        shares = [json.loads(line)["done"] for line in err.splitlines()]
        self.assertEqual((shares, shares[-1]), (sorted(shares), 1.0))

    def test_bad_usage_is_one_clear_line_and_leaves_nothing(self):
        wrong = {
            "--detector none": "essential-large",
            "--arrangements 0": "at least 1",
            "--realisations 0": "at least 1",
            "--jobs 0": "at least 1",
            "--seed -1": "--seed must be at least 0",
            "--doses huge": "choose from low",
            "--doses low,low": "once",
            "--parameters missing.json": "cannot be read",
        }
        for usage, expected in wrong.items():
            code, out, err = self.command(self.folder / "a", *usage.split())
            self.assertEqual((code, out, err.count("\n")), (2, "", 1), usage)
            self.assertIn(expected, err)
            self.assertFalse((self.folder / "a").exists() and list((self.folder / "a").iterdir()), usage)

    def test_wrong_parameters_are_named(self):
        wrong = {
            '{"mtf_f": 5}': "did you mean",
            '{"doses_mgy": {"low": -3.0}}': "doses_mgy",
            '{"rows": 12.5}': "rows",
            '{"nodule_mm": [9, 5]}': "the lower first",
            '{"beam": "Cu/Cu 40 kVp"}': "beam must be one of Rh/Rh 29 kVp",
            '{"xi_e": "NaN"}': "xi_e",
            '{"xi_e": NaN}': "xi_e",
            '{"xi_e": Infinity}': "xi_e",
            "[1]": "one object",
            "{": "not valid JSON",
        }
        path = self.folder / "mine.json"
        for text, expected in wrong.items():
            path.write_text(text)
            code, _, err = self.command(self.folder / "a", "--parameters", path)
            self.assertEqual((code, err.count("\n")), (2, 1), text)
            self.assertIn(expected, err)

    @unittest.skipIf(sys.version_info < (3, 11), "TOML is read from Python 3.11 on")
    def test_parameters_from_toml_are_used(self):
        path = self.folder / "mine.toml"
        path.write_text("rows = 256\ncolumns = 192\nxi_e = 0\n[doses_mgy]\nlow = 1.0\nhuge = 20.0\n")
        code, _, err = self.command(
            self.folder / "a", "--arrangements", "1", "--detector", "small", "--parameters", path
        )
        self.assertEqual(code, 0, err)
        self.assertAlmostEqual(read_mammogram(image_path(self.folder / "a", 0, "huge")).dose_mgy, 20, delta=3)

    def test_a_folder_in_use_is_refused(self):
        (self.folder / "notes.txt").write_text("mine")
        code, _, err = self.command(self.folder)
        self.assertEqual(code, 2)
        self.assertIn("not empty", err)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["notes.txt"])
        self.simulated("a", tiny_plan())
        with self.assertRaisesRegex(InputError, "other settings .*seed"):
            self.simulated("a", tiny_plan(5))
        (self.folder / "file").write_text("")
        with self.assertRaisesRegex(InputError, "cannot be used as a folder"):
            self.simulated("file", tiny_plan())

    def test_a_full_disk_is_said_before_and_during_the_work(self):
        usage = shutil.disk_usage(self.folder)._replace(free=1000)
        with mock.patch("shutil.disk_usage", return_value=usage), self.assertRaisesRegex(InputError, "MB are free"):
            self.simulated("a", tiny_plan())
        full = OSError(errno.ENOSPC, "No space left on device")
        with (
            mock.patch("pydicom.dataset.FileDataset.save_as", side_effect=full),
            self.assertRaisesRegex(InputError, "no space left"),
        ):
            self.simulated("b", tiny_plan())
        self.assertFalse(list((self.folder / "b").rglob("*.dcm")) + list((self.folder / "b").rglob(".writing-*")))
        self.simulated("b", tiny_plan())

    def test_presets_are_described(self):
        for parameters in DETECTORS.values():
            json.dumps(documented(parameters))
        with self.assertRaisesRegex(InputError, "choose from"):
            parameters_for("mri")


if __name__ == "__main__":
    unittest.main()
