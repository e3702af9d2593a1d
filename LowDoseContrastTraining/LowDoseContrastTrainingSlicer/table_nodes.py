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


def textsOf(node):
    """(headings, rows of texts) of a table node; ([], []) of none."""
    table = node.GetTable() if node else None
    if table is None:
        return [], []
    columns = range(table.GetNumberOfColumns())
    return [table.GetColumnName(place) for place in columns], [
        [table.GetValue(row, place).ToString() for place in columns] for row in range(table.GetNumberOfRows())
    ]
