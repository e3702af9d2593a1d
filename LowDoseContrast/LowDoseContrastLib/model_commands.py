"""The command ``lowdosecontrast models``: list, show, verify, add, import and export."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from . import RESEARCH_NOTICE
from .catalogue import add_model, find_model, list_models
from .choices import NORM_STATISTICS
from .cli import add_command, table
from .errors import InputError


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
