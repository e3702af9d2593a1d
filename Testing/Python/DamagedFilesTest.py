"""Of a damaged file a user reads one line, whatever the libraries that read it print."""

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import lowdosecontrast_examples as examples
import numpy as np
import pydicom
import SimpleITK as sitk
from CommandLineTest import CommandLineTestCase
from LowDoseContrastLib.__main__ import main
from LowDoseContrastLib.cli import report_error
from LowDoseContrastLib.files import read_mammogram
from LowDoseContrastLib.quiet import quietly
from pydicom.uid import JPEG2000Lossless, RLELossless


def write_all(folder):
    """Name -> a small image in every format and encoding that can be written here."""
    pixels = examples.phantom_pixels((120, 90), air_bright=False)
    image, files = sitk.GetImageFromArray(pixels), {}
    for ending in (".png", ".tif", ".nrrd", ".nii", ".nii.gz"):
        files[ending] = folder / f"image{ending}"
        sitk.WriteImage(image, str(files[ending]), ending == ".nrrd")
    plain = files["native"] = examples.write_dicom(folder / "native.dcm", pixels, "MONOCHROME2")
    encodings = {"rle": RLELossless, **({"j2k": JPEG2000Lossless} if examples.HAS_JPEG2000_ENCODER else {})}
    for name, syntax in encodings.items():
        dataset = pydicom.dcmread(plain)
        dataset.compress(syntax)
        dataset.save_as(folder / f"{name}.dcm")
        files[name] = folder / f"{name}.dcm"
    for name, bits in (("JPEG", 16), ("JPEG", 8), ("JPEG2000", 16)):
        writer = sitk.ImageFileWriter()
        writer.SetImageIO("GDCMImageIO")
        writer.SetUseCompression(True)
        writer.SetCompressor(name)
        files[f"{name}-{bits}"] = folder / f"{name}-{bits}.dcm"
        writer.SetFileName(str(files[f"{name}-{bits}"]))
        kind = np.uint16 if bits == 16 else np.uint8
        try:
            writer.Execute(sitk.GetImageFromArray((pixels >> (16 - bits)).astype(kind)))
        except RuntimeError:  # some ITK have no such encoder
            del files[f"{name}-{bits}"]
    return files


def damages(content, seed):
    """Name -> the content, cut off, with a hole, with other bytes, or as nothing but its beginning."""
    rng, size = np.random.default_rng(seed), len(content)
    found = {f"cut at {share}": content[: int(share * size)] for share in (0.1, 0.5, 0.9, 0.99)}
    found["empty"] = b""
    found["hole"] = content[: size // 2] + bytes(size // 4) + content[size // 2 + size // 4 :]
    for number in range(4):
        garbled = bytearray(content)
        for place in rng.integers(0, size, 2 + 40 * (number % 2)):
            garbled[place] = rng.integers(256)
        found[f"garbled {number}"] = bytes(garbled)
    return found


class DamagedFilesTest(CommandLineTestCase):
    def said(self, *arguments):
        """(exit code, what reached the descriptor of standard error) of a command."""
        with tempfile.TemporaryFile() as stream:
            sys.stderr.flush()
            kept, python = os.dup(2), sys.stderr
            os.dup2(stream.fileno(), 2)
            try:
                with open(os.dup(2), "w") as sys.stderr:
                    code = self.main(arguments)
            finally:
                sys.stderr = python
                os.dup2(kept, 2)
                os.close(kept)
            stream.seek(0)
            return code, stream.read().decode(errors="replace")

    def main(self, arguments):
        with contextlib.redirect_stdout(io.StringIO()):
            return main([str(argument) for argument in arguments])

    def test_oneLineAndNothingElse(self):
        whole = self.folder / "whole"
        whole.mkdir()
        refused = 0
        for number, (name, path) in enumerate(write_all(whole).items()):
            self.assertEqual(self.said("cci", path, "--mask", "none"), (0, ""), name)
            for damage, content in damages(path.read_bytes(), number).items():
                with self.subTest(name, damage=damage):
                    damaged = self.folder / f"damaged{''.join(path.suffixes)}"
                    damaged.write_bytes(content)
                    code, said = self.said("cci", damaged, "--mask", "none")
                    if code == 0:  # some damage gives other values only
                        self.assertEqual(said, "")
                        continue
                    refused += 1
                    self.assertEqual(code, 2, said)
                    self.assertRegex(said, rf"\Aerror: [^\n]*{damaged.name}[^\n]*\n\Z")
        self.assertGreater(refused, 60)

    def test_theCommandItselfSaysOneLine(self):
        """As its own process, in which nothing is led elsewhere by a test."""
        pixels = examples.phantom_pixels((120, 90))
        path = examples.write_dicom(self.folder / "rle.dcm", pixels)
        dataset = pydicom.dcmread(path)
        dataset.compress(RLELossless)
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.70"  # whose decoder finds no JPEG there
        dataset.save_as(path)
        found = subprocess.run(
            [sys.executable, "-m", "LowDoseContrastLib", "cci", str(path)],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self.assertEqual((found.returncode, found.stdout), (2, ""))
        self.assertRegex(found.stderr, r"\Aerror: [^\n]*\n\Z")

    def test_whatAFileBringsIntoAMessageIsPrintable(self):
        stream = io.StringIO()
        with contextlib.redirect_stderr(stream):
            report_error("a\x00b\x1b[31m\r\nc\x85d \u2028 é")
        self.assertEqual(stream.getvalue(), "error: a?b?[31m c d é\n")


class QuietlyTest(unittest.TestCase):
    def test_itIsOverAfterwards(self):
        with tempfile.TemporaryFile() as stream:
            kept = os.dup(2)
            os.dup2(stream.fileno(), 2)
            try:
                with quietly():
                    os.write(2, b"one ")
                    with quietly():
                        os.write(2, b"two ")
                    os.write(2, b"three ")
                os.write(2, b"four")
                with self.assertRaises(ValueError), quietly():
                    raise ValueError
                os.write(2, b" five")
            finally:
                os.dup2(kept, 2)
                os.close(kept)
            stream.seek(0)
            self.assertEqual(stream.read(), b"four five")

    def test_readingLeavesNoDescriptorOpen(self):
        descriptors = Path("/proc/self/fd")
        if not descriptors.is_dir():
            self.skipTest("needs /proc")
        with tempfile.TemporaryDirectory() as folder:
            path = examples.write_dicom(Path(folder) / "a.dcm", examples.phantom_pixels((60, 50)))
            read_mammogram(path)
            before = len(list(descriptors.iterdir()))
            for _ in range(5):
                read_mammogram(path)
            self.assertEqual(len(list(descriptors.iterdir())), before)


if __name__ == "__main__":
    unittest.main()
