"""The CCI of volumes of the scene, in the training panel. Runs in 3D Slicer and on the headless host."""

import unittest

import lowdosecontrast_examples as examples
import slicer
from lowdosecontrast_training_panel import TrainingPanelTestCase


class ContrastTest(TrainingPanelTestCase):
    def volume(self, name, seed=0, factor=1, **elements):
        pixels = examples.phantom_pixels((300, 200), seed=seed)
        path = examples.write_dicom(
            self.folder / f"{name}.dcm", (pixels * factor).clip(0, 16383).astype("uint16"), **elements
        )
        return slicer.util.loadVolume(str(path), {"name": name, "singleFile": True, "show": False})

    def measure(self, *volumes, reference=None):
        """Ticks, presses Measure and returns heading -> cells of the table."""
        import qt

        for node in volumes:
            self.ui.cciVolumesSelector.setCheckState(node, qt.Qt.Checked)
        self.ui.cciReferenceSelector.setCurrentNode(reference)
        self.ui.measureButton.click()
        table = self.parameters.cciTable.GetTable()
        return {
            table.GetColumnName(i): [table.GetValue(row, i).ToString() for row in range(table.GetNumberOfRows())]
            for i in range(table.GetNumberOfColumns())
        }

    def expected(self, name, scale="full", mask="breast"):
        """(CCI result, map) from the file, by the library alone."""
        import numpy as np
        from LowDoseContrastLib.cci import CciVariant, cci
        from LowDoseContrastLib.files import read_mammogram

        mammogram = read_mammogram(self.folder / f"{name}.dcm")
        image, found = mammogram.pixels[0], np.empty(mammogram.pixels.shape[1:])
        return cci(image, mammogram.full_scale, CciVariant(scale, mask=mask), sign=mammogram.sign, out=found), found

    def test_theTableHoldsWhatTheLibraryMeasures(self):
        low, high = self.volume("low"), self.volume("high", seed=1, factor=2)
        self.assertFalse(self.ui.measureButton.enabled)
        self.assertIn("Tick", self.ui.measureLabel.text)
        for scale, combo in (("full", "full"), ("window:100,900", "window"), ("log", "log")):
            self.ui.cciScaleComboBox.currentText, self.ui.cciWindowLineEdit.text = combo, "100,900"
            self.assertEqual(self.ui.cciWindowLineEdit.isHidden(), combo != "window")
            table, wanted = (
                self.measure(low, high, reference=high),
                [self.expected(name, scale)[0] for name in ("low", "high")],
            )
            self.assertEqual(table["Volume"], ["low", "high"])
            self.assertEqual(table["CCI"], [f"{each.cci:.4f}" for each in wanted])
            self.assertEqual(table["CCI-norm"], [f"{each.cci_norm:.5f}" for each in wanted])
            self.assertEqual(table["CCI ratio"], [f"{wanted[0].cci / wanted[1].cci:.3f}", "1 (reference)"])
            self.assertEqual(table["Scale"], [scale] * 2)
        self.ui.cciScaleComboBox.currentText, self.ui.cciBreastCheckBox.checked = "full", False
        self.assertEqual(self.measure(low)["CCI"][0], f"{self.expected('low', mask='none')[0].cci:.4f}")
        self.ui.cciScaleComboBox.currentText, self.ui.cciWindowLineEdit.text = "window", "9,1"
        self.assertFalse(self.ui.measureButton.enabled)
        self.assertIn("LO below HI", self.ui.measureButton.toolTip)

    def test_mapsLieBesideTheirSources(self):
        import numpy as np

        low, high = self.volume("low"), self.volume("high", seed=1)
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
        hierarchy.SetItemParent(hierarchy.GetItemByDataNode(low), study)
        self.measure(low, high)
        self.assertEqual(slicer.util.getNodes("* CCI map"), {})
        self.ui.cciMapsCheckBox.checked = True
        for _twice in range(2):
            self.ui.measureButton.click()
            maps = slicer.util.getNodes("* CCI map")
            self.assertEqual(sorted(maps), ["high CCI map", "low CCI map"])
        node = maps["low CCI map"]
        np.testing.assert_allclose(
            slicer.util.arrayFromVolume(node)[0], np.nan_to_num(self.expected("low")[1]), rtol=1e-5, atol=1e-6
        )
        self.assertEqual(hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)), study)
        self.assertEqual((node.GetSpacing(), node.GetOrigin()), (low.GetSpacing(), low.GetOrigin()))
        ranges = [[0.0] * 6, [0.0] * 6]
        for each, bounds in zip((low, node), ranges):
            each.GetRASBounds(bounds)
        self.assertEqual(*ranges)

    def test_anEnhancedVolumeIsMeasuredAsItsReportSays(self):
        from LowDoseContrastLib.enhance import Enhancer
        from LowDoseContrastLib.nodes import image_from_node, report_of, write_enhancement

        source = self.volume("low")
        image = image_from_node(source)
        self.assertTrue(image.inverted)
        result = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "enhanced")
        write_enhancement(Enhancer(examples.small_model(), "cpu", "fp32").run(image.mammogram), image, source, result)
        table, report = self.measure(source, result), report_of(result)
        self.assertEqual(table["CCI"], [f"{getattr(report, key):.4f}" for key in ("cci_before", "cci_after")])
        self.assertEqual(
            table["CCI-norm"], [f"{getattr(report, key):.5f}" for key in ("cci_norm_before", "cci_norm_after")]
        )

    def test_wrongVolumesAreOneLineAndLeaveTheTable(self):
        import numpy as np

        good = self.volume("good")
        before = self.measure(good)
        flat = slicer.util.addVolumeFromArray(np.zeros((1, 40, 40), np.uint16), name="flat")
        tiny = slicer.util.addVolumeFromArray(np.ones((1, 2, 2), np.uint16), name="tiny")
        broken = slicer.util.addVolumeFromArray(np.full((1, 40, 40), np.nan, np.float32), name="broken")
        empty = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
        colour = slicer.util.addVolumeFromArray(
            np.zeros((1, 40, 40, 3), np.uint8), name="colour", nodeClassName="vtkMRMLVectorVolumeNode"
        )
        for node, words in (
            (tiny, "no 3x3 window"),
            (broken, "NaN"),
            (empty, "is empty"),
            (colour, "colour volume"),
            (self.volume("ct", Modality="CT"), "modality CT and no mammogram"),
        ):
            self.parameters.cciVolumes = [good, node]
            self.ui.measureButton.click()
            said = self.ui.measureLabel.text
            self.assertRegex(said, f"^{node.GetName()}: .*{words}")
            self.assertEqual(len(said.splitlines()), 1)
            self.assertEqual(self.parameters.cciTable.GetTable().GetNumberOfRows(), len(before["CCI"]))
        self.parameters.cciVolumes = [good, flat]
        self.ui.cciReferenceSelector.setCurrentNode(flat)
        self.ui.measureButton.click()
        self.assertEqual(
            (self.ui.measureLabel.text, self.parameters.cciTable.GetTable().GetValue(0, 3).ToString()), ("", "")
        )

    def test_aRemovedVolumeIsForgotten(self):
        low, high = self.volume("low"), self.volume("high")
        self.measure(low, high)
        slicer.mrmlScene.RemoveNode(high)
        self.assertEqual(self.measure()["Volume"], ["low"])

    def test_savedSceneRestoresChoicesAndTables(self):
        low, high = self.volume("low"), self.volume("high", seed=1)
        cells = self.measure(low, high, reference=high)["CCI"]
        self.parameters.models = ["starter", "another"]
        self.ui.evaluationFolderEdit.currentPath, self.ui.judgeTruthCheckBox.checked = str(self.folder / "judged"), True
        self.ui.baselinesLineEdit.text, self.ui.judgedSplitComboBox.currentText = "gain", "val"
        scene = str(self.folder / "scene.mrml")
        for node in (low, high, self.parameters.cciTable):
            kind = "tsv" if node is self.parameters.cciTable else "nrrd"
            self.assertTrue(slicer.util.saveNode(node, str(self.folder / f"{node.GetName()}.{kind}")))
        self.assertTrue(slicer.util.saveScene(scene))
        slicer.mrmlScene.Clear()
        self.assertEqual(
            (self.ui.evaluationFolderEdit.currentPath, len(self.ui.cciVolumesSelector.checkedNodes())), ("", 0)
        )
        slicer.util.loadScene(scene)
        self.assertEqual([node.GetName() for node in self.ui.cciVolumesSelector.checkedNodes()], ["low", "high"])
        self.assertEqual(self.ui.cciReferenceSelector.currentNode().GetName(), "high")
        self.assertEqual(list(self.parameters.models), ["starter", "another"])
        self.assertEqual(
            (self.ui.evaluationFolderEdit.currentPath, self.ui.judgeTruthCheckBox.checked),
            (str(self.folder / "judged"), True),
        )
        self.assertEqual((self.ui.baselinesLineEdit.text, self.ui.judgedSplitComboBox.currentText), ("gain", "val"))
        table = self.ui.cciTableView.mrmlTableNode().GetTable()
        self.assertEqual([f"{table.GetValue(row, 1).ToDouble():.4f}" for row in range(2)], cells)


if __name__ == "__main__":
    unittest.main()
