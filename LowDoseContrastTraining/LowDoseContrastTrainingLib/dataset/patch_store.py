"""The patches of a split, decoded once and kept in memory as far as they fit, else read when needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.hashing import file_sha256

from .manifest import PairedDataSet, stored_split
from .png import read_png


class PatchStore:
    """Pairs of patches by number, as PNG values.

    Every file is held against its SHA-256 in the manifest when it is decoded: those that are kept
    at once, the others each time.

    Args:
        data: the data set; its direction says which side is the input.
        split: ``train``, ``val`` or ``test``.
        room: bytes of memory that decoded patches may take.

    Attributes:
        shape: (rows, columns) of every patch, (0, 0) without patches.
        kept: how many pairs are in memory, which take ``kept_bytes``.

    Raises:
        InputError: a patch is missing, damaged, not the one in the manifest, or of another size.
    """

    def __init__(self, data: PairedDataSet, split: str, room: float):
        self.folder, self.shape = data.folder, (0, 0)
        self._sides, self._patches, self._kept = ("A", "B") if data.direction == "AtoB" else ("B", "A"), data.of(split), []
        self.kept_bytes = 0
        for number in range(len(self._patches)):
            pair = self._read(number)
            self.shape = pair[0].shape
            needed = self.kept_bytes + sum(image.nbytes for image in pair)
            if needed > room:
                break
            self._kept.append(pair)
            self.kept_bytes = needed
        for patch in self._patches[self.kept :]:
            for side in self._sides:
                if not self._path(side, patch).is_file():
                    raise InputError(self._path(side, patch), "is missing", "prepare the data set again")

    def __len__(self) -> int:
        return len(self._patches)

    @property
    def kept(self) -> int:
        return len(self._kept)

    def pair(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return (input, target) of one place, uint8 or uint16 (rows, columns)."""
        return self._kept[number] if number < self.kept else self._read(number)

    def _read(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        patch = self._patches[number]
        pair = tuple(_verified(self._path(side, patch), patch[f"sha256_{side}"]) for side in self._sides)
        sizes = {image.shape for image in pair} | ({self.shape} if number else set())
        if len(sizes) > 1:
            raise InputError(self.folder, f"patches of several sizes ({patch['name']}: {sorted(sizes)})", "prepare the data set again")
        return pair

    def _path(self, side: str, patch: dict) -> Path:
        return self.folder / side / stored_split(patch) / patch["name"]


def _verified(path: Path, digest: str) -> np.ndarray:
    try:
        intact = file_sha256(path) == digest
    except OSError as error:
        raise InputError(path, "is missing", "prepare the data set again") from error
    if not intact:
        raise InputError(path, "is not the file in the manifest", "prepare the data set again")
    return read_png(path)
