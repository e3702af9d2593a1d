"""Work that must wait until Slicer's views have their size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt

_MILLISECONDS = (0, 50)  # views get their size after this turn of the event loop; a splitter may settle one later


def whenLaidOut(function: Callable[..., Any]) -> None:
    """Calls ``function`` when the views of a layout that has just been chosen are laid out."""
    for milliseconds in _MILLISECONDS:
        qt.QTimer.singleShot(milliseconds, function)
