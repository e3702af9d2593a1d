"""Before and after in Slicer's own views."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer
from slicer.i18n import tr as _

from .layouts import layoutNode, leaveLayout, showLayout
from .windows import WindowLink, isWindowed, showAlike, showBreast

if TYPE_CHECKING:
    import numpy as np
    from LowDoseContrastLib.steps import Steps

PAIR_LAYOUT, SINGLE_LAYOUT = 7310, 7314
BEFORE_VIEW, AFTER_VIEW, SINGLE_VIEW = "LowDoseBefore", "LowDoseAfter", "DoseComparison"
_VIEWS = {PAIR_LAYOUT: (BEFORE_VIEW, AFTER_VIEW), SINGLE_LAYOUT: (SINGLE_VIEW,)}


def _view(tag: str, label: str, colour: str) -> str:
    return f"""
    <item splitSize="500"><view class="vtkMRMLSliceNode" singletontag="{tag}">
      <property name="orientation" action="default">Axial</property>
      <property name="viewlabel" action="default">{label}</property>
      <property name="viewcolor" action="default">{colour}</property>
    </view></item>"""


LAYOUTS = {
    PAIR_LAYOUT: f"""<layout type="horizontal" split="true">
{_view(BEFORE_VIEW, "In", "#6E6E6E")}
{_view(AFTER_VIEW, "Out", "#2A7F9E")}
</layout>""",
    SINGLE_LAYOUT: f"""<layout type="horizontal">
{_view(SINGLE_VIEW, "Fade", "#2A7F9E")}
</layout>""",
}


class Comparison:
    """Arranges input and result: side by side with linked views, faded over one another, as a difference.

    The views take their size only when Slicer's window is laid out again; call :meth:`fit` after that.
    """

    def __init__(self) -> None:
        self._link = WindowLink()

    def showSideBySide(
        self,
        before: slicer.vtkMRMLVolumeNode,
        after: slicer.vtkMRMLVolumeNode,
        image: np.ndarray | None = None,
        keepWindow: bool = False,
    ) -> None:
        """Two linked slice views, the input on the left, the result on the right, windowed alike but for the gain.

        Args:
            image: the NodeImage of the input, where the caller has it.
            keepWindow: leave the window of the input as it is if it was shown here before.
        """
        if not (keepWindow and isWindowed(before)):
            showBreast(before)
        showAlike(before, after, image)
        self._showTwo((before, _("In")), (after, _("Out")))

    def showPair(self, low: slicer.vtkMRMLVolumeNode, high: slicer.vtkMRMLVolumeNode) -> None:
        """Two linked slice views of one object at two doses, each with a window of its own."""
        showBreast(low)
        showBreast(high)
        self._showTwo((low, _("Low")), (high, _("High")))

    def _showTwo(self, *sides: Any) -> None:
        showLayout(PAIR_LAYOUT, LAYOUTS)
        for tag, (node, label) in zip(_VIEWS[PAIR_LAYOUT], sides, strict=True):
            composite = self._fill(tag, label, node)
            composite.SetLinkedControl(True)
            composite.SetHotLinkedControl(True)
        self._link.follow(*(node for node, _label in sides))
        self.fit()

    def showFade(self, before: slicer.vtkMRMLVolumeNode, after: slicer.vtkMRMLVolumeNode, opacity: float) -> None:
        """The result over the input in one view, with the given opacity in [0, 1]."""
        showLayout(SINGLE_LAYOUT, LAYOUTS)
        self._fill(SINGLE_VIEW, _("Fade"), before, after).SetForegroundOpacity(opacity)
        self._link.follow(before, after)
        self.fit()

    def setFade(self, opacity: float) -> None:
        """Changes the opacity of the result where it lies over the input."""
        composite = self._composite(SINGLE_VIEW)
        if composite is not None and composite.GetForegroundVolumeID():
            composite.SetForegroundOpacity(opacity)

    def differenceSteps(
        self,
        before: slicer.vtkMRMLVolumeNode,
        after: slicer.vtkMRMLVolumeNode,
        image: np.ndarray,
        target: slicer.vtkMRMLVolumeNode | None = None,
    ) -> Steps[slicer.vtkMRMLVolumeNode]:
        """Generator: shows result - fitted gain x input in one view; yields Progress, returns the volume node that
        holds it.

        Args:
            image: the NodeImage of the input.
            target: an earlier volume to fill anew; a new one if None.
        """
        from LowDoseContrastLib.nodes import set_window

        from .difference import differenceSteps

        made = target is None
        if made:
            target = slicer.mrmlScene.AddNewNodeByClass(
                "vtkMRMLScalarVolumeNode", _("{name} change beyond gain").format(name=after.GetName())
            )
        try:
            spread = yield from differenceSteps(target, before, after, image)
        except BaseException:
            if made:
                slicer.mrmlScene.RemoveNode(target)
            raise
        set_window(target, -spread, spread)
        showLayout(SINGLE_LAYOUT, LAYOUTS)
        self._fill(SINGLE_VIEW, _("Diff"), target)
        self.fit()
        return target

    def refresh(
        self, before: slicer.vtkMRMLVolumeNode, after: slicer.vtkMRMLVolumeNode, image: np.ndarray | None = None
    ) -> None:
        """Shows another input and its result (or None) where the side-by-side views are on the screen; leaves other
        layouts alone.

        ``image``: the NodeImage of the input, where the caller has it.
        """
        from LowDoseContrastLib.nodes import has_voxels

        node = layoutNode()
        if node is None or node.GetViewArrangement() != PAIR_LAYOUT or before is None or not has_voxels(before):
            return
        if self._shown() == [before.GetID(), after.GetID() if after else None]:
            return
        if not isWindowed(before):
            showBreast(before)
        self._fill(BEFORE_VIEW, _("In"), before)
        self._fill(AFTER_VIEW, _("Out"), after)
        if after is not None:
            showAlike(before, after, image)
            self._link.follow(before, after)
        self.fit()

    def _shown(self) -> Any:
        """IDs of the volumes in the side-by-side views, left and right; empty while these are not on the screen."""
        if layoutNode().GetViewArrangement() != PAIR_LAYOUT:
            return []
        composites = [self._composite(tag) for tag in _VIEWS[PAIR_LAYOUT]]
        return [composite.GetBackgroundVolumeID() for composite in composites if composite is not None]

    def fit(self) -> None:
        """Fits the images into the views of the layout that is shown, if it is one of these."""
        node = layoutNode()
        for tag in _VIEWS.get(node.GetViewArrangement(), ()) if node is not None else ():
            widget = slicer.app.layoutManager().sliceWidget(tag)
            if widget is not None:
                widget.sliceLogic().FitSliceToBackground()

    def leave(self) -> None:
        """Back to the layout before; windows no longer follow one another."""
        self.release()
        leaveLayout()

    def release(self) -> None:
        """Lets go of the volumes, as when the scene closes."""
        self._link.release()

    def _composite(self, tag: str) -> Any:
        manager = slicer.app.layoutManager()
        widget = manager.sliceWidget(tag) if manager is not None else None
        return widget.sliceLogic().GetSliceCompositeNode() if widget is not None else None

    def _fill(
        self,
        tag: str,
        label: str,
        background: slicer.vtkMRMLVolumeNode,
        foreground: slicer.vtkMRMLVolumeNode | None = None,
    ) -> slicer.vtkMRMLSliceCompositeNode:
        """Puts volumes into a view of ours, which no other volume enters by being loaded.

        Returns its composite node.
        """
        widget = slicer.app.layoutManager().sliceWidget(tag)
        widget.mrmlSliceNode().SetLayoutLabel(label)
        composite = widget.sliceLogic().GetSliceCompositeNode()
        composite.SetDoPropagateVolumeSelection(False)
        composite.SetBackgroundVolumeID(background.GetID() if background else None)
        composite.SetForegroundVolumeID(foreground.GetID() if foreground else None)
        return composite
