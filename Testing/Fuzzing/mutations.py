"""Ways to damage a file, each from a stream of random numbers."""

import copy
import gzip
import json
import struct
import zlib

INTERESTING = (0, 1, 0x7F, 0x80, 0xFF)
VALUES = (
    None, True, -1, 0, 1, 3, 255, 65536, 2**31 - 1, 2**63, -(2**31), 0.5, -0.0, 1e-320, 1e308, float("nan"), float("inf"),
    "", "0", "\x00", "é\u2028", "../../etc", "a" * 5000, [], [1], {}, {"a": 1}, [None, "x"], [[[[]]]],
)  # fmt: skip
TEXTS = (
    "", "0", "-1", "1\\2\\3", "1e400", "nan", "x" * 70, "\\", "2147483648", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5",
    "MONOCHROME1", "MONOCHROME2", "RGB", "PALETTE COLOR", "FOR PRESENTATION", "ISO_IR 192", "ISO 2022 IR 87", "\x1b$B",
)  # fmt: skip
NUMBERS = (0, 1, 2, 7, 8, 12, 15, 16, 17, 32, 64, 255, 256, 32768, 65535)


def mutated(content, kind, name, rng):
    """The content of a file of this kind and name, changed in one to six places."""
    for _ in range(int(rng.integers(1, 4))):
        content = _choose(rng, _WAYS.get(kind, ()), name)(content, rng)
    return content


def _choose(rng, own, name):
    if name.endswith(".gz") and rng.random() < 0.7:
        return _inside_gzip
    if name.endswith(".toml"):
        return _text if rng.random() < 0.7 else _bytes
    if name.endswith(".pth"):
        return _bytes
    if own and rng.random() < 0.65:
        return own[rng.integers(len(own))]
    return _bytes


def _bytes(content, rng):
    """Bits, bytes, numbers, or blocks; half of them near the beginning or the end, where headers are."""
    data, size = bytearray(content), len(content)
    if not size:
        return bytes(rng.integers(0, 256, 40, dtype="uint8"))
    for _ in range(int(rng.integers(1, 6))):
        size = len(data)
        if not size:
            break
        near = min(size, 1024)
        place = int(rng.choice([rng.integers(size), rng.integers(near), size - 1 - rng.integers(near)]))
        length = int(min(size - place, 2 ** rng.integers(0, 10)))
        way = rng.integers(9)
        if way == 0:
            data[place] ^= 1 << int(rng.integers(8))
        elif way == 1:
            data[place] = INTERESTING[rng.integers(len(INTERESTING))]
        elif way == 2:
            data[place] = int(rng.integers(256))
        elif way == 3:
            number = int(rng.choice([0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, size, size + 1]))
            data[place : place + 4] = struct.pack("<I" if rng.random() < 0.5 else ">I", number)
        elif way == 4:
            del data[place : place + length]
        elif way == 5:
            data[place:place] = data[place : place + length]
        elif way == 6:
            data[place : place + length] = bytes(length)
        elif way == 7:
            data[place : place + length] = rng.integers(0, 256, length, dtype="uint8").tobytes()
        elif rng.random() < 0.3:
            del data[place:]
    return bytes(data)


def _inside_gzip(content, rng):
    try:
        return gzip.compress(_bytes(gzip.decompress(content), rng), 1)
    except (OSError, EOFError, zlib.error):
        return _bytes(content, rng)


def _text(content, rng):
    """Numbers and words of a text replaced; only the lines before the first empty one."""
    head, blank, rest = content.partition(b"\n\n")
    words = head.split(b" ")
    place = int(rng.integers(len(words)))
    choices = (
        b"",
        b"0",
        b"-1",
        b"1e9",
        b"nan",
        b"99999999999",
        b"(0,0)",
        b"\xff\xfe",
        b"none",
        words[rng.integers(len(words))],
    )
    words[place] = choices[rng.integers(len(choices))] + (b"\n" if b"\n" in words[place] else b"")
    return b" ".join(words) + blank + rest


def _png_chunk(content, rng):
    """A chunk of a PNG with a right check sum, so that what is in it is looked at."""
    places, at = [], 8
    while at + 12 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        places.append((at, length))
        at += 12 + length
    if not places:
        return _bytes(content, rng)
    at, length = places[rng.integers(len(places))]
    kind, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
    body = _bytes(body, rng) if rng.random() < 0.9 else b""
    check = struct.pack(">I", zlib.crc32(kind + body))
    chunk = struct.pack(">I", len(body)) + kind + body + check
    return content[:at] + chunk * int(rng.integers(1, 3)) + content[at + 12 + length :]


def _json(content, rng):
    """A value, name or entry of a JSON document."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return _bytes(content, rng)
    return json.dumps(changed(document, rng)).encode()


def changed(document, rng):
    """A JSON document with one value replaced, removed, renamed or doubled."""
    document = copy.deepcopy(document)
    places = list(_places(document))
    if not places:
        return VALUES[rng.integers(len(VALUES))]
    holder, key = places[rng.integers(len(places))]
    way = rng.integers(6)
    if way == 0:
        del holder[key]
    elif way == 1 and isinstance(holder, dict):
        holder[str(key) + "x"] = holder.pop(key)
    elif way == 2 and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[key]))
    elif way == 3:
        other, name = places[rng.integers(len(places))]
        holder[key] = (
            copy.deepcopy(other[name]) if name in (other if isinstance(other, dict) else range(len(other))) else None
        )
    else:
        holder[key] = VALUES[rng.integers(len(VALUES))]
    return document


def _places(document):
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in items:
        yield document, key
        yield from _places(value)


def _safetensors_header(content, rng):
    """The header of a safetensors file, or the card in it; its length is put right."""
    try:
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
        card = header.get("__metadata__", {}).get("card")
        if card and rng.random() < 0.6:
            header["__metadata__"]["card"] = json.dumps(changed(json.loads(card), rng))
        else:
            header = changed(header, rng)
    except (ValueError, AttributeError, TypeError, RecursionError):
        return _bytes(content, rng)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def _dicom_element(content, rng):
    """An element of a DICOM header removed, or with another value, at the top, in a sequence or in the file meta."""
    import io
    import warnings

    import pydicom
    from pydicom import config

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept = config.settings.writing_validation_mode, config.settings.reading_validation_mode
        config.settings.writing_validation_mode = config.settings.reading_validation_mode = config.IGNORE
        try:
            dataset = pydicom.dcmread(io.BytesIO(content), force=True)
            part = dataset.file_meta if rng.random() < 0.15 else dataset
            element = part[list(part.keys())[rng.integers(len(part))]]
            if rng.random() < 0.25:
                del part[element.tag]
            elif isinstance(element.value, int):
                element.value = NUMBERS[rng.integers(len(NUMBERS))]
            elif isinstance(element.value, bytes):
                element.value = element.value[: int(rng.integers(len(element.value) + 1))]
            else:
                element.value = TEXTS[rng.integers(len(TEXTS))]
            stream = io.BytesIO()
            dataset.save_as(stream, enforce_file_format=False)
            return stream.getvalue()
        except Exception:  # what is damaged already may not be written
            return _bytes(content, rng)
        finally:
            config.settings.writing_validation_mode, config.settings.reading_validation_mode = kept


_WAYS = {
    "dicom": (_dicom_element,),
    "png": (_png_chunk,),
    "nrrd": (_text,),
    "model": (_safetensors_header,),
    "checkpoint": (_safetensors_header,),
    "manifest": (_json,),
    "recipe": (_json,),
}
