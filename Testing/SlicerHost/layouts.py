"""Where the views of a layout lie: Slicer's layout descriptions as rectangles."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

# Sizes (width, height) that Qt's widgets ask for where a layout says none. On the desktop, beside each
# other in a splitter, a slice view got 888 pixels and a plot view 186.
_HINTS = {"vtkMRMLSliceNode": (888, 500), "vtkMRMLViewNode": (888, 500), "vtkMRMLTableViewNode": (256, 192)}
_SMALL_HINT = (186, 100)


@dataclass(frozen=True)
class Cell:
    """One view of the layout and its rectangle, in pixels from the top left."""

    view_class: str
    tag: str
    x: int
    y: int
    width: int
    height: int


def cells(description, width, height):
    """The views of a layout description, placed in an area of the given size.

    ``description`` is Slicer's XML.  Of a tabbed layout only the first tab is seen.
    """
    if not description:
        return []
    found = []
    _place(ElementTree.fromstring(description), 0, 0, width, height, found)
    return found


def _place(element, x, y, width, height, found):
    if element.tag == "view":
        found.append(Cell(element.get("class", ""), element.get("singletontag", ""), x, y, width, height))
        return
    items = [item for item in element.findall("item")]
    kind = element.get("type", "horizontal")
    if kind == "tab":
        items = items[:1]
    if kind == "grid":
        _place_grid(items, x, y, width, height, found)
        return
    vertical = kind == "vertical"
    start, total = (y, height) if vertical else (x, width)
    shares = [float(item.get("splitSize") or 0) for item in items]
    if not sum(shares):
        is_split = element.get("split", "false") == "true"
        shares = [_hint(item)[vertical] if is_split else 1.0 for item in items]
    edges = [start + round(total * sum(shares[:i]) / sum(shares)) for i in range(len(items) + 1)]
    for item, low, high in zip(items, edges, edges[1:]):
        box = (x, low, width, high - low) if vertical else (low, y, high - low, height)
        for child in item:
            _place(child, *box, found)


def _hint(element):
    """(width, height) that an item, a layout or a view asks for."""
    if element.tag == "view":
        return _HINTS.get(element.get("class"), _SMALL_HINT)
    widths, heights = zip(*(_hint(child) for child in element if child.tag in ("item", "layout", "view")))
    if element.tag == "layout" and element.get("type", "horizontal") == "horizontal":
        return sum(widths), max(heights)
    if element.tag == "layout" and element.get("type") == "vertical":
        return max(widths), sum(heights)
    return max(widths), max(heights)


def _place_grid(items, x, y, width, height, found):
    rows = 1 + max(int(item.get("row", 0)) for item in items)
    columns = 1 + max(int(item.get("column", 0)) for item in items)
    for item in items:
        row, column = int(item.get("row", 0)), int(item.get("column", 0))
        low_x, high_x = x + width * column // columns, x + width * (column + 1) // columns
        low_y, high_y = y + height * row // rows, y + height * (row + 1) // rows
        for child in item:
            _place(child, low_x, low_y, high_x - low_x, high_y - low_y, found)
