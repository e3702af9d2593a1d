"""Which acquisitions show one arrangement: by study, folder, any DICOM element, or a table."""

from __future__ import annotations

import csv
from pathlib import Path

from LowDoseContrastLib.errors import InputError

from .acquisition_header import Acquisition

STUDY = "StudyInstanceUID"


class Grouping:
    """How acquisitions are grouped into arrangements.

    Args:
        way: ``study``, ``folder``, a DICOM keyword, or a CSV file with the columns ``file``
            (relative to ``folder``) and ``arrangement``.
        folder: of the acquisitions.

    Raises:
        InputError: another way, or a table of another form.
    """

    def __init__(self, way: str, folder: Path) -> None:
        self.way, self.folder = way, folder
        self.table = _read_table(way, folder) if way.lower().endswith(".csv") else None
        self.keyword = STUDY if way in ("study", "folder") or self.table is not None else _checked_keyword(way)

    def group_of(self, image: Acquisition) -> str | None:
        """Return the name of an acquisition's arrangement, None where it is unknown."""
        name = image.path.relative_to(self.folder)
        if self.table is not None:
            return self.table.get(name.as_posix())
        return name.parent.as_posix() if self.way == "folder" else image.group

    @property
    def missing(self) -> str:
        """Why an acquisition has no arrangement."""
        return f"not in {self.way}" if self.table is not None else f"states no {self.keyword}"


def _checked_keyword(way: str) -> str:
    from pydicom.datadict import tag_for_keyword

    if tag_for_keyword(way) is None:
        raise InputError("", f"{{group_by}}: '{way}' is none of auto, study, folder, a DICOM keyword and a .csv file")
    return way


def _read_table(path: str, folder: Path) -> dict[str, str]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(path, f"cannot be read as a CSV file ({error})") from error
    if not rows or not {"file", "arrangement"} <= set(rows[0]):
        raise InputError(path, "needs a first line 'file,arrangement' and a line for each image")
    table = {}
    for row in rows:
        if not row["file"] or not row["arrangement"]:
            raise InputError(path, "has a line without a file or an arrangement")
        if not (folder / row["file"]).is_file():
            raise InputError(path, f"names {row['file']}, which is not in {folder}")
        table[Path(row["file"]).as_posix()] = row["arrangement"]
    return table
