"""From a folder of DICOM acquisitions to a data set of paired patches."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from LowDoseContrastLib import __version__
from LowDoseContrastLib.atomic import atomic_output
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.hashing import file_sha256
from LowDoseContrastLib.steps import Clock, Steps

from ..common.file_names import MANIFEST_FILE, PREPARE_FILE, SHEET_FILE
from ..common.run_folder import abandon, open_folder
from .cutting_patches import cut_patches, patch_grid
from .dose_levels import parse_levels
from .eight_bit_conversion import StoredScale, chosen_scale
from .examination import Examined
from .manifest import PARTS, SCHEMA, SIDES, ImageEntry, PairEntry, PatchEntry, read_manifest
from .pair_sheet import write_pair_sheet
from .pairing import Pair, find_pairs, summary
from .prepare_settings import PrepareSettings
from .selection import Selection
from .splits import LEAK, assign_splits, loo_folds

_PAPER = PrepareSettings()
_DOSES = tuple(SIDES.values())


def prepare(dicom_folder: str | Path, output: str | Path, settings: PrepareSettings = _PAPER) -> Steps[dict[str, Any]]:
    """Make a data set, or continue an interrupted one of the same images and settings.

    Every file appears whole or not at all, the manifest last. A complete data set stays as it is.

    Yields:
        :class:`LowDoseContrastLib.steps.Progress`.

    Returns:
        The counts ``images``, ``arrangements``, ``pairs`` (of patches), ``train``, ``val``, ``test`` and
        ``excluded`` (patches that are mostly air); ``files`` (what became of them, in lines),
        ``warnings``, and the paths ``manifest`` and ``contact_sheet`` (None without matplotlib).

    Raises:
        InputError: no pairs, no patches, a folder that holds something else, or a full disk.
    """
    dicom_folder, output, clock = Path(dicom_folder), Path(output), Clock()
    pairs, table = find_pairs(dicom_folder, parse_levels(settings.doses), settings.group_by)
    numbered = [_numbered(pair, dicom_folder) for pair in pairs]
    plan = {"version": __version__, **dataclasses.asdict(settings), "sources": numbered}
    with open_folder(output, PREPARE_FILE, plan, _bytes(pairs, settings), "a data set"):
        if _is_complete(output):
            return _result(output)
        try:
            examined = yield from _examined(pairs, table, dicom_folder, settings, clock)
            patches = assign_splits(_patches(examined), settings)
        except InputError:
            abandon(output, PREPARE_FILE)
            raise
        brightest = [each.signal["high"][2] for each in examined]
        scale, written = chosen_scale(settings, max(each.pair.high.bits for each in examined), brightest), []
        for done, each in enumerate(examined, start=1):
            own = [patch for patch in patches if patch.arrangement == each.pair.number]
            written += cut_patches(output, each.pair, each.overlap, own, scale, settings.patch_size)
            yield clock.progress(0.4 + 0.59 * done / len(examined), f"patches {done} of {len(examined)}")
        write_pair_sheet(output, examined, written, settings.patch_size, table)
        entries = [_entry(each, _sources(each.pair, dicom_folder)) for each in examined]
        _write_manifest(output, settings, scale, examined, entries, written, table)
        yield clock.progress(1.0, "manifest")
        return _result(output)


def _numbered(pair: Pair, folder: Path) -> dict[str, Any]:
    """Return what a pair is made from; with its other candidates, of which one may take its place."""
    entry = {"number": pair.number, "group": pair.group, **_sources(pair, folder)}
    return {**entry, "others": [_sources(each, folder) for each in pair.others]} if pair.others else entry


def _sources(pair: Pair, folder: Path) -> dict[str, dict[str, str]]:
    """Return dose -> file and SHA-256 of its image."""
    paths = {dose: pair.image(dose).path for dose in _DOSES}
    return {
        dose: {"file": path.relative_to(folder).as_posix(), "sha256": file_sha256(path)} for dose, path in paths.items()
    }


def _bytes(pairs: list[Pair], settings: PrepareSettings) -> int:
    """Return the disk space that all patches would need."""
    size, step = settings.patch_size, settings.step
    count = sum(len(patch_grid((pair.low.rows, pair.low.columns), size, step)) for pair in pairs)
    return count * 2 * settings.patch_size**2 * settings.bits // 8


def _examined(
    pairs: list[Pair], table: list[dict[str, Any]], folder: Path, settings: PrepareSettings, clock: Clock
) -> Steps[list[Examined]]:
    """Look at all pairs; note in the table those that cannot be used."""
    selection = Selection(pairs, table, folder, settings)
    for done, pair in enumerate(pairs, start=1):
        selection.take(pair)
        yield clock.progress(0.4 * done / len(pairs), f"pair {done} of {len(pairs)}")
    selection.finish()
    if not selection.found:
        raise InputError(folder, "no pair can be used", selection.reason)
    return selection.found


def _patches(examined: list[Examined]) -> list[PatchEntry]:
    patches = []
    for pair, places in ((each.pair, each.places) for each in examined):
        for row, column, share in places:
            name = f"{pair.number:03d}-r{row:04d}-c{column:04d}.png"
            where = pair.number, pair.group, row, column, round(share, 4)
            patches.append(PatchEntry(name, "", "", {}, *where))
    if not patches:
        raise InputError("", "every patch is mostly air", "choose a smaller {patch_size} or {breast_part}")
    return patches


def _write_manifest(
    output: Path,
    settings: PrepareSettings,
    scale: StoredScale,
    examined: list[Examined],
    pairs: list[PairEntry],
    patches: list[PatchEntry],
    table: list[dict[str, Any]],
) -> None:
    for side in SIDES:
        for split in PARTS:
            (output / side / split).mkdir(parents=True, exist_ok=True)
    groups = [each.pair.group for each in examined]
    counts = {name: sum(patch.split == name for patch in patches) for name in PARTS}
    manifest = {
        "schema": SCHEMA,
        "version": __version__,
        "settings": dataclasses.asdict(settings),
        "scale": dataclasses.asdict(scale),
        "counts": {
            "images": 2 * len(examined), "arrangements": len(set(groups)), "pairs": len(patches), **counts,
            "excluded": sum(each.excluded for each in examined),
        },
        "warnings": [LEAK] * (settings.split == "random") + [line for each in examined for line in each.warnings],
        "folds": loo_folds(groups),
        "arrangements": [pair.to_json() for pair in pairs],
        "patches": [patch.to_json() for patch in patches],
        "files": table,
    }  # fmt: skip
    with atomic_output(output / MANIFEST_FILE, overwrite=True) as temporary:
        temporary.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")


def _entry(examined: Examined, sources: dict[str, dict[str, Any]]) -> PairEntry:
    pair, images = examined.pair, []
    for dose in _DOSES:
        stated = {name: getattr(pair.image(dose), name) for name in ("dose_mgy", "dose_from", "uid")}
        images.append(ImageEntry(signal=examined.signal[dose], **stated, **sources[dose]))
    own = {"number": pair.number, "group": pair.group, "shift": examined.shift, "overlap": examined.overlap}
    shared: dict[str, Any] = {each.name: getattr(pair.low, each.name, None) for each in dataclasses.fields(PairEntry)}
    return PairEntry(**shared | own | dict(zip(_DOSES, images, strict=True)))


def _is_complete(output: Path) -> bool:
    """Return whether the manifest and all patches that it lists are there."""
    try:
        patches = map(PatchEntry.from_json, read_manifest(output)[0]["patches"])
        return all(patch.path(output, side).exists() for patch in patches for side in SIDES)
    except (InputError, LookupError, TypeError, AttributeError):
        return False


def _result(output: Path) -> dict[str, Any]:
    manifest, _ = read_manifest(output)
    sheet = output / SHEET_FILE
    return {
        **manifest["counts"],
        "files": summary(manifest["files"]),
        "warnings": manifest["warnings"],
        "manifest": str(output / MANIFEST_FILE),
        "contact_sheet": str(sheet) if sheet.exists() else None,
    }
