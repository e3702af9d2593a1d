"""The layouts of both modules: made known to Slicer, shown, and left again.

A layout has a number of its own and a description in Slicer's XML. Slicer keeps only the number in
a scene, so the descriptions must be known before a scene that uses one is loaded.
"""

from __future__ import annotations

import slicer

_BEFORE_ATTRIBUTE = "LowDoseContrast.layoutBefore"
_OURS = range(7310, 7320)
_before = None  # as in the attribute, which Slicer takes from the node when it closes the scene


def layoutNode() -> slicer.vtkMRMLLayoutNode:
    """Slicer's layout node, which the main window's views follow; None without a main window."""
    manager = slicer.app.layoutManager()
    return manager.layoutLogic().GetLayoutNode() if manager is not None else None


def registerLayouts(descriptions: dict[int, str]) -> None:
    """Makes layouts known: ``descriptions`` has the XML of each by its number."""
    node = layoutNode()
    if node is None:
        return
    with slicer.util.NodeModify(node):  # each change of the node would build all views anew
        for layout, description in descriptions.items():
            if not node.IsLayoutDescription(layout):
                node.AddLayoutDescription(layout, description)


def showLayout(layout: int, descriptions: dict[int, str]) -> None:
    """Arranges the views as ``descriptions[layout]`` says; :func:`leaveLayout` leads back."""
    global _before
    registerLayouts(descriptions)
    node = layoutNode()
    with slicer.util.NodeModify(node):
        if node.GetViewArrangement() not in _OURS:
            _before = node.GetViewArrangement()
            node.SetAttribute(_BEFORE_ATTRIBUTE, str(_before))
        # Not by the layout manager's setLayout, which passes over the layout that is chosen already: a
        # view of it may be maximised, or a scene may have chosen it before its description was known.
        node.RemoveAllMaximizedViewNodes()
        node.SetViewArrangement(layout)


def layoutBefore() -> int | None:
    """The number of the layout that was shown before the first of ours; None while none of ours is shown."""
    node = layoutNode()
    if node is None or node.GetViewArrangement() not in _OURS:
        return None
    stated = node.GetAttribute(_BEFORE_ATTRIBUTE)
    if stated and stated.isdigit():
        return int(stated)
    return slicer.vtkMRMLLayoutNode.SlicerLayoutInitialView if _before is None else _before


def leaveLayout() -> None:
    """Goes back to the layout that was shown before the first of ours, if one of ours is shown."""
    before = layoutBefore()
    if before is not None:
        slicer.app.layoutManager().setLayout(before)
