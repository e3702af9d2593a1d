"""The layouts of both modules: made known to Slicer, shown, and left again.

A layout has a number of its own and a description in Slicer's XML. Slicer keeps only the number in
a scene, so the descriptions must be known before a scene that uses one is loaded.
"""

import slicer

_BEFORE_ATTRIBUTE = "LowDoseContrast.layoutBefore"
_OURS = range(7310, 7320)


def layoutNode():
    """Slicer's layout node, which the main window's views follow."""
    return slicer.app.layoutManager().layoutLogic().GetLayoutNode()


def registerLayouts(descriptions):
    """Makes layouts known: ``descriptions`` has the XML of each by its number."""
    node = layoutNode()
    for layout, description in descriptions.items():
        if not node.IsLayoutDescription(layout):
            node.AddLayoutDescription(layout, description)


def showLayout(layout, descriptions):
    """Arranges the views as ``descriptions[layout]`` says; :func:`leaveLayout` leads back."""
    registerLayouts(descriptions)
    node = layoutNode()
    if node.GetViewArrangement() not in _OURS:
        node.SetAttribute(_BEFORE_ATTRIBUTE, str(node.GetViewArrangement()))
    slicer.app.layoutManager().setLayout(layout)
    # setLayout passes over the layout that is chosen already, but a scene may have chosen it
    # before its description was known.
    node.SetViewArrangement(layout)


def layoutBefore():
    """The number of the layout that was shown before the first of ours; None while none of ours is shown."""
    node = layoutNode()
    before = node.GetAttribute(_BEFORE_ATTRIBUTE)
    if node.GetViewArrangement() not in _OURS:
        return None
    return int(before) if before and before.isdigit() else slicer.vtkMRMLLayoutNode.SlicerLayoutConventionalView


def leaveLayout():
    """Goes back to the layout that was shown before the first of ours, if one of ours is shown."""
    before = layoutBefore()
    if before is not None:
        slicer.app.layoutManager().setLayout(before)
