"""Where the files of a simulation lie."""

from __future__ import annotations

from pathlib import Path


def arrangement_folder(folder, number: int) -> Path:
    """Return where the files of an arrangement lie; ``number`` counts from 0."""
    return Path(folder) / f"arrangement-{number + 1:02d}"


def image_path(folder, number: int, dose: str, realisation: int = 0, presentation: bool = False) -> Path:
    """Return where an image lies: ``arrangement-01/low.dcm``, ``.../realisation-02/low.dcm`` and so on."""
    place = arrangement_folder(folder, number)
    place = place / f"realisation-{realisation + 1:02d}" if realisation else place
    return place / (f"{dose}-presentation.dcm" if presentation else f"{dose}.dcm")


def truth_paths(folder, number: int, doses) -> dict[str, Path]:
    """Return what is known of an arrangement: the name of each dose, inserts, mask and facts -> path."""
    place = arrangement_folder(folder, number) / "truth"
    images = {dose: place / f"{dose}.nrrd" for dose in doses}
    return {**images, "inserts": place / "inserts.nrrd", "mask": place / "mask.nrrd", "facts": place / "truth.json"}
