"""From a folder of DICOM acquisitions to a data set of paired patches."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from LowDoseContrastLib import __version__
from LowDoseContrastLib.atomic import atomic_output
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.hashing import file_sha256
from LowDoseContrastLib.steps import Clock

from ..common.file_names import MANIFEST_FILE, PREPARE_FILE, SHEET_FILE
from ..common.run_folder import abandon, open_folder
from .cutting_patches import cut_patches, grid
from .dose_levels import parse_levels
from .eight_bit_conversion import chosen_scale
from .examination import Examined, examine
from .manifest import SCHEMA, SIDES
from .pair_sheet import write_pair_sheet
from .pairing import Pair, find_pairs, left_out, summary
from .prepare_settings import PrepareSettings
from .splits import LEAK, assign_splits, folds


def prepare(dicom_folder, output, settings: PrepareSettings = PrepareSettings()):
    """Make a data set, or go on with an interrupted one of the same images and settings.

    Every file appears whole or not at all, the manifest last. A data set that is whole is left as it is.

    Yields:
        :class:`LowDoseContrastLib.steps.Progress`.

    Returns:
        A dictionary with the counts ``images``, ``arrangements``, ``pairs`` (of patches), ``train``,
        ``val``, ``test``, ``excluded`` (patches that are mostly air), and ``files`` (what became of
        them, in lines), ``warnings``, ``manifest`` and ``contact_sheet`` (None without matplotlib).

    Raises:
        InputError: no pairs, no patches, a folder that holds something else, or a full disk.
    """
    dicom_folder, output, clock = Path(dicom_folder), Path(output), Clock()
    pairs, table = find_pairs(dicom_folder, parse_levels(settings.doses), settings.group_by)
    sources = [_source(pair, dicom_folder) for pair in pairs]
    plan = {"version": __version__, **dataclasses.asdict(settings), "sources": sources}
    open_folder(output, PREPARE_FILE, plan, _bytes(pairs, settings), "a data set")
    if _is_whole(output):
        return _result(output)
    try:
        examined = yield from _examined(pairs, table, dicom_folder, settings, clock)
        patches = _patches(examined)
        assign_splits(patches, settings)
    except InputError:
        abandon(output, PREPARE_FILE)
        raise
    scale = chosen_scale(examined, settings)
    for done, each in enumerate(examined, start=1):
        cut_patches(output, each, [patch for patch in patches if patch["arrangement"] == each.pair.number], scale, settings.patch_size)
        yield clock.progress(0.4 + 0.59 * done / len(examined), f"patches {done} of {len(examined)}")
    write_pair_sheet(output, examined, patches, settings.patch_size)
    _write_manifest(output, settings, scale, examined, patches, table, sources)
    yield clock.progress(1.0, "manifest")
    return _result(output)


def _source(pair: Pair, folder: Path) -> dict:
    """The files of a pair and their SHA-256."""
    files = {name: {"file": image.path.relative_to(folder).as_posix(), "sha256": file_sha256(image.path)} for name, image in (("low", pair.low), ("high", pair.high))}
    return {"number": pair.number, "group": pair.group, **files}


def _bytes(pairs, settings) -> int:
    """Disk space that the patches need at most, were none left out."""
    count = sum(len(grid((pair.low.rows, pair.low.columns), settings.patch_size, settings.stride)) for pair in pairs)
    return count * 2 * settings.patch_size**2 * settings.bits // 8


def _examined(pairs, table, folder, settings, clock):
    """Look at all pairs; those that cannot be used are noted in the table."""
    fates, found = {row["file"]: row for row in table}, []
    for done, pair in enumerate(pairs, start=1):
        outcome = examine(pair, settings)
        if isinstance(outcome, Examined):
            found.append(outcome)
        else:
            for level, image in (("low", pair.low), ("high", pair.high)):
                fates[image.path.relative_to(folder).as_posix()].update(left_out(outcome, level, image.dose_from))
        yield clock.progress(0.4 * done / len(pairs), f"pair {done} of {len(pairs)}")
    if not found:
        raise InputError(folder, "no pair can be used", f"arrangement {pairs[-1].group}: {outcome}")
    return found


def _patches(examined) -> list[dict]:
    patches = []
    for each in examined:
        for row, column, share in each.places:
            name = f"{each.pair.number:03d}-r{row:04d}-c{column:04d}.png"
            patches.append({"name": name, "arrangement": each.pair.number, "group": each.pair.group, "row": row, "column": column, "breast": round(share, 4)})
    if not patches:
        raise InputError("", "every patch is mostly air", "choose a smaller {patch_size} or {breast_part}")
    return patches


def _write_manifest(output, settings, scale, examined, patches, table, sources):
    for side in SIDES:
        for split in ("train", "val", "test"):
            (output / side / split).mkdir(parents=True, exist_ok=True)
    groups = [each.pair.group for each in examined]
    hashes = {source["number"]: source for source in sources}
    counts = {name: sum(patch["split"] == name for patch in patches) for name in ("train", "val", "test")}
    manifest = {
        "schema": SCHEMA,
        "version": __version__,
        "settings": dataclasses.asdict(settings),
        "scale": dataclasses.asdict(scale),
        "counts": {
            "images": 2 * len(examined), "arrangements": len(set(groups)), "pairs": len(patches), **counts,
            "excluded": sum(each.excluded for each in examined),
        },
        "warnings": [LEAK] * (settings.split == "random") + [each.warning for each in examined if each.warning],
        "folds": folds(groups),
        "arrangements": [_described(each, hashes[each.pair.number]) for each in examined],
        "patches": patches,
        "files": table,
    }  # fmt: skip
    with atomic_output(output / MANIFEST_FILE, overwrite=True) as temporary:
        temporary.write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")


def _described(examined: Examined, source: dict) -> dict:
    """What the manifest says of a pair."""
    pair = examined.pair
    shared = ("rows", "columns", "spacing", "detector", "model", "laterality", "view", "intent", "relationship", "sign", "bits")
    described = {name: getattr(pair.low, name) for name in shared}
    described |= {"number": pair.number, "group": pair.group, "shift": examined.shift, "overlap": dataclasses.asdict(examined.overlap)}
    for name, image in (("low", pair.low), ("high", pair.high)):
        stated = {"uid": image.uid, "dose_mgy": image.dose_mgy, "dose_from": image.dose_from, "signal": examined.signal[name]}
        described[name] = {**source[name], **stated}
    return described


def _is_whole(output) -> bool:
    """Whether the manifest and all that it lists are there."""
    try:
        patches = json.loads((output / MANIFEST_FILE).read_text())["patches"]
        return all((output / side / patch["split"] / patch["name"]).exists() for patch in patches for side in SIDES)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _result(output) -> dict:
    manifest = json.loads((output / MANIFEST_FILE).read_text())
    sheet = output / SHEET_FILE
    return {
        **manifest["counts"],
        "files": summary(manifest["files"]),
        "warnings": manifest["warnings"],
        "manifest": str(output / MANIFEST_FILE),
        "contact_sheet": str(sheet) if sheet.exists() else None,
    }
