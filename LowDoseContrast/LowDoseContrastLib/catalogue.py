"""The models at hand: those that came with the extension and those the user added."""

from __future__ import annotations

import filecmp
import functools
import itertools
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from .atomic import atomic_output
from .card import ModelCard
from .errors import InputError
from .model import load_model, read_card
from .resources import resource

DEFAULT_MODEL = "starter"
SUFFIX = ".safetensors"


@dataclass(frozen=True)
class CatalogueEntry:
    """One model: its name, file, card, and why it cannot be used (empty if it can)."""

    name: str
    path: Path
    card: ModelCard | None
    problem: str = ""


def user_folder() -> Path:
    """Where added models are kept, outside of the extension so that an update does not lose them.

    ``LOWDOSECONTRAST_MODELS`` names another folder.
    """
    chosen = os.environ.get("LOWDOSECONTRAST_MODELS")
    return Path(chosen) if chosen else Path.home() / ".lowdosecontrast" / "models"


def list_models() -> list[CatalogueEntry]:
    """All models as :class:`CatalogueEntry`, those of the extension first, each name once."""
    found: dict[str, CatalogueEntry] = {}
    for folder in (resource("Models"), user_folder()):
        if folder is None or not folder.is_dir():
            continue
        for path in sorted(folder.glob("*" + SUFFIX)):
            found.setdefault(path.stem, _entry(path))
    return list(found.values())


def find_model(name_or_path: str | Path) -> Path:
    """The file of a model named in :func:`list_models`, or the path itself if it is one.

    Raises:
        InputError: no such name and no such file.
    """
    text = str(name_or_path)
    if text.endswith(SUFFIX) or os.sep in text or "/" in text:
        return Path(text)
    entries = list_models()
    for entry in entries:
        if entry.name == text:
            return entry.path
    known = ", ".join(entry.name for entry in entries) or "none"
    raise InputError(text, f"there is no model of that name (known: {known})", f"name one of these or a {SUFFIX} file")


def add_model(path: str | Path, overwrite: bool = False, name: str | None = None) -> CatalogueEntry:
    """Checks the model file ``path``, copies it into :func:`user_folder` and returns its entry.

    Args:
        name: to keep it under, the file's own if None.

    Raises:
        InputError: the file is no valid model, or a model of that name is there already.
    """
    path = Path(path)
    name = name or path.stem
    load_model(path)
    folder = user_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            folder, f"cannot be created ({error.strerror})", "set LOWDOSECONTRAST_MODELS to another folder"
        ) from error
    if any(entry.name == name for entry in list_models()) and not overwrite:
        raise InputError(path, f"a model named '{name}' is there already", "rename the file first")
    target = folder / (name + SUFFIX)
    with atomic_output(target, overwrite) as temporary:
        shutil.copyfile(path, temporary)
    return _entry(target)


def add_trained_model(path: str | Path, name: str) -> CatalogueEntry:
    """As :func:`add_model`, under ``name`` or, where another model has it, under name-2, name-3 and so on.

    A model that is there already under one of these names is not added again.
    """
    path = Path(path)
    taken = {entry.name: entry for entry in list_models()}
    names = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
    free = next(each for each in names if each not in taken or filecmp.cmp(taken[each].path, path, shallow=False))
    return taken[free] if free in taken else add_model(path, name=free)


def _entry(path: Path) -> CatalogueEntry:
    try:
        found = path.stat()
        return _entry_of(path, found.st_mtime_ns, found.st_size)
    except OSError as error:
        return CatalogueEntry(
            path.stem, path, None, f"{path}: cannot be read ({error.strerror}); check its permissions"
        )


@functools.lru_cache(maxsize=256)
def _entry_of(path: Path, _modified: int, _size: int) -> CatalogueEntry:
    """The entry of a file in one state; a panel asks for it at every change."""
    try:
        return CatalogueEntry(path.stem, path, read_card(path))
    except InputError as error:
        return CatalogueEntry(path.stem, path, None, str(error))
