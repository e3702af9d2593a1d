"""A prepared data set: what its manifest says."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.typed import checked

from ..common.file_names import MANIFEST_FILE
from .eight_bit_conversion import StoredScale
from .overlap import Overlap

SCHEMA = 1
SIDES = {"A": "low", "B": "high"}  # folder of the patches -> dose
PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class PatchEntry:
    """A pair of patches.

    Attributes:
        name: of its files, the same in A and B.
        split: what it is used for: ``train``, ``val`` or ``test``.
        stored: the split under which its files lie, whatever it is used for.
        sha256: side (A or B) -> SHA-256 of its file.
        arrangement: number of the pair of images that it was cut from.
        group: the arrangement that the images are of.
        row, column: of its first pixel in the part that both images show.
        breast: share of it inside the breast, 0 to 1.
    """

    name: str
    split: str = ""
    stored: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)
    arrangement: int = -1
    group: str = ""
    row: int = 0
    column: int = 0
    breast: float = 0.0

    def path(self, folder: Path, side: str) -> Path:
        """Return where its file of one side lies in the data set."""
        return folder / side / self.stored / self.name

    def to_json(self) -> dict[str, Any]:
        """Return its entry in the manifest."""
        kept = {name: value for name, value in vars(self).items() if name not in ("stored", "sha256")}
        return {**kept, **{f"sha256_{side}": self.sha256[side] for side in SIDES}}

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> PatchEntry:
        """Return the patch of an entry; LookupError or TypeError if it is not one."""
        sha256 = {side: entry[f"sha256_{side}"] for side in SIDES}
        return checked(cls(**_known(cls, entry), sha256=sha256, stored=entry["split"]))


@dataclass(frozen=True)
class ImageEntry:
    """An image of a pair.

    Attributes:
        dose_mgy: entrance dose in mGy, and ``dose_from`` where that is from.
        signal: 0.5th, 50th and 99.5th percentile of the pixel values in the breast.
        file: its path in the folder that the data set was prepared from, and ``sha256`` of it.
        uid: SOP Instance UID.
    """

    dose_mgy: float
    signal: tuple[float, ...]
    dose_from: str = ""
    file: str = ""
    sha256: str = ""
    uid: str | None = None


@dataclass(frozen=True)
class PairEntry:
    """A pair of images: one view of an arrangement at both doses; what the headers do not state is None.

    Attributes:
        bits, spacing, intent, relationship, sign: as of a :class:`LowDoseContrastLib.mammogram.Mammogram`.
        low, high: the images.
        number: from 1.
        group: the arrangement.
        shift: (rows, columns) by which the high dose is shifted against the low dose, pixels.
        overlap: what is used of both images.
        rows, columns, detector, model, laterality, view: as of an :class:`.acquisition_header.Acquisition`.
    """

    bits: int
    spacing: tuple[float, float] | None
    intent: str | None
    relationship: str | None
    sign: int | None
    low: ImageEntry
    high: ImageEntry
    number: int = -1
    group: str = ""
    shift: tuple[float, float] | None = None
    overlap: Overlap | None = None
    rows: int | None = None
    columns: int | None = None
    detector: str | None = None
    model: str | None = None
    laterality: str | None = None
    view: str | None = None

    def image(self, dose: str) -> ImageEntry:
        """Return the image at the ``low`` or the ``high`` dose."""
        return self.low if dose == "low" else self.high

    def to_json(self) -> dict[str, Any]:
        """Return its entry in the manifest."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> PairEntry:
        """Return the pair of an entry; LookupError or TypeError if it is not one."""
        images = {dose: ImageEntry(**_known(ImageEntry, entry[dose])) for dose in SIDES.values()}
        overlap = entry.get("overlap") and Overlap(**_known(Overlap, entry["overlap"]))
        pair = checked(cls(**_known(cls, entry) | images | {"overlap": overlap}))
        if not 1 <= pair.bits <= 32:
            raise TypeError(f"bits is {pair.bits}")
        return pair


def _known(cls: type, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of an entry that are fields of ``cls``, lists as tuples."""
    known = {each.name: entry[each.name] for each in dataclasses.fields(cls) if each.name in entry}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}


@dataclass(frozen=True)
class PairedDataSet:
    """The manifest of a prepared data set.

    Attributes:
        folder: where it lies.
        scale: PNG values to pixel values.
        arrangements: the pairs of images.
        patches: the pairs of patches.
        fingerprint: SHA-256 of the manifest, which holds the hashes of all patches.
        direction: ``AtoB`` (low dose in, high dose wanted) or ``BtoA``.
    """

    folder: Path
    scale: StoredScale
    arrangements: tuple[PairEntry, ...]
    patches: tuple[PatchEntry, ...]
    fingerprint: str
    direction: str = "AtoB"

    def of(self, split: str) -> list[PatchEntry]:
        """Return the patches of ``train``, ``val`` or ``test``."""
        return [patch for patch in self.patches if patch.split == split]

    def holding_out(self, groups: Iterable[str]) -> PairedDataSet:
        """Return the same patches, with those of some arrangements for the test and all others for training."""
        held_out = frozenset(groups)
        patches = tuple(replace(each, split="test" if each.group in held_out else "train") for each in self.patches)
        fingerprint = hashlib.sha256("\n".join([self.fingerprint, *sorted(held_out)]).encode()).hexdigest()
        return replace(self, patches=patches, fingerprint=fingerprint)

    @property
    def gain(self) -> float:
        """Ratio of the wanted entrance dose to the input's: the median over arrangements."""
        source, target = self.doses
        ratios = [pair.image(target).dose_mgy / pair.image(source).dose_mgy for pair in self.arrangements]
        return float(np.median(ratios))

    @property
    def doses(self) -> tuple[str, str]:
        """Which dose goes in and which is wanted: ``low`` and ``high``, or the other way round."""
        return ("low", "high") if self.direction == "AtoB" else ("high", "low")


def open_data_set(folder: str | Path, direction: str = "AtoB") -> PairedDataSet:
    """Open a prepared data set, to train on in a direction.

    Raises:
        InputError: there is none, it is of another schema, or its training part is empty.
    """
    manifest, fingerprint = read_manifest(folder)
    return data_set_of(folder, manifest, fingerprint, direction)


def read_manifest(folder: str | Path) -> tuple[Any, str]:
    """Return the JSON of a data set's manifest, and the SHA-256 of its file.

    Raises:
        InputError: there is no manifest, or it is not valid JSON.
    """
    path = Path(folder) / MANIFEST_FILE
    try:
        raw = path.read_bytes()
        return json.loads(raw), hashlib.sha256(raw).hexdigest()
    except OSError as error:
        problem = f"is no prepared data set (no readable {MANIFEST_FILE})"
        raise InputError(folder, problem, "run 'prepare' first") from error
    except ValueError as error:
        raise InputError(path, "is not a valid manifest", "prepare the data set again") from error


def data_set_of(folder: str | Path, manifest: Any, fingerprint: str, direction: str = "AtoB") -> PairedDataSet:
    """Return the data set of what :func:`read_manifest` returned; raises as :func:`open_data_set`."""
    path = Path(folder) / MANIFEST_FILE
    try:
        if manifest["schema"] != SCHEMA:
            raise InputError(path, f"has schema {manifest['schema']}, this version reads {SCHEMA}", "prepare it again")
        scale = checked(StoredScale(**manifest["scale"]))
        first, *others = map(PairEntry.from_json, manifest["arrangements"])
        patches = tuple(map(PatchEntry.from_json, manifest["patches"]))
    except InputError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise InputError(path, "is not a valid manifest", "prepare the data set again") from error
    data = PairedDataSet(Path(folder), scale, (first, *others), patches, fingerprint, direction)
    if not data.of("train"):
        raise InputError(folder, "holds no patches for training", "prepare it with a smaller test part")
    return data
