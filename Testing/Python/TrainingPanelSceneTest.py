"""Scenes that are saved and loaded while the training panel is open. Runs in 3D Slicer and on the headless host."""

import unittest

import lowdosecontrast_examples as examples
import slicer
from lowdosecontrast_training_panel import TrainingPanelTestCase

NODES = {
    "lossTable": "vtkMRMLTableNode", "lossChart": "vtkMRMLPlotChartNode", "validationChart": "vtkMRMLPlotChartNode", "sampleVolume": "vtkMRMLScalarVolumeNode",
    "resultTable": "vtkMRMLTableNode", "intervalTable": "vtkMRMLTableNode", "contrastChart": "vtkMRMLPlotChartNode", "likenessChart": "vtkMRMLPlotChartNode",
    "detectabilityChart": "vtkMRMLPlotChartNode", "cciReference": "vtkMRMLScalarVolumeNode", "cciTable": "vtkMRMLTableNode",
}  # fmt: skip


def plain(value):
    """A field's value, nodes by their names."""
    if isinstance(value, slicer.vtkMRMLNode):
        return value.GetName()
    return value if value is None or isinstance(value, (str, int, float)) else [plain(each) for each in value]


class SceneTestCase(TrainingPanelTestCase):
    def volume(self, name):
        import numpy as np

        return slicer.util.addVolumeFromArray(examples.phantom_pixels((60, 40))[np.newaxis], name=name)

    def saved(self):
        scene = str(self.folder / "scene.mrml")
        for node in slicer.util.getNodesByClass("vtkMRMLStorableNode"):
            if node.IsA("vtkMRMLVolumeNode") or node.IsA("vtkMRMLTableNode"):
                self.assertTrue(
                    slicer.util.saveNode(
                        node, str(self.folder / f"{node.GetName()}.{'tsv' if node.IsA('vtkMRMLTableNode') else 'nrrd'}")
                    )
                )
        self.assertTrue(slicer.util.saveScene(scene))
        return scene


class SceneTest(SceneTestCase):
    def changed(self):
        """Gives every field another value than its own; returns the plain values."""
        parameters = self.parameters
        for name in parameters.allParameters:
            value = getattr(parameters, name)
            if name in NODES:
                value = (
                    self.volume(name)
                    if "Volume" in NODES[name]
                    else slicer.mrmlScene.AddNewNodeByClass(NODES[name], name)
                )
            elif name == "cciVolumes":
                value = [self.volume("first"), self.volume("second")]
            elif isinstance(value, bool):
                value = not value
            elif isinstance(value, (int, float)):
                value = value + 1 if name != "breastPart" else 0.25
            elif name in self.choices():
                value = self.choices()[name]
            else:
                value = (
                    ["another", "starter"] if name == "models" else "{}" if name == "recipeChanges" else f"/tmp/{name}"
                )
            setattr(parameters, name, value)
        return self.values()

    def choices(self):
        """Fields with a list to choose from, and the last of the list."""
        combos = {
            "detector": self.ui.detectorComboBox, "bits": self.ui.bitsComboBox, "split": self.ui.splitComboBox, "recipe": self.ui.recipeComboBox,
            "device": self.ui.deviceComboBox, "judgedSplit": self.ui.judgedSplitComboBox, "evaluationDevice": self.ui.evaluationDeviceComboBox,
            "cciScale": self.ui.cciScaleComboBox,
        }  # fmt: skip
        return {name: combo.itemText(combo.count - 1) for name, combo in combos.items()}

    def values(self):
        """What the scene holds, as a panel that is opened now would read it."""
        parameters = self.panel.logic.getParameterNode()
        return {name: plain(getattr(parameters, name)) for name in parameters.allParameters}

    def assertShown(self, wanted):
        self.assertEqual(self.values(), wanted)
        self.assertEqual([node.GetName() for node in self.ui.cciVolumesSelector.checkedNodes()], wanted["cciVolumes"])
        self.assertEqual(self.ui.cciReferenceSelector.currentNode().GetName(), wanted["cciReference"])
        self.assertEqual(
            (self.ui.arrangementsSpinBox.value, self.ui.seedSpinBox.value), (wanted["arrangements"], wanted["seed"])
        )
        self.assertEqual(
            (self.ui.runFolderEdit.currentPath, self.ui.deviceComboBox.currentText),
            (wanted["runFolder"], wanted["device"]),
        )

    def test_everythingIsBackWhenAnotherSceneWasOpen(self):
        wanted = self.changed()
        scene = self.saved()
        slicer.mrmlScene.Clear()
        self.assertNotEqual(self.values(), wanted)
        slicer.util.loadScene(scene)
        self.assertShown(wanted)
        slicer.app.processEvents()
        self.assertShown(wanted)

    def test_theSameSceneAgainWithoutClosingIt(self):
        wanted = self.changed()
        slicer.util.loadScene(self.saved())
        self.assertShown(wanted)

    def test_whatIsChosenAfterwardsIsKept(self):
        scene = (self.changed(), self.saved())[1]
        slicer.util.loadScene(scene)
        self.ui.seedSpinBox.value = 77
        self.assertEqual(self.values()["seed"], 77)

    def test_aPanelThatIsNotOpenStaysAway(self):
        wanted, scene = self.changed(), self.saved()
        self.panel.exit()
        slicer.util.selectModule("LowDoseContrast")
        slicer.util.loadScene(scene)
        self.assertIsNone(self.panel.parameters)
        slicer.util.selectModule("LowDoseContrastTraining")
        self.assertShown(wanted)


class RolesTest(SceneTestCase):
    def offered(self):
        """Names of the volumes in both selectors, which are the same."""
        selector = self.ui.cciReferenceSelector
        names = [selector.nodeFromIndex(index).GetName() for index in range(selector.nodeCount())]
        volumes = self.ui.cciVolumesSelector
        self.assertEqual(
            sorted(node.GetName() for node in volumes.checkedNodes() + volumes.uncheckedNodes()), sorted(names)
        )
        return sorted(names)

    def test_whatShowsNoExposureIsNotOffered(self):
        from LowDoseContrastSlicer.volume_roles import CCI_MAP, DIFFERENCE, ENHANCED, SAMPLES, ownVolumes, setRole

        for name, role in (
            ("image", None),
            ("result", ENHANCED),
            ("change", DIFFERENCE),
            ("map", CCI_MAP),
            ("strip", SAMPLES),
        ):
            setRole(self.volume(name), role)
        self.assertEqual(self.offered(), ["image", "result"])
        self.assertEqual(sorted(node.GetName() for node in ownVolumes(CCI_MAP, SAMPLES)), ["map", "strip"])
        setRole(slicer.util.getNode("map"), None)
        self.assertEqual(self.offered(), ["image", "map", "result"])
        slicer.mrmlScene.RemoveNode(slicer.util.getNode("strip"))
        self.assertEqual(self.offered(), ["image", "map", "result"])

    def test_rolesAreSavedWithTheScene(self):
        from LowDoseContrastSlicer.volume_roles import SAMPLES, setRole

        self.volume("image")
        setRole(self.volume("strip"), SAMPLES)
        scene = self.saved()
        slicer.mrmlScene.Clear()
        slicer.util.loadScene(scene)
        self.assertEqual(self.offered(), ["image"])

    def test_aTickedVolumeStaysTickedWhenAnotherOneIsHidden(self):
        import qt
        from LowDoseContrastSlicer.volume_roles import SAMPLES, setRole

        image = self.volume("image")
        self.ui.cciVolumesSelector.setCheckState(image, qt.Qt.Checked)
        setRole(self.volume("strip"), SAMPLES)
        self.assertEqual(list(self.parameters.cciVolumes), [image])
        self.assertEqual(self.ui.cciVolumesSelector.checkedNodes(), [image])


if __name__ == "__main__":
    unittest.main()
