"""What a report ends with: what made it, so that it can be made again."""

from __future__ import annotations

import shlex
from pathlib import Path

from .markup import DASH, is_number, listed, named, pairs, plain, text
from .methods_shown import MODEL, arrangement_names, rows_of_kind, versions

_LONGEST = 12  # values of a list that are shown


def reproduction(document: dict, folder) -> str:
    """Return models, parameters, settings and the command line, as HTML."""
    files = (
        "All numbers of this page are in results.json, those of each patch in results.csv, those of each arrangement against a truth in results-truth.csv; "
        "but for those below the maps of what differs, which are of the pictures themselves."
    )
    parts = [
        ("How to reproduce", f"<pre>{text(command_line(document, folder))}</pre><p class=small>Same version, data and seed give the same numbers. {files}</p>"),
        ("Models", _models(document)),
        ("Data", _data(document)),
        ("Settings", _settings({"version": document.get("version"), **(document.get("settings") or {})})),
        ("Parameters of the baselines, fitted on training patches", _parameters(document)),
        ("Verdicts of the baselines", _baselines(document)),
    ]
    return f"<section id=settings><h2>Settings, hashes and how to reproduce</h2>{''.join(f'<h3>{title}</h3>{body}' for title, body in parts if body)}</section>"


def command_line(document: dict, folder) -> str:
    """Return the command that makes these results, one option a line; settings that were not given are left out."""
    settings = document.get("settings") or {}
    options = [("dataset", each) for each in _several(document.get("dataset"))]
    options += [("model", each["model"]) for row in rows_of_kind(document, MODEL) for each in versions(row) if each.get("model")]
    options += [("cci-scale", settings["cci"]["scale"])] if isinstance(settings.get("cci"), dict) and "scale" in settings["cci"] else []
    for name, value in settings.items():
        if name != "cci":
            options += [(name.replace("_", "-"), each) for each in _several(value)]
    words = ["lowdosecontrast evaluate"] + [f"--{name}" if value is True else f"--{name} {shlex.quote(str(value))}" for name, value in [*options, ("output", folder)]]
    return " \\\n    ".join(words)


def _several(value):
    values = value if isinstance(value, (list, tuple)) else [value]
    return [each for each in values if each not in (None, False, "")]


_OF_THE_NOISE = ("source", "errors", "notes")  # said once, above


def _models(document):
    rows = rows_of_kind(document, MODEL)
    found = "".join(
        f"<h4>{named(row['method'])}</h4>"
        + pairs(
            [
                ("file", named(Path(each.get("model") or DASH).name)),
                ("SHA-256", f"<span class=hash>{text(each.get('model_sha256') or DASH)}</span>"),
                ("trained on data set", f"<span class=hash>{text(each.get('dataset') or DASH)}</span>"),
            ]
        )
        for row in rows
        for each in versions(row)
    )
    remarks = listed(f"{named(row['method'])}: {text(remark)}" for row in rows for each in versions(row) for key in ("out_of_domain", "notes") for remark in each.get(key) or ())
    return found + remarks


def _data(document):
    prints = _several(document.get("dataset_fingerprint"))
    folders = _several(document.get("dataset")) or [f"half {number}" for number in range(1, len(prints) + 1)]
    found = [(Path(str(folder)).name, f"<span class=hash>{text(mark)}</span>") for folder, mark in zip(folders, prints)]
    found += [(f"arrangement {short}", f"<span class=hash>{text(group)}</span>") for group, short in arrangement_names(document).items() if short != group]
    return pairs(found) if found else ""


def _settings(settings):
    lines = "".join(f"<tr><th>{named(name)}</th><td class=word>{_value(value)}</td></tr>" for name, value in settings.items() if value is not None)
    return f"<table class=plain><tbody>{lines}</tbody></table>"


def _parameters(document):
    found = [(row["method"], each["parameters"]) for row in document["rows"] for each in versions(row) if each.get("parameters")]
    lines = "".join(f"<tr><th>{named(method)}</th><td class=word>{_value(parameters)}</td></tr>" for method, parameters in found)
    return f"<table class=plain><tbody>{lines}</tbody></table>" if found else ""


def _baselines(document):
    rows = [row for row in document["rows"] if row.get("kind") != MODEL and row.get("verdict")]
    lines = "".join(f"<tr><th>{named(row['method'])}</th><td class=word>{text(row['verdict'])}: {text('; '.join(row.get('reasons') or ()))}</td></tr>" for row in rows)
    return f"<table class=plain><tbody>{lines}</tbody></table>" if rows else ""


def _value(value):
    """A setting as a reader wants it; of long lists the ends."""
    if isinstance(value, dict):
        kept = {name: each for name, each in value.items() if not ("xi_q" in value and name in _OF_THE_NOISE)}
        return "; ".join(f"{text(name)} {_value(each)}" for name, each in kept.items())
    if isinstance(value, (list, tuple)):
        if len(value) > _LONGEST:
            return f"{len(value)} values from {_value(value[0])} to {_value(value[-1])}"
        return ", ".join(map(_value, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain(value, 6) if is_number(value) else text(value)
