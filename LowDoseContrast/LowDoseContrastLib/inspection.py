"""What the library believes of an image, and why: the first thing to look at where an image is strange."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .atomic import atomic_output
from .card import ModelCard
from .catalogue import list_models
from .mammogram import Mammogram
from .mask import extent
from .view_facts import view_facts

_PICTURE_SIDE = 640  # pixels, the longer side
_OUTLINE, _UNMEASURED = (255, 60, 60), (70, 110, 255)  # colours of the breast's outline and of what was not measured


@dataclass(frozen=True)
class Fact:
    """One thing that is known of an image.

    Attributes:
        name: what it is.
        value: in words; ``not stated`` or ``unknown`` where it is not known.
        why: how it is known; empty where the value says it.
    """

    name: str
    value: str
    why: str = ""


@dataclass(frozen=True)
class ModelFit:
    """Whether a model fits an image: True, False (``objections`` say why), or None where it cannot be told."""

    name: str
    fits: bool | None
    objections: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    def in_words(self) -> str:
        """Return it in words, after the name of the model."""
        if self.fits:
            return "fits"
        if self.fits is False:
            return "does not fit: " + "; ".join(self.objections)
        return "cannot be told: the image does not state its " + ", ".join(self.unknown)


@dataclass(frozen=True)
class Inspection:
    """All that is believed of an image.

    Attributes:
        input: the file or node.
        facts: in the order in which a person asks.
        models: one for each model at hand.
        notes: what was found out or assumed, a sentence each.
    """

    input: str
    facts: tuple[Fact, ...]
    models: tuple[ModelFit, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON-able values; ``facts`` are an object by name."""
        facts = {fact.name: {"value": fact.value, "why": fact.why} for fact in self.facts}
        return {
            "input": self.input,
            "facts": facts,
            "models": [asdict(model) for model in self.models],
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        """Return it for people, a line each."""
        width = max(len(fact.name) for fact in self.facts) + 2
        lines = [f"{fact.name:{width}}{fact.value}" + (f"  ({fact.why})" if fact.why else "") for fact in self.facts]
        lines += [f"{'model ' + model.name:{width}}{model.in_words()}" for model in self.models]
        return lines + [f"note: {note}" for note in self.notes]


def inspect(mammogram: Mammogram) -> Inspection:
    """Look at a mammogram with everything that the library looks at before it enhances.

    >>> image = np.full((1, 128, 128), 4000, dtype=np.uint16)
    >>> image[0, 32:96, :64] = 400 + 2 * np.arange(64)
    >>> found = inspect(Mammogram(image, bits=12, source="made"))
    >>> [fact.value for fact in found.facts if fact.name == "polarity"]
    ['air is bright']
    """
    facts = (*_of_values(mammogram), *_of_header(mammogram), *_of_content(mammogram))
    notes = (*mammogram.notes, *filter(None, (mammogram.polarity.note, mammogram.scale_note)))
    models = tuple(fit_of(entry.card, mammogram) for entry in list_models() if entry.card is not None)
    return Inspection(mammogram.source, facts, models, notes)


def fit_of(card: ModelCard, mammogram: Mammogram) -> ModelFit:
    """Return whether a model fits an image: unknown is not the same as fitting."""
    domain, tissue = card.domain, mammogram.pixels[0][mammogram.breasts[0].tissue]
    objections, unknown = domain.objections(mammogram), domain.unknowns(mammogram)
    if tissue.size:
        level, sign = float(np.median(tissue)), mammogram.polarity.sign
        seen = mammogram.full_scale - level if domain.sign and sign and sign != domain.sign else level
        objections += filter(None, [domain.strangeness(seen)])
    return ModelFit(card.name, False if objections else None if unknown else True, tuple(objections), tuple(unknown))


def _of_values(mammogram: Mammogram) -> list[Fact]:
    slices, rows, columns = mammogram.pixels.shape
    low, high = float(mammogram.pixels.min()), float(mammogram.pixels.max())
    offset = mammogram.stored_offset
    bits = "not stated" if mammogram.bits is None else f"{mammogram.bits} bits, 0 to {mammogram.full_scale:g}"
    if offset:
        bits += f"; the file stores them signed, less {-offset}"
    polarity = mammogram.polarity
    found = {1: "air is bright", -1: "air is dark", None: "unknown"}[polarity.sign]
    why = {
        "both": "header and pixels agree",
        "pixels": "by the pixels",
        "header": "by the header; the pixels show no air",
    }
    size = f"{columns} x {rows} pixels" + (f", {slices} slices" if slices > 1 else "")
    return [
        Fact("size", size, str(mammogram.pixels.dtype)),
        Fact("values", f"{low:g} to {high:g}"),
        Fact("range", bits, mammogram.scale_note and "full scale is a guess"),
        Fact("polarity", found, why.get(polarity.known_from, "")),
    ]


def _of_header(mammogram: Mammogram) -> list[Fact]:
    header = mammogram.header
    stated = [
        Fact(name, text or "not stated")
        for name, text in mammogram.facts.items()
        if name not in ("polarity", "bit depth")
    ]
    if header is None:
        return [*stated, Fact("view", "not stated", "no DICOM header")]
    projection = view_facts(header)
    view = ", ".join([projection.view or "not stated", *projection.modifiers])
    equipment = [str(header.get(each)) for each in ("Manufacturer", "ManufacturerModelName") if header.get(each)]
    stated += [
        Fact("view", view + (f", magnified {projection.magnification:g} times" if projection.magnification else "")),
        Fact("laterality", projection.laterality or "not stated"),
        Fact("equipment", " ".join(dict.fromkeys(equipment)) or "not stated"),
    ]
    return [
        *stated,
        Fact("encoding", header.file_meta.TransferSyntaxUID.name if hasattr(header, "file_meta") else "unknown"),
    ]


def _of_content(mammogram: Mammogram) -> list[Fact]:
    breast, image = mammogram.breasts[0], mammogram.pixels[0]
    stated = (
        "not stated" if mammogram.padding is None else " to ".join(f"{v:g}" for v in dict.fromkeys(mammogram.padding))
    )
    facts = [
        Fact("padding", stated, "PixelPaddingValue" if mammogram.padding else ""),
        Fact(
            "not measured",
            f"{breast.unmeasured.mean():.1%} of the image",
            "padding, frames, labels: areas of one value",
        ),
        Fact("breast", f"{breast.mask.mean():.1%} of the image", "" if mammogram.polarity.sign else "no air was found"),
    ]
    values = image[breast.tissue]
    if values.size:
        low, middle, high = (float(value) for value in np.percentile(values, (1, 50, 99)))
        facts.append(Fact("tissue", f"median {middle:g}, 98% from {low:g} to {high:g}"))
        facts.append(
            Fact("noise", f"standard deviation about {noise_in(image, breast.tissue):.3g}", "by second differences")
        )
    return facts


def noise_in(image: np.ndarray, mask: np.ndarray) -> float:
    """Return about how large the noise of a pixel is, standard deviation in pixel values.

    The second difference across a pixel of white noise has six times its variance; the median of its magnitude
    is hardly moved by edges. Noise that the detector has blurred is underestimated.
    """
    inside = mask[:, 1:-1] & mask[:, :-2] & mask[:, 2:]
    if not inside.any():
        return 0.0
    values = image.astype(np.float32)
    second = values[:, :-2] - 2 * values[:, 1:-1] + values[:, 2:]
    return float(1.4826 * np.median(np.abs(second[inside]))) / 6**0.5


def write_picture(path: str | Path, mammogram: Mammogram, overwrite: bool = False) -> Path:
    """Write a small picture: the tissue fills the grey scale, the breast is outlined, what was not measured is blue.

    Raises:
        InputError: the path cannot be written.
    """
    import SimpleITK as sitk

    breast, image = mammogram.breasts[0], mammogram.pixels[0]
    step = max(1, -(-max(image.shape) // _PICTURE_SIDE))
    small, mask, unmeasured = (part[::step, ::step] for part in (image, breast.mask, breast.unmeasured))
    inside = small[breast.tissue[::step, ::step]]
    low, high = np.percentile(inside if inside.size else small, (0.5, 99.5))
    grey = np.clip((small - float(low)) / max(float(high - low), 1e-9), 0, 1)
    grey = 1 - grey if mammogram.polarity.sign == 1 else grey
    colours = np.repeat((255 * grey).astype(np.uint8)[..., None], 3, axis=2)
    colours[unmeasured] = _UNMEASURED
    if mask.any() and not mask.all():
        colours[_edge(mask)] = _OUTLINE
    with atomic_output(path, overwrite) as temporary:
        sitk.WriteImage(sitk.GetImageFromArray(colours, isVector=True), str(temporary))
    return Path(path)


def _edge(mask: np.ndarray) -> np.ndarray:
    region = extent(mask, margin=1)
    edge = np.zeros_like(mask)
    inner = mask[region]
    changed = np.zeros_like(inner)
    changed[:-1] |= inner[:-1] != inner[1:]
    changed[:, :-1] |= inner[:, :-1] != inner[:, 1:]
    edge[region] = changed
    return edge
