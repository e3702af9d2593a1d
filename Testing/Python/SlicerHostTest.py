"""The headless host behaves as 3D Slicer does, where tests of the modules rely on it."""

import enum
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Annotated, Optional

import numpy as np
import slicer
import vtk

try:
    import SlicerHost
except ImportError:  # inside 3D Slicer there is no host to be tested
    raise unittest.SkipTest("the headless host is not in use")

import ctk
import qt
from slicer.parameterNodeWrapper import (Choice, Default, Exclude, Maximum, Minimum, WithinRange,
                                         parameterNodeWrapper)

EXAMPLE = Path(SlicerHost.__file__).parent / "Example" / "HostExample.py"


class Mode(enum.Enum):
    TILES = 1
    WHOLE = 2


@parameterNodeWrapper
class Fields:
    volume: slicer.vtkMRMLScalarVolumeNode
    other: Optional[slicer.vtkMRMLScalarVolumeNode]
    share: Annotated[float, WithinRange(0, 1)] = 0.25
    count: Annotated[int, Minimum(1), Maximum(9)] = 4
    device: Annotated[str, Choice(["auto", "cpu"])] = "auto"
    name: Annotated[str, Exclude(["bad"]), Default("good")]
    mode: Mode = Mode.WHOLE
    flag: bool
    file: Path
    names: list[str]
    scores: dict[str, float]
    maybe: Optional[int]

    def isValid(self):
        return self.volume is not None


def new_fields():
    return Fields(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode"))


def volume(name="Volume", shape=(1, 8, 10)):
    return slicer.util.addVolumeFromArray(np.zeros(shape, np.uint16), name=name)


class PythonQtMannersTest(unittest.TestCase):
    def test_properties_are_attributes_and_setters_remain(self):
        button = qt.QPushButton("Apply")
        button.enabled = False
        self.assertEqual((button.text, button.enabled, button.checked), ("Apply", False, False))
        button.setText("Cancel")
        self.assertEqual(button.text, "Cancel")
        self.assertFalse(button.isEnabled())
        combo = qt.QComboBox()
        combo.addItems(["a", "b"])
        combo.currentIndex = 1
        self.assertEqual((combo.count, combo.currentText), (2, "b"))
        timer = qt.QTimer()
        timer.singleShot = True
        self.assertTrue(timer.singleShot)
        self.assertTrue(callable(qt.QTimer.singleShot))

    def test_calling_a_property_is_a_type_error(self):
        for widget, name in ((qt.QSpinBox(), "value"), (qt.QLabel(), "text"),
                             (ctk.ctkSliderWidget(), "value"), (qt.QComboBox(), "count")):
            with self.assertRaises(TypeError):
                getattr(widget, name)()

    def test_unknown_attributes_and_wrong_types_are_refused(self):
        with self.assertRaises(AttributeError):
            qt.QPushButton().enable = False
        with self.assertRaises(AttributeError):
            qt.QSpinBox().value = "three"
        with self.assertRaises(AttributeError):
            qt.QPushButton().connect("pressedHard()", print)

    def test_signals_connect_by_signature_and_by_name(self):
        button, heard = qt.QPushButton(), []
        button.checkable = True

        def by_name(checked):
            heard.append(("name", checked))

        button.connect("clicked(bool)", lambda checked: heard.append(("signature", checked)))
        button.connect("clicked()", lambda: heard.append("without"))
        button.clicked.connect(by_name)
        button.click()
        self.assertCountEqual(heard, [("signature", True), "without", ("name", True)])
        button.clicked.disconnect(by_name)
        heard.clear()
        button.click()
        self.assertNotIn(("name", False), heard)

    def test_disconnect_by_signature(self):
        line, heard = qt.QLineEdit(), []
        line.connect("textChanged(QString)", heard.append)
        line.text = "one"
        line.disconnect("textChanged(QString)", heard.append)
        line.text = "two"
        self.assertIn(heard, (["one"], ["one", "two"][:1]))

    def test_children_and_dynamic_properties(self):
        parent = qt.QWidget()
        child = qt.QPushButton("x", parent)
        child.name = "applyButton"
        child.setProperty("SlicerParameterName", "flag")
        self.assertEqual(child.objectName, "applyButton")
        self.assertIs(parent.findChild(qt.QPushButton, "applyButton"), child)
        self.assertEqual(child.property("SlicerParameterName"), "flag")
        self.assertEqual(child.className(), "QPushButton")

    def test_python_subclasses_may_have_attributes(self):
        class Panel(qt.QWidget):
            def __init__(self):
                super().__init__()
                self.extra = 3

            def sizeHint(self):
                return qt.QSize(50, 60)

        panel = Panel()
        panel.enabled = False
        self.assertEqual((panel.extra, panel.enabled), (3, False))
        panel.adjustSize()
        self.assertEqual((panel.width, panel.height), (50, 60))

    def test_settings_belong_to_this_run(self):
        qt.QSettings().setValue("LowDoseContrast/key", "value")
        self.assertEqual(slicer.util.settingsValue("LowDoseContrast/key", "none"), "value")
        self.assertIn("SlicerHost-", qt.QSettings().fileName())


class ParameterNodeTest(unittest.TestCase):
    def test_storage_is_slicers(self):
        fields, node = new_fields(), None
        node = fields.parameterNode
        fields.volume = volume()
        fields.names = ["a", "b"]
        fields.scores = {"cci": 1.5}
        fields.file = Path("/data/x.nrrd")
        stored = {name: node.GetParameter(name) for name in node.GetParameterNames()}
        self.assertEqual(stored, {
            "volume": "", "other.1": "True", "share": "0.25", "count": "4", "device": "auto",
            "name": "good", "mode": "WHOLE", "flag": "False", "file": "/data/x.nrrd",
            "names.len": "2", "names.0": "a", "names.1": "b", "scores.len": "1",
            "scores.0.0": "cci", "scores.0.1": "1.5", "maybe.1": "True"})
        self.assertEqual(node.GetNodeReferenceID("volume"), fields.volume.GetID())

    def test_unset_nodes_are_none_and_methods_are_kept(self):
        fields = new_fields()
        self.assertIsNone(fields.volume)
        self.assertFalse(fields.isValid())
        fields.volume = volume()
        self.assertTrue(fields.isValid())
        fields.maybe = 3
        self.assertEqual(fields.maybe, 3)
        fields.maybe = None
        self.assertIsNone(fields.maybe)

    def test_validators_refuse_and_leave_the_value(self):
        fields = new_fields()
        for name, value in (("share", 1.5), ("count", 0), ("count", 10), ("device", "tpu"),
                            ("name", "bad"), ("share", None)):
            before = getattr(fields, name)
            with self.assertRaises(ValueError):
                setattr(fields, name, value)
            self.assertEqual(getattr(fields, name), before)
        with self.assertRaises(TypeError):
            fields.flag = "yes"

    def test_lists_write_themselves(self):
        fields = new_fields()
        fields.names.append("x")
        fields.names += ["y"]
        del fields.names[0]
        self.assertEqual(fields.names, ["y"])
        self.assertEqual(fields.parameterNode.GetParameter("names.len"), "1")
        self.assertFalse(fields.parameterNode.HasParameter("names.1"))
        with self.assertRaises(NotImplementedError):
            fields.names + ["z"]

    def test_state_survives_saving_and_loading_the_scene(self):
        fields = new_fields()
        fields.parameterNode.SetName("Stored")
        fields.share, fields.mode, fields.names = 0.5, Mode.TILES, ["a", "b"]
        fields.volume = volume("Mammogram")
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder, "scene.mrb"))
            self.assertTrue(slicer.util.saveScene(path))
            slicer.mrmlScene.Clear()
            slicer.util.loadScene(path)
        again = Fields(slicer.util.getNode("Stored"))
        self.assertEqual((again.share, again.mode, list(again.names)), (0.5, Mode.TILES, ["a", "b"]))
        self.assertEqual(again.volume.GetName(), "Mammogram")

    def test_a_change_of_the_node_is_seen_by_observers_once(self):
        fields, calls = new_fields(), []
        tag = fields.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: calls.append(1))
        fields.names = ["a", "b", "c"]
        self.assertEqual(len(calls), 1)
        fields.RemoveObserver(tag)
        fields.share = 1.0
        self.assertEqual(len(calls), 1)

    def test_widgets_and_fields_follow_each_other(self):
        fields = new_fields()
        slider, spin, combo, modes = ctk.ctkSliderWidget(), qt.QSpinBox(), qt.QComboBox(), qt.QComboBox()
        check, path = qt.QCheckBox(), ctk.ctkPathLineEdit()
        slider.decimals, slider.singleStep = 2, 0.05
        tag = fields.connectParametersToGui({"share": slider, "count": spin, "device": combo,
                                             "mode": modes, "flag": check, "file": path})
        self.assertEqual((slider.value, spin.value, combo.currentText, modes.currentText),
                         (0.25, 4, "auto", "WHOLE"))
        self.assertEqual((slider.minimum, slider.maximum, spin.minimum, spin.maximum), (0, 1, 1, 9))
        slider.value, spin.value, combo.currentIndex, modes.currentIndex = 0.5, 7, 1, 0
        check.checked, path.currentPath = True, "/tmp/model.safetensors"
        self.assertEqual((fields.share, fields.count, fields.device, fields.mode, fields.flag, fields.file),
                         (0.5, 7, "cpu", Mode.TILES, True, Path("/tmp/model.safetensors")))
        fields.share = 0.75
        self.assertEqual(slider.value, 0.75)
        fields.disconnectGui(tag)
        slider.value = 0.1
        self.assertEqual(fields.share, 0.75)

    def test_reserved_names_are_refused(self):
        with self.assertRaises(ValueError):
            parameterNodeWrapper(type("Bad", (), {"__annotations__": {"connectGui": int}}))


class NodeComboBoxTest(unittest.TestCase):
    def setUp(self):
        self.box = slicer.qMRMLNodeComboBox()
        self.box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        self.heard = []
        self.box.connect("currentNodeChanged(vtkMRMLNode*)", self.heard.append)

    def test_disabled_without_a_scene(self):
        self.assertFalse(self.box.enabled)
        self.box.setMRMLScene(slicer.mrmlScene)
        self.assertTrue(self.box.enabled)
        self.assertIsNone(self.box.currentNode())
        self.assertEqual(self.box.currentNodeID, "")

    def test_follows_the_scene(self):
        self.box.setMRMLScene(slicer.mrmlScene)
        first, second = volume("first"), volume("second")
        slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode")
        self.assertEqual(self.box.nodeCount(), 2)
        self.box.setCurrentNode(first)
        self.assertEqual(self.box.currentNodeID, first.GetID())
        first.SetName("renamed")
        self.assertGreaterEqual(self.box._combo.findText("renamed"), 0)
        slicer.mrmlScene.RemoveNode(first)
        self.assertIs(self.box.currentNode(), second)  # there must be one
        slicer.mrmlScene.Clear()
        self.assertEqual((self.box.nodeCount(), self.box.currentNode()), (0, None))
        self.assertEqual(self.heard, [first, second, None])

    def test_none_where_it_is_allowed(self):
        self.box.noneEnabled = True
        self.box.setMRMLScene(slicer.mrmlScene)
        first = volume("first")
        volume("second")
        self.box.setCurrentNode(first)
        slicer.mrmlScene.RemoveNode(first)
        self.assertIsNone(self.box.currentNode())

    def test_subclasses_and_hidden_nodes(self):
        self.box.setMRMLScene(slicer.mrmlScene)
        slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")
        self.assertEqual(self.box.nodeCount(), 1)
        self.box.showChildNodeTypes = False
        self.assertEqual(self.box.nodeCount(), 0)
        node = volume("hidden")
        node.SetHideFromEditors(True)
        self.assertEqual(self.box.nodeCount(), 0)

    def test_creates_by_its_row(self):
        self.box.baseName = "Enhanced"
        self.box.setMRMLScene(slicer.mrmlScene)
        combo = self.box._combo
        combo.activated.emit(combo.findText("Create new Volume"))
        self.assertEqual(self.box.currentNode().GetName(), "Enhanced")
        self.assertEqual(self.heard, [self.box.currentNode()])

    def test_checkable_box(self):
        box = slicer.qMRMLCheckableNodeComboBox()
        box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        box.setMRMLScene(slicer.mrmlScene)
        first, second = volume("first"), volume("second")
        box.setCheckState(second, qt.Qt.Checked)
        self.assertEqual(box.checkedNodes(), [second])
        self.assertEqual(box.uncheckedNodes(), [first])
        slicer.mrmlScene.RemoveNode(second)
        self.assertTrue(box.noneChecked())


class DialogsTest(unittest.TestCase):
    def setUp(self):
        self.host = SlicerHost.start()
        self.host.dialogs.clear()

    def test_messages_are_recorded(self):
        slicer.util.errorDisplay("it broke", detailedText="here")
        slicer.util.infoDisplay("by the way")
        self.assertEqual([(m.kind, m.text) for m in self.host.messages],
                         [("critical", "it broke"), ("information", "by the way")])
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
                category="LowDoseContrast", sampleName="HostSample", uris=path.as_uri(),
                fileNames="sample.nrrd", nodeNames="FromDisk")
            node = SampleData.downloadSample("HostSample")
        self.assertEqual(node.GetName(), "FromDisk")
        self.assertEqual(slicer.util.arrayFromVolume(node).shape, (1, 8, 10))


class ProcessTest(unittest.TestCase):
    def test_lines_and_code_arrive_on_the_main_thread(self):
        host, lines, codes, threads = SlicerHost.start(), [], [], set()
        import threading

        def on_line(line):
            lines.append(line)
            threads.add(threading.current_thread() is threading.main_thread())

        code = "import sys; print('one'); print('two', flush=True); sys.exit(3)"
        process = slicer.util.launchConsoleProcess([sys.executable, "-c", code], blocking=False,
                                                   logCallback=on_line, completedCallback=codes.append)
        self.assertEqual(codes, [])
        self.assertTrue(host.waitUntil(lambda: codes, 20))
        self.assertEqual((lines, codes, threads), (["one", "two"], [3], {True}))
        self.assertEqual(process.returncode, 3)

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
        slicer.util.setSliceViewerLayers(background=self.volume, foreground=white,
                                         foregroundOpacity=0.5, fit=True)
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
