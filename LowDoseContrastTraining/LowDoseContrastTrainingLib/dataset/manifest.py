"""A prepared data set: what its manifest says."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from LowDoseContrastLib.errors import InputError

from ..common.file_names import MANIFEST_FILE
from .eight_bit_conversion import StoredScale

SCHEMA = 1
SIDES = {"A": "low", "B": "high"}  # folder of the patches -> dose


@dataclass(frozen=True)
class PairedDataSet:
    """The manifest of a prepared data set.

    Attributes:
        folder: where it lies.
        scale: PNG values to pixel values.
        arrangements, patches: the manifest's tables.
        fingerprint: SHA-256 of the manifest, which holds the hashes of all patches.
        direction: ``AtoB`` (low dose in, high dose wanted) or ``BtoA``.
    """

    folder: Path
    scale: StoredScale
    arrangements: tuple
    patches: tuple
    fingerprint: str
    direction: str = "AtoB"

    def of(self, split: str) -> list[dict]:
        """Return the patches of ``train``, ``val`` or ``test``."""
        return [patch for patch in self.patches if patch["split"] == split]

    def holding_out(self, groups) -> PairedDataSet:
        """Return the same patches with those arrangements as test part and all others to train on; the files stay where they are."""
        held_out = frozenset(groups)
        patches = tuple({**patch, "split": "test" if patch["group"] in held_out else "train", "stored": stored_split(patch)} for patch in self.patches)
        fingerprint = hashlib.sha256("\n".join([self.fingerprint, *sorted(held_out)]).encode()).hexdigest()
        return replace(self, patches=patches, fingerprint=fingerprint)

    @property
    def gain(self) -> float:
        """Ratio of the wanted entrance dose to the input's: the median over arrangements."""
        source, target = self.doses
        return float(np.median([a[target]["dose_mgy"] / a[source]["dose_mgy"] for a in self.arrangements]))

    @property
    def doses(self) -> tuple[str, str]:
        """Which dose goes in and which is wanted: ``low`` and ``high``, or the other way round."""
        return ("low", "high") if self.direction == "AtoB" else ("high", "low")


def stored_split(patch: dict) -> str:
    """Return the part under which a patch lies in the folder, whatever it is used for."""
    return patch.get("stored", patch["split"])


def open_data_set(folder, direction: str = "AtoB") -> PairedDataSet:
    """Open a prepared data set, to train on in a direction.

    Raises:
        InputError: there is none, it is of another schema, or its training part is empty.
    """
    manifest, fingerprint = read_manifest(folder)
    return data_set_of(folder, manifest, fingerprint, direction)


def read_manifest(folder) -> tuple[object, str]:
    """Return what a data set's manifest holds, and its SHA-256.

    Raises:
        InputError: there is none, or it is not valid JSON.
    """
    path = Path(folder) / MANIFEST_FILE
    try:
        raw = path.read_bytes()
        return json.loads(raw), hashlib.sha256(raw).hexdigest()
    except OSError as error:
        raise InputError(folder, f"is no prepared data set (no readable {MANIFEST_FILE})", "run 'prepare' first") from error
    except ValueError as error:
        raise InputError(path, "is not a valid manifest", "prepare the data set again") from error


def data_set_of(folder, manifest, fingerprint: str, direction: str = "AtoB") -> PairedDataSet:
    """Return the data set in ``folder``, of whose manifest :func:`read_manifest` has told; raises as :func:`open_data_set`."""
    path = Path(folder) / MANIFEST_FILE
    try:
        if manifest["schema"] != SCHEMA:
            raise InputError(path, f"has schema {manifest['schema']}, this version reads {SCHEMA}", "prepare it again")
        data = PairedDataSet(
            Path(folder),
            StoredScale(**manifest["scale"]),
            tuple(manifest["arrangements"]),
            tuple(manifest["patches"]),
            fingerprint,
            direction,
        )
        _check_tables(data)
    except (LookupError, TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(path, "is not a valid manifest", "prepare the data set again") from error
    if not data.of("train"):
        raise InputError(folder, "holds no patches for training", "prepare it with a smaller test part")
    return data


def _check_tables(data: PairedDataSet) -> None:
    """Raise LookupError or TypeError where the manifest's tables lack what a training reads."""
    for patch in data.patches:
        patch["name"], patch["split"], patch["sha256_A"], patch["sha256_B"]
    for arrangement in data.arrangements:
        for name in ("bits", "spacing", "intent", "relationship", "sign"):
            arrangement[name]
        for dose in data.doses:
            arrangement[dose]["dose_mgy"], arrangement[dose]["signal"]
    data.arrangements[0]
