"""Which images are paired, and why others are not."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
from LowDoseContrastLib.dicom import FOR_PROCESSING
from LowDoseContrastLib.errors import InputError
from LowDoseContrastTrainingLib.dataset.dose_levels import parse_levels
from LowDoseContrastTrainingLib.dataset.pairing import find_pairs, summary
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid


def write_image(path, pixels=None, **elements):
    """A small mammogram; ``elements`` replace those of its header, None removes one."""
    pixels = np.full((64, 64), 300, np.uint16) if pixels is None else pixels
    header = Dataset()
    plain = {
        "SOPClassUID": FOR_PROCESSING, "SOPInstanceUID": generate_uid(), "StudyInstanceUID": "1.2.3", "Modality": "MG",
        "ImagerPixelSpacing": [0.1, 0.1], "ImageLaterality": "L", "ViewPosition": "CC", "PresentationIntentType": "FOR PROCESSING",
        "PixelIntensityRelationship": "LIN", "PixelIntensityRelationshipSign": 1, "PhotometricInterpretation": "MONOCHROME1",
        "Rows": pixels.shape[0], "Columns": pixels.shape[1], "BitsAllocated": 16, "BitsStored": 14, "HighBit": 13,
        "PixelRepresentation": 0, "SamplesPerPixel": 1, "DetectorID": "D1", "PixelData": pixels.tobytes(),
    }  # fmt: skip
    for keyword, value in {**plain, **elements}.items():
        if value is not None:
            setattr(header, keyword, value)
    header.file_meta = FileMetaDataset()
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.file_meta.MediaStorageSOPClassUID, header.file_meta.MediaStorageSOPInstanceUID = (
        header.SOPClassUID,
        header.SOPInstanceUID,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    header.save_as(path, enforce_file_format=True)


class FolderTestCase(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.folder = Path(place.name) / "dicom"
        self.folder.mkdir()

    def image(self, name, dose=None, pixels=None, **elements):
        write_image(self.folder / name, pixels, EntranceDoseInmGy=dose, **elements)

    def names(self, **choices):
        """The pairs as (low, high) names, and why each other file is in none."""
        pairs, table = find_pairs(self.folder, **choices)
        why = {row["file"]: row["why"] for row in table if row["fate"] == "left out"}
        return [(pair.low.path.name, pair.high.path.name) for pair in pairs], why


class PairingTest(FolderTestCase):
    def test_views_of_a_study_are_told_apart(self):
        for laterality in "LR":
            for view in ("CC", "MLO"):
                for name, dose in (("a", 3.3), ("b", 11.6)):
                    self.image(f"{laterality}-{view}-{name}.dcm", dose, ImageLaterality=laterality, ViewPosition=view)
        pairs, why = self.names()
        self.assertEqual(pairs, [(f"{v}-a.dcm", f"{v}-b.dcm") for v in ("L-CC", "L-MLO", "R-CC", "R-MLO")])
        self.assertEqual(why, {})

    def test_every_file_has_a_fate_and_a_reason(self):
        self.image("low.dcm", 3.359)
        self.image("high.dcm", 11.523)
        self.image("again.dcm", 11.5, PresentationIntentType="FOR PRESENTATION")
        self.image("automatic.dcm", 8.4)
        self.image("lone.dcm", 3.359, StudyInstanceUID="1.2.4")
        self.image("none.dcm", None, StudyInstanceUID="1.2.5")
        self.image("ct.dcm", 3.359, Modality="CT")
        self.image("nowhere.dcm", 3.359, StudyInstanceUID=None)
        (self.folder / "notes.txt").write_text("no DICOM")
        pairs, why = self.names()
        self.assertEqual(pairs, [("low.dcm", "high.dcm")])
        expected = {
            "again.dcm": "second image", "automatic.dcm": "8.400 mGy", "lone.dcm": "lacks the other dose", "none.dcm": "states no dose",
            "ct.dcm": "modality CT", "nowhere.dcm": "StudyInstanceUID", "notes.txt": "not a DICOM file",
        }  # fmt: skip
        self.assertEqual(why.keys(), expected.keys())
        for name, text in expected.items():
            self.assertIn(text, why[name])
        self.assertIn("2 paired", summary(find_pairs(self.folder)[1]))

    def test_other_levels_are_named(self):
        for name, dose in (("low", 1.0), ("high", 4.0), ("middle", 2.0)):
            self.image(f"{name}.dcm", dose)
        pairs, why = self.names(levels=parse_levels("low=1,middle=2,high=4"))
        self.assertEqual(pairs, [("low.dcm", "high.dcm")])
        self.assertIn("at the middle dose", why["middle.dcm"])

    def test_levels_that_make_no_sense_are_refused(self):
        for text in ("low=1", "low=1,high=x", "low=4,high=1", "low=-1,high=2", "low=1,high=nan"):
            with self.assertRaisesRegex(InputError, "^doses"):
                parse_levels(text)

    def test_entrance_dose_in_decigray_and_other_fall_backs(self):
        self.image(
            "low.dcm",
            None,
            EntranceDose=1,
            PixelIntensityRelationshipSign=None,
            ImagerPixelSpacing=None,
            PixelSpacing=[0.1, 0.1],
        )
        self.image("high.dcm", 350.0)
        (pair,), _ = find_pairs(self.folder, parse_levels("low=100,high=350"))
        self.assertEqual(pair.low.dose_mgy, 100)
        self.assertEqual((pair.low.sign, pair.low.spacing), (1, (0.1, 0.1)))

    def test_images_that_differ_are_no_pair(self):
        different = {
            "DetectorID": "D2",
            "ManufacturerModelName": "Other",
            "ImagerPixelSpacing": [0.2, 0.2],
            "PixelIntensityRelationshipSign": -1,
            "PixelIntensityRelationship": "LOG",
        }
        self.image("ok/low.dcm", 3.359)
        self.image("ok/high.dcm", 11.523)
        for number, (keyword, value) in enumerate(different.items()):
            self.image(f"{keyword}/low.dcm", 3.359, StudyInstanceUID=f"1.9.{number}")
            self.image(f"{keyword}/high.dcm", 11.523, StudyInstanceUID=f"1.9.{number}", **{keyword: value})
        pairs, why = self.names()
        self.assertEqual(len(pairs), 1)
        for keyword, name in zip(different, ("detector", "model", "spacing", "sign", "relationship")):
            self.assertTrue(why[f"{keyword}/high.dcm"].startswith(f"the two images differ in {name}: "))

    def test_auto_groups_by_folder_where_studies_hold_one_dose(self):
        for number in (1, 2):
            for name, dose in (("low", 3.359), ("high", 11.523)):
                self.image(f"{number}/{name}.dcm", dose, StudyInstanceUID=generate_uid())
        self.assertEqual(len(self.names()[0]), 2)
        with self.assertRaisesRegex(InputError, "its view lacks the other dose"):
            self.names(group_by="study")

    def test_group_by_a_dicom_element_or_a_table(self):
        for number in (1, 2):
            for name, dose in (("low", 3.359), ("high", 11.523)):
                self.image(f"{name}-{number}.dcm", dose, PatientID=f"P{number}")
        pairs = [("low-1.dcm", "high-1.dcm"), ("low-2.dcm", "high-2.dcm")]
        self.assertEqual(sorted(self.names(group_by="PatientID")[0]), pairs)
        table = self.folder.parent / "table.csv"
        table.write_text("file,arrangement\nlow-1.dcm,x\nhigh-2.dcm,x\n")
        found, why = self.names(group_by=str(table))
        self.assertEqual(found, [("low-1.dcm", "high-2.dcm")])
        self.assertIn("not in", why["low-2.dcm"])

    def test_a_wrong_grouping_is_one_line(self):
        self.image("low.dcm", 3.359)
        table = self.folder.parent / "table.csv"
        for text in ("file\nlow.dcm\n", "file,arrangement\nother.dcm,1\n", "", "file,arrangement\nlow.dcm,\n"):
            table.write_text(text)
            with self.assertRaisesRegex(InputError, "table.csv"):
                find_pairs(self.folder, group_by=str(table))
        for wrong in ("Foo", "missing.csv"):
            with self.assertRaisesRegex(InputError, wrong):
                find_pairs(self.folder, group_by=wrong)


class ExposureTest(FolderTestCase):
    """Doses by ExposureInuAs, where no dose is stated."""

    def test_exposures_in_the_ratio_of_the_levels_are_a_pair(self):
        for name, exposure in (("a", 40000), ("b", 100000), ("c", 137000)):
            self.image(f"{name}.dcm", ExposureInuAs=exposure)
        (pair,), table = find_pairs(self.folder)
        self.assertEqual((pair.low.path.name, pair.high.path.name), ("a.dcm", "c.dcm"))
        self.assertAlmostEqual(pair.high.dose_mgy / pair.low.dose_mgy, 3.425)
        self.assertEqual({row["dose_from"] for row in table}, {"exposure"})

    def test_one_stated_dose_gives_the_factor(self):
        self.image("low.dcm", 3.4, ExposureInuAs=40000)
        self.image("high.dcm", ExposureInuAs=137000)
        self.assertEqual(self.names()[0], [("low.dcm", "high.dcm")])

    def test_other_ratios_and_lone_exposures_tell_nothing(self):
        self.image("a.dcm", ExposureInuAs=40000)
        self.image("b.dcm", ExposureInuAs=60000)
        with self.assertRaisesRegex(InputError, "its exposure tells none"):
            self.names()


if __name__ == "__main__":
    unittest.main()
