"""Widgets and parameter nodes of the headless host behave as those of 3D Slicer do."""

import enum
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Annotated

import numpy as np
import slicer
import vtk

try:
    import SlicerHost  # noqa: F401
except ImportError:  # inside 3D Slicer there is no host to be tested
    raise unittest.SkipTest("the headless host is not in use") from None

import ctk
import qt
from slicer.parameterNodeWrapper import Choice, Default, Exclude, Maximum, Minimum, WithinRange, parameterNodeWrapper


class Mode(enum.Enum):
    TILES = 1
    WHOLE = 2


@parameterNodeWrapper
class Fields:
    volume: slicer.vtkMRMLScalarVolumeNode
    other: slicer.vtkMRMLScalarVolumeNode | None
    share: Annotated[float, WithinRange(0, 1)] = 0.25
    count: Annotated[int, Minimum(1), Maximum(9)] = 4
    device: Annotated[str, Choice(["auto", "cpu"])] = "auto"
    name: Annotated[str, Exclude(["bad"]), Default("good")]
    mode: Mode = Mode.WHOLE
    flag: bool
    file: Path
    names: list[str]
    scores: dict[str, float]
    maybe: int | None

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
        for widget, name in (
            (qt.QSpinBox(), "value"),
            (qt.QLabel(), "text"),
            (ctk.ctkSliderWidget(), "value"),
            (qt.QComboBox(), "count"),
        ):
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

        def on_text(text):
            heard.append(text)

        line.connect("textChanged(QString)", on_text)
        line.text = "one"
        self.assertTrue(line.disconnect("textChanged(QString)", on_text))
        line.text = "two"
        self.assertEqual(heard, ["one"])

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

    def test_calls_keep_the_count_of_none(self):
        # PySide6 6.12.0 lost one reference to None a call before Python 3.12, and then aborted.
        label, before = qt.QLabel("x"), sys.getrefcount(None)
        for _ in range(500):
            label.setText("y")
        self.assertGreater(sys.getrefcount(None), before - 250)

    def test_settings_belong_to_this_run(self):
        qt.QSettings().setValue("LowDoseContrast/key", "value")
        self.assertEqual(slicer.util.settingsValue("LowDoseContrast/key", "none"), "value")
        self.assertIn("SlicerHost-", qt.QSettings().fileName())


class ParameterNodeTest(unittest.TestCase):
    def test_storage_is_slicers(self):
        fields = new_fields()
        node = fields.parameterNode
        fields.volume = volume()
        fields.names = ["a", "b"]
        fields.scores = {"cci": 1.5}
        fields.file = Path("/data/x.nrrd")
        stored = {name: node.GetParameter(name) for name in node.GetParameterNames()}
        self.assertEqual(
            stored,
            {
                "volume": "",
                "other.1": "True",
                "share": "0.25",
                "count": "4",
                "device": "auto",
                "name": "good",
                "mode": "WHOLE",
                "flag": "False",
                "file": "/data/x.nrrd",
                "names.len": "2",
                "names.0": "a",
                "names.1": "b",
                "scores.len": "1",
                "scores.0.0": "cci",
                "scores.0.1": "1.5",
                "maybe.1": "True",
            },
        )
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
        for name, value in (
            ("share", 1.5),
            ("count", 0),
            ("count", 10),
            ("device", "tpu"),
            ("name", "bad"),
            ("share", None),
        ):
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
        tag = fields.connectParametersToGui(
            {"share": slider, "count": spin, "device": combo, "mode": modes, "flag": check, "file": path}
        )
        self.assertEqual((slider.value, spin.value, combo.currentText, modes.currentText), (0.25, 4, "auto", "WHOLE"))
        self.assertEqual((slider.minimum, slider.maximum, spin.minimum, spin.maximum), (0, 1, 1, 9))
        slider.value, spin.value, combo.currentIndex, modes.currentIndex = 0.5, 7, 1, 0
        check.checked, path.currentPath = True, "/tmp/model.safetensors"
        self.assertEqual(
            (fields.share, fields.count, fields.device, fields.mode, fields.flag, fields.file),
            (0.5, 7, "cpu", Mode.TILES, True, Path("/tmp/model.safetensors")),
        )
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
        self.assertGreaterEqual(self.box.comboBox().findText("renamed"), 0)
        slicer.mrmlScene.RemoveNode(first)
        self.assertIs(self.box.currentNode(), second)  # there must be one
        slicer.mrmlScene.Clear()
        self.assertEqual((self.box.nodeCount(), self.box.currentNode()), (0, None))
        # none yet, chosen, renamed, removed, closed
        self.assertEqual(self.heard, [None, first, first, second, None])

    def test_none_where_it_is_allowed(self):
        self.box.noneEnabled = True
        self.box.setMRMLScene(slicer.mrmlScene)
        first, second = volume("first"), volume("second")
        self.assertIsNone(self.box.currentNode())
        self.box.setCurrentNode(first)
        slicer.mrmlScene.RemoveNode(first)
        self.assertIs(self.box.currentNode(), second)  # Qt's combo box keeps its row
        slicer.mrmlScene.RemoveNode(second)
        self.assertIsNone(self.box.currentNode())

    def test_subclasses_and_hidden_nodes(self):
        self.box.setMRMLScene(slicer.mrmlScene)
        slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode")
        self.assertEqual(self.box.nodeCount(), 1)
        self.box.showChildNodeTypes = False
        self.assertEqual(self.box.nodeCount(), 0)
        node = volume("hidden")
        node.SetHideFromEditors(True)
        self.assertEqual(self.box.nodeCount(), 1)  # Slicer's filter looks again when the name changes
        node.SetName("hidden now")
        self.assertEqual(self.box.nodeCount(), 0)

    def test_creates_by_its_row(self):
        self.box.baseName = "Enhanced"
        self.box.setMRMLScene(slicer.mrmlScene)
        self.box.chooseRow("Create new Volume")
        self.assertEqual(self.box.currentNode().GetName(), "Enhanced")
        self.assertEqual(self.heard, [None, self.box.currentNode()])

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


class CollapsibleButtonTest(unittest.TestCase):
    def test_what_is_shown_in_a_folded_section_waits(self):
        section = ctk.ctkCollapsibleButton()
        layout = qt.QVBoxLayout(section)
        early, late, never = (qt.QLabel(name) for name in ("early", "late", "never"))
        for label in (early, late, never):
            layout.addWidget(label)
        late.visible = never.visible = False
        section.collapsed = True
        late.visible = True
        self.assertEqual([label.isHidden() for label in (early, late, never)], [True] * 3)
        section.collapsed = False
        self.assertEqual([label.isHidden() for label in (early, late, never)], [False, False, True])
        late.visible = False
        self.assertTrue(late.isHidden())
