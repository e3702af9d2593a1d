"""Troubles of real files: whatever the container, the polarity, the bits and the padding, the enhanced image is the same."""

import itertools
import json
import tempfile
import unittest
from pathlib import Path

import lowdosecontrast_examples as examples
import numpy as np
from LowDoseContrastLib.enhance import Enhancer, Settings
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.files import on_one_scale, read_mammogram, write_mammogram
from LowDoseContrastLib.inspection import inspect, write_picture
from LowDoseContrastLib.mammogram import Mammogram
from scipy.ndimage import gaussian_filter

TOP = 16383


class RealFilesTestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.pixels = examples.phantom_pixels((320, 256))
        cls.enhancer = Enhancer(examples.small_model(), "cpu", "fp32")
        cls.truth = cls.enhanced(examples.mammogram(cls.pixels))

    @classmethod
    def enhanced(cls, mammogram, **settings):
        return cls.enhancer.run(mammogram, Settings(**settings)).mammogram.pixels[0]

    def dicom(self, name="image.dcm", pixels=None, **elements):
        return examples.write_dicom(self.folder / name, self.pixels if pixels is None else pixels, **elements)

    def edited(self, path, change):
        import pydicom

        dataset = pydicom.dcmread(path)
        change(dataset)
        dataset.save_as(path)
        return path


class SameImageTest(RealFilesTestCase):
    def test_stated_bits_may_be_wrong(self):
        pixels = gaussian_filter(self.pixels, 12)  # a skin line that is a slope, as light and scatter make it
        for bits in (10, 12, 14, 16):
            with self.subTest(bits):
                found = read_mammogram(self.dicom(pixels=pixels, bits=bits))
                np.testing.assert_array_equal(found.pixels[0], pixels)
                self.assertEqual(found.bits, max(bits, 14))
                self.assertEqual(any("bits stored" in note for note in found.notes), bits < 14)
                self.assertGreaterEqual(found.full_scale, self.pixels.max())

    def test_values_in_the_upper_bits_are_shifted_down(self):
        path = self.dicom(pixels=(self.pixels.astype(np.uint16) << 2), bits=14, HighBit=15)
        found = read_mammogram(path)
        np.testing.assert_array_equal(found.pixels[0], self.pixels)
        self.assertIn("high bit 15", " ".join(found.notes))

    def test_a_high_bit_that_is_merely_wrong_changes_nothing(self):
        found = read_mammogram(self.dicom(bits=14, HighBit=15))
        np.testing.assert_array_equal(found.pixels[0], self.pixels)

    def test_planes_in_the_unused_bits_are_cut_off(self):
        rng = np.random.default_rng(2)
        plane = np.zeros(self.pixels.shape, dtype=np.uint16)
        plane[40:90, 50:120] = rng.integers(0, 2, (50, 70), dtype=np.uint16) << 15
        for dirty in (self.pixels | plane, self.pixels | 0xC000):
            found = read_mammogram(self.dicom(pixels=dirty))
            np.testing.assert_array_equal(found.pixels[0], self.pixels)
            self.assertIn("they are left out", " ".join(found.notes))

    def test_signed_values_are_the_same_image(self):
        signed = self.pixels.astype(np.int32) - 8192
        for photometric, values in (("MONOCHROME1", signed), ("MONOCHROME2", -1 - signed)):
            with self.subTest(photometric):
                path = self.dicom(pixels=values.astype(np.int16), photometric=photometric, PixelRepresentation=1)
                source = read_mammogram(path)
                self.assertEqual((source.stored_offset, source.bits), (-8192, 14))
                target = self.folder / f"{photometric}.dcm"
                result = self.enhancer.run(source)
                write_mammogram(target, source, result.mammogram.pixels, *result.report.provenance)
                import pydicom

                stored = pydicom.dcmread(target).pixel_array.astype(int)
                expected = self.truth.astype(int) - 8192
                np.testing.assert_array_equal(stored, expected if photometric == "MONOCHROME1" else -1 - expected)
                self.assertGreaterEqual(stored.min(), -8192)
                self.assertLessEqual(stored.max(), 8191)

    def test_polarity_is_that_of_the_pixels_whatever_the_header_says(self):
        headers = itertools.product(("MONOCHROME1", "MONOCHROME2"), (1, -1, None))
        for photometric, sign in headers:
            for pixels, expected in ((self.pixels, self.truth), (TOP - self.pixels, TOP - self.truth)):
                with self.subTest(photometric=photometric, sign=sign, bright=pixels is self.pixels):
                    path = self.dicom(pixels=pixels, photometric=photometric, PixelIntensityRelationshipSign=sign)
                    mammogram = read_mammogram(path)
                    np.testing.assert_array_equal(self.enhanced(mammogram), expected)
                    contradiction = mammogram.sign != (1 if pixels is self.pixels else -1)
                    self.assertEqual(bool(mammogram.polarity.note), contradiction)

    def test_every_transfer_syntax_gives_the_stored_values(self):
        from pydicom.uid import ExplicitVRBigEndian, ImplicitVRLittleEndian, JPEG2000Lossless, RLELossless

        for photometric in ("MONOCHROME1", "MONOCHROME2"):
            for syntax in (RLELossless, JPEG2000Lossless):
                if syntax == JPEG2000Lossless and not examples.HAS_JPEG2000_ENCODER:
                    continue
                path = self.edited(self.dicom(photometric=photometric), lambda d, uid=syntax: d.compress(uid))
                np.testing.assert_array_equal(read_mammogram(path).pixels[0], self.pixels, f"{photometric} {syntax}")
        import pydicom

        for syntax, swapped in ((ImplicitVRLittleEndian, False), (ExplicitVRBigEndian, True)):
            dataset = pydicom.dcmread(self.dicom())
            dataset.file_meta.TransferSyntaxUID = syntax
            if swapped:
                dataset["PixelData"].value = self.pixels.astype(">u2").tobytes()
            plain = pydicom.Dataset(dataset)  # one that was read keeps its encoding
            plain.file_meta = dataset.file_meta
            path = self.folder / "other.dcm"
            plain.save_as(
                path, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian, enforce_file_format=True
            )
            np.testing.assert_array_equal(read_mammogram(path).pixels[0], self.pixels, str(syntax))

    @unittest.skipUnless(examples.HAS_JPEG2000_ENCODER, "not installed: an encoder of JPEG 2000")
    def test_a_wrong_transfer_syntax_is_found_out(self):
        from pydicom.uid import JPEG2000Lossless, JPEGLosslessSV1

        path = self.edited(self.dicom(), lambda dataset: dataset.compress(JPEG2000Lossless))
        path = self.edited(path, lambda dataset: setattr(dataset.file_meta, "TransferSyntaxUID", JPEGLosslessSV1))
        found = read_mammogram(path)
        np.testing.assert_array_equal(found.pixels[0], self.pixels)
        self.assertIn("the stream is JPEG 2000", " ".join(found.notes))

    def test_every_container_gives_the_same_enhanced_pixels(self):
        source = read_mammogram(self.dicom())
        for suffix in (".nrrd", ".nii.gz", ".png", ".tif"):
            path = self.folder / f"image{suffix}"
            write_mammogram(path, source, source.pixels, "made", "test")
            found = self.enhanced(read_mammogram(path))
            np.testing.assert_array_equal(np.minimum(found, TOP), self.truth, suffix)  # a picture has no end at 14 bits


class PaddingTest(RealFilesTestCase):
    def padded(self, value, limit=None):
        pixels = self.pixels.copy()
        pixels[-40:] = value if limit is None else limit
        pixels[:, :16] = value
        elements = {"PixelPaddingValue": value} | ({} if limit is None else {"PixelPaddingRangeLimit": limit})
        return read_mammogram(self.dicom(pixels=pixels, **elements)), pixels

    def test_padding_keeps_its_value_and_is_no_tissue(self):
        cropped = read_mammogram(self.dicom("cropped.dcm", self.pixels[:-40, 16:]))
        tissue = cropped.breasts[0].tissue.sum()
        for value, limit in ((0, None), (TOP, None), (0, 7), (900, None)):
            with self.subTest(value=value, limit=limit):
                mammogram, pixels = self.padded(value, limit)
                padding = np.zeros(pixels.shape, dtype=bool)
                padding[-40:], padding[:, :16] = True, True
                result = self.enhanced(mammogram)
                np.testing.assert_array_equal(result[padding], pixels[padding])
                self.assertFalse(np.array_equal(result[~padding], pixels[~padding]))
                self.assertLess(abs(int(mammogram.breasts[0].tissue.sum()) - tissue), 0.01 * tissue)


class PicturesTest(RealFilesTestCase):
    def tiff(self, name, *pages, **options):
        import tifffile

        path = self.folder / name
        with tifffile.TiffWriter(path) as file:
            for page, more in pages:
                file.write(page, **{**options, **more})
        return path

    def test_thumbnails_and_tiles(self):
        small = self.pixels[::4, ::4].copy()
        whole, reduced = (self.pixels, {}), (small, {"subfiletype": 1})
        for name, pages, options in (
            ("first.tif", (reduced, whole), {}),
            ("last.tif", (whole, reduced), {}),
            ("tiled.tif", (whole,), {"tile": (64, 64)}),
        ):
            np.testing.assert_array_equal(read_mammogram(self.tiff(name, *pages, **options)).pixels[0], self.pixels)
        with self.assertRaisesRegex(InputError, "pages of several sizes"):
            read_mammogram(self.tiff("two.tif", whole, (small, {})))

    def test_low_values_shown_white_are_turned_round(self):
        path = self.tiff("white.tif", (65535 - self.pixels, {"photometric": "miniswhite"}))
        found = read_mammogram(path)
        np.testing.assert_array_equal(found.pixels[0], self.pixels)
        self.assertIn("turned round", " ".join(found.notes))

    def test_a_printing_resolution_is_no_spacing(self):
        path = self.tiff("dpi.tif", (self.pixels, {"resolution": (300, 300), "resolutionunit": "inch"}))
        source = read_mammogram(path)
        self.assertIsNone(source.spacing)
        write_mammogram(self.folder / "dpi.nrrd", source, source.pixels, "made", "test")
        self.assertIsNone(read_mammogram(self.folder / "dpi.nrrd").spacing)

    def test_spacing_is_read_in_its_unit(self):
        source = read_mammogram(self.dicom())
        path = self.folder / "micro.nrrd"
        write_mammogram(path, source, source.pixels, "made", "test")
        head, _, data = path.read_bytes().partition(b"\n\n")
        head = head.replace(b"(0.10000000000000001", b"(100").replace(b",0.10000000000000001", b",100")
        units = b'\nspace units: "um" "um" "um"'
        lines = [line for line in head.split(b"\n") if not line.startswith(b"space units")]
        if b"space directions: (100" not in head:
            self.skipTest("this ITK writes spacing in other words")
        path.write_bytes(b"\n".join(lines) + units + b"\n\n" + data)
        self.assertAlmostEqual(read_mammogram(path).spacing[0], 0.1)

    def test_images_that_are_compared_get_one_scale(self):
        paths = []
        for name, pixels in (("low.png", self.pixels // 4), ("high.png", self.pixels)):
            paths.append(self.folder / name)
            write_mammogram(paths[-1], Mammogram(pixels[np.newaxis], source="made"), pixels[np.newaxis], "made", "test")
        read = on_one_scale(paths)
        self.assertEqual([read(path).full_scale for path in paths], [16383.0, 16383.0])
        self.assertIn("largest value of all inputs", read(paths[0]).scale_note)


class InspectTest(RealFilesTestCase):
    def test_what_is_believed_is_said_with_why(self):
        path = self.dicom(photometric="MONOCHROME2", PixelPaddingValue=0)
        found = inspect(read_mammogram(path))
        facts = {fact.name: fact for fact in found.facts}
        self.assertEqual((facts["polarity"].value, facts["polarity"].why), ("air is bright", "by the pixels"))
        self.assertEqual((facts["padding"].value, facts["view"].value), ("0", "not stated"))
        self.assertIn("14 bits", facts["range"].value)
        self.assertIn("the pixels are believed", " ".join(found.notes))
        self.assertEqual({model.name: model.fits for model in found.models}["starter"], True)
        json.dumps(found.to_json(), allow_nan=False)

    def test_unknown_is_not_the_same_as_fitting(self):
        path = self.folder / "image.nrrd"
        write_mammogram(path, examples.mammogram(self.pixels), self.pixels[np.newaxis], "made", "test")
        model = next(each for each in inspect(read_mammogram(path)).models if each.name == "starter")
        self.assertIsNone(model.fits)
        self.assertIn("entrance dose", model.unknown)

    def test_the_picture_is_small_and_has_colours(self):
        import SimpleITK as sitk

        path = write_picture(self.folder / "seen.png", read_mammogram(self.dicom()))
        image = sitk.ReadImage(str(path))
        self.assertEqual((image.GetNumberOfComponentsPerPixel(), max(image.GetSize()) <= 640), (3, True))
        with self.assertRaises(InputError):
            write_picture(path, read_mammogram(self.dicom()))


if __name__ == "__main__":
    unittest.main()
