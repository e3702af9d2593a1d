"""Input and result in Slicer's views: titles, windows, layouts, and how one leaves them."""

import json

import lowdosecontrast_examples as examples
import numpy as np
import slicer
from lowdosecontrast_panel import PanelTestCase, host
from LowDoseContrastLib.nodes import report_of


def composite(tag):
    return slicer.app.layoutManager().sliceWidget(tag).sliceLogic().GetSliceCompositeNode()


def shown(tag):
    """Names of what a view shows: background and foreground."""
    nodes = (
        slicer.mrmlScene.GetNodeByID(i) if i else None
        for i in (composite(tag).GetBackgroundVolumeID(), composite(tag).GetForegroundVolumeID())
    )
    return tuple(node.GetName() if node else None for node in nodes)


def window(node):
    return node.GetDisplayNode().GetWindowLevelMin(), node.GetDisplayNode().GetWindowLevelMax()


class ComparisonTestCase(PanelTestCase):
    @property
    def layoutManager(self):
        return slicer.app.layoutManager()

    def picture(self, tag, size=(300, 400)):
        """The pixels of a view on the headless host: (rows, columns), 0 to 255."""
        return host().renderSliceView(tag, size)[:, :, 0].astype(float)


class LayoutTest(ComparisonTestCase):
    def test_sideBySideShowsTheWholeImages(self):
        """Also the first time, when the views are new and get their size only in the event loop."""
        if host():
            self.layoutManager.resize((670, 610))  # as beside the panel in a window of 1100 x 690
        source = self.volume(shape=(600, 420))
        self.apply()
        self.settle()
        bounds = [0] * 6
        source.GetRASBounds(bounds)
        for tag in ("LowDoseBefore", "LowDoseAfter"):
            node = self.layoutManager.sliceWidget(tag).mrmlSliceNode()
            width, height, _depth = node.GetFieldOfView()
            self.assertGreaterEqual(width * 1.001, bounds[1] - bounds[0])
            self.assertGreaterEqual(height * 1.001, bounds[3] - bounds[2])
            self.assertAlmostEqual(
                node.GetDimensions()[0] / node.GetDimensions()[1], width / height, delta=0.01
            )  # its size is that of the view

    def test_viewsAreTitled(self):
        self.volume()
        self.apply()
        labels = {
            tag: self.layoutManager.sliceWidget(tag).mrmlSliceNode().GetLayoutLabel()
            for tag in ("LowDoseBefore", "LowDoseAfter")
        }
        self.assertEqual(labels, {"LowDoseBefore": "In", "LowDoseAfter": "Out"})
        low, high = self.volume("low"), self.volume("high", EntranceDoseInmGy=11.5)
        self.panel.logic.comparison.showPair(low, high)
        labels = [
            self.layoutManager.sliceWidget(tag).mrmlSliceNode().GetLayoutLabel()
            for tag in ("LowDoseBefore", "LowDoseAfter")
        ]
        self.assertEqual(
            (labels, shown("LowDoseBefore"), shown("LowDoseAfter")), (["Low", "High"], ("low", None), ("high", None))
        )

    def test_fadeAndDifferenceHaveOneView(self):
        self.volume()
        self.apply()
        for button, expected in (
            (self.panel.ui.fadeButton, ("mammogram", "mammogram enhanced")),
            (self.panel.ui.differenceButton, ("mammogram enhanced change beyond gain", None)),
        ):
            button.click()
            self.wait(lambda: self.panel._steps is None)
            self.settle()
            mapped = [
                node.GetLayoutName()
                for node in slicer.util.getNodesByClass("vtkMRMLSliceNode")
                if node.IsMappedInLayout()
            ]
            self.assertEqual(mapped, ["DoseComparison"])
            self.assertEqual(shown("DoseComparison"), expected)

    def test_backLeadsToTheLayoutBefore(self):
        before = slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView
        self.layoutManager.setLayout(before)
        self.assertFalse(self.panel.ui.backButton.enabled)
        self.volume()
        self.apply()
        self.panel.ui.fadeButton.click()
        self.assertTrue(self.panel.ui.backButton.enabled)
        self.panel.ui.backButton.click()
        self.assertEqual(self.layoutManager.layout, before)
        self.assertFalse(self.panel.ui.backButton.enabled)

    def test_backLeadsThereAlsoAfterAClosedScene(self):
        before = slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpYellowSliceView
        self.layoutManager.setLayout(before)
        self.volume()
        self.apply()
        slicer.mrmlScene.Clear()
        self.settle()
        if self.panel.ui.backButton.enabled:
            self.panel.ui.backButton.click()
        self.assertEqual(self.layoutManager.layout, before)

    def test_aMaximisedViewDoesNotKeepTheOtherAway(self):
        self.volume()
        self.apply()
        self.layoutManager.addMaximizedViewNode(self.layoutManager.sliceWidget("LowDoseBefore").mrmlSliceNode())
        self.panel.ui.sideBySideButton.click()
        self.settle()
        mapped = {
            node.GetLayoutName() for node in slicer.util.getNodesByClass("vtkMRMLSliceNode") if node.IsMappedInLayout()
        }
        self.assertEqual(mapped, {"LowDoseBefore", "LowDoseAfter"})

    def test_aNewVolumeStaysOutOfTheComparison(self):
        self.volume()
        self.apply()
        self.volume("another")  # chosen as the input: it is shown on the left, and nothing on the right
        self.settle()
        self.assertEqual((shown("LowDoseBefore"), shown("LowDoseAfter")), (("another", None), (None, None)))
        slicer.util.loadVolume(str(self.dicom("third")))
        self.settle()
        self.assertEqual((shown("LowDoseBefore"), shown("LowDoseAfter")), (("another", None), (None, None)))

    def test_aResultThatComesInAnotherModuleIsShown(self):
        self.volume()
        self.apply()
        self.volume("another", shape=(1500, 1000))
        self.panel.ui.applyButton.click()
        self.panel.exit()
        self.wait(lambda: self.panel._steps is None)
        self.assertEqual(
            (shown("LowDoseBefore"), shown("LowDoseAfter")), (("another", None), ("another enhanced", None))
        )
        self.panel.enter()

    def test_aSceneOfOurLayoutShowsItsViewsInAFreshSlicer(self):
        if host() is None:
            self.skipTest("needs a second Slicer")
        import SlicerHost

        self.volume()
        self.apply()
        scene = str(self.folder / "scene.mrb")
        self.assertTrue(slicer.util.saveScene(scene))
        code = """
            host.loadModule(args[1])
            slicer.util.loadScene(args[0])
            slicer.app.processEvents()
            mapped = [node.GetLayoutName() for node in slicer.util.getNodesByClass("vtkMRMLSliceNode") if node.IsMappedInLayout()]
            composites = [slicer.app.layoutManager().sliceWidget(name).sliceLogic().GetSliceCompositeNode() for name in mapped]
            names = [slicer.mrmlScene.GetNodeByID(c.GetBackgroundVolumeID()).GetName() for c in composites]
            print(sorted(zip(mapped, names)))
        """
        said = SlicerHost.runFresh(code, scene, str(examples.REPOSITORY / "LowDoseContrast" / "LowDoseContrast.py"))
        self.assertIn("[('LowDoseAfter', 'mammogram enhanced'), ('LowDoseBefore', 'mammogram')]", said)


class WindowTest(ComparisonTestCase):
    def test_windowsFollowOneAnother(self):
        source = self.volume()
        result = self.apply()
        top, gain = 16383, json.loads(result.GetAttribute("LowDoseContrast.report"))["gain"]
        for low, high in ((15900, 16200), (15000, 16383), (12000, 16000.5)):
            source.GetDisplayNode().SetWindowLevelMinMax(low, high)
            np.testing.assert_allclose(window(result), (top + gain * (low - top), top + gain * (high - top)), rtol=1e-4)
        wanted = (14000, 16000)
        result.GetDisplayNode().SetWindowLevelMinMax(*wanted)
        np.testing.assert_allclose(window(source), [top + (edge - top) / gain for edge in wanted], rtol=1e-4)

    def test_windowOfTheUserIsKeptWhenAppliedAgain(self):
        source = self.volume()
        self.apply()
        source.GetDisplayNode().SetWindowLevelMinMax(15900, 16200)
        self.apply()
        np.testing.assert_allclose(window(source), (15900, 16200))
        self.panel.ui.sideBySideButton.click()
        self.assertNotEqual(window(source), (15900, 16200))

    def test_windowsAreFreeAfterwards(self):
        source = self.volume()
        result = self.apply()
        self.panel.ui.backButton.click()
        before = window(result)
        source.GetDisplayNode().SetWindowLevelMinMax(15900, 16200)
        self.assertEqual(window(result), before)

    def polarities(self):
        """Mammograms without a header by name: air dark or bright, 14 and 12 bits, integers and floats."""
        bright = examples.phantom_pixels((600, 420))
        dark = 16383 - bright
        return {
            "bright air": bright,
            "dark air": dark,
            "dark air, 12 bits": (4095 - bright // 4).astype(np.uint16),
            "dark air, float": dark.astype(np.float32),
        }

    def test_tissueIsSeenWhateverThePolarity(self):
        """Without a header as with one: tissue fills the grey scale in both views, the air is black."""
        for name, pixels in self.polarities().items():
            with self.subTest(name):
                slicer.mrmlScene.Clear()
                self.parameters.model, self.parameters.allowOutOfDomain = "small", True
                node = slicer.util.addVolumeFromArray(pixels[np.newaxis])
                node.SetSpacing(0.1, 0.1, 1)
                self.parameters.inputVolume = node
                result = self.apply()
                report = report_of(result)
                self.assertEqual(
                    (report.flipped, report.full_scale), (name != "bright air", 4095.0 if "12" in name else 16383.0)
                )
                inside = np.s_[200:400, 20:200]
                for volume in (node, result):
                    values = slicer.util.arrayFromVolume(volume)[0][inside].astype(float)
                    low, high = window(volume)
                    self.assertGreater(np.mean((values > low) & (values < high)), 0.9)
                if host():
                    for tag in ("LowDoseBefore", "LowDoseAfter"):
                        picture = self.picture(tag)
                        # An array's first column is on the right: the breast there, the air on the left.
                        self.assertLess(picture[150:250, 20:50].mean(), 10)
                        self.assertTrue(40 < picture[150:250, 180:280].mean() < 215, picture[150:250, 180:280].mean())

    def test_differenceIsTheSameInBothPolarities(self):
        bright = examples.phantom_pixels((600, 420))
        changes = []
        for pixels in (bright, 16383 - bright):
            slicer.mrmlScene.Clear()
            self.parameters.model, self.parameters.allowOutOfDomain = "small", True
            node = slicer.util.addVolumeFromArray(pixels[np.newaxis])
            node.SetSpacing(0.1, 0.1, 1)
            self.parameters.inputVolume = node
            self.apply()
            self.panel.ui.differenceButton.click()
            self.wait(lambda: self.panel._steps is None)
            difference = self.parameters.differenceVolume
            changes.append(slicer.util.arrayFromVolume(difference).copy())
            gain = float(difference.GetAttribute("LowDoseContrast.fittedGain"))
            self.assertAlmostEqual(
                gain,
                json.loads(self.parameters.outputVolume.GetAttribute("LowDoseContrast.report"))["gain"],
                delta=1e-3 * gain,
            )
        np.testing.assert_allclose(changes[0], changes[1], atol=0.01)

    def test_notesNameTheEndThatWasMet(self):
        bright = examples.phantom_pixels((600, 420))
        for pixels, end in (
            (bright, "upper end of the value range"),
            ((16383 - bright).astype(np.int16), "lower end of the value range"),
        ):
            slicer.mrmlScene.Clear()
            self.parameters.model, self.parameters.allowOutOfDomain = "small", True
            node = slicer.util.addVolumeFromArray(pixels[np.newaxis])
            node.SetSpacing(0.1, 0.1, 1)
            self.parameters.inputVolume = node
            notes = self.panel.logic.resultRows(self.apply())[1]
            report = report_of(self.parameters.outputVolume)
            self.assertEqual(report.clipped, report.clipped_low + report.clipped_high)
            if report.clipped:
                self.assertIn(end, " ".join(notes))


class TransformTest(ComparisonTestCase):
    def test_resultsLieUnderTheTransformOfTheirSource(self):
        source = self.volume()
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        matrix = slicer.util.vtkMatrixFromArray(
            np.array([[0.8, -0.6, 0, 12], [0.6, 0.8, 0, -7], [0, 0, 1, 3], [0, 0, 0, 1.0]])
        )
        transform.SetMatrixTransformToParent(matrix)
        source.SetAndObserveTransformNodeID(transform.GetID())
        result = self.apply()
        self.panel.ui.differenceButton.click()
        self.wait(lambda: self.panel._steps is None)
        expected = [0] * 6
        source.GetRASBounds(expected)
        for node in (result, self.parameters.differenceVolume):
            bounds = [0] * 6
            node.GetRASBounds(bounds)
            np.testing.assert_allclose(bounds, expected)
        source.SetAndObserveTransformNodeID(None)
        self.assertIsNone(self.apply().GetTransformNodeID())
