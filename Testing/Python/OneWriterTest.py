"""A folder has one writer at a time, also where the other one is another process that is killed."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import lowdosecontrast_examples as examples
from lowdosecontrast_training import TINY, FolderTest
from LowDoseContrastLib.errors import InputError
from LowDoseContrastTrainingLib.__main__ import main
from LowDoseContrastTrainingLib.common.one_writer import LOCK_FILE, one_writer
from LowDoseContrastTrainingLib.common.run_folder import results_folder

HOLDER = """
import pathlib, sys, time
from LowDoseContrastTrainingLib.common.one_writer import one_writer
with one_writer(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""
PATIENCE_S = 120


def started(test, *arguments):
    """A process that is killed at the end of the test."""
    process = subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    def end():
        process.kill()
        process.communicate()

    test.addCleanup(end)
    return process


def state(folder):
    """Path -> content of all files, hidden ones too."""
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def call(*arguments):
    """(exit code, standard output, standard error) of a command."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return code, out.getvalue(), err.getvalue()


@unittest.skipUnless(os.name == "posix", "kills processes as POSIX has it")
class OneWriterTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name) / "new" / "run"

    def holder(self):
        process = started(self, "-c", HOLDER, self.folder)
        self.assertEqual(process.stdout.readline(), "held\n", process)
        return process

    def test_theSecondIsToldWhoHoldsIt(self):
        process = self.holder()
        before = state(self.folder)
        with self.assertRaises(InputError) as caught, one_writer(self.folder):
            self.fail("both hold it")
        self.assertRegex(str(caught.exception), rf"is being written by process {process.pid} on \S+ since 2\d\d\d-")
        self.assertRegex(str(caught.exception), "wait until it is done, or end it$")
        self.assertEqual(len(str(caught.exception).splitlines()), 1)
        self.assertEqual(state(self.folder), before)

    def test_aKillReleasesIt(self):
        process = self.holder()
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.assertTrue((self.folder / LOCK_FILE).exists())
        with one_writer(self.folder):
            self.assertEqual(json.loads((self.folder / LOCK_FILE).read_text())["pid"], os.getpid())
        self.assertFalse((self.folder / LOCK_FILE).exists())

    def test_twiceInOneProcessIsTwoAsWell(self):
        with one_writer(self.folder):
            with self.assertRaisesRegex(InputError, f"process {os.getpid()} "), one_writer(self.folder):
                self.fail("both hold it")
            with one_writer(self.folder / "part"):
                pass
        with one_writer(self.folder):
            pass

    def test_nothingIsLeftOfWhatWasMadeForIt(self):
        with contextlib.suppress(RuntimeError), one_writer(self.folder):
            raise RuntimeError
        self.assertFalse(self.folder.parent.exists())
        with one_writer(self.folder):
            (self.folder / "result").touch()
        self.assertEqual(list(self.folder.iterdir()), [self.folder / "result"])
        (self.folder / "result").unlink()
        with one_writer(self.folder):
            pass
        self.assertTrue(self.folder.exists())  # for it was there before

    def test_aFileIsNoFolder(self):
        self.folder.parent.mkdir()
        self.folder.touch()
        with self.assertRaisesRegex(InputError, "cannot be used as a folder"), one_writer(self.folder):
            self.fail("in a file")

    def test_manyAtOnceAreOneAtATime(self):
        """Each adds one to a number in a file, which two at once would spoil."""
        code = """
import pathlib, sys, time
from LowDoseContrastLib.errors import InputError
from LowDoseContrastTrainingLib.common.one_writer import one_writer
folder = pathlib.Path(sys.argv[1])
done = 0
while done < 40:
    try:
        with one_writer(folder):
            number = int((folder / "number").read_text())
            (folder / "number").write_text(str(number + 1))
            done += 1
    except InputError:
        time.sleep(0.001)
"""
        self.folder.mkdir(parents=True)
        (self.folder / "number").write_text("0")
        processes = [started(self, "-c", code, self.folder) for _ in range(3)]
        for process in processes:
            _, errors = process.communicate(timeout=PATIENCE_S)
            self.assertEqual((process.returncode, errors), (0, ""))
        self.assertEqual((self.folder / "number").read_text(), "120")

    def test_everyCommandThatWritesAFolderAsks(self):
        """Before it looks at what is in there."""
        process = self.holder()
        before = state(self.folder)
        image = examples.write_dicom(self.folder.parent / "image.dcm", examples.phantom_pixels())
        commands = {
            "simulate": ("simulate", self.folder, "--arrangements", 1, "--detector", "small"),
            "from": ("simulate", self.folder, "--from", image, "--dose-fraction", 0.5),
            "controls": ("controls", self.folder),
            "reproduce": ("reproduce", self.folder, "--quick"),
        }
        for name, arguments in commands.items():
            with self.subTest(name):
                code, out, err = call(*arguments)
                self.assertEqual((code, out, len(err.splitlines())), (2, "", 1), err)
                self.assertIn(f"is being written by process {process.pid}", err)
                self.assertEqual(state(self.folder), before)
        with self.assertRaisesRegex(InputError, "is being written"), results_folder(self.folder, ("a",)):
            self.fail("both hold it")


@unittest.skipUnless(os.name == "posix", "kills processes as POSIX has it")
class TrainingTest(FolderTest):
    def test_aTrainingThatRunsIsNotResumed(self):
        recipe, run = self.folder / "long.json", self.folder / "run"
        recipe.write_text(json.dumps({"name": "run1", **TINY, "epochs": 100000}))
        command = ("train", self.data, run, "--recipe", recipe, "--device", "cpu")
        process = started(self, "-m", "LowDoseContrastTrainingLib", *command)
        patience = time.monotonic() + PATIENCE_S
        while not (run / "checkpoint.pt").exists():
            self.assertIsNone(process.poll(), process)
            self.assertLess(time.monotonic(), patience)
            time.sleep(0.05)
        for further in ((), ("--resume",)):
            code, out, err = call(*command, *further)
            self.assertEqual((code, out, len(err.splitlines())), (2, "", 1), err)
            self.assertIn(f"is being written by process {process.pid} on", err)
            self.assertIn("lowdosecontrast train", err)
        self.assertIsNone(process.poll(), "the first goes on")
        process.send_signal(signal.SIGKILL)
        process.wait()
        steps = self.steps("run", resume=True, epochs=100000)
        next(steps)
        with self.assertRaisesRegex(InputError, f"process {os.getpid()} "), one_writer(run):
            self.fail("the resumed training holds it")
        steps.close()
        self.assertFalse((run / LOCK_FILE).exists())


if __name__ == "__main__":
    unittest.main()
