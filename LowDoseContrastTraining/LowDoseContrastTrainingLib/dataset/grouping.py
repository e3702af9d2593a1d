"""Which acquisitions are of one arrangement: by study, folder, any DICOM element, or a table."""

from __future__ import annotations

import csv
from pathlib import Path

from LowDoseContrastLib.errors import InputError

STUDY = "StudyInstanceUID"


class Grouping:
    """How ``--group-by`` tells arrangements apart.

    Args:
        way: ``study``, ``folder``, a DICOM keyword, or a CSV file with the columns ``file``
            (relative to ``folder``) and ``arrangement``.
        folder: of the acquisitions.

    Raises:
        InputError: the way is none of these, or the table is not such a table.
    """

    def __init__(self, way: str, folder: Path):
        self.way, self.folder = way, folder
        self.table = _read_table(way, folder) if way.lower().endswith(".csv") else None
        self.keyword = STUDY if way in ("study", "folder") or self.table is not None else _checked_keyword(way)

    def group_of(self, image) -> str | None:
        """Return the name of an acquisition's arrangement, or None where nothing states it."""
        name = image.path.relative_to(self.folder)
        if self.table is not None:
            return self.table.get(name.as_posix())
        return name.parent.as_posix() if self.way == "folder" else image.group

    @property
    def missing(self) -> str:
        """Why an acquisition has no arrangement."""
        return f"not in {self.way}" if self.table is not None else f"states no {self.keyword}"


def _checked_keyword(way):
    from pydicom.datadict import tag_for_keyword

    if tag_for_keyword(way) is None:
        raise InputError("", f"{{group_by}}: '{way}' is none of auto, study, folder, a DICOM keyword and a .csv file")
    return way


def _read_table(path, folder):
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
