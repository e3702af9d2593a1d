"""What a report begins with: what was judged, the verdicts, and what a reader must know."""

from __future__ import annotations

from pathlib import Path

from LowDoseContrastLib import RESEARCH_NOTICE

from ..verdict import NO_TRUTH
from .markup import listed, named, pairs, plain, text
from .measures import has_truth
from .methods_shown import MODEL, rows_of_kind

_NONE = "No model was judged; the tables hold the baselines alone."
_PARTS = {"test": "test part", "val": "validation part", "all": "validation and test part"}


def data_set_names(document: dict) -> list[str]:
    """Return the names of the folders of what was judged."""
    value = document.get("dataset")
    return [Path(str(each)).name for each in (value if isinstance(value, (list, tuple)) else [value]) if each]


def title(document: dict) -> str:
    """Return the title, plain text."""
    models = [row["method"] for row in rows_of_kind(document, MODEL)]
    simulation = (document.get("settings") or {}).get("simulation")
    where = " and ".join(data_set_names(document) or ([Path(str(simulation)).name] if simulation else []))
    return f"Evaluation of {_and(models) if models else 'baselines'}{f' on {where}' if where else ''}"


def heading(document: dict) -> str:
    """Return the head of the page as HTML, with the notice and the caution."""
    kind = "against the known truth of simulated phantoms" if has_truth(document) else "against the true high dose"
    when = f", {text(document['date'])}" if document.get("date") else ""
    return (
        f"<header><h1>{named(title(document))}</h1>"
        f"<p class=sub>Low-dose mammograms in their high-dose appearance, judged {kind}. LowDoseContrast {text(document.get('version', ''))}{when}.</p>"
        f"<p class=notice><b>{text(document.get('notice', RESEARCH_NOTICE))}</b> {text(document.get('caution', ''))}</p></header>"
    )


def verdicts(document: dict) -> str:
    """Return the verdict on every model with its reasons, as HTML."""
    models = rows_of_kind(document, MODEL)
    found = "".join(_verdict(row) for row in models) or f"<p>{_NONE}</p>"
    rule = (
        "<p class=small>An <i>improvement</i> is more detectability than both the gain and the best denoising baseline, "
        "at no more bias and no more false calcifications, against a truth. "
        "An <i>appearance match</i> looks more like the high dose, or no less, and no more is shown. "
        "A model is <i>worse</i> where it harms one of these, or looks less like the high dose than the mere gain.</p>"
    )
    return f"<section id=verdict><h2>Verdict</h2>{found}{rule if models else ''}{'' if has_truth(document) else _no_truth(document)}</section>"


def _verdict(row):
    word = str(row.get("verdict", ""))
    reasons = listed(text(each) for each in row.get("reasons") or ())
    return f'<div class="verdict {text(word.replace(" ", "-"))}"><p><b>{named(row["method"])}</b> <span class=verdictword>{text(word)}</span></p>{reasons}</div>'


def _no_truth(document):
    return (
        f"<p class=small>There is {NO_TRUTH}: a data set alone does not tell what is really there, so that detectability, bias and false calcifications are unknown "
        "and an improvement cannot be claimed. "
        "To measure them, judge a data set that was prepared from a simulation, and give that with <code>--simulation</code>.</p>"
    )


def judged(document: dict) -> str:
    """Return what was judged and how, and the notes, as HTML."""
    notes = listed(text(each) for each in document.get("notes") or ())
    return f"<section id=judged><h2>What was judged</h2>{pairs(_facts(document))}{f'<h3>Notes</h3>{notes}' if notes else ''}</section>"


def _facts(document):
    rows, settings = document["rows"], document.get("settings") or {}
    first = max(rows, key=lambda row: row.get("patches") or 0)
    prints = document.get("dataset_fingerprint")
    prints = prints if isinstance(prints, (list, tuple)) else [prints]
    split = settings.get("split")
    facts = [
        ("Data set", ", ".join(map(named, data_set_names(document))) + "".join(f" <code>{text(str(each)[:12])}</code>" for each in prints if each)),
        ("Held out", f"{len(first.get('arrangements') or ())} arrangements, {first.get('patches') or 0} patches{f' ({text(_PARTS.get(split, split))})' if split else ''}"),
        ("Unit of statistics", "the arrangement, never the patch"),
        ("Dose, wanted over given", plain(document.get("dose_ratio"))),
        ("Data range of PSNR, SSIM", f"{plain(document.get('data_range'))} pixel values, 0.5th to 99.5th percentile of the target"),
        ("Compared pixels", text(document.get("mask", ""))),
        ("Noise of the detector", _noise(document.get("noise_model"))),
        ("Truth", f"simulation {named(Path(str(settings['simulation'])).name)}" if settings.get("simulation") else "" if has_truth(document) else NO_TRUTH),
    ]
    return [(term, value) for term, value in facts if value.strip(" –")]


def _noise(model):
    if not isinstance(model, dict):
        return ""
    values = [f"{name} {plain(model.get(key), 3)}" for name, key in (("ξ<sub>q</sub>", "xi_q"), ("ξ<sub>e</sub>", "xi_e"), ("offset", "offset")) if key in model]
    notes = "".join(f"; {text(each)}" for each in model.get("notes") or ())
    return f"{', '.join(values)} ({text(model.get('source', ''))}{notes})"


def _and(names):
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
