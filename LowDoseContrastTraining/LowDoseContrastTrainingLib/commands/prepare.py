"""The command ``prepare``."""

from __future__ import annotations

import dataclasses

from LowDoseContrastLib.cli import add_command, add_progress, progress_bar
from LowDoseContrastLib.steps import run_to_end


def add_prepare(subparsers):
    """``lowdosecontrast prepare``."""
    parser = add_command(
        subparsers,
        "prepare",
        "Cut paired acquisitions into patches for training",
        "lowdosecontrast prepare acquisitions dataset --bits 16 --split arrangement",
        run_prepare,
        _show_prepare,
    )
    parser.add_argument("input", metavar="DICOMDIR", help="folder with mammograms of each arrangement at a low and a high dose; of several realisations the first is paired")
    parser.add_argument("output", metavar="OUTDIR", help="folder for the data set, new or of an interrupted run")
    parser.add_argument("--patch-size", type=int, default=150, metavar="N", help="pixels (default: %(default)s)")
    parser.add_argument("--stride", type=int, metavar="N", help="pixels from patch to patch (default: the patch size)")
    parser.add_argument("--bits", type=int, default=8, help="8 as the paper, or 16 for exact pixel values (default: %(default)s)")
    parser.add_argument("--scale", default="auto", metavar="auto|full|LO,HI", help="pixel values at the ends of the PNG's range (default: auto, up to the brightest of the breast in 8 bits, every value in 16)")
    parser.add_argument("--breast-part", type=float, default=0.6, metavar="F", help="least part of a patch inside the breast (default: %(default)s)")
    pairing = parser.add_argument_group("which images are pairs")
    pairing.add_argument("--group-by", default="auto", metavar="HOW", help="what tells arrangements apart: study, folder, a DICOM keyword, or a .csv file with the columns file and arrangement (default: auto, study or else folder)")
    pairing.add_argument("--doses", default="low=3.359,high=11.523", metavar="LEVELS", help="entrance doses in mGy, by the dose tag or else by the ratio of the exposures (default: %(default)s)")
    pairing.add_argument("--max-shift", type=float, default=8.0, metavar="PIXELS", help="leave out pairs that lie further apart (default: %(default)s)")
    pairing.add_argument("--align", action="store_true", help="correct shifts by whole pixels, keeping what both images show")
    split = parser.add_argument_group("what is held out")
    split.add_argument("--split", default="random", help="random patches as the paper (test and training share phantoms), whole arrangements (arrangement), or one of them (loo) (default: %(default)s)")
    split.add_argument("--fold", type=int, metavar="K", help="the arrangement that loo holds out, from 1")
    split.add_argument("--seed", type=int, default=0, metavar="S", help="of the split (default: %(default)s)")
    split.add_argument("--test", type=int, metavar="N", help="patch pairs or arrangements held out (default: 188 pairs or a sixth of the arrangements)")
    split.add_argument("--validation", type=int, metavar="N", help="patch pairs or arrangements watched while training (default: a twentieth, or 1)")
    add_progress(parser)


def run_prepare(arguments):
    from ..dataset.prepare import prepare
    from ..dataset.prepare_settings import PrepareSettings

    values = {each.name: getattr(arguments, each.name) for each in dataclasses.fields(PrepareSettings)}
    if values["stride"] is None:
        values["stride"] = arguments.patch_size
    return run_to_end(prepare(arguments.input, arguments.output, PrepareSettings(**values)), progress_bar("prepare", arguments.progress))


def _show_prepare(result):
    counts = ", ".join(f"{result[name]} {name}" for name in ("train", "val", "test"))
    lines = [f"{result['pairs']} patch pairs of {result['arrangements']} arrangements ({counts}); {result['excluded']} mostly air"]
    lines += [f"files: {line}" for line in result["files"]] + [f"warning: {line}" for line in result["warnings"]]
    return "\n".join([*lines, result["manifest"], *filter(None, [result["contact_sheet"]])])
