"""Where the files of a simulation are."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def arrangement_folder(folder: str | Path, number: int) -> Path:
    """Return the folder of an arrangement; ``number`` counts from 0."""
    return Path(folder) / f"arrangement-{number + 1:02d}"


def image_path(folder: str | Path, number: int, dose: str, realisation: int = 0, presentation: bool = False) -> Path:
    """Return the path of an image: ``arrangement-01/low.dcm``, ``.../realisation-02/low.dcm`` and so on."""
    place = arrangement_folder(folder, number)
    place = place / f"realisation-{realisation + 1:02d}" if realisation else place
    return place / (f"{dose}-presentation.dcm" if presentation else f"{dose}.dcm")


def truth_paths(folder: str | Path, number: int, doses: Iterable[str]) -> dict[str, Path]:
    """Return the paths of the truth of an arrangement by name of the dose, ``inserts``, ``mask`` and ``facts``."""
    place = arrangement_folder(folder, number) / "truth"
    images = {dose: place / f"{dose}.nrrd" for dose in doses}
    return {**images, "inserts": place / "inserts.nrrd", "mask": place / "mask.nrrd", "facts": place / "truth.json"}
