"""Which images belong together: acquisitions of one arrangement at two doses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from LowDoseContrastLib.errors import InputError

DOSE_LEVELS = {"low": 3.359, "high": 11.523}  # mGy, the paper's groups A and B
DOSE_TOLERANCE = 0.2  # relative; the paper's three levels lie further apart

_TAGS = (
    "StudyInstanceUID", "SOPInstanceUID", "Modality", "EntranceDoseInmGy", "Rows", "Columns",
    "ImagerPixelSpacing", "ImageLaterality", "ViewPosition", "PresentationIntentType",
    "PixelIntensityRelationship", "PixelIntensityRelationshipSign", "PhotometricInterpretation",
    "BitsStored",
)  # fmt: skip


@dataclass(frozen=True)
class Acquisition:
    """One mammogram, from its header alone. ``dose_mgy`` is the entrance dose, None if unstated."""

    path: Path
    study: str
    uid: str
    dose_mgy: float | None
    rows: int
    columns: int
    spacing: tuple | None
    laterality: str
    view: str
    intent: str | None
    relationship: str | None
    sign: int | None
    photometric: str
    bits: int

    def differs(self, other) -> str:
        """Return the first property in which two images of a pair must agree and do not, or ''."""
        names = ("rows", "columns", "spacing", "laterality", "view", "intent", "relationship",
                 "sign", "photometric", "bits")  # fmt: skip
        return next((name for name in names if getattr(self, name) != getattr(other, name)), "")


@dataclass(frozen=True)
class Pair:
    """One arrangement at the low and at the high dose; numbered from 1 in the order of the files."""

    number: int
    low: Acquisition
    high: Acquisition


def read_acquisition(path: Path) -> Acquisition | str:
    """Return the acquisition in a file, or the reason why it is none (one short sentence)."""
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
    except (InvalidDicomError, OSError, EOFError, ValueError):
        return "not a DICOM file"
    if header.get("Modality") != "MG":
        return f"modality is {header.get('Modality', 'not stated')}, not MG"
    if "Rows" not in header or "Columns" not in header:
        return "has no image"
    if not header.get("StudyInstanceUID"):
        return "states no study"
    try:
        return _acquisition(path, header)
    except (TypeError, ValueError, OverflowError):
        return "its header holds values that cannot be read"


def _acquisition(path: Path, header) -> Acquisition:
    dose, spacing = header.get("EntranceDoseInmGy"), header.get("ImagerPixelSpacing")
    sign = header.get("PixelIntensityRelationshipSign")
    return Acquisition(
        path=path,
        study=str(header.StudyInstanceUID),
        uid=str(header.get("SOPInstanceUID", "")),
        dose_mgy=None if dose in (None, "") else float(dose),
        rows=int(header.Rows),
        columns=int(header.Columns),
        spacing=tuple(float(value) for value in spacing) if spacing else None,
        laterality=str(header.get("ImageLaterality", "")),
        view=str(header.get("ViewPosition", "")),
        intent=header.get("PresentationIntentType"),
        relationship=header.get("PixelIntensityRelationship"),
        sign=None if sign is None else int(sign),
        photometric=str(header.get("PhotometricInterpretation", "")),
        bits=int(header.get("BitsStored", 16)),
    )


def dose_level(dose_mgy: float | None, levels: dict, tolerance: float = DOSE_TOLERANCE) -> str | None:
    """Return the name of the nearest dose level within a relative tolerance, else None."""
    if dose_mgy is None:
        return None
    name = min(levels, key=lambda key: abs(levels[key] - dose_mgy))
    return name if abs(levels[name] - dose_mgy) <= tolerance * levels[name] else None


def find_pairs(folder, levels: dict = DOSE_LEVELS) -> tuple[list[Pair], list[dict]]:
    """Group the mammograms of a folder by study, view and dose.

    Returns:
        The pairs, and for every file what became of it: ``file`` (relative), ``fate``
        (``paired`` or ``left out``) and ``why``.

    Raises:
        InputError: no folder, no mammogram, or no arrangement with both doses.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder")
    fates, studies, acquisitions = {}, {}, []
    for path in sorted(entry for entry in folder.rglob("*") if entry.is_file()):
        found = read_acquisition(path)
        if isinstance(found, str):
            fates[path] = found
        else:
            acquisitions.append(found)
    # Where a study holds both, the For Processing images are the ones to learn from.
    for found in sorted(acquisitions, key=lambda each: each.intent != "FOR PROCESSING"):
        path = found.path
        level = dose_level(found.dose_mgy, levels)
        group = studies.setdefault((found.study, found.laterality, found.view), {})
        if level is None:
            fates[path] = f"dose {found.dose_mgy} mGy is none of those asked for"
        elif level in group:
            fates[path] = f"a second image of its view at the {level} dose"
        else:
            group[level] = found
    pairs = _pairs_of(studies, fates)
    chosen = {image.path for pair in pairs for image in (pair.low, pair.high)}
    table = [{"file": str(p.relative_to(folder)), "fate": "left out", "why": fates[p]} for p in sorted(fates)]
    table += [{"file": str(p.relative_to(folder)), "fate": "paired", "why": ""} for p in sorted(chosen)]
    if not pairs:
        seen = f"{len(studies)} views among {len(fates)} files"
        raise InputError(f"{folder}: no arrangement has both a low and a high dose ({seen}); see --doses")
    return pairs, table


def _pairs_of(studies: dict, fates: dict) -> list[Pair]:
    pairs = []
    for group in studies.values():
        if set(group) != {"low", "high"}:
            for image in group.values():
                fates[image.path] = "its view lacks the other dose"
            continue
        low, high = group["low"], group["high"]
        difference = low.differs(high)
        if difference:
            fates[low.path] = fates[high.path] = f"the two images differ in {difference}"
            continue
        pairs.append(Pair(len(pairs) + 1, low, high))
    return pairs
