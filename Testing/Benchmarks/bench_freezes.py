"""How long the panel keeps the window waiting, step by step, as a user goes through it.

A timer of 10 ms ticks beside the panel; the longest pause between two ticks is how long Slicer's
window would have stood still. Every size runs in a process of its own, so that each begins with
nothing loaded. What is said in the panel when a pause begins stands beside it: libraries and models
cannot be loaded in pieces, so such a pause must be announced. Drawing the views is not measured.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLE = ROOT / "Resources" / "SampleData" / "phantom-low.dcm"
SIZES = {"2294 x 1914": (2294, 1914, 1, 0.15), "5355 x 4915 x 3": (5355, 4915, 3, 0.5)}
TICK_MS = 10


def write_image(path, rows, columns, frames):
    """The bundled mammogram in another size, as a DICOM file."""
    import numpy as np
    import pydicom
    from pydicom.uid import ExplicitVRLittleEndian

    dataset = pydicom.dcmread(SAMPLE)
    pixels = dataset.pixel_array
    chosen = [np.linspace(0, side - 1, wanted).astype(int) for side, wanted in zip(pixels.shape, (rows, columns))]
    pixels = pixels[np.ix_(*chosen)].astype("<u2")
    dataset.Rows, dataset.Columns = rows, columns
    if frames > 1:
        dataset.NumberOfFrames = frames
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.PixelData = np.repeat(pixels[None], frames, axis=0).tobytes()
    dataset["PixelData"].VR = "OW"
    dataset.save_as(path, enforce_file_format=True)


class Pauses:
    """Ticks beside the panel and keeps how long the window stood still, and what the panel said meanwhile."""

    def __init__(self, host, panel):
        import qt

        self._host, self._label = host, panel.ui.statusLabel
        self._last, self._said, self._found = 0.0, "", []
        self._timer = qt.QTimer()
        self._timer.interval = TICK_MS
        self._timer.connect("timeout()", self._tick)
        self._say = panel._say
        panel._say = self._onSaid

    def _onSaid(self, text):
        """A pause that goes on under another text is a pause of that text from then on."""
        self._say(text)
        self._tick()

    def _tick(self):
        now = time.perf_counter()
        self._found.append((now - self._last, self._said))
        self._last, self._said = now, self._label.text

    def of(self, action, finished, seconds=600):
        """(longest pause, what was said), without and with an announcement that something is loaded, while ``action``
        and what follows run.
        """
        self._found, self._last = [], time.perf_counter()
        self._timer.start()
        action()
        if not self._host.waitUntil(finished, seconds):
            raise SystemExit("error: the panel did not finish")
        self._host.processEvents(0.1)
        self._timer.stop()
        announced = [each for each in self._found if each[1].startswith("Loading")]
        others = [each for each in self._found if not each[1].startswith("Loading")]
        return max(others, default=(0, "")), max(announced, default=(0, ""))


def measure(path):
    """Goes through the panel with the image in ``path``; prints the pauses as JSON."""
    sys.path[:0] = [str(ROOT / "Testing"), str(ROOT / "LowDoseContrast")]
    from SlicerHost import start

    host = start()
    import slicer

    host.loadModule(ROOT / "LowDoseContrast" / "LowDoseContrast.py")
    panel = slicer.util.getModuleWidget("LowDoseContrast")
    keeper = slicer.modules.LowDoseContrastInstance.headerKeeper
    keeper.removeObservers()  # so that the panel is the first to look at the header
    slicer.util.loadVolume(path, {"singleFile": True})
    for name in [name for name in sys.modules if name.split(".")[0] in ("pydicom", "scipy")]:
        del sys.modules[name]  # the host loads them for itself, which Slicer does not
    pauses, ui = Pauses(host, panel), panel.ui
    idle = lambda: panel._steps is None and panel._libraries is None  # noqa: E731
    ready = lambda: idle() and ui.applyButton.enabled  # noqa: E731
    steps = {
        "enter, first time": (lambda: slicer.util.selectModule("LowDoseContrast"), ready),
        "Apply, first time": (ui.applyButton.click, lambda: idle() and panel._parameterNode.outputVolume is not None),
        "Apply again": (ui.applyButton.click, idle),
        "Side by side": (ui.sideBySideButton.click, idle),
        "Fade": (ui.fadeButton.click, idle),
        "Difference": (ui.differenceButton.click, lambda: idle() and panel._parameterNode.differenceVolume is not None),
        "another module and back": (lambda: (panel.exit(), panel.enter()), ready),
    }
    print(json.dumps({name: pauses.of(*step) for name, step in steps.items()}))


def main():
    if len(sys.argv) == 2:
        measure(sys.argv[1])
        return 0
    worst = 0
    for label, (rows, columns, frames, limit) in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "image.dcm")
            write_image(path, rows, columns, frames)
            done = subprocess.run([sys.executable, __file__, str(path)], capture_output=True, text=True)
        if done.returncode:
            sys.stderr.write(done.stderr)
            return 1
        print(f"\n{label}: longest pause of the window in seconds, asked at most {limit}")
        print(f"{'':26}{'pause':>7}  {'announced':>9}")
        for step, ((pause, said), (announced, text)) in json.loads(done.stdout.splitlines()[-1]).items():
            worst = max(worst, pause > limit)
            note = f"{announced:>9.2f}  {text}" if announced > 0.02 else ""
            print(f"{step:26}{pause:>7.3f}  {note}{f'  TOO LONG: {said}' if pause > limit else ''}")
    return int(worst)


if __name__ == "__main__":
    sys.exit(main())
