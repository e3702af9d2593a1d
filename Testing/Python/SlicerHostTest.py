"""Modules, dialogs, processes, views and files of the headless host behave as 3D Slicer's do."""

import shutil
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

import numpy as np
import slicer

try:
    import SlicerHost
except ImportError:  # inside 3D Slicer there is no host to be tested
    raise unittest.SkipTest("the headless host is not in use") from None

import qt

EXAMPLE = Path(SlicerHost.__file__).parent / "Example" / "HostExample.py"


def volume(name="Volume", shape=(1, 8, 10)):
    return slicer.util.addVolumeFromArray(np.zeros(shape, np.uint16), name=name)


class DialogsTest(unittest.TestCase):
    def setUp(self):
        self.host = SlicerHost.start()
        self.host.dialogs.clear()

    def test_messages_are_recorded(self):
        slicer.util.errorDisplay("it broke", detailedText="here")
        slicer.util.infoDisplay("by the way")
        self.assertEqual(
            [(m.kind, m.text) for m in self.host.messages], [("critical", "it broke"), ("information", "by the way")]
        )
        self.assertEqual(self.host.messages[0].detail, "here")

    def test_questions_take_answers_in_order(self):
        self.host.answers.extend(["Cancel", False, "Yes"])
        self.assertFalse(slicer.util.confirmOkCancelDisplay("go on?"))
        self.assertFalse(slicer.util.confirmYesNoDisplay("sure?"))
        self.assertTrue(slicer.util.confirmYesNoDisplay("really?"))
        self.assertTrue(slicer.util.confirmOkCancelDisplay("the default is to go on"))
        self.assertEqual([m.answer for m in self.host.messages], ["Cancel", "No", "Yes", "Ok"])

    def test_an_impossible_answer_is_an_error(self):
        self.host.answers.append("Maybe")
        with self.assertRaises(ValueError):
            slicer.util.confirmYesNoDisplay("sure?")

    def test_file_dialogs_return_paths(self):
        self.assertEqual(qt.QFileDialog.getOpenFileName(None, "Open", ""), "")
        self.host.answers.append("/data/model.safetensors")
        self.assertEqual(qt.QFileDialog.getOpenFileName(None, "Open", ""), "/data/model.safetensors")

    def test_addresses_are_recorded_and_not_opened(self):
        url = qt.QUrl.fromLocalFile("/data/a report.html")
        self.assertTrue(qt.QDesktopServices.openUrl(url))
        self.host.answers.append(False)
        self.assertFalse(qt.QDesktopServices.openUrl(url))
        self.assertFalse(qt.QDesktopServices.openUrl(qt.QUrl()))
        self.assertEqual(
            [(m.kind, m.text) for m in self.host.messages[:2]], [("address", "file:///data/a report.html")] * 2
        )

    def test_errors_are_displayed_and_raised(self):
        with self.assertRaises(RuntimeError):
            with slicer.util.tryWithErrorDisplay("Failed to compute results.", waitCursor=True):
                raise RuntimeError("no breast found")
        self.assertEqual(self.host.messages[0].text, "Failed to compute results.\n\nno breast found")
        self.assertIsNone(qt.QApplication.overrideCursor())

    def test_installations_are_recorded_only(self):
        self.assertTrue(slicer.packaging.pip_check("numpy>=1.20"))
        self.host.answers.append("Cancel")
        with self.assertRaises(RuntimeError):
            slicer.packaging.pip_ensure("no-such-package>=1", requester="LowDoseContrast")
        self.assertEqual(self.host.packages.installed, [])
        slicer.packaging.pip_ensure("no-such-package>=1")
        self.assertEqual(self.host.packages.installed, [["no-such-package>=1"]])


class TableViewTest(unittest.TestCase):
    LAYOUT = '<layout type="horizontal"><item><view class="vtkMRMLTableViewNode" singletontag="Cells"/></item></layout>'

    def test_tables_are_drawn_from_their_nodes(self):
        host = SlicerHost.start()
        slicer.app.layoutManager().layoutLogic().GetLayoutNode().AddLayoutDescription(777, self.LAYOUT)
        slicer.app.layoutManager().setLayout(777)
        table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode")

        def dark():
            with tempfile.TemporaryDirectory() as folder:
                picture = qt.QImage(str(host.captureLayout(f"{folder}/views.png", (300, 200))))
            return sum(picture.pixelColor(x, y).lightness() < 90 for x in range(4, 296) for y in range(4, 196))

        self.assertEqual(dark(), 0)
        slicer.mrmlScene.GetSingletonNode("Cells", "vtkMRMLTableViewNode").SetTableNodeID(table.GetID())
        slicer.util.updateTableFromArray(table, [np.arange(4.0)], ["column"])
        few = dark()
        slicer.util.updateTableFromArray(table, [np.arange(4.0)] * 2, ["column", "another"])
        self.assertLess(0, few)
        self.assertLess(few, dark())


class PlotViewTest(unittest.TestCase):
    def test_charts_are_drawn_from_their_nodes(self):
        host = SlicerHost.start()
        slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalPlotView)
        table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode")
        slicer.util.updateTableFromArray(table, [np.arange(5.0), np.array([1.0, 3.0, np.nan, 2.0, 2.0])], ["x", "y"])
        series = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", "Error")
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetXColumnName("x")
        series.SetYColumnName("y")
        series.SetPlotType(series.PlotTypeScatter)
        series.SetColor(1, 0, 0)
        chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode")
        chart.AddAndObservePlotSeriesNodeID(series.GetID())

        def red():
            with tempfile.TemporaryDirectory() as folder:
                picture = qt.QImage(str(host.captureLayout(f"{folder}/views.png", (600, 400))))
            colours = (picture.pixelColor(x, y) for x in range(300, 600, 2) for y in range(0, 200))
            return sum(colour.red() > 200 > 100 > colour.green() for colour in colours)

        self.assertEqual(red(), 0)
        manager = slicer.app.layoutManager()
        views = [manager.plotWidget(index).mrmlPlotViewNode() for index in range(manager.plotViewCount)]
        next(view for view in views if view.GetLayoutName() == "PlotView1").SetPlotChartNodeID(chart.GetID())
        self.assertGreater(red(), 20)
        series.SetYColumnName("z")
        self.assertEqual(red(), 0)


class ModuleTest(unittest.TestCase):
    def setUp(self):
        self.host = SlicerHost.start()
        self.module = self.host.loadModule(EXAMPLE)
        self.panel = slicer.util.getModuleWidget("HostExample")

    def test_registered_as_in_slicer(self):
        self.assertIs(slicer.modules.hostexample, self.module)
        panel = self.module.createNewWidgetRepresentation().self()
        self.assertIs(slicer.modules.HostExampleWidget, panel)
        self.assertEqual(slicer.util.modulePath("HostExample"), str(EXAMPLE.resolve()))
        self.assertEqual(self.module.title, "Host Example")
        self.assertEqual(slicer.modules.HostExampleInstance.startups, 1)
        self.assertEqual(type(slicer.util.getModuleLogic("HostExample")).__name__, "HostExampleLogic")
        self.assertIn("HostExample", slicer.util.moduleNames())
        with self.assertRaises(RuntimeError):
            slicer.util.getModule("NoSuchModule")

    def test_panel_from_the_ui_file(self):
        ui = slicer.modules.hostexample.createNewWidgetRepresentation().self().ui
        node = volume("Low dose")
        self.assertEqual(ui.inputSelector.nodeCount(), 1)  # the .ui file's connection gave it the scene
        self.assertEqual(ui.outputSelector.noneDisplay, "(create new volume)")
        self.assertTrue(ui.advancedButton.collapsed)
        self.assertTrue(ui.threadsSpinBox.isHidden())
        ui.advancedButton.collapsed = False
        self.assertFalse(ui.threadsSpinBox.isHidden())
        self.assertEqual(ui.modeComboBox.currentText, "Overlapping tiles")
        ui.maskCheckBox.checked = False
        self.assertFalse(ui.threadsSpinBox.enabled)
        slicer.mrmlScene.RemoveNode(node)

    def test_entering_and_leaving(self):
        self.panel.calls.clear()
        slicer.util.mainWindow().moduleSelector().selectedModule = ""
        slicer.util.selectModule("HostExample")
        self.assertEqual(slicer.util.selectedModule(), "HostExample")
        self.assertEqual(self.panel.calls, ["enter"])
        self.assertIs(self.module.widgetRepresentation().isEntered, True)

    def test_button_errors_reach_the_record(self):
        panel = self.module.createNewWidgetRepresentation().self()
        panel.ui.applyButton.click()
        self.assertEqual(panel.calls, [("apply", False)])
        self.assertIn("choose an input volume", self.host.messages[-1].text)
        self.assertIn("ValueError", self.host.uncaught[-1])

    def test_own_test_class_runs(self):
        slicer.selfTests["HostExample"]()

    def test_picture_of_the_panel(self):
        with tempfile.TemporaryDirectory() as folder:
            path = self.host.grabWidget(self.panel, Path(folder, "panel.png"), 480)
            image = qt.QImage(str(path))
        self.assertEqual(image.width(), 480)
        self.assertGreater(image.height(), 250)
        self.assertGreater(len({image.pixel(x, y) for x in range(0, 480, 7) for y in range(0, 250, 7)}), 8)

    def test_sample_data_from_the_disk(self):
        import SampleData

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "sample.nrrd")
            slicer.util.saveNode(volume("Sample"), str(path))
            SampleData.SampleDataLogic.registerCustomSampleDataSource(
                category="LowDoseContrast",
                sampleName="HostSample",
                uris=path.as_uri(),
                fileNames="sample.nrrd",
                nodeNames="FromDisk",
            )
            node = SampleData.downloadSample("HostSample")
        self.assertEqual(node.GetName(), "FromDisk")
        self.assertEqual(slicer.util.arrayFromVolume(node).shape, (1, 8, 10))


class ProcessTest(unittest.TestCase):
    def test_lines_and_code_arrive_on_the_main_thread(self):
        host, lines, codes, threads = SlicerHost.start(), [], [], set()

        def on_line(line):
            lines.append(line)
            threads.add(threading.current_thread() is threading.main_thread())

        code = "import sys; print('one'); print('two', flush=True); sys.exit(3)"
        process = slicer.util.launchConsoleProcess(
            [sys.executable, "-c", code], blocking=False, logCallback=on_line, completedCallback=codes.append
        )
        self.assertEqual(codes, [])
        self.assertTrue(host.waitUntil(lambda: codes, 20))
        self.assertEqual((lines, codes, threads), (["one", "two"], [3], {True}))
        self.assertEqual(process.returncode, 3)

    def test_python_modules_run_in_pythonslicer(self):
        host, lines, codes = SlicerHost.start(), [], []
        slicer.util.executePythonModule(
            "platform", ["terse"], blocking=False, logCallback=lines.append, completedCallback=codes.append
        )
        self.assertTrue(host.waitUntil(lambda: codes, 20))
        self.assertEqual((codes, len(lines)), ([0], 1))
        python = shutil.which("PythonSlicer")
        code = "import os, sys; print(sys.prefix); print(os.getppid()); sys.exit(4)"
        child = subprocess.Popen([python, "-c", code], stdout=subprocess.PIPE, text=True)
        said = child.communicate()[0].split("\n")
        self.assertEqual((said[:2], child.returncode), ([sys.prefix, str(child.pid)], 4))

    def test_timers_run_while_events_are_handled(self):
        host, ticks, timer = SlicerHost.start(), [], qt.QTimer()
        timer.interval = 0
        timer.connect("timeout()", lambda: ticks.append(1))
        timer.start()
        self.assertTrue(host.waitUntil(lambda: len(ticks) >= 20, 5))
        timer.stop()
        self.assertFalse(timer.active)


LAYOUT = """
<layout type="horizontal" split="true">
 <item><view class="vtkMRMLSliceNode" singletontag="LowDoseContrastBefore">
  <property name="orientation" action="default">Axial</property>
  <property name="viewlabel" action="default">B</property>
  <property name="viewcolor" action="default">#F34A33</property></view></item>
 <item><view class="vtkMRMLSliceNode" singletontag="LowDoseContrastAfter">
  <property name="orientation" action="default">Axial</property>
  <property name="viewlabel" action="default">A</property>
  <property name="viewcolor" action="default">#6EB04B</property></view></item>
</layout>"""
NAMES = ("LowDoseContrastBefore", "LowDoseContrastAfter")


class SliceViewTest(unittest.TestCase):
    def setUp(self):
        self.host = SlicerHost.start()
        self.manager = slicer.app.layoutManager()
        halves = np.zeros((1, 60, 80), np.uint16)
        halves[:, :, 40:] = 4000
        self.volume = slicer.util.addVolumeFromArray(halves, name="halves")

    def test_bright_and_dark_halves(self):
        slicer.util.setSliceViewerLayers(background=self.volume, fit=True)
        pixels = self.host.renderSliceView("Red", (320, 240))
        self.assertEqual((pixels.shape, pixels.dtype), ((240, 320, 3), np.uint8))
        # Axial views show the patient from the feet: growing R lies to the left.
        self.assertGreater(pixels[100:140, 90:130].min(), 250)
        self.assertLess(pixels[100:140, 190:230].max(), 5)

    def test_foreground_and_its_opacity(self):
        white = slicer.util.addVolumeFromArray(np.full((1, 60, 80), 4000, np.uint16), name="white")
        for node in (self.volume, white):
            node.GetDisplayNode().SetAutoWindowLevel(False)
            node.GetDisplayNode().SetWindowLevelMinMax(0, 4000)
        slicer.util.setSliceViewerLayers(background=self.volume, foreground=white, foregroundOpacity=0.5, fit=True)
        pixels = self.host.renderSliceView("Red", (320, 240))
        self.assertAlmostEqual(int(np.median(pixels[100:140, 190:230])), 127, delta=3)
        slicer.util.setSliceViewerLayers(foregroundOpacity=0.0)
        self.assertLess(self.host.renderSliceView("Red")[100:140, 190:230].max(), 5)

    def compare(self):
        node = self.manager.layoutLogic().GetLayoutNode()
        if not node.IsLayoutDescription(700):
            node.AddLayoutDescription(700, LAYOUT)
        self.manager.setLayout(700)
        for name in NAMES:
            logic = self.manager.sliceWidget(name).sliceLogic()
            logic.GetSliceCompositeNode().SetBackgroundVolumeID(self.volume.GetID())
            logic.GetSliceCompositeNode().SetLinkedControl(True)
            logic.FitSliceToBackground()

    def test_a_layout_of_two_views(self):
        self.compare()
        self.assertEqual(self.manager.layout, 700)
        self.assertEqual([cell.tag for cell in self.manager.cells()], list(NAMES))
        node = self.manager.sliceWidget(NAMES[1]).mrmlSliceNode()
        self.assertEqual((node.GetLayoutLabel(), node.GetOrientation()), ("A", "Axial"))
        self.assertTrue(node.IsMappedInLayout())
        with tempfile.TemporaryDirectory() as folder:
            path = self.host.captureLayout(Path(folder, "layout.png"), (800, 400), fit=True)
            image = qt.QImage(str(path))
        self.assertEqual((image.width(), image.height()), (800, 400))
        for left in (0, 400):
            bright = qt.QColor(image.pixel(left + 130, 210)).lightness()
            dark = qt.QColor(image.pixel(left + 270, 210)).lightness()
            self.assertGreater(bright, 250)
            self.assertLess(dark, 5)

    def test_linked_views_move_together(self):
        self.compare()
        first, second = (self.manager.sliceWidget(name) for name in NAMES)
        logic, node = first.sliceLogic(), first.mrmlSliceNode()
        logic.StartSliceNodeInteraction(slicer.vtkMRMLSliceNode.FieldOfViewFlag)
        view = node.GetFieldOfView()
        node.SetFieldOfView(view[0] / 2, view[1] / 2, view[2])
        logic.EndSliceNodeInteraction()
        for one, other in zip(node.GetFieldOfView(), second.mrmlSliceNode().GetFieldOfView()):
            self.assertAlmostEqual(one, other, places=5)

    def test_closing_the_scene_empties_the_views(self):
        slicer.util.setSliceViewerLayers(background=self.volume, fit=True)
        slicer.mrmlScene.Clear()
        self.assertLess(self.host.renderSliceView("Red", (64, 64)).max(), 5)


class FilesTest(unittest.TestCase):
    def test_volumes_come_back_as_they_were(self):
        values = np.arange(80, dtype=np.float32).reshape(1, 8, 10)
        node = slicer.util.addVolumeFromArray(values, name="v")
        node.SetSpacing(0.1, 0.2, 1.0)
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder, "float image.nrrd"))
            self.assertTrue(slicer.util.saveNode(node, path))
            again = slicer.util.loadVolume(path)
        np.testing.assert_array_equal(slicer.util.arrayFromVolume(again), values)
        np.testing.assert_allclose(again.GetSpacing(), (0.1, 0.2, 1.0))
        self.assertTrue(again.GetName().startswith("float image"))

    def test_a_missing_file_is_an_error(self):
        with self.assertRaises(RuntimeError):
            slicer.util.loadVolume("/no/such/file.nrrd")
