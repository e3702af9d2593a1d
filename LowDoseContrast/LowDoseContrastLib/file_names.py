"""Endings of image files, and names of outputs that no two inputs share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

OUTPUT_SUFFIXES = (".dcm", ".nrrd", ".nii.gz", ".nii", ".png", ".tif", ".tiff")
INPUT_SUFFIXES = (*OUTPUT_SUFFIXES, ".nhdr", ".mha", ".mhd")
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
_KNOWN = tuple(dict.fromkeys((".nii.gz", *INPUT_SUFFIXES, *DICOM_SUFFIXES)))


def suffix_of(path: str | Path) -> str:
    """The ending of a file name in lower case, ``.nii.gz`` as one."""
    name = Path(path).name.lower()
    return ".nii.gz" if name.endswith(".nii.gz") else Path(name).suffix


def stem_of(path: str | Path) -> str:
    """The name of a file without its ending, if that is one of an image: in a UID the last dot ends nothing.

    >>> stem_of("low.nii.gz"), stem_of("1.2.840.77.101")
    ('low', '1.2.840.77.101')
    """
    name = Path(path).name
    known = next((suffix for suffix in _KNOWN if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(known)] or name


def stems_apart(paths: Iterable[str | Path]) -> dict[str, str]:
    """Path -> its stem; where several are the same, as many folders before it as tell them apart.

    >>> stems_apart(["a/left/1-1.dcm", "a/right/1-1.dcm", "b/2.dcm"])
    {'a/left/1-1.dcm': 'left-1-1', 'a/right/1-1.dcm': 'right-1-1', 'b/2.dcm': '2'}
    """
    every = list(dict.fromkeys(map(str, paths)))
    parts = {path: [*Path(path).absolute().parent.parts[1:], stem_of(path)] for path in every}
    names = {path: stem_of(path) for path in every}
    for depth in range(2, max((len(each) for each in parts.values()), default=0) + 1):
        taken = Counter(names.values())
        if max(taken.values(), default=0) < 2:
            break
        names = {path: "-".join(parts[path][-depth:]) if taken[name] > 1 else name for path, name in names.items()}
    return names
