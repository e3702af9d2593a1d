"""Labels that are as high as their text needs."""

from __future__ import annotations

from typing import Any

import qt


class FittedLabels(qt.QObject):
    """Keeps wrapped labels as high as their texts at their width.

    The panel lies in a scroll area, which gives it its least height: there a label that wraps would
    be squeezed into one line, and what follows drawn over the rest.
    """

    def __init__(self, *labels: Any) -> None:
        qt.QObject.__init__(self)
        for label in labels:
            label.installEventFilter(self)

    def eventFilter(self, label: Any, event: Any) -> bool:
        if event.type() == qt.QEvent.Resize:
            fit(label)
        return False


def show(label: Any, text: str) -> None:
    """Shows a text, or hides the label where there is none."""
    if label.text != text:
        label.text = text
        fit(label)
    label.visible = bool(text)


def fit(label: Any) -> None:
    """Gives a label the height of its text."""
    label.minimumHeight = 0  # a label says that it needs at least what it was given
    height = max(0, label.heightForWidth(label.width))
    label.minimumHeight = height
