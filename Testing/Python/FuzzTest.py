"""A short run of the fuzzer (Testing/fuzz.py), and that it sees what it looks for."""

import os
import sys
import tempfile
import unittest
from pathlib import Path

import lowdosecontrast_examples as examples
import numpy as np

sys.path.insert(0, str(examples.REPOSITORY / "Testing"))
SECONDS, INPUTS, SEED = 40, 200, 5


# Where findings stand until damaged headers are refused there, see Resources/Docs/fuzzing.md.
@unittest.skipUnless(
    sys.platform.startswith("linux") and (examples.REPOSITORY / "Testing" / "fuzz.py").is_file(),
    "needs a checkout, on Linux",
)
class FuzzTest(unittest.TestCase):
    def test_mutatedInputsGiveAResultOrOneLine(self):
        import fuzz

        with tempfile.TemporaryDirectory() as keep:
            said = []
            outcomes, findings, figures = fuzz.fuzz(INPUTS, SEED, SECONDS, keep, told=said.append)
        self.assertEqual(findings, [], said)
        self.assertGreater(figures["inputs"], 20)
        self.assertLess(figures["peak_bytes"], 3 * 1024**3)
        self.assertTrue(all(outcomes[kind]["result"] + outcomes[kind]["refused"] for kind in outcomes))

    def test_whatIsTriedFollowsFromTheSeed(self):
        from Fuzzing.mutations import mutated

        content = bytes(range(256)) * 8
        for kind, name in (("png", "a.png"), ("nrrd", "a.nrrd"), ("recipe", "a.json"), ("nifti", "a.nii.gz")):
            once, again = (mutated(content, kind, name, np.random.default_rng(3)) for _ in range(2))
            self.assertEqual(once, again)
            self.assertNotEqual(once, mutated(content, kind, name, np.random.default_rng(4)))


@unittest.skipUnless(
    sys.platform.startswith("linux") and (examples.REPOSITORY / "Testing" / "fuzz.py").is_file(),
    "needs a checkout, on Linux",
)
class FindingsTest(unittest.TestCase):
    """With a command in place of the real one that does what must not be done."""

    def outcome(self, run):
        from unittest import mock

        from Fuzzing import worker

        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "image.png").write_bytes(b"\x89PNG")
            case = worker.Case("png", 1, 1, {"png": [folder / "image.png"]}, folder / "case", folder)
            with (
                mock.patch.object(case, "command", lambda: ["x"]),
                mock.patch.object(worker, "_run", lambda _: run(case.folder)),
            ):
                return case.outcome()[0]

    def test_eachIsSeen(self):
        def raising(_):
            raise KeyError("x")

        def talking(_):
            os.write(2, b"libjpeg says something\n")
            return 0, ""

        def leaving(folder):
            (folder / ".writing-1").mkdir()
            return 0, ""

        def leaving_beside_a_refusal(folder):
            (folder / "out.nrrd").touch()
            os.write(2, b"error: one line\n")
            return 2, ""

        def refusing(_):
            os.write(2, b"error: one line\n")
            return 2, ""

        def exhausting(_):
            raise MemoryError

        cases = {
            raising: "failed",
            talking: "talked",
            leaving: "left",
            leaving_beside_a_refusal: "left",
            refusing: "refused",
            exhausting: "memory",
            (lambda _: (0, "")): "result",
            (lambda _: (1, "")): "failed",
        }
        for run, expected in cases.items():
            self.assertEqual(self.outcome(run), expected)


if __name__ == "__main__":
    unittest.main()
