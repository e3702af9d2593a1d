"""The README's block of commands runs from top to bottom, in smaller sizes."""

import os
import re
import shlex
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import lowdosecontrast_examples as examples

README = examples.REPOSITORY / "README.md"
# What makes a line smaller; each must fit exactly one line of the block.
SMALLER = (
    ("--arrangements 12 --seed 1", "--arrangements 4 --seed 1 --detector small"),
    ("train pairs run --recipe compact", "train pairs run --recipe compact --epochs 1"),
    ("--output judged", "--output judged --baselines affine"),
)
# Neither can be made small: controls simulates its scenes at full size, and a quick reproduction trains five runs.
TOO_LONG = ("lowdosecontrast controls ", "lowdosecontrast reproduce ")
PATIENCE_S = 240


@unittest.skipUnless(README.is_file() and os.name == "posix", "needs a checkout and a shell")
class ReadmeTest(unittest.TestCase):
    def block(self):
        blocks = re.findall(r"^```bash\n(.*?)^```$", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        self.assertEqual(len(blocks), 1)
        return blocks[0]

    def smaller(self, block):
        for whole, small in SMALLER:
            self.assertEqual(block.count(whole), 1, whole)
            block = block.replace(whole, small)
        lines = block.splitlines()
        for start in TOO_LONG:
            self.assertEqual(sum(line.startswith(start) for line in lines), 1, start)
        return [line for line in lines if not line.startswith(TOO_LONG)]

    def test_theBlockRunsFromTopToBottom(self):
        lines = self.smaller(self.block())
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "Resources").symlink_to(examples.REPOSITORY / "Resources", target_is_directory=True)
            (folder / "bin").mkdir()
            command = folder / "bin" / "lowdosecontrast"
            command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m LowDoseContrastTrainingLib "$@"\n')
            command.chmod(0o755)
            environment = {
                **os.environ,
                "PATH": os.pathsep.join([str(command.parent), os.environ["PATH"]]),
                "PYTHONPATH": os.pathsep.join(sys.path),
            }
            found = subprocess.run(
                ["bash", "-e", "-u", "-x", "-c", "\n".join(lines)],
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
            )
            self.assertEqual(found.returncode, 0, f"{found.stdout}\n{found.stderr}")
            self.assertNotIn("error: ", found.stderr)
            trial = folder / "Outputs" / "trial"
            for made in (
                "enhanced.dcm",
                "latest_net_G.pth",
                "acquisitions/simulation.json",
                "reduced/phantom-high/reduced.dcm",
                "pairs/manifest.json",
                "run/model.safetensors",
                "judged/report.html",
            ):
                self.assertTrue((trial / made).is_file(), made)
            ran = re.findall(r"^\+ lowdosecontrast (\w+)", found.stderr, re.MULTILINE)
            self.assertEqual(len(ran), sum(line.startswith("lowdosecontrast ") for line in lines))


if __name__ == "__main__":
    unittest.main()
