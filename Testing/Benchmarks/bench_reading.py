"""Reading a DICOM file with all that is checked of it against decoding it with pydicom alone, in one run."""

import tempfile
from pathlib import Path

import pydicom
from fields import FULL_FIELD, half_breast, paired_seconds
from LowDoseContrastLib.files import read_mammogram, write_mammogram
from pydicom.uid import RLELossless


def examined(path):
    """The breast of the image in a file: bits, padding, polarity and mask are all found."""
    mammogram = read_mammogram(path)
    return mammogram.polarity, mammogram.breasts[0].tissue


def main():
    print(f"{FULL_FIELD[0]} x {FULL_FIELD[1]}            decoded   read and checked   more")
    with tempfile.TemporaryDirectory() as folder:
        native, packed = Path(folder, "native.dcm"), Path(folder, "rle.dcm")
        field = half_breast(FULL_FIELD)
        write_mammogram(native, field, field.pixels, "made", "benchmark")
        dataset = pydicom.dcmread(native)
        dataset.compress(RLELossless)
        dataset.save_as(packed)
        for name, path in (("uncompressed", native), ("RLE", packed)):
            decoded, checked = paired_seconds(
                lambda path=path: pydicom.dcmread(path).pixel_array, lambda path=path: examined(path)
            )
            print(f"{name:22} {decoded:8.3f} s {checked:12.3f} s {checked - decoded:10.3f} s")
    print("asked: at most 0.3 s more than decoding")


if __name__ == "__main__":
    main()
