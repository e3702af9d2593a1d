"""From a folder of DICOM acquisitions to a data set of paired patches."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from LowDoseContrastLib.errors import InputError

from .dose_levels import parse_levels
from .pairing import Pair, find_pairs
from .patches import StoredScale, breast_share, grid, write_png
from .randomness import stream

MANIFEST = "manifest.json"
SCHEMA = 1
PAPER_TEST_PAIRS = 188


@dataclass(frozen=True)
class PrepareSettings:
    """How a data set is made; the defaults are the paper's.

    Attributes:
        patch_size, stride: pixels.
        bits: 8 (as the paper, from 0 to the brightest of the breast) or 16 (exact pixel values).
        split: ``random`` patches (the paper's; an arrangement is then in training and test) or
            whole ``arrangement``s.
        test: patch pairs (random, default 188 or a quarter) or arrangements (default a sixth).
        validation: patch pairs (default a twentieth of training) or arrangements (default 1).
        breast_part: least part of a patch within the breast, 0 to 1.
        group_by: what tells arrangements apart, see :func:`LowDoseContrastTrainingLib.pairing.find_pairs`.
        doses: the levels in mGy, see :func:`LowDoseContrastTrainingLib.dose_levels.parse_levels`.

    Raises:
        InputError: a value out of its range.
    """

    patch_size: int = 150
    stride: int = 150
    bits: int = 8
    split: str = "random"
    test: int | None = None
    validation: int | None = None
    seed: int = 0
    breast_part: float = 0.9
    group_by: str = "auto"
    doses: str = "low=3.359,high=11.523"

    def __post_init__(self):
        parse_levels(self.doses)
        for name in ("patch_size", "stride"):
            if getattr(self, name) < 1:
                raise InputError(f"--{name.replace('_', '-')} must be at least 1, it is {getattr(self, name)}")
        if self.bits not in (8, 16):
            raise InputError(f"--bits must be 8 or 16, it is {self.bits}")
        if self.split not in ("random", "arrangement"):
            raise InputError(f"--split must be random or arrangement, it is {self.split}")
        for name in ("test", "validation"):
            if getattr(self, name) is not None and getattr(self, name) < 0:
                raise InputError(f"--{name} must not be negative, it is {getattr(self, name)}")
        if not 0 <= self.breast_part <= 1:
            raise InputError(f"--breast-part must be between 0 and 1, it is {self.breast_part}")


def prepare(dicom_folder, output, settings: PrepareSettings = PrepareSettings()):
    """Make a data set; a generator that yields ``(done, total, what)`` per arrangement.

    The data set appears whole or not at all.

    Returns:
        The counts of the command's result: ``images``, ``arrangements``, ``pairs``, ``train``,
        ``val``, ``test``, ``excluded`` (patches that are mostly air).

    Raises:
        InputError: no pairs, an unreadable image, or an output that exists already.
    """
    output = Path(output)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise InputError(f"{output}: exists already; choose another folder")
    pairs, fates = find_pairs(dicom_folder, parse_levels(settings.doses), settings.group_by)
    try:
        output.absolute().parent.mkdir(parents=True, exist_ok=True)
        workplace = Path(tempfile.mkdtemp(prefix=".preparing-", dir=output.absolute().parent))
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror}); choose another folder") from error
    try:
        result = yield from _fill(workplace, pairs, fates, settings)
        workplace.chmod(0o755)
        if output.exists():
            output.rmdir()
        os.replace(workplace, output)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    return result


def _fill(workplace: Path, pairs, fates, settings):
    scale = _choose_scale(pairs, settings)
    patches, excluded, arrangements = [], 0, []
    for side in "AB":
        (workplace / side / "cut").mkdir(parents=True)
    for done, pair in enumerate(pairs, start=1):
        low, high = _pixels(pair.low), _pixels(pair.high)
        kept, left = _cut(workplace, pair, low, high, scale, settings)
        patches += kept
        excluded += left
        arrangements.append(_describe(pair, low, high))
        yield done, len(pairs), f"arrangement {pair.number}"
    if not patches:
        raise InputError("every patch is mostly air; choose a smaller --patch-size or --breast-part")
    _assign_splits(patches, [pair.number for pair in pairs], settings)
    _move_to_splits(workplace, patches)
    manifest = {
        "schema": SCHEMA,
        "settings": dataclasses.asdict(settings),
        "scale": dataclasses.asdict(scale),
        "arrangements": arrangements,
        "patches": patches,
        "files": fates,
    }
    text = json.dumps(manifest, indent=1, sort_keys=True) + "\n"
    (workplace / MANIFEST).write_text(text)
    counts = {name: sum(p["split"] == name for p in patches) for name in ("train", "val", "test")}
    return {"images": 2 * len(pairs), "arrangements": len(pairs), "pairs": len(patches), **counts, "excluded": excluded}


def _pixels(image) -> np.ndarray:
    from LowDoseContrastLib.files import read_mammogram

    mammogram = read_mammogram(image.path)
    if mammogram.pixels.shape[0] != 1:
        raise InputError(f"{image.path}: has {mammogram.pixels.shape[0]} frames; only single images can be paired")
    return mammogram.pixels[0]


def _mask(pair: Pair, low: np.ndarray) -> np.ndarray:
    from LowDoseContrastLib.mask import tissue_mask

    return tissue_mask(low, pair.low.sign)


def _choose_scale(pairs, settings) -> StoredScale:
    """16 bits keep the pixel values; 8 bits span from 0 to the 99.5th percentile of the breast.

    The percentile is that of the high dose over all arrangements, one scale for the whole set.
    """
    if settings.bits == 16:
        return StoredScale(0.0, 65535.0, 65535)
    tops = []
    for pair in pairs:
        high = _pixels(pair.high)
        tops.append(float(np.percentile(high[_mask(pair, high)], 99.5)))
    return StoredScale(0.0, float(np.ceil(np.mean(tops))), 255)


def _cut(workplace, pair, low, high, scale, settings):
    mask, size = _mask(pair, low), settings.patch_size
    kept, left = [], 0
    for row, column in grid(low.shape, size, settings.stride):
        share = breast_share(mask, row, column, size)
        if share < settings.breast_part:
            left += 1
            continue
        name = f"{pair.number:03d}-r{row:04d}-c{column:04d}.png"
        entry = {"name": name, "arrangement": pair.number, "row": row, "column": column, "breast": round(share, 4)}
        for side, image in (("A", low), ("B", high)):
            path = workplace / side / "cut" / name
            write_png(path, scale.encode(image[row : row + size, column : column + size]))
            entry[f"sha256_{side}"] = hashlib.sha256(path.read_bytes()).hexdigest()
        kept.append(entry)
    return kept, left


def _describe(pair: Pair, low: np.ndarray, high: np.ndarray) -> dict:
    """Return what the manifest says of an arrangement, with its signal range in the breast."""
    mask = _mask(pair, low)
    common = pair.low
    described = {
        "number": pair.number, "group": pair.group, "rows": common.rows, "columns": common.columns,
        "spacing": common.spacing, "laterality": common.laterality, "intent": common.intent,
        "relationship": common.relationship, "sign": common.sign, "bits": common.bits,
    }  # fmt: skip
    for name, image, pixels in (("low", pair.low, low), ("high", pair.high, high)):
        range_ = [float(v) for v in np.percentile(pixels[mask], (0.5, 50, 99.5))]
        digest = hashlib.sha256(image.path.read_bytes()).hexdigest()
        described[name] = {"uid": image.uid, "dose_mgy": image.dose_mgy, "signal": range_, "sha256": digest}
    return described


def _assign_splits(patches: list[dict], numbers: list[int], settings) -> None:
    rng = stream(settings.seed, "split", settings.split)
    if settings.split == "arrangement":
        units = numbers
        test = max(1, round(len(units) / 6)) if settings.test is None else settings.test
        validation = 1 if settings.validation is None else settings.validation
        key = lambda patch: patch["arrangement"]  # noqa: E731
    else:
        units = [patch["name"] for patch in patches]
        test = min(PAPER_TEST_PAIRS, len(units) // 4) if settings.test is None else settings.test
        validation = (len(units) - test) // 20 if settings.validation is None else settings.validation
        key = lambda patch: patch["name"]  # noqa: E731
    if test + validation >= len(units):
        raise InputError(f"{test} for test and {validation} for validation leave none of {len(units)} for training")
    order = [units[index] for index in rng.permutation(len(units))]
    split = {unit: "test" for unit in order[:test]}
    split |= {unit: "val" for unit in order[test : test + validation]}
    for patch in patches:
        patch["split"] = split.get(key(patch), "train")


def _move_to_splits(workplace: Path, patches: list[dict]) -> None:
    for side in "AB":
        for split in ("train", "val", "test"):
            (workplace / side / split).mkdir()
        for patch in patches:
            os.replace(workplace / side / "cut" / patch["name"], workplace / side / patch["split"] / patch["name"])
        (workplace / side / "cut").rmdir()
