"""The headless host's plot views and layouts, which keep the faults of the desktop."""

import unittest

import slicer
import SlicerHost
import vtk
from SlicerHost.layouts import cells

host = SlicerHost.start()


class PlotViewTest(unittest.TestCase):
    """A chart in a view of a layout, painted like one on screen."""

    def setUp(self):
        slicer.mrmlScene.Clear()
        self.table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode")
        self.fill(2)
        self.series = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotSeriesNode")
        self.series.SetAndObserveTableNodeID(self.table.GetID())
        self.series.SetXColumnName("x")
        self.series.SetYColumnName("y")
        self.series.SetPlotType(self.series.PlotTypeScatter)
        self.node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode")
        self.node.AddAndObservePlotSeriesNodeID(self.series.GetID())
        slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalPlotView)
        self.view = self.widget().plotView()
        self.view.mrmlPlotViewNode().SetPlotChartNodeID(self.node.GetID())
        host.processEvents()

    def widget(self):
        """That of the plot view which is on screen."""
        manager = slicer.app.layoutManager()
        return next(
            widget
            for widget in map(manager.plotWidget, range(manager.plotViewCount))
            if widget.mrmlPlotViewNode().GetLayoutName() == "PlotView1"
        )

    def fill(self, count):
        import numpy as np

        with slicer.util.NodeModify(self.table):  # the view must not see the table without columns
            slicer.util.updateTableFromArray(self.table, [np.arange(count) + 1.0, np.arange(count) * 10.0], ["x", "y"])

    def axis(self, place=vtk.vtkAxis.BOTTOM):
        axis = self.view.chart().GetAxis(place)
        return axis.GetUnscaledMinimum(), axis.GetUnscaledMaximum()

    def test_the_axes_stay_until_they_are_fitted(self):
        first = self.axis()
        self.fill(50)
        host.processEvents()
        self.assertEqual(self.axis(), first)
        self.view.fitToContent()
        self.assertGreaterEqual(self.axis()[1], 50)
        self.assertEqual(self.node.GetXAxisRange(), self.axis())
        self.assertEqual(self.node.GetYAxisRange(), self.axis(vtk.vtkAxis.LEFT))

    def test_the_plot_stays_as_long_as_its_series(self):
        plot = self.view.chart().GetPlot(0)
        self.fill(5)
        self.assertIs(self.view.chart().GetPlot(0), plot)
        self.assertIs(self.widget().plotView(), self.view)
        self.table.RemoveAllColumns()
        self.assertEqual(self.view.chart().GetNumberOfPlots(), 0)

    def test_another_chart_has_its_own_axes(self):
        other = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode")
        self.view.mrmlPlotViewNode().SetPlotChartNodeID(other.GetID())
        self.assertEqual(self.view.chart().GetNumberOfPlots(), 0)
        self.fill(50)
        self.view.mrmlPlotViewNode().SetPlotChartNodeID(self.node.GetID())
        host.processEvents()
        self.assertGreaterEqual(self.axis()[1], 50)

    def test_an_axis_of_the_node_is_obeyed(self):
        self.node.SetXAxisRangeAuto(False)
        self.node.SetXAxisRange(3, 4)
        self.assertEqual(self.axis(), (3, 4))


class LayoutTest(unittest.TestCase):
    def widths(self, *items):
        text = "".join(
            f'<item{size}><view class="vtkMRML{kind}Node" singletontag="{place}"/></item>'
            for place, (kind, size) in enumerate(items)
        )
        return [cell.width for cell in cells(f'<layout type="horizontal" split="true">{text}</layout>', 1000, 500)]

    def test_without_sizes_a_slice_view_takes_most(self):
        slice_width, plot_width = self.widths(("Slice", ""), ("PlotView", ""))
        self.assertGreater(slice_width, 4 * plot_width)
        self.assertEqual(self.widths(("Slice", ""), ("Slice", "")), [500, 500])

    def test_sizes_are_obeyed(self):
        self.assertEqual(self.widths(("Slice", ' splitSize="3"'), ("PlotView", ' splitSize="2"')), [600, 400])

    def test_the_samples_and_the_curves_of_a_training_share_the_width(self):
        from LowDoseContrastTrainingSlicer.training_views import LAYOUTS

        (description,) = LAYOUTS.values()
        self.assertEqual(
            {(cell.width, cell.height) for cell in cells(description, 1000, 600)}, {(500, 600), (500, 300)}
        )

    def test_a_layout_that_cannot_be_resized_is_even(self):
        text = "".join(
            f'<item><view class="vtkMRML{kind}Node" singletontag="{kind}"/></item>' for kind in ("Slice", "PlotView")
        )
        self.assertEqual(
            [cell.width for cell in cells(f'<layout type="horizontal">{text}</layout>', 1000, 500)], [500, 500]
        )


if __name__ == "__main__":
    unittest.main()
