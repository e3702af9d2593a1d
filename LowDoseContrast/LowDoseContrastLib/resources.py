"""Where the files are that come with the extension: in a checkout, in Slicer, or installed by pip."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def resource(name: str) -> Path | None:
    """The shared resource ``Models``, ``SampleData``, ``requirements.txt``, ..., or None if it is not installed."""
    library = Path(__file__).resolve().parent
    roots = [library.parents[1] / "Resources", library.parent / "Resources" / "LowDoseContrast"]
    installed = importlib.util.find_spec("LowDoseContrastResources")
    if installed is not None:
        roots += [Path(location) for location in installed.submodule_search_locations or ()]
    return next((root / name for root in roots if (root / name).exists()), None)
