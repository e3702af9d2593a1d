"""Texts in table nodes, for people to read in Slicer's table views."""

import vtk
from slicer.util import NodeModify


def fillTable(node, columns, rows):
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
