"""What the card of a trained model says of it."""

from __future__ import annotations

from LowDoseContrastLib.card import Domain, ModelCard

from ..dataset.manifest import PairedDataSet
from .pix2pix import Pix2Pix, architecture_of

LIMITS = (
    "Its figures are of held-out patches of its own data set; other equipment and other objects are untested.",
    "Pixels that are saturated in the true high dose were left out of the figures.",
)
OWN_LIMITS = {
    "AtoB": "It adds no X-ray quanta: it lowers noise by smoothing, and faint small details lose contrast.",
    "BtoA": "It makes a high dose look like a low one: its noise is a network's and not a detector's, "
    "the same for the same image.",
}


def model_card(pix2pix: Pix2Pix, data: PairedDataSet, rows: dict, origin: dict | None = None) -> ModelCard:
    """Return the card of a trained generator: domain from the data set, figures on its held-out parts.

    ``origin`` names what a fine-tuning started from.
    """
    first = data.arrangements[0]
    source, target = data.doses
    doses = [a.image(source).dose_mgy for a in data.arrangements]
    spacings = [value for a in data.arrangements for value in a.spacing or ()]
    signals = [a.image(source).signal for a in data.arrangements]
    domain = Domain(
        intent=first.intent,
        relationship=first.relationship,
        sign=first.sign,
        spacing_mm=(min(spacings), max(spacings)) if spacings else None,
        dose_mgy=(round(0.9 * min(doses), 3), round(1.1 * max(doses), 3)),
        signal=(min(s[0] for s in signals), max(s[2] for s in signals)),
    )
    results = [{**row, "split": split} for split, found in rows.items() for row in found]
    return ModelCard(
        name=pix2pix.recipe.name,
        description=f"{source.title()}-dose to {target}-dose mammography, trained on paired acquisitions.",
        architecture=architecture_of(pix2pix.recipe),
        intensity=pix2pix.scale,
        composition=pix2pix.composition,
        domain=domain,
        recipe=pix2pix.recipe.to_dict()
        | ({"from": {key: origin[key] for key in ("name", "sha256")}} if origin else {}),
        dataset=data.fingerprint,
        results=tuple(results),
        limits=(LIMITS[0], OWN_LIMITS[data.direction], *LIMITS[1:]),
    )
