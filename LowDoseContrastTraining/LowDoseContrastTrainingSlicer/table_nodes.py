"""Texts in table nodes, for people to read in Slicer's table views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import vtk
from slicer.util import NodeModify

if TYPE_CHECKING:
    import slicer


def fillTable(node: slicer.vtkMRMLVolumeNode, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Replaces what a table node holds by ``columns``, the headings, and ``rows``, lists of texts."""
    with NodeModify(node):
        node.SetLocked(False)
        node.RemoveAllColumns()
        for place, title in enumerate(columns):
            array = vtk.vtkStringArray()
            array.SetName(title)
            for cells in rows:
                array.InsertNextValue(cells[place])
            node.AddColumn(array)
        node.SetUseColumnTitleAsColumnHeader(True)
        node.SetLocked(True)
