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
    raise unittest.SkipTest("the headless host is not in use")

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
