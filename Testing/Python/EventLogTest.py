"""TensorBoard's event files of a training."""

import json
import subprocess
import unittest

import lowdosecontrast_examples as examples
from lowdosecontrast_training import TINY, FolderTest
from LowDoseContrastLib.steps import run_to_end
from LowDoseContrastTrainingLib.training.recipes import recipe_from_dict
from LowDoseContrastTrainingLib.training.run_settings import RunSettings
from LowDoseContrastTrainingLib.training.train import train

BLOCKED = """
import sys
sys.modules["tensorboard"] = None
from LowDoseContrastTrainingLib.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


class EventLogTest(FolderTest):
    def logged(self, name, resume=False, **fields):
        return train(
            self.data,
            self.folder / name,
            recipe_from_dict({**TINY, "epochs": 3, **fields}),
            resume,
            settings=RunSettings(tensorboard=True),
        )

    def events(self, name):
        """All scalars of a run's log as {tag: {epoch: value}}, and the epochs with pictures."""
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        found = EventAccumulator(str(self.folder / name / "tensorboard"))
        found.Reload()
        scalars = {tag: [(event.step, event.value) for event in found.Scalars(tag)] for tag in found.Tags()["scalars"]}
        return scalars, [event.step for tag in found.Tags()["images"] for event in found.Images(tag)]

    def test_without_the_package_one_line_and_nothing_is_made(self):
        (self.folder / "tiny.json").write_text(json.dumps(TINY))
        command = ["train", self.data, self.folder / "none", "--recipe", self.folder / "tiny.json", "--tensorboard"]
        done = subprocess.run(
            [examples.PYTHON, "-c", BLOCKED, *map(str, command)],
            env=examples.environment(),
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertRegex(done.stderr, r"^error: --tensorboard needs the package tensorboard; install it .*\n$")
        self.assertFalse((self.folder / "none").exists())

    @examples.needs("tensorboard")
    def test_every_column_and_the_samples_are_there(self):
        run_to_end(self.logged("whole"))
        scalars, pictures = self.events("whole")
        rows = self.checkpoint("whole")["history"]
        self.assertEqual(len(scalars), len(rows[0]) - 1)
        tags = {
            "losses/G_L1": "G_L1_mean",
            "losses of the last step/D_real": "D_real",
            "validation/l1_model": "val_l1_model",
            "run/learning_rate": "learning_rate",
        }
        for tag, column in tags.items():
            self.assertEqual([step for step, _ in scalars[tag]], [1, 2, 3])
            for (_, value), row in zip(scalars[tag], rows):
                self.assertAlmostEqual(value / row[column], 1, places=5)
        self.assertEqual(pictures, [1, 2, 3])

    @examples.needs("tensorboard")
    def test_a_resumed_training_goes_on_without_gap_or_repetition(self):
        steps = self.logged("killed")
        next(step for step in steps if step.epoch == 3)
        steps.close()
        run_to_end(self.logged("killed", resume=True))
        scalars, pictures = self.events("killed")
        self.assertEqual([step for step, _ in scalars["losses/G_L1"]], [1, 2, 3])
        self.assertEqual(pictures, [1, 2, 3])

    @examples.needs("tensorboard")
    def test_a_log_begun_late_holds_the_epochs_before(self):
        self.train("late", epochs=3)
        run_to_end(self.logged("late", resume=True))
        self.assertEqual([step for step, _ in self.events("late")[0]["losses/G_GAN"]], [1, 2, 3])


if __name__ == "__main__":
    unittest.main()
