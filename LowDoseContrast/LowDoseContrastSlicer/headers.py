"""The DICOM header behind a volume: kept with it from the moment it is loaded, and told to people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from .observers import Observers

if TYPE_CHECKING:
    import numpy as np
    import slicer

_MAMMOGRAPHY = ("MG",)


class HeaderKeeper(VTKObservationMixin):
    """Keeps the header of every mammogram that is loaded while Slicer runs, whether or not the panel is open.

    A header is found through a file, and a volume leaves its file behind when its scene is saved,
    when it is cloned or when Sample Data has loaded it.
    """

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        VTKObservationMixin.__init__(self)
        self._volumes, self._looking = Observers(), False
        self.addObserver(scene, scene.NodeAddedEvent, self._onNodeAdded)
        self.addObserver(scene, scene.NodeRemovedEvent, self._onNodeRemoved)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAdded(self, scene: slicer.vtkMRMLScene, event: Any, node: slicer.vtkMRMLVolumeNode) -> None:
        if node is None or not node.IsA("vtkMRMLScalarVolumeNode"):
            return
        # The file is named only after the volume is in the scene, and the instance in the database later still.
        self._volumes.add(
            node, (node.ReferenceAddedEvent, node.ReferenceModifiedEvent, vtk.vtkCommand.ModifiedEvent), self._onChanged
        )
        self._onChanged(node, event)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeRemoved(self, scene: slicer.vtkMRMLScene, event: Any, node: slicer.vtkMRMLVolumeNode) -> None:
        self._volumes.remove(node)

    def _onChanged(self, node: slicer.vtkMRMLVolumeNode, event: Any) -> None:
        from LowDoseContrastLib.nodes import files_of, has_voxels, keep_header

        if self._looking or not has_voxels(node) or not files_of(node):
            return
        self._looking = True
        try:
            self._volumes.remove(node)
            keep_header(node, _MAMMOGRAPHY)
        finally:
            self._looking = False


def aboutImage(image: np.ndarray) -> str:
    """What is known of a volume and what is not, in a line for people; ``image`` is its NodeImage."""
    facts = image.mammogram.facts
    known = ", ".join(text for text in facts.values() if text is not None)
    unknown = ", ".join(_(name) for name, text in facts.items() if text is None)
    if image.header.dataset is None:
        origin = _("No DICOM header: {reason}.").format(reason=image.header.reason)
    elif image.header.origin == "scene":
        origin = _("DICOM header as kept in the scene.")
    else:
        origin = _("DICOM header of {name}.").format(name=image.header.path.name)
    parts = [origin]
    if known:
        parts.append(_("Stated: {facts}.").format(facts=known))
    if unknown:
        parts.append(_("Not stated: {facts}.").format(facts=unknown))
    return " ".join(parts)
