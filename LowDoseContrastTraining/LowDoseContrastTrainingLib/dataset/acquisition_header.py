"""One acquisition as its DICOM header tells it, without its pixels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from LowDoseContrastLib.view_facts import view_facts

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


@dataclass(frozen=True)
class Acquisition:
    """One mammogram, from its header alone. What the header does not state is None or ''.

    Attributes:
        patient: PatientID.
        group: value of the DICOM element that images are grouped by.
        dose_mgy: entrance dose in mGy.
        dose_from: where the dose is from: ``dose tag``, ``exposure`` or ''.
        exposure: tube current times time in uAs.
        spacing: (row, column) in mm.
        detector, model, paddle: DetectorID, ManufacturerModelName and PaddleDescription.
        laterality, view, modifiers, magnification, orientation: as of :class:`LowDoseContrastLib.view_facts.ViewFacts`.
    """

    path: Path
    uid: str | None
    group: str | None
    dose_mgy: float | None
    dose_from: str
    exposure: float | None
    rows: int
    columns: int
    spacing: tuple[float, float] | None
    detector: str | None
    model: str | None
    laterality: str | None
    view: str | None
    intent: str | None
    relationship: str | None
    sign: int | None
    photometric: str | None
    bits: int
    patient: str | None = None
    modifiers: tuple[str, ...] = ()
    magnification: float | None = None
    orientation: str | None = None
    paddle: str | None = None


def read_acquisition(path: Path, group_keyword: str = "StudyInstanceUID") -> Acquisition | str:
    """Return the acquisition in a file, or in a few words why the file is not one.

    Args:
        group_keyword: the DICOM keyword whose value becomes ``group``.
    """
    import pydicom
    from pydicom.errors import InvalidDicomError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True)
        except InvalidDicomError:
            return "not a DICOM file"
        except Exception:  # pydicom raises whatever it likes on damaged files
            return "cannot be read as DICOM"
        try:
            if header.get("Modality") != "MG":
                return f"not a mammogram: modality {header.get('Modality') or 'not stated'}"
            if "Rows" not in header or "Columns" not in header:
                return "has no image"
            return _acquisition(path, header, group_keyword)
        except Exception:  # and on values, once they are asked for
            return "its header holds values that cannot be read"


def _acquisition(path: Path, header: Dataset, group_keyword: str) -> Acquisition:
    from LowDoseContrastLib.dicom import stated_facts

    facts = stated_facts(header)
    del facts["modality"], facts["padding"]  # of no use in pairing
    exposure = header.get("ExposureInuAs")
    return Acquisition(
        path=path,
        group=_text(header, group_keyword),
        dose_from="dose tag" if facts["dose_mgy"] else "",
        exposure=float(exposure) if exposure else None,
        rows=int(header.Rows),
        columns=int(header.Columns),
        detector=_text(header, "DetectorID"),
        model=_text(header, "ManufacturerModelName"),
        patient=_text(header, "PatientID"),
        paddle=_text(header, "PaddleDescription"),
        **facts,
        **vars(view_facts(header)),
    )


def _text(header: Dataset, keyword: str) -> str | None:
    return str(header.get(keyword) or "").strip() or None
