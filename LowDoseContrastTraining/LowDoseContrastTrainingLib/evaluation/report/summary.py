"""What a report begins with: what was judged, and how."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup

from ...dose_reduction.noise_model import NoiseModel
from ..document import Evaluation
from ..verdict import NO_TRUTH
from .markup import joined, named, plain
from .measures import has_truth

_PARTS = {"test": "test part", "val": "validation part", "all": "validation and test part"}


def _simulation(evaluation: Evaluation) -> str:
    """The name of the simulation's folder; empty without one."""
    settings = evaluation.settings
    return Path(settings.simulation).name if settings and settings.simulation else ""


def _names(evaluation: Evaluation) -> list[str]:
    return [Path(data_set).name for data_set in evaluation.datasets]


def title(evaluation: Evaluation) -> str:
    """Return the title, plain text."""
    models = [row.method for row in evaluation.rows if row.is_model]
    where = " and ".join(_names(evaluation)) or _simulation(evaluation)
    return f"Evaluation of {_and(models) if models else 'baselines'}{f' on {where}' if where else ''}"


def facts(evaluation: Evaluation) -> list[tuple[str, str]]:
    """Return what was judged, as (term, text or HTML); what is not known is left out."""
    first = max(evaluation.rows, key=lambda row: row.patches)
    part = f" ({_PARTS[evaluation.settings.split]})" if evaluation.settings else ""
    simulation = _simulation(evaluation)
    prints = [Markup(" <code>{}</code>").format(fingerprint[:12]) for fingerprint in evaluation.fingerprints]
    found = [
        ("Data set", joined(map(named, _names(evaluation)), ", ") + joined(prints)),
        ("Held out", f"{len(first.arrangements)} arrangements, {first.patches} patches{part}"),
        ("Unit of statistics", "the arrangement, never the patch"),
        ("Dose, wanted over given", plain(evaluation.dose_ratio)),
        (
            "Data range of PSNR, SSIM",
            f"{plain(evaluation.data_range)} pixel values, 0.5th to 99.5th percentile of the target",
        ),
        ("Compared pixels", evaluation.mask),
        ("Noise of the detector", _noise(evaluation.noise_model) if evaluation.noise_model else ""),
        (
            "Truth",
            Markup("simulation {}").format(named(simulation))
            if simulation
            else ""
            if has_truth(evaluation)
            else NO_TRUTH,
        ),
    ]
    return [(term, value) for term, value in found if value.strip(" –")]


def _noise(model: NoiseModel) -> Markup:
    values = Markup("ξ<sub>q</sub> {}, ξ<sub>e</sub> {}, offset {}").format(
        *(plain(each, 3) for each in (model.xi_q, model.xi_e, model.offset))
    )
    return values + Markup(" ({})").format("; ".join([model.source, *model.notes]))


def _and(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
