"""Where a 3D Slicer desktop surprises a module, the headless host surprises it in the same way."""

import gc
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
from slicer.parameterNodeWrapper import parameterNodeWrapper


@parameterNodeWrapper
class Fields:
    volume: slicer.vtkMRMLScalarVolumeNode
    count: int = 4
    names: list[str]


def volume(name="Volume", shape=(1, 8, 10)):
    return slicer.util.addVolumeFromArray(np.zeros(shape, np.uint16), name=name)


def add(name, kind="vtkMRMLScalarVolumeNode"):
    return slicer.mrmlScene.AddNewNodeByClass(kind, name)


class ParameterCacheTest(unittest.TestCase):
    def setUp(self):
        self.node = add("Fields", "vtkMRMLScriptedModuleNode")
        self.fields = Fields(self.node)

    def test_values_follow_the_nodes_events(self):
        self.assertTrue(self.fields.isCached("count"))
        self.node.SetParameter("count", "7")
        self.assertEqual(self.fields.count, 7)
        with slicer.util.NodeModify(self.node):
            self.node.SetParameter("count", "8")
            self.assertEqual(self.fields.count, 7)  # the event has not come yet
        self.assertEqual(self.fields.count, 8)

    def test_own_changes_are_there_before_observers_are_called(self):
        seen = []
        self.node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: seen.append(self.fields.count), 1.0)
        self.fields.count = 5
        self.assertEqual(seen, [5])
        self.node.SetParameter("count", "6")
        self.assertEqual(seen, [5, 5])  # an earlier observer still finds the old value

    def test_a_second_wrapper_sees_the_first_ones_changes(self):
        second = Fields(self.node)
        self.fields.names = ["a"]
        second.names.append("b")
        self.assertEqual((list(self.fields.names), list(second.names)), (["a", "b"], ["a", "b"]))

    def test_a_dropped_wrapper_leaves_no_observers(self):
        self.fields = None
        gc.collect()
        self.assertFalse(self.node.HasObserver(vtk.vtkCommand.ModifiedEvent))

    def test_defaults_come_back_when_the_node_is_emptied(self):
        self.fields.count = 9
        self.node.UnsetParameter("count")
        self.assertEqual((self.fields.count, self.node.GetParameter("count")), (4, "4"))


class NodeSelectorTest(unittest.TestCase):
    def make(self, cls=None, **properties):
        box = (cls or slicer.qMRMLNodeComboBox)()
        box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        for name, value in {"addEnabled": False, "removeEnabled": False, **properties}.items():
            setattr(box, name, value)
        box.setMRMLScene(slicer.mrmlScene)
        self.heard = []
        box.connect("currentNodeChanged(vtkMRMLNode*)", self.heard.append)
        return box

    def test_the_first_node_is_chosen_before_it_is_complete(self):
        box, states = self.make(), []
        box.connect(
            "currentNodeChanged(vtkMRMLNode*)",
            lambda node: states.append((node.GetImageData() is None, node.GetDisplayNode() is None)),
        )
        heard = []
        slicer.mrmlScene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, lambda *_: heard.append(box.currentNode()))
        node = volume("first")
        volume("second")
        self.assertEqual((self.heard, states), ([node], [(True, True)]))
        self.assertIs(heard[0], node)

    def test_rows_of_actions_keep_the_box_empty(self):
        box = self.make(addEnabled=True)
        volume("first")
        self.assertIsNone(box.currentNode())
        self.assertEqual(self.heard, [])

    def test_a_scene_with_nodes_chooses_the_first_one(self):
        node = volume("first")
        volume("second")
        self.assertIs(self.make(addEnabled=True).currentNode(), node)
        self.assertIsNone(self.make(noneEnabled=True).currentNode())

    def test_removing_the_chosen_node_chooses_another(self):
        box = self.make(noneEnabled=True, addEnabled=True)
        first, second, third = volume("first"), volume("second"), volume("third")
        box.setCurrentNode(second)
        slicer.mrmlScene.RemoveNode(second)
        self.assertIs(box.currentNode(), third)
        slicer.mrmlScene.RemoveNode(third)  # a row of an action lies there now, so it is the last node
        self.assertIs(box.currentNode(), first)
        slicer.mrmlScene.RemoveNode(first)
        self.assertEqual((self.heard[-1], box.currentNode()), (None, None))

    def test_renaming_the_chosen_node_tells_of_it_again(self):
        box = self.make()
        node = volume("first")
        node.SetName("renamed")
        self.assertEqual(self.heard, [node, node])
        node.Modified()
        self.assertEqual((len(self.heard), box.currentNode()), (2, node))

    def test_importing_a_scene_empties_and_fills_the_box(self):
        box = self.make(noneEnabled=True)
        with tempfile.TemporaryDirectory() as folder:
            volume("stored")
            path = str(Path(folder, "scene.mrb"))
            slicer.util.saveScene(path)
            slicer.mrmlScene.Clear()
            first = volume("first")
            second = volume("second")
            box.setCurrentNode(second)
            self.heard.clear()
            slicer.util.loadScene(path)
        self.assertEqual([node and node.GetName() for node in self.heard], [None])
        self.assertEqual([node.GetName() for node in box.nodes()], ["first", "second", "stored"])
        self.assertIsNone(box.currentNode())
        self.assertIs(box.nodeFromIndex(0), first)

    def test_without_none_an_import_chooses_the_first_node(self):
        box = self.make()
        with tempfile.TemporaryDirectory() as folder:
            volume("stored")
            path = str(Path(folder, "scene.mrb"))
            slicer.util.saveScene(path)
            slicer.mrmlScene.Clear()
            first, second = volume("first"), volume("second")
            box.setCurrentNode(second)
            self.heard.clear()
            slicer.util.loadScene(path)
        self.assertEqual([node and node.GetName() for node in self.heard], [None, "first"])
        self.assertIs(box.currentNode(), first)

    def test_hidden_and_visible_nodes(self):
        box = self.make(noneEnabled=True)
        first, second = volume("first"), volume("second")
        model = add("model", "vtkMRMLModelNode")
        box.setCurrentNode(second)
        self.heard.clear()
        box.sortFilterProxyModel().hiddenNodeIDs = [second.GetID()]
        self.assertEqual((box.nodes(), box.currentNode()), ([first], first))
        box.sortFilterProxyModel().setHiddenNodeIDs([])
        box.sortFilterProxyModel().visibleNodeIDs = [model.GetID()]
        self.assertEqual((box.nodes(), box.currentNode()), ([first, second, model], first))
        self.assertEqual(self.heard, [first])
        self.assertEqual(box.sortFilterProxyModel().visibleNodeIDs, [model.GetID()])

    def test_an_attribute_is_looked_at_again_when_the_node_changes(self):
        box = self.make(noneEnabled=True)
        box.addAttribute("vtkMRMLScalarVolumeNode", "kind", "low")
        node = volume("first")
        self.assertEqual(box.nodes(), [])
        node.SetAttribute("kind", "low")
        self.assertEqual(box.nodes(), [node])


class CheckableSelectorTest(unittest.TestCase):
    def setUp(self):
        self.box, self.heard = slicer.qMRMLCheckableNodeComboBox(), []
        self.box.nodeTypes = ["vtkMRMLScalarVolumeNode"]
        self.box.setMRMLScene(slicer.mrmlScene)
        self.box.connect("checkedNodesChanged()", lambda: self.heard.append(self.box.checkedNodes()))
        self.first, self.second = volume("first"), volume("second")

    def test_it_is_a_node_selector_with_ticks(self):
        self.assertIsInstance(self.box, slicer.qMRMLNodeComboBox)
        self.assertEqual((self.box.nodes(), self.box.noneChecked()), ([self.first, self.second], True))
        self.box.check(self.second)
        self.assertEqual((self.box.checkedNodes(), self.heard), ([self.second], [[self.second]]))
        self.assertEqual(self.box.checkState(self.second), qt.Qt.Checked)
        self.assertEqual(self.box.comboBox().shownText(), "second")
        self.box.check(self.first)
        self.assertTrue(self.box.allChecked())

    def test_importing_a_scene_takes_all_ticks(self):
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder, "scene.mrb"))
            slicer.util.saveScene(path)
            self.box.check(self.first)
            self.heard.clear()
            slicer.util.loadScene(path)
        self.assertEqual((self.heard, self.box.checkedNodes(), self.box.nodeCount()), ([[]], [], 4))

    def test_a_ticked_node_that_goes_is_told_of_later(self):
        self.box.check(self.first)
        self.heard.clear()
        slicer.mrmlScene.RemoveNode(self.first)
        self.assertEqual((self.box.checkedNodes(), self.heard), ([], []))
        self.second.SetName("renamed")
        self.assertEqual(self.heard, [[]])

    def test_a_hidden_node_loses_its_tick(self):
        self.box.check(self.first)
        self.box.sortFilterProxyModel().hiddenNodeIDs = [self.first.GetID()]
        self.assertEqual(self.box.checkedNodes(), [])
        self.box.sortFilterProxyModel().hiddenNodeIDs = []
        self.assertEqual((self.box.nodeCount(), self.box.checkedNodes()), (2, []))


def layout_of(*tags):
    views = "".join(f'<item><view class="vtkMRMLSliceNode" singletontag="{tag}"/></item>' for tag in tags)
    return f'<layout type="horizontal">{views}</layout>'


class LayoutTest(unittest.TestCase):
    def setUp(self):
        self.host, self.manager = SlicerHost.start(), slicer.app.layoutManager()
        self.node = self.manager.layoutLogic().GetLayoutNode()
        self.conventional = slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView
        self.manager.setLayout(self.conventional)
        self.host.processEvents()

    def show(self, number, *tags):
        if not self.node.IsLayoutDescription(number):
            self.node.AddLayoutDescription(number, layout_of(*tags))
        self.manager.setLayout(number)

    def tags(self):
        return [cell.tag for cell in self.manager.cells()]

    def mapped(self, name):
        return self.manager.sliceWidget(name).mrmlSliceNode().IsMappedInLayout()

    def test_the_current_layout_is_not_shown_again_and_an_unknown_one_is_conventional(self):
        heard = []
        self.manager.layoutChanged.connect(heard.append)
        self.addCleanup(self.manager.layoutChanged.disconnect, heard.append)
        self.manager.setLayout(self.conventional)
        self.assertEqual(heard, [])
        self.show(810, "HostLeft", "HostRight")
        self.manager.setLayout(99999)
        self.assertEqual((self.manager.layout, heard[-1]), (self.conventional, self.conventional))

    def test_views_of_other_layouts_stay_but_are_not_mapped(self):
        self.show(810, "HostLeft", "HostRight")
        self.assertTrue(self.mapped("HostLeft"))
        self.assertFalse(self.mapped("Red"))
        self.manager.setLayout(self.conventional)
        self.assertEqual((self.mapped("HostLeft"), self.mapped("Red")), (False, True))
        self.assertIsNone(self.manager.sliceWidget("NoSuchView"))

    def test_a_scene_with_an_unknown_layout_shows_nothing(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "scene.mrml")
            slicer.util.saveScene(str(path))
            path.write_text(
                path.read_text().replace(
                    f'currentViewArrangement="{self.conventional}"', 'currentViewArrangement="991"'
                )
            )
            slicer.util.loadScene(str(path))
        self.assertEqual(
            (self.manager.layout, self.node.GetCurrentLayoutDescription() or "", self.tags()), (991, "", [])
        )
        self.assertFalse(self.mapped("Red"))
        self.manager.setLayout(991)  # it is the current one
        self.assertEqual(self.tags(), [])
        self.manager.setLayout(self.conventional)
        self.assertIn("Red", self.tags())

    def test_a_layout_waits_for_the_end_of_a_batch(self):
        slicer.mrmlScene.StartState(slicer.vtkMRMLScene.BatchProcessState)
        self.show(810, "HostLeft", "HostRight")
        self.assertIn("Red", self.tags())
        slicer.mrmlScene.EndState(slicer.vtkMRMLScene.BatchProcessState)
        self.assertEqual(self.tags(), ["HostLeft", "HostRight"])

    def test_closing_the_scene_keeps_the_layout(self):
        self.show(810, "HostLeft", "HostRight")
        slicer.mrmlScene.Clear()
        self.assertEqual((self.manager.layout, self.tags()), (810, ["HostLeft", "HostRight"]))
        self.assertTrue(self.mapped("HostLeft"))

    def test_a_maximized_view_fills_the_layout_until_another_is_set(self):
        self.manager.addMaximizedViewNode(self.manager.sliceWidget("Red").mrmlSliceNode())
        self.assertEqual(self.tags(), ["Red"])
        self.show(810, "HostLeft", "HostRight")
        self.assertEqual(self.tags(), ["HostLeft", "HostRight"])
        self.assertEqual(self.node.GetNumberOfMaximizedViewNodes(), 0)

    def test_views_get_their_size_when_events_are_handled(self):
        picture = volume(shape=(1, 400, 400))
        self.show(811, "HostTall", "HostOther")
        logic = self.manager.sliceWidget("HostTall").sliceLogic()
        node = logic.GetSliceNode()
        logic.GetSliceCompositeNode().SetBackgroundVolumeID(picture.GetID())
        self.assertEqual(node.GetDimensions()[:2], (256, 256))
        logic.FitSliceToBackground()
        fitted = node.GetFieldOfView()
        self.host.processEvents()
        cell = self.manager.cells()[0]
        self.assertEqual(node.GetDimensions()[0], cell.width)
        self.assertAlmostEqual(node.GetFieldOfView()[1], fitted[1])
        self.assertLess(node.GetFieldOfView()[0], 400)  # the view is higher than wide, so the sides are cut off
        logic.FitSliceToBackground()
        self.assertGreaterEqual(node.GetFieldOfView()[0], 400)
