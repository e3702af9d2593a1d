"""Observers of VTK objects that come and go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Observers:
    """Observers by object, which let go of an object when they are removed.

    Slicer's VTKObservationMixin remembers every object that it ever observed, and so keeps the voxels of a
    deleted volume in memory.
    """

    def __init__(self) -> None:
        self._tags: dict[Any, Any] = {}

    def add(self, object: Any, events: Any, function: Callable[..., Any]) -> None:
        """Calls ``function`` with (object, event) at each of the events."""
        self._tags.setdefault(object, []).extend(object.AddObserver(event, function) for event in events)

    def remove(self, object: Any) -> None:
        """Ends what was added for an object."""
        for tag in self._tags.pop(object, ()):
            object.RemoveObserver(tag)

    def removeAll(self) -> None:
        for object in list(self._tags):
            self.remove(object)
