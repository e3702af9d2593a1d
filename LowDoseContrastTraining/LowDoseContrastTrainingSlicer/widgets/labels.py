"""What the panel calls its settings."""

from __future__ import annotations

from typing import Any

import qt

PARAMETER = "SlicerParameterName"  # the property by which a widget names its parameter


def labelBeside(ui: Any, parameter: str) -> str:
    """Text of the label in the form beside the widget of a parameter, without its colon; empty where there is none."""
    for widget in vars(ui).values():
        if isinstance(widget, qt.QWidget) and widget.property(PARAMETER) == parameter:
            text = widget.text if hasattr(widget, "checked") else _formLabel(widget)
            return text.rstrip(":")
    return ""


def _formLabel(widget: Any) -> str:
    parent = widget.parentWidget()
    while parent is not None:
        layout = parent.layout()
        if hasattr(layout, "labelForField"):
            label = layout.labelForField(widget)
            return label.text if label else ""
        widget, parent = parent, parent.parentWidget()
    return ""


def sentence(text: str) -> str:
    """A message that begins with a capital and ends with a full stop."""
    return text[:1].upper() + text[1:].rstrip(".") + "."
