"""The patches of a split: kept in memory as far as they fit, the others read when they are needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.hashing import file_sha256

from .manifest import PairedDataSet
from .png import read_png


class PatchStore:
    """Pairs of patches by number, as PNG values.

    The SHA-256 of a file is compared with the manifest whenever the file is read.

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

    def __init__(self, data: PairedDataSet, split: str, room: float) -> None:
        self.folder, self.shape, self.kept_bytes = data.folder, (0, 0), 0
        self._sides = ("A", "B") if data.direction == "AtoB" else ("B", "A")
        self._patches = data.of(split)
        self._kept: list[tuple[np.ndarray, np.ndarray]] = []
        for number in range(len(self._patches)):
            pair = self._read(number)
            self.shape = pair[0].shape
            size = sum(image.nbytes for image in pair)
            if self.kept_bytes + size > room:
                break
            self._kept.append(pair)
            self.kept_bytes += size
        for patch in self._patches[self.kept :]:
            for side in self._sides:
                if not patch.path(self.folder, side).is_file():
                    raise InputError(patch.path(self.folder, side), "is missing", "prepare the data set again")

    def __len__(self) -> int:
        return len(self._patches)

    @property
    def kept(self) -> int:
        return len(self._kept)

    def pair(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Return (input, target) of a pair, uint8 or uint16 (rows, columns)."""
        return self._kept[number] if number < self.kept else self._read(number)

    def _read(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        patch = self._patches[number]
        source, target = (_verified(patch.path(self.folder, side), patch.sha256[side]) for side in self._sides)
        sizes = {source.shape, target.shape} | ({self.shape} if number else set())
        if len(sizes) > 1:
            problem = f"patches of several sizes ({patch.name}: {sorted(sizes)})"
            raise InputError(self.folder, problem, "prepare the data set again")
        return source, target


def _verified(path: Path, digest: str) -> np.ndarray:
    try:
        intact = file_sha256(path) == digest
    except OSError as error:
        raise InputError(path, "is missing", "prepare the data set again") from error
    if not intact:
        raise InputError(path, "is not the file in the manifest", "prepare the data set again")
    return read_png(path)
