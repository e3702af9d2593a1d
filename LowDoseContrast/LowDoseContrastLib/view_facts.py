"""What a header says of how a breast was projected: its side, the view with its modifiers, and the magnification.

Files state these in elements of their own or in code sequences, with codes of SNOMED CT or of its predecessor SNOMED
RT. Both are brought to the names that ViewPosition uses (DICOM PS3.16, CID 4014 and 4015; CID 244 for sides).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_VIEWS = {
    "399162004": "CC", "R-10242": "CC", "399368009": "MLO", "R-10226": "MLO", "399260004": "ML", "R-10224": "ML",
    "399352003": "LM", "R-10228": "LM", "399099002": "LMO", "R-10230": "LMO", "399196006": "FB", "R-10244": "FB",
    "399188001": "SIO", "R-102D0": "SIO", "441555000": "ISO", "R-40AAA": "ISO", "399265009": "XCC", "R-102CF": "XCC",
    "399192008": "XCCL", "R-1024A": "XCCL", "399101009": "XCCM", "R-1024B": "XCCM",
    "127457009": "SPECIMEN", "G-8310": "SPECIMEN",
}  # fmt: skip
_MODIFIERS = {
    "399163009": "magnification", "R-102D6": "magnification", "399055006": "spot", "R-102D7": "spot",
    "399197002": "rolled lateral", "R-102D3": "rolled lateral", "399226006": "rolled medial",
    "R-102D4": "rolled medial", "414493004": "rolled inferior", "R-102CA": "rolled inferior",
    "415670009": "rolled superior", "R-102C9": "rolled superior", "399209000": "implant displaced",
    "R-102D5": "implant displaced", "399161006": "cleavage", "R-102D2": "cleavage", "399011000": "axillary tail",
    "R-102D1": "axillary tail", "442580003": "axillary tissue", "R-40AB2": "axillary tissue",
    "399110001": "tangential", "R-102C2": "tangential", "442581004": "nipple in profile",
    "R-40AB3": "nipple in profile", "441752004": "anterior compression", "P2-00161": "anterior compression",
    "442593008": "inframammary fold", "R-40ABE": "inframammary fold",
}  # fmt: skip
_SIDES = {
    "7771000": "L", "G-A101": "L", "24028007": "R", "G-A100": "R", "51440002": "B", "G-A102": "B",
    "80248007": "L", "T-04030": "L", "73056007": "R", "T-04020": "R", "63762007": "B", "T-04080": "B",
}  # fmt: skip
_MODIFIER_SEQUENCE, _REGION_MODIFIERS = "ViewModifierCodeSequence", "AnatomicRegionModifierSequence"
_BREAST_ALONE = ("U", "UNPAIRED")  # says that a body part has no sides, which of a breast says nothing


@dataclass(frozen=True)
class ViewFacts:
    """How a breast was projected; None where the header does not state it, or states two things at once.

    Attributes:
        laterality: L, R or B (both).
        view: CC, MLO, ML, LM, XCCL ...; a code without a name here as ``scheme:code``.
        modifiers: spot, magnification, rolled lateral ..., sorted; empty for a plain view.
        magnification: factor, 1 at the detector.
        orientation: direction of the rows and of the columns in the patient, as ``A/R``.
    """

    laterality: str | None
    view: str | None
    modifiers: tuple[str, ...]
    magnification: float | None
    orientation: str | None


def view_facts(header: Dataset) -> ViewFacts:
    """Return what a header says of the projection.

    Raises:
        TypeError, ValueError: the magnification is no number.
    """
    codes = _items(header, "ViewCodeSequence")
    modifiers = [_named(item, _MODIFIERS) for each in (header, *codes) for item in _items(each, _MODIFIER_SEQUENCE)]
    factor = header.get("EstimatedRadiographicMagnificationFactor")
    directions = [str(each).strip().upper() for each in header.get("PatientOrientation") or ()]
    return ViewFacts(
        laterality=_laterality(header, directions),
        view=_only([_word(header, "ViewPosition"), *(_named(item, _VIEWS) for item in codes[:1])]),
        modifiers=tuple(sorted({each for each in modifiers if each})),
        magnification=float(factor) if factor else None,
        orientation="/".join(directions) if all(directions) and directions else None,
    )


def _laterality(header: Dataset, directions: list[str]) -> str | None:
    regions = _items(header, "AnatomicRegionSequence")
    stated = [_word(header, "ImageLaterality"), *_frame_lateralities(header)]
    stated += [_SIDES.get(_code(item)) for each in regions for item in (each, *_items(each, _REGION_MODIFIERS))]
    known = [side for side in stated if side and side not in _BREAST_ALONE]
    if known:
        return _only(known)
    series = _word(header, "Laterality")
    if series and series not in _BREAST_ALONE:
        return series
    # In views from above and oblique ones the columns run from lateral to medial: to the patient's right in a left
    # breast.
    letters = set(directions[1]) & {"L", "R"} if len(directions) == 2 else set()
    return {"R": "L", "L": "R"}[letters.pop()] if len(letters) == 1 else None


def _frame_lateralities(header: Dataset) -> list[str | None]:
    groups = _items(header, "SharedFunctionalGroupsSequence") + _items(header, "PerFrameFunctionalGroupsSequence")
    frames = [frame for group in groups for frame in _items(group, "FrameAnatomySequence")]
    return [_word(each, "FrameLaterality") for each in (header, *frames)]


def _only(values: Iterable[str | None]) -> str | None:
    """Return the one value that is stated; None without any, and where several contradict each other."""
    stated = {value for value in values if value}
    return stated.pop() if len(stated) == 1 else None


def _items(dataset: Dataset, keyword: str) -> list[Dataset]:
    value = dataset.get(keyword)
    return list(value) if value and not isinstance(value, (str, bytes)) else []


def _word(dataset: Dataset, keyword: str) -> str | None:
    return str(dataset.get(keyword) or "").strip().upper() or None


def _code(item: Dataset) -> str:
    return str(item.get("CodeValue") or item.get("LongCodeValue") or "").strip().upper()


def _named(item: Dataset, names: dict[str, str]) -> str | None:
    code = _code(item)
    scheme = str(item.get("CodingSchemeDesignator") or "").strip()
    return names.get(code) or (f"{scheme}:{code}" if code else None)
