"""The commands as a user runs them: formats in and out, exit codes, one line for what is wrong."""

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import lowdosecontrast_examples as examples
import numpy as np
import SimpleITK as sitk
from LowDoseContrastLib.__main__ import main
from LowDoseContrastLib.files import read_mammogram


class CommandLineTestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.model = examples.save_small_model(cls.folder / "small.safetensors")

    def call(self, *arguments):
        """(exit code, standard output, standard error)."""
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            try:
                code = main([str(a) for a in arguments])
            except SystemExit as stop:
                code = stop.code
        return code, output.getvalue(), errors.getvalue()

    def enhance(self, source, target, *more):
        return self.call(
            "enhance",
            source,
            "--output",
            target,
            "--model",
            self.model,
            "--device",
            "cpu",
            "--precision",
            "fp32",
            *more,
        )

    def assertRefused(self, result, *words):
        code, output, errors = result
        self.assertEqual((code, output), (2, ""), errors)
        self.assertEqual(len(errors.strip().splitlines()), 1, errors)
        for word in words:
            self.assertIn(word, errors)

    def assertEnhancedAlike(self, source, suffix, *more):
        """Enhances twice: same geometry and type out, same pixels both times. Returns input and output."""
        targets = [self.folder / f"{Path(source).stem}-{i}{suffix}" for i in (1, 2)]
        for target in targets:
            code, _, errors = self.enhance(source, target, "--overwrite", *more)
            self.assertEqual(code, 0, errors)
        before, after, again = (read_mammogram(p) for p in (source, *targets))
        np.testing.assert_array_equal(after.pixels, again.pixels)
        self.assertEqual(after.pixels.shape, before.pixels.shape)
        self.assertEqual(after.spacing, before.spacing)
        self.assertEqual(after.geometry, before.geometry)
        self.assertEqual(after.photometric, before.photometric)
        self.assertFalse(np.array_equal(after.pixels, before.pixels))
        return before, after


class FormatsTest(CommandLineTestCase):
    def test_processingMonochrome1(self):
        pixels = examples.phantom_pixels()
        source = examples.write_dicom(self.folder / "m1.dcm", pixels)
        before, after = self.assertEnhancedAlike(source, ".dcm")
        np.testing.assert_array_equal(before.pixels[0], pixels)
        inner = np.s_[0, 250:350, 20:150]
        self.assertGreater(after.pixels[inner].mean(), 2 * before.pixels[inner].mean())

    def test_presentationMonochrome2(self):
        pixels = examples.phantom_pixels(bits=12, air_bright=False)
        source = examples.write_dicom(self.folder / "m2.dcm", pixels, "MONOCHROME2", "FOR PRESENTATION", 12)
        self.assertRefused(
            self.enhance(source, self.folder / "refused.dcm"), "m2.dcm", "presentation intent", "--allow-out-of-domain"
        )
        _, after = self.assertEnhancedAlike(source, ".dcm", "--allow-out-of-domain")
        self.assertEqual((after.intent, after.bits), ("FOR PRESENTATION", 12))
        np.testing.assert_array_equal(after.pixels[0, :, -20:], pixels[:, -20:])

    def test_compressedTransferSyntaxes(self):
        import pydicom
        from pydicom.uid import JPEG2000Lossless, RLELossless

        pixels = examples.phantom_pixels((300, 260))
        plain = examples.write_dicom(self.folder / "plain.dcm", pixels)
        syntaxes = (
            {"rle": RLELossless, "j2k": JPEG2000Lossless} if examples.HAS_JPEG2000_ENCODER else {"rle": RLELossless}
        )
        for name, syntax in syntaxes.items():
            dataset = pydicom.dcmread(plain)
            dataset.compress(syntax)
            source = self.folder / f"{name}.dcm"
            dataset.save_as(source)
            np.testing.assert_array_equal(read_mammogram(source).pixels[0], pixels)
            self.assertEnhancedAlike(source, ".dcm")

    def test_jpegLosslessBySimpleItk(self):
        """Written by GDCM, which turns MONOCHROME1 into MONOCHROME2; the type of compression is what matters."""
        pixels = examples.phantom_pixels((300, 260), air_bright=False)
        image = sitk.ReadImage(
            str(examples.write_dicom(self.folder / "forJpeg.dcm", pixels, "MONOCHROME2", "FOR PROCESSING"))
        )
        writer = sitk.ImageFileWriter()
        writer.SetImageIO("GDCMImageIO")
        writer.SetUseCompression(True)
        writer.SetCompressor("JPEG")
        source = self.folder / "jpegLossless.dcm"
        writer.SetFileName(str(source))
        writer.Execute(image)
        import pydicom

        header = pydicom.dcmread(source)
        self.assertEqual(header.file_meta.TransferSyntaxUID, "1.2.840.10008.1.2.4.70")
        for keyword, value in (("Modality", "MG"), ("ImagerPixelSpacing", [0.1, 0.1]), ("BitsStored", 16)):
            setattr(header, keyword, value)
        header.save_as(source)
        before, _ = self.assertEnhancedAlike(source, ".dcm", "--allow-out-of-domain")
        np.testing.assert_array_equal(before.pixels[0], pixels)

    @unittest.skipUnless(examples.HAS_JPEG2000_ENCODER, "not installed: pylibjpeg-openjpeg, an encoder of JPEG 2000")
    def test_compressedMonochrome1IsNotInverted(self):
        """SimpleITK's decoder inverts MONOCHROME1; the library must give the stored values."""
        import pydicom
        from LowDoseContrastLib import stored_values
        from pydicom.uid import JPEG2000Lossless

        pixels = examples.phantom_pixels((64, 80))
        dataset = pydicom.dcmread(examples.write_dicom(self.folder / "inverted.dcm", pixels))
        dataset.compress(JPEG2000Lossless)
        path = self.folder / "inverted-j2k.dcm"
        dataset.save_as(path)
        np.testing.assert_array_equal(stored_values._decoded_by_simpleitk(dataset)[0], pixels)

    def test_floatNrrdWithOddSides(self):
        image = sitk.GetImageFromArray(examples.phantom_pixels((1001, 777)).astype(np.float32)[np.newaxis])
        image.SetSpacing((0.1, 0.0999, 1.5))
        image.SetOrigin((1.0, -2.0, 3.0))
        image.SetDirection((0, 1, 0, 1, 0, 0, 0, 0, -1))
        source = self.folder / "odd.nrrd"
        sitk.WriteImage(image, str(source))
        for suffix in (".nrrd", ".nii.gz"):
            target = self.folder / f"odd-out{suffix}"
            self.assertEqual(self.enhance(source, target)[0], 0)
            written = sitk.ReadImage(str(target))
            np.testing.assert_allclose(written.GetSpacing(), image.GetSpacing(), rtol=1e-6)
            np.testing.assert_allclose(written.GetOrigin(), image.GetOrigin())
            np.testing.assert_allclose(written.GetDirection(), image.GetDirection(), atol=1e-6)
            self.assertEqual(written.GetPixelID(), sitk.sitkFloat32)
        self.assertEnhancedAlike(source, ".nrrd")

    def test_threeSlices(self):
        stack = np.stack([examples.phantom_pixels((300, 260), seed=s) for s in range(3)])
        source = self.folder / "stack.nrrd"
        sitk.WriteImage(sitk.GetImageFromArray(stack), str(source))
        self.assertEnhancedAlike(source, ".nrrd")
        frames = examples.write_dicom(self.folder / "frames.dcm", stack)
        self.assertEnhancedAlike(frames, ".dcm")

    def test_png16(self):
        source = self.folder / "sixteen.png"
        sitk.WriteImage(sitk.GetImageFromArray(examples.phantom_pixels((300, 260))), str(source))
        before, after = self.assertEnhancedAlike(source, ".png")
        self.assertEqual(after.pixels.dtype, np.uint16)
        self.assertIsNone(before.spacing)

    def test_severalInputsIntoAFolder(self):
        sources = [
            examples.write_dicom(self.folder / f"case{i}.dcm", examples.phantom_pixels((300, 260), seed=i))
            for i in range(2)
        ]
        folder = self.folder / "several"
        folder.mkdir()
        code, output, _ = self.call(
            "enhance", *sources, "--output", folder, "--format", "nrrd", "--model", self.model, "--json"
        )
        self.assertEqual(code, 0)
        self.assertEqual(
            [Path(r["output"]).name for r in json.loads(output)], ["case0-enhanced.nrrd", "case1-enhanced.nrrd"]
        )
        bad = self.folder / "notDicom.dcm"
        bad.write_text("hello")
        code, output, errors = self.call(
            "enhance", sources[0], bad, "--output", folder, "--model", self.model, "--json"
        )
        self.assertEqual((code, len(json.loads(output))), (2, 1))
        self.assertIn("notDicom.dcm", errors)


class DerivedDicomTest(CommandLineTestCase):
    def test_saysWhatMadeIt(self):
        import pydicom

        source = examples.write_dicom(
            self.folder / "source.dcm", examples.phantom_pixels((300, 260)), StudyDescription="Phantom"
        )
        target = self.folder / "derived.dcm"
        code, output, _ = self.enhance(source, target, "--json")
        self.assertEqual(code, 0)
        report, before, after = json.loads(output), pydicom.dcmread(source), pydicom.dcmread(target)
        self.assertEqual(after.ImageType[:2], ["DERIVED", "PRIMARY"])
        self.assertNotEqual(after.SOPInstanceUID, before.SOPInstanceUID)
        self.assertNotEqual(after.SeriesInstanceUID, before.SeriesInstanceUID)
        for keyword in (
            "StudyInstanceUID",
            "EntranceDoseInmGy",
            "StudyDescription",
            "PhotometricInterpretation",
            "SOPClassUID",
        ):
            self.assertEqual(after[keyword].value, before[keyword].value)
        reference = after.SourceImageSequence[0]
        self.assertEqual(reference.ReferencedSOPInstanceUID, before.SOPInstanceUID)
        self.assertEqual(reference.PurposeOfReferenceCodeSequence[0].CodeValue, "121322")
        self.assertEqual(after.ContributingEquipmentSequence[0].PurposeOfReferenceCodeSequence[0].CodeValue, "109102")
        self.assertIn(report["model_sha256"], after.DerivationDescription)
        self.assertIn("research use only", after.DerivationDescription)

    def test_otherFormatsSayItToo(self):
        source = examples.write_dicom(self.folder / "other.dcm", examples.phantom_pixels((300, 260)))
        for suffix in (".nrrd", ".png", ".nii.gz"):
            target = self.folder / f"other{suffix}"
            report = json.loads(self.enhance(source, target, "--json")[1])
            beside = target.with_name(target.name + ".json")
            text = (
                json.loads(beside.read_text())["description"]
                if suffix != ".nrrd"
                else sitk.ReadImage(str(target)).GetMetaData("LowDoseContrast")
            )
            self.assertIn(report["model_sha256"], text)
            self.assertIn("research use only", text)
            self.assertIn(report["source_uid"], text)

    def test_isValid(self):
        checker = shutil.which("dciodvfy")
        if checker is None:
            self.skipTest("dciodvfy is not installed (Debian package dicom3tools)")
        sample = examples.REPOSITORY / "Resources" / "SampleData" / "phantom-low.dcm"
        target = self.folder / "valid.dcm"
        self.assertEqual(self.enhance(sample, target)[0], 0)
        found = subprocess.run([checker, str(target)], capture_output=True, text=True).stderr
        self.assertNotIn("Error", found)


class JsonTest(CommandLineTestCase):
    def test_keysOfTheContract(self):
        source = examples.write_dicom(self.folder / "json.dcm", examples.phantom_pixels((300, 260)))
        _, output, errors = self.enhance(source, self.folder / "json.nrrd", "--json")
        report = json.loads(output)
        for key in [
            "input",
            "output",
            "model",
            "model_sha256",
            "mode",
            "device",
            "precision",
            "seconds",
            "seam_index",
            "cci_before",
            "cci_after",
            "out_of_domain",
        ]:
            self.assertIn(key, report)
        self.assertEqual(errors, "")
        _, output, _ = self.call("cci", source, "--json")
        measured = json.loads(output)
        for key in ["input", "cci", "cci_norm", "scale", "levels", "ddof", "mask", "border"]:
            self.assertIn(key, measured)
        self.assertAlmostEqual(measured["cci"], report["cci_before"])

    def test_cciMapAndVariants(self):
        source = examples.write_dicom(self.folder / "map.dcm", examples.phantom_pixels((300, 260)))
        target = self.folder / "map.nrrd"
        code, output, _ = self.call(
            "cci", source, "--map", target, "--mask", "none", "--border", "reflect", "--levels", 4095, "--json"
        )
        self.assertEqual(code, 0)
        values = sitk.GetArrayFromImage(sitk.ReadImage(str(target)))
        self.assertAlmostEqual(float(values.mean(dtype=np.float64)), json.loads(output)["cci"], places=4)
        self.assertRefused(self.call("cci", source, "--map", self.folder / "map.png"), "map.png", ".nrrd")
        self.assertRefused(self.call("cci", source, "--scale", "window:3,1"), "window:LO,HI")

    def test_models(self):
        code, output, _ = self.call("models", "verify", self.model, "--json")
        self.assertTrue(code == 0 and json.loads(output)["valid"])
        code, output, _ = self.call("models", "show", self.model, "--json")
        self.assertEqual(json.loads(output)["architecture"]["ngf"], 2)
        self.assertIn("starter", [m["name"] for m in json.loads(self.call("models", "list", "--json")[1])])
        self.assertIn("residual", self.call("models", "show", self.model)[1])
        self.assertRefused(self.call("models", "verify", "unheard-of"), "unheard-of", "starter")

    def test_helpHasExamples(self):
        for command in (["enhance"], ["cci"], ["models", "list"], ["models", "show"], ["models", "verify"]):
            code, output, _ = self.call(*command, "--help")
            self.assertEqual(code, 0)
            self.assertIn("example:", output)


class BadInputTest(CommandLineTestCase):
    def setUp(self):
        self.good = examples.write_dicom(self.folder / "good.dcm", examples.phantom_pixels((300, 260)))
        self.target = self.folder / "never.dcm"
        self.files_before = sorted(self.folder.rglob("*"))

    def tearDown(self):
        self.assertFalse(self.target.exists())
        self.assertFalse(list(self.folder.rglob(".writing-*")))

    def test_truncatedDicom(self):
        short = self.folder / "short.dcm"
        for size in (60000, 700, 140, 20):
            short.write_bytes(self.good.read_bytes()[:size])
            self.assertRefused(self.enhance(short, self.target), "short.dcm")

    def test_textNamedDicom(self):
        text = self.folder / "text.dcm"
        text.write_text("This is no DICOM file.\n" * 50)
        self.assertRefused(self.enhance(text, self.target), "text.dcm", "not a DICOM file")

    def test_missingAndUnknownFiles(self):
        self.assertRefused(self.enhance(self.folder / "nowhere.dcm", self.target), "no such file")
        self.assertRefused(self.enhance(self.folder, self.target), "is a folder")
        strange = self.folder / "notes.txt"
        strange.write_text("x" * 200)
        self.assertRefused(self.enhance(strange, self.target), "notes.txt", "neither DICOM")
        damaged = self.folder / "damaged.png"
        damaged.write_bytes(b"\x89PNG broken")
        self.assertRefused(self.enhance(damaged, self.folder / "never.png"), "damaged.png")

    def test_colour(self):
        path = self.folder / "rgb.png"
        sitk.WriteImage(sitk.GetImageFromArray(np.zeros((64, 64, 3), np.uint8), isVector=True), str(path))
        self.assertRefused(self.enhance(path, self.folder / "never.png"), "rgb.png", "colour")

    def test_nanPixels(self):
        pixels = examples.phantom_pixels((300, 260)).astype(np.float32)
        pixels[5, 7] = np.nan
        path = self.folder / "nan.nrrd"
        sitk.WriteImage(sitk.GetImageFromArray(pixels), str(path))
        self.assertRefused(self.enhance(path, self.folder / "never.nrrd"), "nan.nrrd", "1 pixels")
        self.assertRefused(self.call("cci", path), "nan.nrrd")

    def test_smallerThanAPatchIsDone(self):
        small = examples.write_dicom(self.folder / "small.dcm", examples.phantom_pixels((100, 90)))
        self.assertEqual(self.enhance(small, self.folder / "small-out.dcm")[0], 0)
        tiny = examples.write_dicom(self.folder / "tiny.dcm", examples.phantom_pixels((9, 9)))
        self.assertRefused(self.enhance(tiny, self.target), "tiny.dcm", "9 x 9")

    def test_constantIsDone(self):
        constant = examples.write_dicom(self.folder / "constant.dcm", np.full((300, 260), 400))
        self.assertEqual(self.enhance(constant, self.folder / "constant-out.dcm")[0], 0)

    def test_outputs(self):
        self.assertRefused(self.enhance(self.good, self.good), "good.dcm", "--overwrite")
        self.assertRefused(self.enhance(self.good, self.folder / "none" / "x.dcm"), "does not exist")
        self.assertRefused(self.enhance(self.good, self.folder / "never.jpg"), ".nrrd")
        floats = self.folder / "floats.nrrd"
        sitk.WriteImage(sitk.GetImageFromArray(examples.phantom_pixels((300, 260)).astype(np.float32)), str(floats))
        self.assertRefused(self.enhance(floats, self.target), "floats.nrrd", ".nrrd")

    def test_folderWithoutPermission(self):
        # The administrator may write anywhere but into the kernel's own file systems.
        folder = self.folder / "locked"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o555)
        self.addCleanup(folder.chmod, 0o755)
        locked = Path("/proc/sys") if hasattr(os, "geteuid") and os.geteuid() == 0 else folder
        if not locked.is_dir():
            self.skipTest("no folder that this user may not write into")
        self.assertRefused(self.enhance(self.good, locked / "x.dcm"), "cannot write into")

    def test_damagedModels(self):
        data = bytearray(self.model.read_bytes())
        data[len(data) // 2] ^= 1
        damaged = self.folder / "flipped.safetensors"
        damaged.write_bytes(data)
        self.assertRefused(
            self.call("enhance", self.good, "--output", self.target, "--model", damaged), "flipped.safetensors"
        )
        self.assertRefused(self.call("enhance", self.good, "--output", self.target, "--model", "nothing"), "nothing")

    def test_wrongUsage(self):
        for arguments in (
            [],
            ["enhance"],
            ["paint"],
            ["enhance", self.good, "--output", self.target, "--overlap", "much"],
        ):
            self.assertRefused(self.call(*arguments))
        for option, value in (("--mode", "patches"), ("--overlap", "2"), ("--device", "tpu"), ("--precision", "int8")):
            self.assertRefused(
                self.call("enhance", self.good, "--output", self.target, "--model", self.model, option, value), value
            )

    def test_fullDisk(self):
        """/dev/full accepts nothing; the error is one line and the folder stays clean."""
        from LowDoseContrastLib.atomic import atomic_output
        from LowDoseContrastLib.errors import InputError

        if not Path("/dev/full").exists():
            self.skipTest("no /dev/full on this system")
        with self.assertRaisesRegex(InputError, "no space left"):
            with atomic_output(self.target), open("/dev/full", "wb", buffering=0) as stream:
                stream.write(b"x")

    def test_killedWhileWorking(self):
        """A polite kill leaves no output and no temporary file, and exits with 130."""
        large = examples.write_dicom(self.folder / "large.dcm", examples.phantom_pixels((3000, 2500)))
        code = f"import sys; sys.path.insert(0, {str(examples.REPOSITORY / 'LowDoseContrast')!r}); from LowDoseContrastLib.__main__ import main; sys.exit(main())"
        arguments = ["enhance", large, "--output", self.target, "--model", self.model, "--overlap", "0.9"]
        process = subprocess.Popen(
            [examples.PYTHON, "-c", code, *map(str, arguments)], stderr=subprocess.PIPE, stdout=subprocess.PIPE
        )
        time.sleep(6)
        self.assertIsNone(process.poll(), process.stderr)
        os.kill(examples.python_of(process), signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 130, errors)


if __name__ == "__main__":
    unittest.main()
