"""Draw panel and views as they stand on the paths that people take through the enhancement module.

Run by ``python3 Testing/run.py paths``. Each path begins with an empty scene and the panel open;
its picture has the panel on the left, as the desktop shows it, and Slicer's views on the right.
"""

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "Resources" / "SampleData" / "phantom-low.dcm"
PANEL, VIEWS = (430, 800), (1170, 800)


class Paths:
    """One method a path, in the order of the pictures."""

    def __init__(self, host, folder):
        import slicer

        self.slicer, self.host, self.folder = slicer, host, folder

    @property
    def panel(self):
        return self.slicer.util.getModuleWidget("LowDoseContrast")

    def begin(self):
        """An empty scene in Slicer's own layout, the panel open."""
        self.slicer.mrmlScene.Clear()
        self.slicer.app.layoutManager().setLayout(self.slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView)
        self.enter()

    def enter(self):
        self.slicer.util.selectModule("LowDoseContrast")
        self.host.waitUntil(lambda: self.panel._libraries is None)
        self.host.processEvents(0.1)

    def press(self, name):
        """Presses a button of the panel and waits until its work is done."""
        getattr(self.panel.ui, name).click()
        self.host.waitUntil(lambda: self.panel._steps is None, 120)
        self.host.processEvents(0.1)

    def loadedWithThePanelOpen(self):
        self.slicer.util.loadVolume(str(SAMPLE))
        self.enter()
        self.press("applyButton")

    def loadedFromTheDatabase(self):
        self.host.loadDicom([SAMPLE])
        self.enter()
        self.press("applyButton")

    def loadedFromSampleData(self):
        self.host.clickSample("MammographyPhantomLowDose")
        self.enter()
        self.press("applyButton")

    def reloadedBundle(self):
        self.loadedWithThePanelOpen()
        scene = str(self.folder / "scene.mrb")
        self.slicer.util.saveScene(scene)
        self.slicer.mrmlScene.Clear()
        self.slicer.util.loadScene(scene)
        self.enter()
        self.press("applyButton")

    def secondRun(self):
        self.loadedWithThePanelOpen()
        self.panel.ui.modeComboBox.currentText = "whole"
        self.press("applyButton")

    def underATransform(self):
        import numpy as np

        self.slicer.util.loadVolume(str(SAMPLE))
        self.enter()
        transform = self.slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        turn = np.array([[0.966, -0.259, 0, 20], [0.259, 0.966, 0, 10], [0, 0, 1, 0], [0, 0, 0, 1.0]])
        transform.SetMatrixTransformToParent(self.slicer.util.vtkMatrixFromArray(turn))
        self.panel.parameters.inputVolume.SetAndObserveTransformNodeID(transform.GetID())
        self.press("applyButton")
        self.press("fadeButton")

    def fade(self):
        self.loadedWithThePanelOpen()
        self.press("fadeButton")

    def difference(self):
        self.loadedWithThePanelOpen()
        self.press("differenceButton")

    def severalNotes(self):
        """An array of which nothing is known, its air dark, allowed."""
        self._enhanceArray("of unknown origin", lambda voxels: voxels)

    def brightAir(self):
        """Stored values without a header, as other programs write them."""
        self._enhanceArray("air is bright", lambda voxels: 16383 - voxels)

    def _enhanceArray(self, name, change):
        low = self.slicer.util.loadVolume(str(SAMPLE), {"show": False})
        pixels = change(self.slicer.util.arrayFromVolume(low).copy())
        self.slicer.mrmlScene.RemoveNode(low)
        self.slicer.util.addVolumeFromArray(pixels, name=name)
        self.enter()
        self.panel.parameters.allowOutOfDomain = True
        self.press("applyButton")

    def stackedSeries(self):
        """Three images of one series, which Slicer makes one volume of."""
        import pydicom

        for number in range(3):
            dataset = pydicom.dcmread(SAMPLE)
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{dataset.SOPInstanceUID}.{number}"
            dataset.InstanceNumber = number + 1
            dataset.save_as(self.folder / f"{number}.dcm")
        self.slicer.util.loadVolume(str(self.folder / "0.dcm"))
        self.enter()

    def draw(self, name, output):
        """Goes one path and draws it; returns the picture's path."""
        import qt

        self.begin()
        getattr(self, name)()
        parts = [
            self.host.grabPanel(self.folder / "panel.png", *PANEL, squeezed=False),
            self.host.captureLayout(self.folder / "views.png", VIEWS),
        ]
        images = [qt.QImage(str(part)) for part in parts]
        canvas = qt.QImage(sum(i.width() for i in images), max(i.height() for i in images), qt.QImage.Format_RGB888)
        canvas.fill(qt.QColor("#f0f0f0"))
        painter = qt.QPainter(canvas)
        painter.drawImage(0, 0, images[0])
        painter.drawImage(images[0].width(), 0, images[1])
        painter.end()
        output.mkdir(parents=True, exist_ok=True)
        canvas.save(str(output / f"{name}.png"))
        return output / f"{name}.png"


NAMES = tuple(
    name
    for name, function in vars(Paths).items()
    if callable(function) and not name.startswith("_") and name not in ("begin", "enter", "press", "draw")
)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", metavar="PATH", help=f"which to draw (default: all): {', '.join(NAMES)}")
    parser.add_argument("--output", type=Path, default=ROOT / "Outputs" / "Paths")
    options = parser.parse_args()
    unknown = [name for name in options.paths if name not in NAMES]
    if unknown:
        sys.stderr.write(f"error: no path {unknown[0]}; there are: {', '.join(NAMES)}\n")
        return 2
    sys.path.insert(0, str(ROOT / "Testing"))
    from SlicerHost import start

    host = start()
    host.loadModule(ROOT / "LowDoseContrast" / "LowDoseContrast.py")
    for name in options.paths or NAMES:
        with tempfile.TemporaryDirectory(prefix="mammography-") as folder:
            print(Paths(host, Path(folder)).draw(name, options.output), flush=True)
    return int(bool(host.uncaught))


if __name__ == "__main__":
    sys.exit(main())
