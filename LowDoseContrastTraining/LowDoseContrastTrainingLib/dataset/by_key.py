"""For the time being, entries of a manifest also answer to their keys, as the dictionaries did that they were."""

from __future__ import annotations

from typing import Any


class ByKey:
    """Lets ``entry["name"]``, ``entry.get("name")`` and ``"name" in entry`` mean the attribute; None is no value."""

    def __getitem__(self, name: str) -> Any:
        return getattr(self, name)

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def get(self, name: str, default: Any = None) -> Any:
        """Return the attribute, or ``default`` where there is none."""
        return getattr(self, name, default)
