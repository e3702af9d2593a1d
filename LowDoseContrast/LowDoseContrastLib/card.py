"""What a model says of itself: how it is built, what it was made for, what it was measured to do."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .errors import InputError
from .intensity import Composition, IntensityScale
from .typed import checked

if TYPE_CHECKING:
    from .mammogram import Mammogram

SCHEMA = 1
RUNNING = "running"  # what the batch norms of a card that does not say it use


@dataclass(frozen=True)
class Architecture:
    """The arguments of :class:`LowDoseContrastLib.generator.UNetGenerator`."""

    architecture: str = "unet_256"
    in_channels: int = 1
    out_channels: int = 1
    ngf: int = 64
    norm: str = "batch"
    dropout: bool = True
    norm_statistics: str = RUNNING


_FAR = 2.0  # times beyond what was learnt from: the patches' own range spans about ten times


@dataclass(frozen=True)
class Domain:
    """The images a model was made for; ``None`` leaves a property open.

    Attributes:
        modality, intent, relationship: as in :class:`LowDoseContrastLib.mammogram.Mammogram`.
        sign: +1 where the network expects higher values for more X-rays, -1 for fewer.
        spacing_mm: lowest and highest pixel spacing.
        dose_mgy: lowest and highest entrance dose of the input in mGy.
        signal: range of pixel values inside the breast that training has seen.
    """

    modality: str | None = "MG"
    intent: str | None = None
    relationship: str | None = None
    sign: int | None = None
    spacing_mm: tuple[float, float] | None = None
    dose_mgy: tuple[float, float] | None = None
    signal: tuple[float, float] | None = None

    def objections(self, mammogram: Mammogram) -> list[str]:
        """What of ``mammogram`` contradicts this domain: a list of short sentences, empty if it fits.

        Properties that the image does not state are no contradiction.
        """
        found = []
        for name, label in (
            ("modality", "modality"),
            ("intent", "presentation intent"),
            ("relationship", "pixel intensity relationship"),
        ):
            wanted, have = getattr(self, name), getattr(mammogram, name)
            if wanted and have and wanted != have:
                found.append(f"{label} is {have}, the model is for {wanted}")
        if self.spacing_mm and mammogram.spacing and not all(_within(s, self.spacing_mm) for s in mammogram.spacing):
            row, column = mammogram.spacing
            found.append(f"pixel spacing is {row:g} x {column:g} mm, the model is for {_range(self.spacing_mm)} mm")
        if self.dose_mgy and mammogram.dose_mgy is not None and not _within(mammogram.dose_mgy, self.dose_mgy):
            found.append(f"entrance dose is {mammogram.dose_mgy:g} mGy, the model is for {_range(self.dose_mgy)} mGy")
        return found

    def strangeness(self, level: float) -> str | None:
        """Why tissue is too far from all that was learnt from; None if it is not.

        Args:
            level: median of the tissue, in pixel values as the network sees them.
        """
        if not self.signal or self.signal[0] / _FAR <= level <= self.signal[1] * _FAR:
            return None
        low, high = self.signal
        return f"the median of the tissue is {level:.4g}, far from the {low:g} to {high:g} that the model has learnt"

    def unknowns(self, mammogram: Mammogram) -> list[str]:
        """The properties that this domain limits and that ``mammogram`` does not state."""
        pairs = (
            ("modality", "modality"),
            ("intent", "intent"),
            ("relationship", "relationship"),
            ("spacing_mm", "spacing"),
            ("dose_mgy", "dose_mgy"),
        )
        names = {
            "spacing": "pixel spacing",
            "dose_mgy": "entrance dose",
            "intent": "presentation intent",
            "relationship": "pixel intensity relationship",
        }
        return [
            names.get(have, have) for limit, have in pairs if getattr(self, limit) and getattr(mammogram, have) is None
        ]


def _within(value: Any, limits: tuple[float, float], tolerance: float = 1e-6) -> bool:
    return limits[0] - tolerance <= value <= limits[1] + tolerance


def _range(limits: tuple[float, float]) -> str:
    low, high = limits
    return f"{low:g}" if low == high else f"{low:g}-{high:g}"


@dataclass(frozen=True)
class ModelCard:
    """The card in the metadata of a model file.

    Attributes:
        name, version, licence, description: for people.
        architecture, intensity, composition, domain: for the machine.
        recipe: hyper-parameters of the training, by name.
        dataset: fingerprint of the training data.
        results: measured figures, a list of objects with at least ``method``.
        limits: what the model is known to be bad at, one sentence each.
    """

    name: str
    version: str = "1"
    licence: str = "Apache-2.0"
    description: str = ""
    architecture: Architecture = field(default_factory=Architecture)
    intensity: IntensityScale = field(default_factory=lambda: IntensityScale("linear", 0.0, 16383.0))
    composition: Composition = field(default_factory=Composition)
    domain: Domain = field(default_factory=Domain)
    recipe: dict[str, Any] = field(default_factory=dict)
    dataset: str = ""
    results: tuple[dict[str, Any], ...] = ()
    limits: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """A JSON-able dictionary, with the schema number."""
        card = {"schema": SCHEMA, **dataclasses.asdict(self)}
        if self.architecture.norm_statistics == RUNNING:  # as on cards from before there was a choice
            del card["architecture"]["norm_statistics"]
        return card

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, no blanks."""
        return json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ModelCard:
        """The inverse of :meth:`to_dict`.

        Raises:
            InputError: another schema, an unknown or missing field, or a value out of its range.
        """
        data = dict(data) if isinstance(data, dict) else {}
        schema = data.pop("schema", None)
        if schema != SCHEMA:
            raise InputError(
                "",
                f"model card has schema {schema}, this version reads schema {SCHEMA}",
                "update LowDoseContrast or the model",
            )
        parts = {
            "architecture": Architecture,
            "intensity": IntensityScale,
            "composition": Composition,
            "domain": Domain,
        }
        try:
            for name, kind in parts.items():
                if name in data:
                    data[name] = kind(**{key: tuple(v) if isinstance(v, list) else v for key, v in data[name].items()})
            for name in ("results", "limits"):
                data[name] = tuple(data.get(name, ()))
            return checked(cls(**data))
        except (TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError("model card is not valid", str(error)) from error


def summary(card: ModelCard) -> str:
    """The card in three short lines: what it is, what it was made for, what it was measured to do."""
    a, d = card.architecture, card.domain
    domain = [part for part in (d.intent and d.intent.title(), d.relationship) if part]
    if d.spacing_mm:
        domain.append(f"{_range(d.spacing_mm)} mm")
    if d.dose_mgy:
        domain.append(f"{_range(d.dose_mgy)} mGy")
    made_of = f"{a.architecture}, {a.ngf} filters, {card.intensity.kind} scale, {card.composition.kind}"
    lines = [f"{made_of}. {card.description}".strip()]
    lines.append("Made for: " + (", ".join(domain) or "any grey image"))
    lines += [f"Limit: {limit}" for limit in card.limits[:1]]
    return "\n".join(lines)
