"""Panels of modules lie and are entered in the headless host as in the 3D Slicer desktop."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import slicer
import vtk

try:
    import SlicerHost
except ImportError:  # inside 3D Slicer there is no host to be tested
    raise unittest.SkipTest("the headless host is not in use") from None

import qt

EXAMPLE = Path(SlicerHost.__file__).parent / "Example" / "HostExample.py"


class ModulePanelTest(unittest.TestCase):
    def setUp(self):
        self.host = SlicerHost.start()
        self.host.loadModule(EXAMPLE)
        self.panel = slicer.util.getModuleWidget("HostExample")
        slicer.util.selectModule("Welcome")
        self.panel.calls.clear()

    def tearDown(self):
        slicer.util.selectModule("Welcome")

    def test_modules_are_entered_and_left(self):
        slicer.util.selectModule("HostExample")
        self.assertTrue(self.panel.parent.isEntered)
        slicer.util.selectModule("HostExample")
        slicer.util.selectModule("Data")
        self.assertEqual((self.panel.calls, self.panel.parent.isEntered), (["enter", "exit"], False))
        slicer.util.selectModule("HostExample")
        slicer.util.mainWindow().moduleSelector().selectModule("")
        self.assertEqual((self.panel.calls[-1], slicer.util.selectedModule()), ("exit", ""))

    def test_errors_on_entering_are_printed_and_go_no_further(self):
        def fail():
            raise ValueError("cannot enter")

        self.panel.enter = fail
        self.addCleanup(delattr, self.panel, "enter")
        slicer.util.selectModule("HostExample")
        self.assertIn("cannot enter", self.host.uncaught[-1])

    def test_the_panel_lies_in_a_scroll_area(self):
        slicer.util.selectModule("HostExample")
        with tempfile.TemporaryDirectory() as folder:
            seen = qt.QImage(str(self.host.grabPanel(f"{folder}/seen.png", height=120)))
            whole = qt.QImage(str(self.host.grabPanel(f"{folder}/whole.png", height=120, whole=True)))
            wide = qt.QImage(str(self.host.grabWidget(self.panel, f"{folder}/wide.png", 600)))
        self.assertEqual((seen.width(), seen.height(), wide.width()), (420, 120, 600))
        self.assertGreater(whole.height(), 200)
        self.assertEqual(self.host.layoutFaults(), [])  # and it is back in its place
        slicer.util.selectModule("Welcome")
        self.assertFalse(self.panel.parent.visible)

    def test_faults_of_a_layout_are_found(self):
        slicer.util.selectModule("HostExample")
        box = qt.QWidget()
        box.setFixedHeight(20)
        layout = qt.QVBoxLayout(box)
        for _ in range(2):
            label = qt.QLabel("a long text that needs several lines " * 6)
            label.setWordWrap(True)
            layout.addWidget(label)
        self.panel.layout.addWidget(box)
        found = self.host.layoutFaults()
        box.setParent(None)
        self.assertTrue(any("overlaps" in each or "pixels high" in each for each in found), found)


class RecordTest(unittest.TestCase):
    def test_errors_of_vtk_are_kept(self):
        host = SlicerHost.start()
        vtk.vtkPolyDataNormals().Update()
        self.assertEqual(len(host.vtkErrors), 1)
        self.assertIn("not optional", host.vtkErrors[0])
        host.reset()
        self.assertEqual(host.vtkErrors, [])

    def test_a_fresh_start_knows_nothing_of_this_one(self):
        slicer.util.addVolumeFromArray(np.zeros((1, 4, 5), np.uint16))
        said = SlicerHost.runFresh(
            "print(args[0], len(slicer.util.getNodesByClass('vtkMRMLScalarVolumeNode')))", "found"
        )
        self.assertEqual(said.splitlines()[-1], "found 0")
        with self.assertRaisesRegex(RuntimeError, "not so"):
            SlicerHost.runFresh("raise ValueError('not so')")

    def test_a_fresh_start_runs_a_function(self):
        def load(path):
            import slicer

            slicer.util.loadScene(path)
            print(slicer.util.getNode("stored").GetName())

        with tempfile.TemporaryDirectory() as folder:
            slicer.util.addVolumeFromArray(np.zeros((1, 4, 5), np.uint16), name="stored")
            path = str(Path(folder, "scene.mrb"))
            slicer.util.saveScene(path)
            self.assertEqual(SlicerHost.runFresh(load, path).splitlines()[-1], "stored")
