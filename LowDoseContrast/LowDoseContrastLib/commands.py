"""The commands of the enhancement library: inspect, enhance, cci; and models, of a file of its own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import RESEARCH_NOTICE
from .catalogue import DEFAULT_MODEL, find_model
from .cci import CciVariant, measure
from .cli import add_command, for_each_input, progress_bar, table
from .device import DEVICES, PRECISIONS
from .enhance_settings import Settings
from .errors import InputError
from .file_names import OUTPUT_SUFFIXES, stems_apart, suffix_of
from .files import check_output_format, on_one_scale, read_mammogram, sidecar_of, write_mammogram
from .model_commands import add_models
from .settings import add_options, from_arguments

if TYPE_CHECKING:
    import numpy as np

    from .mammogram import Mammogram


def add_enhance(subparsers: Any) -> None:
    """``lowdosecontrast enhance``."""
    parser = add_command(
        subparsers,
        "enhance",
        "Write the high-dose appearance of low-dose mammograms",
        "lowdosecontrast enhance low.dcm --output enhanced.dcm",
        run_enhance,
        show_enhance,
    )
    parser.add_argument("input", nargs="+", metavar="INPUT", help="DICOM, NRRD, NIfTI, PNG or TIFF")
    parser.add_argument(
        "--output",
        required=True,
        metavar="PATH",
        help=f"a file ending in {', '.join(OUTPUT_SUFFIXES)}; a folder for several inputs",
    )
    parser.add_argument(
        "--format",
        choices=[s.lstrip(".") for s in OUTPUT_SUFFIXES],
        help="format of the files when PATH is a folder (default: that of each input)",
    )
    parser.add_argument(
        "--model", default=DEFAULT_MODEL, metavar="NAME|FILE", help="model to use (default: %(default)s)"
    )
    add_options(parser, Settings)
    parser.add_argument("--device", default="auto", help=f"{', '.join(DEVICES)} (default: %(default)s)")
    parser.add_argument("--precision", default="auto", help=f"{', '.join(PRECISIONS)} (default: %(default)s)")
    parser.add_argument("--overwrite", action="store_true", help="replace outputs that exist")


def run_enhance(arguments: argparse.Namespace) -> Any:
    from .atomic import check_output
    from .enhance import Enhancer
    from .model import load_model

    settings = from_arguments(Settings, arguments)
    targets = _targets(arguments)
    for path in targets.values():
        for written in filter(None, (path, sidecar_of(path))):
            check_output(written, arguments.overwrite)
    enhancer = Enhancer(load_model(find_model(arguments.model)), arguments.device, arguments.precision)
    read = on_one_scale(arguments.input)

    def work(name: str) -> dict[str, Any]:
        mammogram, target = read(name), targets[name]
        check_output_format(target, mammogram)
        enhancement = enhancer.run(mammogram, settings, progress_bar(Path(name).name))
        report = enhancement.report
        pixels = enhancement.mammogram.pixels
        write_mammogram(target, mammogram, pixels, *report.provenance, arguments.overwrite, report.value_of)
        return {**report.to_json(), "output": str(target)}

    return for_each_input(arguments, work)


def _targets(arguments: argparse.Namespace) -> dict[str, Path]:
    """The output file of every input."""
    output = Path(arguments.output)
    if len(arguments.input) == 1 and not output.is_dir():
        if suffix_of(output) not in OUTPUT_SUFFIXES:
            raise InputError(output, "unknown output format", f"end the name in one of {', '.join(OUTPUT_SUFFIXES)}")
        return {arguments.input[0]: output}
    if not output.is_dir():
        raise InputError(output, "several inputs need a folder that exists", "create it first")
    targets = {}
    for name, stem in stems_apart(arguments.input).items():
        suffix = suffix_of(name)
        ending = f".{arguments.format}" if arguments.format else (suffix if suffix in OUTPUT_SUFFIXES else ".dcm")
        targets[name] = output / f"{stem}-enhanced{ending}"
    if len(set(targets.values())) < len(arguments.input):
        raise InputError(output, "two inputs would be written to the same file", "enhance them into different folders")
    return targets


def show_enhance(result: Any) -> str:
    """Text for one report or several."""
    reports = result if isinstance(result, list) else [result]
    return "\n\n".join(_show_report(r) for r in reports)


def _show_report(r: dict[str, Any]) -> str:
    variant = r["cci_variant"]
    rows = [
        (f"CCI ({variant['scale']}, {variant['levels']} levels)", r["cci_before"], r["cci_after"]),
        ("CCI-norm", r["cci_norm_before"], r["cci_norm_after"]),
    ]
    lines = [
        table(rows, ("", "before", "after")),
        f"fitted gain {r['gain']:.3f}, seam index "
        f"{r['seam_index'] if r['seam_index'] is None else round(r['seam_index'], 3)}, {r['windows']} windows, "
        f"{r['seconds']:.2f} s",
        f"model {r['model']} ({r['model_sha256'][:12]}), mode {r['mode']}, {r['device']} {r['precision']} "
        f"({r['placement']})",
        *[f"out of domain: {reason}" for reason in r["out_of_domain"]],
        *[f"note: {note}" for note in r["notes"]],
        f"{r['output']}",
        RESEARCH_NOTICE,
    ]
    return "\n".join(lines)


def add_inspect(subparsers: Any) -> None:
    """``lowdosecontrast inspect``."""
    parser = add_command(
        subparsers,
        "inspect",
        "Say what is believed of an image and why: values, polarity, spacing, view, dose, padding, noise, models",
        "lowdosecontrast inspect strange.dcm --picture strange.png",
        run_inspect,
        show_inspect,
    )
    parser.add_argument("input", nargs="+", metavar="INPUT", help="DICOM, NRRD, NIfTI, PNG or TIFF")
    parser.add_argument("--picture", metavar="OUT.png", help="a small picture with the breast outlined; one input only")
    parser.add_argument("--overwrite", action="store_true", help="replace a picture that exists")


def run_inspect(arguments: argparse.Namespace) -> Any:
    from .inspection import inspect, write_picture

    if arguments.picture and len(arguments.input) > 1:
        raise InputError(arguments.picture, "a picture is of one input", "run the command once for each")
    if arguments.picture and suffix_of(arguments.picture) != ".png":
        raise InputError(arguments.picture, "is no PNG file", "end its name in .png")

    def work(name: str) -> dict[str, Any]:
        mammogram = read_mammogram(name)
        found = inspect(mammogram)
        if arguments.picture:
            write_picture(arguments.picture, mammogram, arguments.overwrite)
        return {**found.to_json(), "lines": found.lines(), "picture": arguments.picture}

    return for_each_input(arguments, work)


def show_inspect(result: Any) -> str:
    """Text for one inspection or several."""
    results = result if isinstance(result, list) else [result]
    texts = ["\n".join([r["input"], *(f"  {line}" for line in r["lines"])]) for r in results]
    return "\n\n".join([*texts, RESEARCH_NOTICE])


def add_cci(subparsers: Any) -> None:
    """``lowdosecontrast cci``."""
    parser = add_command(
        subparsers,
        "cci",
        "Measure the Carneiro Contrast Index of images; closer to the true high dose is better, higher is not",
        "lowdosecontrast cci low.dcm high.dcm --scale 14bit",
        run_cci,
        show_cci,
    )
    parser.add_argument("input", nargs="+", metavar="INPUT", help="DICOM, NRRD, NIfTI, PNG or TIFF")
    add_options(parser, CciVariant)
    parser.add_argument(
        "--map",
        metavar="OUT",
        help="write the map of local standard deviations as .nrrd, .nii.gz or .tif; one input only",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a map that exists")


def run_cci(arguments: argparse.Namespace) -> Any:
    variant = from_arguments(CciVariant, arguments)
    if arguments.map and len(arguments.input) > 1:
        raise InputError(arguments.map, "a map is written for one input", "run the command once for each")

    read = on_one_scale(arguments.input)

    def work(name: str) -> dict[str, Any]:
        mammogram = read(name)
        result, deviations = measure(mammogram, variant)
        if arguments.map:
            _write_map(arguments.map, mammogram, deviations, variant, arguments.overwrite)
        notes = [*mammogram.notes, *filter(None, [mammogram.polarity.note, mammogram.scale_note])]
        return {"input": str(name), **result, "full_scale_is_guessed": bool(mammogram.scale_note), "notes": notes}

    return for_each_input(arguments, work)


def _write_map(
    path: str | Path, mammogram: Mammogram, deviations: np.ndarray, variant: CciVariant, overwrite: bool
) -> None:
    if suffix_of(path) in (".dcm", ".png"):
        raise InputError(path, "a map holds fractions", "end its name in .nrrd, .nii.gz or .tif")
    write_mammogram(
        path, mammogram, deviations, f"CCI map, {variant}. {RESEARCH_NOTICE}", "LowDoseContrast CCI", overwrite
    )


def show_cci(result: Any) -> str:
    """Text for one measurement or several."""
    results = result if isinstance(result, list) else [result]
    rows = [
        (r["input"], r["cci"], r["cci_norm"], r["scale"], f"{r['low']:g}-{r['high']:g}", r["windows"]) for r in results
    ]
    first = results[0] if results else {"levels": "-", "ddof": "-", "mask": "-", "border": "-"}
    settings = f"levels {first['levels']}, ddof {first['ddof']}, mask {first['mask']}, border {first['border']}"
    notes = [f"\nnote: {r['input']}: {note}" for r in results for note in r["notes"]]
    return (
        table(rows, ("input", "CCI", "CCI-norm", "scale", "values", "windows"))
        + f"\n{settings}. Closer to the true high dose is better; higher is not."
        + "".join(notes)
    )


COMMANDS = (add_inspect, add_enhance, add_cci, add_models)
