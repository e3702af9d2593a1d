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


def coded(code, scheme="SCT", **elements):
    """A code sequence of one item."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code, scheme, "made up"
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return [item]


class FactsTest(FolderTestCase):
    """What headers say of the projection; every fact alone keeps a pair apart."""

    def of_one_view(self, low=None, high=None, **both):
        for path in self.folder.rglob("*.dcm"):
            path.unlink()
        self.image("low.dcm", 3.359, **both, **(low or {}))
        self.image("high.dcm", 11.523, **both, **(high or {}))

    def test_each_fact_alone_keeps_a_pair_apart_and_is_named(self):
        plain = coded("399162004", ViewModifierCodeSequence=[])
        spot = coded("399162004", ViewModifierCodeSequence=coded("399055006"))
        magnified = coded("399162004", ViewModifierCodeSequence=coded("R-102D6", "SRT"))
        rolled = coded("399162004", ViewModifierCodeSequence=coded("399197002"))
        left, right = ([Dataset()] for _ in "LR")
        for region, code in ((left, "7771000"), (right, "G-A100")):
            region[0].AnatomicRegionModifierSequence = coded(code)
        no_side = {"ImageLaterality": None}
        cases = [
            ({"PatientID": "P1"}, {"PatientID": "P2"}, "the patients differ.*P1.*P2"),
            ({}, {"ImageLaterality": "R"}, "the sides differ.*L.*R"),
            ({**no_side, "Laterality": "L"}, {**no_side, "Laterality": "R"}, "the sides differ"),
            ({**no_side, "FrameLaterality": "L"}, {**no_side, "FrameLaterality": "R"}, "the sides differ"),
            ({**no_side, "AnatomicRegionSequence": left}, {**no_side, "AnatomicRegionSequence": right}, "the sides differ"),
            ({**no_side, "PatientOrientation": ["A", "R"]}, {**no_side, "PatientOrientation": ["P", "L"]}, "the sides differ"),
            ({}, {"ViewPosition": "MLO"}, "the views differ.*CC.*MLO"),
            ({"ViewPosition": None, "ViewCodeSequence": plain}, {"ViewPosition": "MLO"}, "the views differ.*CC.*MLO"),
            ({"ViewCodeSequence": plain}, {"ViewCodeSequence": spot}, "the views differ.*L CC.*L CC spot"),
            ({}, {"ViewCodeSequence": magnified}, "the views differ.*L CC.*L CC magnification"),
            ({}, {"ViewCodeSequence": rolled}, "the views differ.*rolled lateral"),
            ({"EstimatedRadiographicMagnificationFactor": "1"}, {"EstimatedRadiographicMagnificationFactor": "1.8"}, "magnifications differ.*1.0.*1.8"),
            ({"PatientOrientation": ["A", "R"]}, {"PatientOrientation": ["P", "R"]}, "differ in orientation: A/R and P/R"),
            ({"PaddleDescription": "FLAT"}, {"PaddleDescription": "SPOT"}, "differ in paddle: FLAT and SPOT"),
            ({}, {"DetectorID": "D2"}, "differ in detector: D1 and D2"),
        ]  # fmt: skip
        for low, high, reason in cases:
            for one, other in ((low, high), (high, low)):
                with self.subTest(reason):
                    self.of_one_view(one, other)
                    with self.assertRaisesRegex(InputError, "differ"):
                        self.names()
                    self.image("x/low.dcm", 3.359, StudyInstanceUID="1.9")
                    self.image("x/high.dcm", 11.523, StudyInstanceUID="1.9")
                    pairs, why = self.names()
                    self.assertEqual(pairs, [("low.dcm", "high.dcm")])
                    if one is low:
                        self.assertRegex(why["low.dcm"], reason)
                    self.assertEqual(why.keys(), {"low.dcm", "high.dcm"})

    def test_both_generations_of_codes_and_the_names_are_one(self):
        views = {"CC": ("399162004", "R-10242"), "MLO": ("399368009", "R-10226"), "ML": ("399260004", "R-10224"),
                 "LM": ("399352003", "R-10228"), "XCCL": ("399192008", "R-1024A")}  # fmt: skip
        for name, (new, old) in views.items():
            self.of_one_view(
                {"ViewPosition": None, "ViewCodeSequence": coded(new)},
                {"ViewPosition": None, "ViewCodeSequence": coded(old, "SRT")},
            )
            (pair,), _ = find_pairs(self.folder)
            self.assertEqual((pair.low.view, pair.high.view, pair.unknown), (name, name, ()))
            self.of_one_view({"ViewPosition": name}, {"ViewPosition": None, "ViewCodeSequence": coded(new)})
            self.assertEqual(find_pairs(self.folder)[0][0].unknown, ())

    def test_what_one_states_alone_or_neither_is_unknown(self):
        factor = "EstimatedRadiographicMagnificationFactor"
        alone = {
            "PatientID": "P1",
            "PaddleDescription": "FLAT",
            factor: "1",
            "DetectorID": "D3",
            "PatientOrientation": ["A", "R"],
        }
        for keyword, value in alone.items():
            self.of_one_view({keyword: value}, {keyword: None})
            (pair,), _ = find_pairs(self.folder)
            self.assertRegex(pair.unknown[0], r"\(stated by the low dose alone\)")
        for keyword, name in (("ViewPosition", "view"), ("ImageLaterality", "side")):
            for low, who in (({}, "the low dose alone"), ({keyword: None}, "neither")):
                self.of_one_view(low, {keyword: None})
                (pair,), _ = find_pairs(self.folder)
                self.assertEqual(len(pair.unknown), 1)
                self.assertRegex(pair.unknown[0], f"^{name} .*{who}")

    def test_a_header_that_states_two_views_states_none(self):
        self.of_one_view(ViewPosition="MLO", ViewCodeSequence=coded("399162004"))
        self.assertRegex(find_pairs(self.folder)[0][0].unknown[0], "view .*clearly stated by neither")

    def test_magnifications_that_differ_by_the_thickness_are_one(self):
        factor = "EstimatedRadiographicMagnificationFactor"
        self.of_one_view({factor: "1.04"}, {factor: "1.06"})
        self.assertEqual(self.names()[0], [("low.dcm", "high.dcm")])

    def test_plain_and_magnified_images_of_one_view_are_two_pairs(self):
        for name, factor in (("a", "1.05"), ("b", "1.8")):
            for level, dose in (("low", 3.359), ("high", 11.523)):
                self.image(f"{level}-{name}.dcm", dose, EstimatedRadiographicMagnificationFactor=factor)
        self.assertEqual(sorted(self.names()[0]), [("low-a.dcm", "high-a.dcm"), ("low-b.dcm", "high-b.dcm")])

    def test_a_candidate_whose_header_differs_is_replaced(self):
        self.of_one_view(high={"DetectorID": "D2"})
        self.image("repeated.dcm", 11.6)
        pairs, why = self.names()
        self.assertEqual(pairs, [("low.dcm", "repeated.dcm")])
        self.assertIn("detector: D1 and D2", why["high.dcm"])

    def test_too_many_images_of_unknown_view_are_not_tried_out(self):
        for number in range(13):
            for level, dose in (("low", 3.359), ("high", 11.523)):
                self.image(f"{level}-{number}.dcm", dose, ViewPosition=None)
        with self.assertRaisesRegex(InputError, "unknown view, see --group-by .*169 combinations"):
            self.names(group_by="study")


class DosesFoundTest(FolderTestCase):
    """Where no pair is found for the doses, the message says which there are and what to ask for."""

    def test_doses_are_listed_and_the_levels_to_use_give_pairs(self):
        for number, high in enumerate((5.7, 5.76, 5.8)):
            for name, dose in (("low", 1.68), ("middle", 4.2), ("high", high)):
                self.image(f"{number}/{name}.dcm", dose, StudyInstanceUID=f"1.2.{number}")
        with self.assertRaises(InputError) as caught:
            find_pairs(self.folder)
        told = caught.exception.told(lambda name: "--" + name)
        for dose in ("1.68", "4.2", "5.76"):
            self.assertIn(f"{dose} mGy (3 images)", told)
        self.assertIn("use --doses low=1.68,high=5.76, which gives 3 pairs", told)
        self.assertEqual(caught.exception.field, "doses")
        self.assertEqual(len(find_pairs(self.folder, parse_levels("low=1.68,high=5.76"))[0]), 3)

    def test_one_dose_is_not_enough(self):
        self.image("a.dcm", 1.68)
        self.image("b.dcm", 1.7)
        with self.assertRaisesRegex(InputError, r"1.69 mGy \(2 images\); a pair takes two doses"):
            find_pairs(self.folder)

    def test_doses_are_not_blamed_for_views(self):
        self.image("a.dcm", 1.68)
        self.image("b.dcm", 5.76, ViewPosition="MLO")
        with self.assertRaises(InputError) as caught:
            find_pairs(self.folder)
        self.assertNotIn("use doses", str(caught.exception))


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
