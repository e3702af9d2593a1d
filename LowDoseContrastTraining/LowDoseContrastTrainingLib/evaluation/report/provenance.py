"""What a report ends with: what made it, so that it can be made again."""

from __future__ import annotations

import shlex
from pathlib import Path

from .markup import DASH, is_number, listed, named, plain, text
from .methods_shown import MODEL, rows_of_kind

_LONGEST = 12  # values of a list that are shown


def reproduction(document: dict, folder) -> str:
    """Return models, parameters, settings and the command line, as HTML."""
    parts = [
        ("How to reproduce", f"<pre>{text(command_line(document, folder))}</pre><p class=small>Same version, data and seed give the same numbers. All numbers of this page are in results.json, those of each patch in results.csv{' and those of each arrangement against the truth in results-truth.csv' if (document.get('settings') or {}).get('simulation') else ''}.</p>"),
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
    options += [("model", row["model"]) for row in rows_of_kind(document, MODEL) if row.get("model")]
    options += [("cci-scale", settings["cci"]["scale"])] if isinstance(settings.get("cci"), dict) and "scale" in settings["cci"] else []
    for name, value in settings.items():
        if name != "cci":
            options += [(name.replace("_", "-"), each) for each in _several(value)]
    words = ["lowdosecontrast evaluate"] + [f"--{name}" if value is True else f"--{name} {shlex.quote(str(value))}" for name, value in [*options, ("output", folder)]]
    return " \\\n    ".join(words)


def _several(value):
    values = value if isinstance(value, (list, tuple)) else [value]
    return [each for each in values if each not in (None, False, "")]


def _models(document):
    rows = rows_of_kind(document, MODEL)
    lines = "".join(
        f"<tr><th>{named(row['method'])}</th><td class=word>{named(Path(row.get('model') or DASH).name)}</td><td class=hash>{text(row.get('model_sha256', DASH))}</td>"
        f"<td class=hash>{text(row.get('dataset') or DASH)}</td></tr>"
        for row in rows
    )
    remarks = listed(f"{named(row['method'])}: {text(each)}" for row in rows for key in ("out_of_domain", "notes") for each in row.get(key) or ())
    head = "<thead><tr><th>model</th><th class=word>file</th><th class=word>SHA-256</th><th class=word>trained on data set</th></tr></thead>"
    return f'<div class="wide"><table class=plain>{head}<tbody>{lines}</tbody></table></div>{remarks}' if rows else ""


def _data(document):
    prints = _several(document.get("dataset_fingerprint"))
    return listed(f"{named(folder)}<br><span class=hash>fingerprint {text(mark)}</span>" for folder, mark in zip(_several(document.get("dataset")), prints))


def _settings(settings):
    lines = "".join(f"<tr><th>{named(name)}</th><td class=word>{_value(value)}</td></tr>" for name, value in settings.items() if value is not None)
    return f"<table class=plain><tbody>{lines}</tbody></table>"


def _parameters(document):
    rows = [row for row in document["rows"] if row.get("parameters")]
    lines = "".join(f"<tr><th>{named(row['method'])}</th><td class=word>{_value(row['parameters'])}</td></tr>" for row in rows)
    return f"<table class=plain><tbody>{lines}</tbody></table>" if rows else ""


def _baselines(document):
    rows = [row for row in document["rows"] if row.get("kind") != MODEL and row.get("verdict")]
    lines = "".join(f"<tr><th>{named(row['method'])}</th><td class=word>{text(row['verdict'])}: {text('; '.join(row.get('reasons') or ()))}</td></tr>" for row in rows)
    return f"<table class=plain><tbody>{lines}</tbody></table>" if rows else ""


def _value(value):
    """A setting as a reader wants it; of long lists the ends."""
    if isinstance(value, dict):
        return "; ".join(f"{text(name)} {_value(each)}" for name, each in value.items())
    if isinstance(value, (list, tuple)):
        if len(value) > _LONGEST:
            return f"{len(value)} values from {_value(value[0])} to {_value(value[-1])}"
        return ", ".join(map(_value, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain(value, 6) if is_number(value) else text(value)
