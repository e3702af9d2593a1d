"""The measures of an evaluation as a report names and orders them."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from ..document import Evaluation

HIGH, LOW, ZERO, ONE, TARGET = "high", "low", "zero", "one", "target"


@dataclass(frozen=True)
class Measure:
    """One column.

    Attributes:
        key: of the rows.
        title: of the column; a bar may be broken.
        goal: what is best: ``high``, ``low``, ``zero`` (nearest to 0), ``one``, ``target`` (nearest to the target's);
            empty where nothing is to be marked.
        digits: significant ones of a typical value.
        reason: how reasons for a missing value begin.
    """

    key: str
    title: str
    goal: str = ""
    digits: int = 3
    reason: str = ""


LIKENESS = (
    Measure("cci_output", "CCI", TARGET, 4),
    Measure("cci_norm_output", "CCI-norm", TARGET, 4),
    Measure("cci_ratio_error", "CCI ratio error", ZERO),
    Measure("slope", "slope", ONE, 4),
    Measure("offset", "offset", ZERO),
    Measure("psnr", "PSNR (dB)", HIGH, 4),
    Measure("ssim", "SSIM", HIGH, 4),
    Measure("psnr_matched", "PSNR (dB)", HIGH, 4),
    Measure("ssim_matched", "SSIM", HIGH, 4),
)
SEEN = (
    Measure("detectability", "Hotelling (AUC)", HIGH, 3, "detectability"),
    Measure("forced_choice", "4-AFC (%)", HIGH, 3, "detectability"),
    Measure("detectability_eye", "eye filter (AUC)", HIGH, 3, "detectability"),
    Measure("false_calcifications", "false calc. per cm²", LOW, 3),
    Measure("missed_calcifications", "missed calc. per cm²", LOW, 3),
    Measure("sensitivity", "sensitivity", HIGH),
    Measure("bias", "bias B²", ZERO, 3, "bias"),
    Measure("residual_noise", Markup("residual noise R<sub>N</sub>"), "", 3, "bias"),
    Measure("mnse", "MNSE", LOW, 3, "bias"),
    Measure("truth_slope", "slope", ONE, 4, "bias"),
    Measure("truth_offset", "offset", ZERO, 3, "bias"),
)
TEXTURE = (
    Measure("nnps_shape_error", "NNPS shape error", ZERO, 3, "noise"),
    Measure("half_masses", "masses", "", 3, "transfer of masses"),
    Measure("half_fibres", "fibres", "", 3, "transfer of fibres"),
    Measure("half_faint_calcifications", "faint calc.", "", 3, "transfer of faint calcifications"),
    Measure("half_dense_calcifications", "dense calc.", "", 3, "transfer of dense calcifications"),
    Measure("sdnr_masses", "masses", "", 3),
    Measure("sdnr_fibres", "fibres", "", 3),
    Measure("dprime_noise", "d′ of noise", "", 3, "detectability"),
    Measure("seam_index", "seam index", "", 3),
    Measure("seconds_per_image", "seconds an image", "", 2),
)
TRUTH = (*SEEN, *TEXTURE)
COMPARED = (
    Measure("cci_ratio_error", "CCI ratio error", LOW),
    Measure("psnr_matched", "PSNR matched (dB)", HIGH),
    Measure("ssim_matched", "SSIM matched", HIGH),
    Measure("psnr", "PSNR (dB)", HIGH),
    Measure("ssim", "SSIM", HIGH),
    Measure("detectability", "detectability (AUC)", HIGH),
    Measure("bias", "bias B²", LOW),
    Measure("false_calcifications", "false calc. per cm²", LOW),
)
DRAWN = tuple(measure for measure in COMPARED if measure.key not in ("psnr", "ssim"))  # a wrong gain decides these

GROUPS = {
    "matched": ("psnr_matched", "ssim_matched"),
    "line on the truth": ("truth_slope", "truth_offset"),
    "detectability": ("detectability", "forced_choice", "detectability_eye"),
    "50% frequency (lp/mm)": ("half_masses", "half_fibres", "half_faint_calcifications", "half_dense_calcifications"),
    "SDNR": ("sdnr_masses", "sdnr_fibres"),
}  # headings above neighbouring columns


def has_truth(evaluation: Evaluation) -> bool:
    """Return whether anything was measured against a truth."""
    return any(row.value(measure.key) is not None for row in evaluation.rows for measure in TRUTH)
