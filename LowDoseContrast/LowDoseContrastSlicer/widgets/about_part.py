"""What is believed of a volume and why, shown while its section is open."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from . import fitted_label

if TYPE_CHECKING:
    from LowDoseContrastLib.inspection import Inspection

    from ..logic import LowDoseContrastLogic


class AboutPart:
    """The section *About this volume*; a closed one costs nothing."""

    def __init__(self, ui: Any, logic: LowDoseContrastLogic) -> None:
        self.ui, self.logic = ui, logic
        self._node: Any = None
        ui.inspectionCollapsibleButton.connect("contentsCollapsed(bool)", lambda collapsed: self.update(self._node))

    def update(self, node: Any) -> None:
        """Shows a volume, or that there is none to show."""
        self._node = node
        if self.ui.inspectionCollapsibleButton.collapsed:
            return
        found = self.logic.inspection(node)
        text = _asTable(found) if found else _("Choose a mammogram that can be read.")
        fitted_label.show(self.ui.inspectionLabel, text)


def _asTable(found: Inspection) -> str:
    rows = [(fact.name, fact.value + (f" ({fact.why})" if fact.why else "")) for fact in found.facts]
    rows += [(_("model {name}").format(name=model.name), model.in_words()) for model in found.models]
    rows += [(_("note"), note) for note in found.notes]
    cells = "".join(f"<tr><td>{escape(name)}&nbsp;&nbsp;</td><td>{escape(text)}</td></tr>" for name, text in rows)
    return f"<table>{cells}</table>"
