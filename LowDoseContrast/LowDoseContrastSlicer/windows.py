"""Window and level: so that tissue fills the grey scale, and two volumes are shown alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import slicer
import vtk

from .observers import Observers

if TYPE_CHECKING:
    from LowDoseContrastLib.nodes import NodeImage

_SAMPLE = 1_000_000  # pixels that are looked at to find a window
_WINDOWED_ATTRIBUTE = "LowDoseContrast.windowed"
_GREY, _INVERTED_GREY = "vtkMRMLColorTableNodeGrey", "vtkMRMLColorTableNodeInvertedGrey"


def showBreast(node: slicer.vtkMRMLVolumeNode) -> None:
    """Windows a volume so that its tissue, not the air or the skin, fills the grey scale, and shows the air dark."""
    import numpy as np
    from LowDoseContrastLib.mask import Breast
    from LowDoseContrastLib.nodes import set_window

    voxels = slicer.util.arrayFromVolume(node)
    middle = voxels[len(voxels) // 2]
    step = max(1, int((middle.size / _SAMPLE) ** 0.5))
    sample = np.ascontiguousarray(middle[::step, ::step])
    breast = Breast(sample)
    lower, median, upper = (float(v) for v in np.percentile(sample[breast.tissue], (25, 50, 75)))
    # Quartiles, because the thin edge of the breast spans more values than all of its inside.
    set_window(node, median - 4 * (median - lower), median + 4 * (upper - median))
    _setGreys(node, _INVERTED_GREY if breast.sign == 1 else _GREY)
    node.GetDisplayNode().SetAttribute(_WINDOWED_ATTRIBUTE, "1")


def isWindowed(node: slicer.vtkMRMLVolumeNode) -> bool:
    """Whether :func:`showBreast` has windowed the volume before, so that its window is that, or what the user made of
    it.
    """
    display = node.GetDisplayNode()
    return display is not None and display.GetAttribute(_WINDOWED_ATTRIBUTE) is not None


def showAlike(
    node: slicer.vtkMRMLVolumeNode, enhancedNode: slicer.vtkMRMLVolumeNode, image: NodeImage | None = None
) -> None:
    """Windows an enhanced volume as its source is, but for the fitted gain: what still differs, the network did.

    ``image``: the NodeImage of the source, where the caller has it.
    """
    from LowDoseContrastLib.nodes import image_from_node, report_of, set_window

    report, display = report_of(enhancedNode), node.GetDisplayNode()
    if report is None or display is None:
        showBreast(enhancedNode)
        return
    image = image or image_from_node(node)
    seen = image.seen_values([display.GetWindowLevelMin(), display.GetWindowLevelMax()], report)
    set_window(enhancedNode, *sorted(float(v) for v in image.seen_values(report.gain * seen, report)))
    _setGreys(enhancedNode, display.GetColorNodeID())


def _setGreys(node: slicer.vtkMRMLVolumeNode, colours: str) -> None:
    """Gives a volume one of the two grey scales, unless the user chose colours."""
    display = node.GetDisplayNode()
    if display.GetColorNodeID() in (None, _GREY, _INVERTED_GREY) and colours:
        display.SetAndObserveColorNodeID(colours)


class WindowLink:
    """Lets window and level of two volumes follow one another, in the relation that they have at the start."""

    def __init__(self) -> None:
        self._observers = Observers()
        self._pair, self._isFollowing = (), False
        self._factor, self._offset = 1.0, 0.0

    def follow(self, first: slicer.vtkMRMLDisplayNode, second: slicer.vtkMRMLDisplayNode) -> None:
        """Links the windows of two volume nodes; an earlier link ends."""
        self.release()
        displays = tuple(node.GetDisplayNode() for node in (first, second))
        if first is second or None in displays:
            return
        (low, high), (otherLow, otherHigh) = ((d.GetWindowLevelMin(), d.GetWindowLevelMax()) for d in displays)
        if high <= low or otherHigh <= otherLow:
            return
        self._factor = (otherHigh - otherLow) / (high - low)
        self._offset = otherLow - self._factor * low
        self._pair = displays
        for display in displays:
            self._observers.add(display, [vtk.vtkCommand.ModifiedEvent], self._onModified)

    def release(self) -> None:
        """Ends the link."""
        self._observers.removeAll()
        self._pair = ()

    def _onModified(self, display: slicer.vtkMRMLDisplayNode, event: Any) -> None:
        if self._isFollowing or not self._pair:
            return
        first, second = self._pair
        low, high = display.GetWindowLevelMin(), display.GetWindowLevelMax()
        if display is first:
            other, edges = second, (self._factor * low + self._offset, self._factor * high + self._offset)
        else:
            other, edges = first, ((low - self._offset) / self._factor, (high - self._offset) / self._factor)
        tolerance = 1e-6 * max(1.0, abs(edges[0]), abs(edges[1]))
        if all(
            abs(a - b) <= tolerance
            for a, b in zip(edges, (other.GetWindowLevelMin(), other.GetWindowLevelMax()), strict=True)
        ):
            return
        self._isFollowing = True
        try:
            other.AutoWindowLevelOff()
            other.SetWindowLevelMinMax(*edges)
        finally:
            self._isFollowing = False
