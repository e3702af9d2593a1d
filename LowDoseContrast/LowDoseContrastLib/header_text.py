"""A DICOM header as text and back, so that it can travel where only text can."""

from __future__ import annotations

import base64
import binascii
import copy
import io
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom import Dataset

_PIXEL_GROUP = 0x7FE0
_LARGEST_ELEMENT = 256 * 1024  # bytes; a header is kept for what it says, not for pictures inside it


def header_to_text(dataset: Dataset) -> str:
    """The elements of a pydicom data set but its pixels: DICOM's own bytes, deflated, in base64.

    Bytes rather than DICOM JSON, for a header that breaks a rule of the standard must come back as it was.

    Raises:
        ValueError, AttributeError, TypeError: elements that cannot be written.
    """
    import pydicom

    header = copy.copy(dataset)
    for tag in list(header.keys()):
        value = getattr(header.get_item(tag), "value", None)
        if tag.group == _PIXEL_GROUP or (isinstance(value, bytes) and len(value) > _LARGEST_ELEMENT):
            del header[tag]
    stream = io.BytesIO()
    pydicom.dcmwrite(stream, header)
    return base64.b64encode(zlib.compress(stream.getvalue(), 9)).decode("ascii")


def header_from_text(text: str) -> Dataset:
    """The inverse of :func:`header_to_text`.

    Raises:
        ValueError: the text holds no header.
    """
    import pydicom

    try:
        return pydicom.dcmread(io.BytesIO(zlib.decompress(base64.b64decode(text, validate=True))))
    except (binascii.Error, zlib.error, pydicom.errors.InvalidDicomError, EOFError) as error:
        raise ValueError("the text holds no DICOM header") from error
