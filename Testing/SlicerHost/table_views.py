"""Slicer's table views, drawn: the stand-in of ``qMRMLTableView`` with the node that the view shows."""

from __future__ import annotations

import qt
import slicer

from .mrml_widgets import qMRMLTableView


def paint(painter, cell):
    """Draw the table of the view of that name into its place in the layout."""
    node = slicer.mrmlScene.GetSingletonNode(cell.tag, "vtkMRMLTableViewNode")
    identity = node.GetTableNodeID() if node is not None else None
    view = qMRMLTableView()
    view.setMRMLTableNode(slicer.mrmlScene.GetNodeByID(identity) if identity else None)
    view.setAttribute(qt.Qt.WA_DontShowOnScreen, True)
    view.resize(cell.width - 2, cell.height - 2)
    view.show()
    painter.drawPixmap(cell.x + 1, cell.y + 1, view.grab())
    view.setMRMLTableNode(None)
    view.hide()
