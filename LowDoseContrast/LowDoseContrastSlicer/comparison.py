"""Before and after in Slicer's own views."""

import slicer
from slicer.i18n import tr as _

LAYOUT_ID = 7310
BEFORE_VIEW, AFTER_VIEW = "LowDoseBefore", "LowDoseAfter"


def _view(tag, label, colour):
    return f"""
    <item><view class="vtkMRMLSliceNode" singletontag="{tag}">
      <property name="orientation" action="default">Axial</property>
      <property name="viewlabel" action="default">{label}</property>
      <property name="viewcolor" action="default">{colour}</property>
    </view></item>"""


LAYOUT = f"""<layout type="horizontal" split="true">
{_view(BEFORE_VIEW, "In", "#6E6E6E")}
{_view(AFTER_VIEW, "Out", "#2A7F9E")}
</layout>"""


class Comparison:
    """Arranges input and result: side by side with linked views, faded over one another, as a difference."""

    def showSideBySide(self, before, after):
        """Two linked slice views, the input on the left, the result on the right, windowed alike but for the gain."""
        from LowDoseContrastLib.nodes import show_alike, show_breast

        show_breast(before)
        show_alike(before, after)
        manager = slicer.app.layoutManager()
        layoutNode = manager.layoutLogic().GetLayoutNode()
        if not layoutNode.IsLayoutDescription(LAYOUT_ID):
            layoutNode.AddLayoutDescription(LAYOUT_ID, LAYOUT)
        manager.setLayout(LAYOUT_ID)
        for tag, node in ((BEFORE_VIEW, before), (AFTER_VIEW, after)):
            sliceLogic = manager.sliceWidget(tag).sliceLogic()
            composite = sliceLogic.GetSliceCompositeNode()
            composite.SetBackgroundVolumeID(node.GetID())
            composite.SetForegroundVolumeID(None)
            composite.SetLinkedControl(True)
            composite.SetHotLinkedControl(True)
            sliceLogic.FitSliceToAll()

    def showFade(self, before, after, opacity):
        """The result over the input in every slice view, with the given opacity in [0, 1]."""
        slicer.util.setSliceViewerLayers(background=before, foreground=after, foregroundOpacity=opacity, fit=True)

    def setFade(self, opacity):
        """Changes the opacity in the views that have a foreground."""
        for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
            if composite.GetForegroundVolumeID():
                composite.SetForegroundOpacity(opacity)

    def showDifference(self, before, after, target=None):
        """Shows result - fitted gain x input in every slice view; returns the volume node that holds it."""
        from LowDoseContrastLib.nodes import write_change

        if target is None:
            target = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", _("{name} change beyond gain").format(name=after.GetName()))
        write_change(target, before, after)
        slicer.util.setSliceViewerLayers(background=target, foreground=None, fit=True)
        return target
