"""One acquisition as its DICOM header tells it, without its pixels."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# In these the two images of a pair must agree.
_SHARED = ("rows", "columns", "spacing", "detector", "model", "laterality", "view", "intent",
           "relationship", "sign", "photometric", "bits")  # fmt: skip


@dataclass(frozen=True)
class Acquisition:
    """One mammogram, from its header alone. What the header does not state is None or ''.

    Attributes:
        group: value of the DICOM element that images are grouped by.
        dose_mgy: entrance dose in mGy.
        dose_from: where the dose is from: ``dose tag``, ``exposure`` or ''.
        exposure: tube current times time in uAs.
        spacing: (row, column) in mm.
        detector, model: DetectorID and ManufacturerModelName.
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

    def differs(self, other: Acquisition) -> str:
        """Return the first property that differs and must not in a pair, or ''."""
        return next((name for name in _SHARED if getattr(self, name) != getattr(other, name)), "")


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
        laterality=_text(header, "ImageLaterality") or _text(header, "Laterality"),
        view=_text(header, "ViewPosition"),
        **facts,
    )


def _text(header: Dataset, keyword: str) -> str | None:
    return str(header.get(keyword) or "").strip() or None
