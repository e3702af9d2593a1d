"""The values that a DICOM file stores: decoded as they are, with the range that the values themselves prove."""

from __future__ import annotations

import copy
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError, brief

if TYPE_CHECKING:
    from pydicom import Dataset

_JPEG_LOSSLESS, _JPEG_LS, _JPEG_2000 = "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"
_JPEG_BASELINE, _JPEG_EXTENDED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
_FRAMES_OF_JPEG = {0xC0: _JPEG_BASELINE, 0xC1: _JPEG_EXTENDED, 0xC3: _JPEG_LOSSLESS, 0xF7: _JPEG_LS}


@dataclass(frozen=True)
class StoredValues:
    """Pixels that begin at 0, whatever the file stores.

    Attributes:
        pixels: unsigned, (slices, rows, columns), from 0 to 2^bits - 1.
        bits: that the values need or the file states, whichever is more.
        offset: what must be added to have the values that the file stores: -2^(bits - 1) for signed ones, else 0.
        notes: what the header says and the values prove wrong, a sentence each.
    """

    pixels: np.ndarray
    bits: int
    offset: int
    notes: tuple[str, ...] = ()


def stored_values(dataset: Dataset, path: str | Path) -> StoredValues:
    """Decode the pixels of a DICOM file.

    Raises:
        InputError: an encoding that nobody here decodes, or one that is damaged.
    """
    try:
        dataset, notes = _with_the_right_syntax(dataset)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
                words, precision = _decoded(dataset), _precision(dataset)
            else:
                words, precision, more = _native(dataset)
                notes += more
    except Exception as error:  # decoders raise whatever they like
        problem = f"the pixels cannot be decoded ({brief(error)})"
        raise InputError(path, problem, "the file is damaged or its encoding is not supported") from error
    pixels = np.asarray(words)
    if pixels.ndim == 2:
        pixels = pixels[np.newaxis]
    if pixels.ndim != 3:
        raise InputError(path, f"expected one grey image or a stack of them, not an array of shape {pixels.shape}")
    return _from_zero(
        pixels, int(dataset.get("BitsStored", 16)), precision, bool(dataset.get("PixelRepresentation")), notes
    )


def _from_zero(
    pixels: np.ndarray, stated: int, precision: int | None, is_signed: bool, notes: list[str]
) -> StoredValues:
    needed = _bits_for(int(pixels.min()), int(pixels.max()), is_signed)
    room = 8 * pixels.dtype.itemsize  # a header may state more bits than there are
    bits = min((each for each in (stated, precision) if each and needed <= each <= room), default=needed)
    if bits != stated:
        notes = [*notes, f"the header says {stated} bits stored, the pixels have {bits}: {bits} are taken"]
    if not is_signed:
        return StoredValues(pixels, bits, 0, tuple(notes))
    offset = -(2 ** (bits - 1))
    kind = np.uint8 if bits <= 8 and pixels.dtype.itemsize == 1 else np.uint16
    return StoredValues((pixels.astype(np.int32) - offset).astype(kind), bits, offset, tuple(notes))


def _bits_for(lowest: int, highest: int, is_signed: bool) -> int:
    if is_signed:
        return max(highest.bit_length(), (-lowest - 1).bit_length() if lowest < 0 else 0) + 1
    return max(highest.bit_length(), 1)


# --- native pixels


def _native(dataset: Dataset) -> tuple[np.ndarray, int | None, list[str]]:
    """(values, bits where the header's are wrong, notes) of pixels that are not compressed."""
    stored, high = (
        int(dataset.get("BitsStored", 16)),
        int(dataset.get("HighBit", int(dataset.get("BitsStored", 16)) - 1)),
    )
    allocated = int(dataset.get("BitsAllocated", 16))
    if stored >= allocated and high == stored - 1:
        return dataset.pixel_array, None, []
    words = _words(dataset, allocated)
    if high > stored - 1:
        shift = high + 1 - stored
        if not (words & ((1 << shift) - 1)).any():
            shifted = _cut(words >> shift, stored, dataset)
            return shifted, None, [f"the values are stored from bit {shift} up to high bit {high}, as the header says"]
        if (words >> stored).any():
            note = f"the header says {stored} bits stored up to high bit {high}: {high + 1} are taken"
            return _cut(words, high + 1, dataset), high + 1, [note]
        return (
            _cut(words, stored, dataset),
            None,
            [f"the high bit is stated as {high}; the values end at bit {stored - 1}"],
        )
    cut = _cut(words, stored, dataset)
    if not dataset.get("PixelRepresentation") and _goes_on_above(words, stored):
        return words, int(words.max()).bit_length(), []
    in_use = (words >> stored).any() and not dataset.get("PixelRepresentation")
    return (
        cut,
        None,
        [f"bits above the {stored} stored are in use, as by an overlay: they are left out"] if in_use else [],
    )


def _words(dataset: Dataset, allocated: int) -> np.ndarray:
    """The pixels with all the bits that they are allocated, unsigned."""
    whole = _pixels_alone(dataset, "BitsStored", "HighBit", "PixelRepresentation")
    whole.BitsStored, whole.HighBit, whole.PixelRepresentation = allocated, allocated - 1, 0
    return whole.pixel_array


def _pixels_alone(dataset: Dataset, *but: str) -> Dataset:
    """A data set with no more than the pixels and what describes them; elements named in ``but`` are to be set."""
    from pydicom import Dataset

    bare = Dataset()
    bare.file_meta = dataset.file_meta
    for keyword in _PIXEL_ELEMENTS:
        if keyword in dataset and keyword not in but:
            bare[keyword] = dataset[keyword]
    bare.PhotometricInterpretation = "MONOCHROME2"  # GDCM would invert the other
    return bare


def _cut(words: np.ndarray, bits: int, dataset: Dataset) -> np.ndarray:
    """The lowest ``bits`` of the words, signed where the header says so."""
    values = words.astype(np.int32) & ((1 << bits) - 1)
    if not dataset.get("PixelRepresentation"):
        return values.astype(words.dtype)
    values -= (values >> (bits - 1)) << bits
    return values.astype(np.int16 if words.dtype.itemsize > 1 else np.int8)


def _goes_on_above(words: np.ndarray, bits: int) -> bool:
    """Whether the bits from ``bits`` up are the values' own, and no overlay.

    Where a value runs over 2^bits, the upper bits step and the whole hardly moves; an overlay moves it by 2^bits.
    """
    rows = words[..., ::3, :].astype(np.int32)
    steps = np.abs(np.diff(rows, axis=-1))[np.diff(rows >> bits, axis=-1) != 0]
    return bool(steps.size) and float((steps < 1 << (bits - 1)).mean()) > 0.5


# --- compressed pixels


def _with_the_right_syntax(dataset: Dataset) -> tuple[Dataset, list[str]]:
    """The data set with the transfer syntax that its stream has, by its first bytes, and a note if that is another."""
    from pydicom.uid import UID

    stated = dataset.file_meta.TransferSyntaxUID
    found = _syntax_of(_stream(dataset)) if stated.is_encapsulated else None
    if found is None or found == stated or _family(found) == _family(str(stated)):
        return dataset, []
    other = copy.copy(dataset)
    other.file_meta = copy.deepcopy(dataset.file_meta)
    other.file_meta.TransferSyntaxUID = UID(found)
    return other, [f"the header names {stated.name} and the stream is {UID(found).name}: it is decoded as that"]


def _stream(dataset: Dataset) -> bytes:
    from pydicom.encaps import get_frame

    try:
        return get_frame(dataset.PixelData, 0, number_of_frames=int(dataset.get("NumberOfFrames", 1) or 1))
    except Exception:  # a damaged stream is the decoder's to name
        return b""


def _syntax_of(stream: bytes) -> str | None:
    if stream[:4] == b"\xff\x4f\xff\x51":
        return _JPEG_2000
    if stream[:2] != b"\xff\xd8":
        return None
    position = 2
    while position + 4 <= len(stream) and stream[position] == 0xFF:
        if stream[position + 1] in _FRAMES_OF_JPEG:
            return _FRAMES_OF_JPEG[stream[position + 1]]
        position += 2 + int.from_bytes(stream[position + 2 : position + 4], "big")
    return None


def _family(uid: str) -> str:
    """What decodes a syntax: lossless and lossy forms of one codec are told by its stream."""
    last = uid.rpartition(".")[2]
    return {"57": "70", "81": "80", "91": "90", "201": "201", "202": "201", "203": "201"}.get(last, last)


def _precision(dataset: Dataset) -> int | None:
    """Bits of the values in a JPEG 2000 stream; None where the stream does not say it."""
    from pydicom.pixels.utils import get_j2k_parameters

    if not str(dataset.file_meta.TransferSyntaxUID).startswith(_JPEG_2000[:-1]):
        return None
    return get_j2k_parameters(_stream(dataset)).get("precision")


def _decoded(dataset: Dataset) -> np.ndarray:
    """By pydicom with what it finds installed, else by SimpleITK."""
    from pydicom.pixels import get_decoder

    try:
        available = get_decoder(dataset.file_meta.TransferSyntaxUID).is_available
    except NotImplementedError:
        available = False
    return dataset.pixel_array if available else _decoded_by_simpleitk(dataset)


def _decoded_by_simpleitk(dataset: Dataset) -> np.ndarray:
    """The stored values; what would make GDCM change them (MONOCHROME1, rescaling) is not in the file it gets."""
    import SimpleITK as sitk

    bare = _pixels_alone(dataset)
    with tempfile.TemporaryDirectory(prefix="LowDoseContrast-") as folder:
        path = Path(folder, "pixels.dcm")
        bare.save_as(path, enforce_file_format=True)
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.SetImageIO("GDCMImageIO")
        pixels = sitk.GetArrayFromImage(reader.Execute())
    kinds: dict[bool, Any] = {False: np.uint16, True: np.int16}
    return pixels.astype(kinds[bool(dataset.get("PixelRepresentation"))])


_PIXEL_ELEMENTS = (
    "SOPClassUID", "SOPInstanceUID", "SamplesPerPixel", "NumberOfFrames", "Rows", "Columns", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation", "PixelData",
)  # fmt: skip
