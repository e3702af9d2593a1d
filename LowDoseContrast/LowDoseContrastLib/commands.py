"""The commands of the enhancement library: enhance, cci, models."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import RESEARCH_NOTICE
from .catalogue import DEFAULT_MODEL, add_model, find_model, list_models
from .cci import CciVariant, measure
from .choices import NORM_STATISTICS
from .cli import add_command, for_each_input, progress_bar, table
from .device import DEVICES, PRECISIONS
from .enhance_settings import Settings
from .errors import InputError
from .file_names import OUTPUT_SUFFIXES, stems_apart, suffix_of
from .files import check_output_format, on_one_scale, read_mammogram, sidecar_of, write_mammogram
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


def add_models(subparsers: Any) -> None:
    """``lowdosecontrast models list|show|verify|add|import|export``."""
    parser = subparsers.add_parser(
        "models", help="List, show and verify models, add one, and exchange them with the published pix2pix code"
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add_command(actions, "list", "List the models at hand", "lowdosecontrast models list", run_list, show_list)
    for name, summary, run, show in (
        ("show", "Show a model's card", run_show, show_card),
        ("verify", "Check a model file: format, card, shapes, SHA-256, finite weights", run_verify, show_verified),
        ("add", "Check a model file and keep a copy of it beside the others", run_add, show_verified),
    ):
        command = add_command(
            actions,
            name,
            summary,
            f"lowdosecontrast models {name} starter".replace("add starter", "add mine.safetensors"),
            run,
            show,
        )
        command.add_argument("model", metavar="NAME|FILE")
    _add_exchange(actions)


def _add_exchange(actions: Any) -> None:
    command = add_command(
        actions,
        "import",
        "Make a model of a checkpoint of the published pix2pix code; colour networks are folded to grey",
        "lowdosecontrast models import latest_net_G.pth --output mine.safetensors --high 4095",
        run_import,
        show_imported,
    )
    command.add_argument(
        "checkpoint", metavar="CHECKPOINT", help="a *_net_G.pth (or .safetensors) of a unet_128 or unet_256"
    )
    command.add_argument("--output", required=True, metavar="FILE", help="the model file, ending in .safetensors")
    command.add_argument(
        "--low",
        type=float,
        default=0.0,
        metavar="VALUE",
        help="pixel value that was black in its training images (default: %(default)g)",
    )
    command.add_argument(
        "--high",
        type=float,
        default=16383.0,
        metavar="VALUE",
        help="pixel value that was white (default: %(default)g, 14 bits)",
    )
    command.add_argument(
        "--norm-statistics",
        choices=NORM_STATISTICS,
        default="image",
        help=(
            "what batch norms use: the statistics of each image, as the published test.py does, or the running ones "
            "of the training, as it does with --eval (default: %(default)s)"
        ),
    )
    command.add_argument("--overwrite", action="store_true", help="replace a model that exists")
    command = add_command(
        actions,
        "export",
        "Write a model's generator as a checkpoint that the published pix2pix code loads",
        "lowdosecontrast models export starter --output latest_net_G.pth",
        run_export,
        show_exported,
    )
    command.add_argument("model", metavar="NAME|FILE")
    command.add_argument(
        "--output", required=True, metavar="CHECKPOINT", help="the checkpoint file, such as latest_net_G.pth"
    )
    command.add_argument("--overwrite", action="store_true", help="replace a checkpoint that exists")


def run_import(arguments: argparse.Namespace) -> dict[str, Any]:
    from .atomic import check_output
    from .model import save_model
    from .reference_checkpoint import import_checkpoint

    output = Path(arguments.output)
    if output.suffix != ".safetensors":
        raise InputError(output, "a model file ends in .safetensors")
    check_output(output, arguments.overwrite)
    generator, card = import_checkpoint(
        arguments.checkpoint, output.stem, arguments.low, arguments.high, arguments.norm_statistics
    )
    verified = _verified(save_model(output, generator, card, dtype="float32", overwrite=arguments.overwrite))
    a = card.architecture
    statistics = a.norm_statistics if a.norm == "batch" else None
    return {**verified, "norm": a.norm, "norm_statistics": statistics, "notes": list(card.limits)}


def show_imported(result: Any) -> str:
    return "\n".join([show_verified(result), *(f"note: {note}" for note in result["notes"])])


def run_export(arguments: argparse.Namespace) -> dict[str, Any]:
    from .model import load_model
    from .reference_checkpoint import export_checkpoint

    model = load_model(find_model(arguments.model))
    path = export_checkpoint(arguments.output, model.generator, arguments.overwrite)
    a, scale = model.card.architecture, model.card.intensity
    options = (
        f"--netG {a.architecture} --ngf {a.ngf} --norm {a.norm} --input_nc {a.in_channels} --output_nc {a.out_channels}"
        + ("" if a.dropout else " --no_dropout")
    )
    notes = [f"its input is a {scale.kind} scale of {scale.low:g} to {scale.high:g} pixel values on -1 to 1"]
    if a.norm == "batch" and a.norm_statistics == "running":
        notes.append(
            "its batch norms use running statistics: test it with --eval, or the published test.py takes those of each "
            "image and gives another result"
        )
    elif a.norm == "batch":
        notes.append("its batch norms use the statistics of each image, as the published test.py does without --eval")
    if model.card.composition.kind != "direct":
        notes.append("its output corrects the input times a gain and is no image by itself")
    return {"model": model.name, "output": str(path), "options": options, "notes": notes}


def show_exported(result: Any) -> str:
    return f"{result['output']}\noptions of the reference code: {result['options']}\n" + "\n".join(
        f"note: {note}" for note in result["notes"]
    )


def run_list(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    return [
        {
            "name": e.name,
            "path": str(e.path),
            "problem": e.problem,
            "description": e.card.description if e.card else "",
            "version": e.card.version if e.card else "",
        }
        for e in list_models()
    ]


def show_list(result: Any) -> str:
    if not result:
        return "no models; add one with 'lowdosecontrast models add FILE'"
    return table(
        [(r["name"], r["version"], r["problem"] or r["description"]) for r in result],
        ("name", "version", "description"),
    )


def run_show(arguments: argparse.Namespace) -> dict[str, Any]:
    from .model import read_card

    path = find_model(arguments.model)
    return {"path": str(path), **read_card(path).to_dict()}


def show_card(card: dict[str, Any]) -> str:
    """The card for people: one line a field, results as a table."""
    lines = [f"{card['name']} {card['version']} ({card['licence']})", card["description"], ""]
    for part in ("architecture", "intensity", "composition", "domain", "recipe"):
        values = ", ".join(f"{k} {v}" for k, v in card[part].items() if v is not None)
        lines.append(f"{part}: {values}")
    lines.append(f"training data: {card['dataset']}")
    if card["results"]:
        keys = list(dict.fromkeys(k for row in card["results"] for k in row))
        lines += ["", table([[row.get(k) for k in keys] for row in card["results"]], keys)]
    lines += ["", *[f"limit: {limit}" for limit in card["limits"]], card["path"], RESEARCH_NOTICE]
    return "\n".join(lines)


def run_verify(arguments: argparse.Namespace) -> dict[str, Any]:
    return _verified(find_model(arguments.model))


def _verified(path: str | Path) -> dict[str, Any]:
    from .model import load_model

    model = load_model(path)
    weights = sum(p.numel() for p in model.generator.parameters())
    return {"model": model.name, "path": str(model.path), "sha256": model.sha256, "parameters": weights, "valid": True}


def run_add(arguments: argparse.Namespace) -> dict[str, Any]:
    return _verified(add_model(arguments.model).path)


def show_verified(result: Any) -> str:
    return f"{result['model']}: valid, {result['parameters']} parameters, SHA-256 {result['sha256']}\n{result['path']}"


COMMANDS = (add_inspect, add_enhance, add_cci, add_models)
