"""Every visible volume and table gets its item in the subject hierarchy.

In the desktop a Qt logic and its plug-ins do this when a node is added, and after a scene was
imported for nodes that came without an item; the hierarchy node itself is real.
"""

from __future__ import annotations

import slicer
import vtk

_KINDS = ("vtkMRMLDisplayableNode", "vtkMRMLTableNode")


def _add_item(scene, node):
    if node is None or node.GetHideFromEditors() or not any(node.IsA(kind) for kind in _KINDS):
        return
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    if hierarchy is not None and not hierarchy.GetItemByDataNode(node):
        hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)


def follow(scene):
    """Keep the subject hierarchy of ``scene`` complete from now on."""

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def on_added(caller, event, node):
        if not scene.IsImporting():
            _add_item(scene, node)

    def on_imported(caller, event):
        for kind in _KINDS:
            for node in slicer.util.getNodesByClass(kind):
                _add_item(scene, node)

    scene.AddObserver(slicer.vtkMRMLScene.NodeAddedEvent, on_added)
    scene.AddObserver(slicer.vtkMRMLScene.EndImportEvent, on_imported)
