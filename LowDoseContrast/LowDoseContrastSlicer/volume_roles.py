"""What the modules' own volumes are for, kept with the node, so that nobody is offered a map as a mammogram."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer
import vtk
from LowDoseContrastLib.attributes import ROLE_ATTRIBUTE
from slicer.util import VTKObservationMixin

from .observers import Observers

ENHANCED, DIFFERENCE, CCI_MAP, SAMPLES = "enhanced", "difference", "cciMap", "samples"
NOT_MEASURED = (DIFFERENCE, CCI_MAP, SAMPLES)  # they show no exposure of a breast


def setRole(node: slicer.vtkMRMLVolumeNode, role: str) -> None:
    """Marks a volume node as made by the modules, as what."""
    node.SetAttribute(ROLE_ATTRIBUTE, role)


def roleOf(node: slicer.vtkMRMLVolumeNode) -> str | None:
    """What the modules made a volume node as; None if they did not."""
    return node.GetAttribute(ROLE_ATTRIBUTE)


def ownVolumes(*roles: Sequence[str]) -> list[slicer.vtkMRMLVolumeNode]:
    """The volume nodes of the scene that have one of the roles."""
    return [node for node in slicer.util.getNodesByClass("vtkMRMLVolumeNode") if roleOf(node) in roles]


class HiddenRoles(VTKObservationMixin):
    """Keeps volumes of some roles out of node selectors, whatever comes into the scene, until it is closed."""

    def __init__(self, roles: Sequence[str], *selectors: Any) -> None:
        VTKObservationMixin.__init__(self)
        self._roles, self._selectors = roles, selectors
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.NodeAddedEvent, self.onNodeAdded)
        self.addObserver(scene, scene.NodeRemovedEvent, self.onNodeRemoved)
        self.addObserver(scene, scene.EndBatchProcessEvent, self.update)  # of closing and loading too
        self._volumes = Observers()
        for node in slicer.util.getNodesByClass("vtkMRMLVolumeNode"):
            self._volumes.add(node, [vtk.vtkCommand.ModifiedEvent], self.update)
        self.update()

    def close(self) -> None:
        """Stops watching; the selectors stay as they are."""
        self.removeObservers()
        self._volumes.removeAll()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeAdded(self, caller: Any, event: Any, node: slicer.vtkMRMLVolumeNode) -> None:
        if node is not None and node.IsA("vtkMRMLVolumeNode"):
            self._volumes.add(node, [vtk.vtkCommand.ModifiedEvent], self.update)  # the role comes later
            self.update()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeRemoved(self, caller: Any, event: Any, node: slicer.vtkMRMLVolumeNode) -> None:
        if node is not None and node.IsA("vtkMRMLVolumeNode"):
            self._volumes.remove(node)
            self.update()

    def update(self, caller: Any = None, event: Any = None) -> None:
        if slicer.mrmlScene.IsBatchProcessing():
            return  # the end of it comes here as well
        hidden = [node.GetID() for node in ownVolumes(*self._roles)]
        for selector in self._selectors:
            model = selector.sortFilterProxyModel()
            if list(model.hiddenNodeIDs) != hidden:
                model.hiddenNodeIDs = hidden
