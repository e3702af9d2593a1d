"""The models at hand: those that came with the extension and those the user added."""

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


def user_folder():
    """Where added models are kept, outside of the extension so that an update does not lose them.

    ``LOWDOSECONTRAST_MODELS`` names another folder.
    """
    chosen = os.environ.get("LOWDOSECONTRAST_MODELS")
    return Path(chosen) if chosen else Path.home() / ".lowdosecontrast" / "models"


def list_models():
    """All models as :class:`CatalogueEntry`, those of the extension first, each name once."""
    found = {}
    for folder in (resource("Models"), user_folder()):
        if folder is None or not folder.is_dir():
            continue
        for path in sorted(folder.glob("*" + SUFFIX)):
            found.setdefault(path.stem, _entry(path))
    return list(found.values())


def find_model(name_or_path):
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
    raise InputError(f"{text}: there is no model of that name (known: {known}); name one of these or a {SUFFIX} file")


def add_model(path, overwrite=False):
    """Checks the model file ``path``, copies it into :func:`user_folder` and returns its entry.

    Raises:
        InputError: the file is no valid model, or a model of that name is there already.
    """
    path = Path(path)
    load_model(path)
    folder = user_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be created ({error.strerror}); set LOWDOSECONTRAST_MODELS to another folder") from error
    if any(entry.name == path.stem for entry in list_models()) and not overwrite:
        raise InputError(f"{path}: a model named '{path.stem}' is there already; rename the file first")
    target = folder / path.name
    with atomic_output(target, overwrite) as temporary:
        shutil.copyfile(path, temporary)
    return _entry(target)


def _entry(path):
    try:
        return CatalogueEntry(path.stem, path, read_card(path))
    except InputError as error:
        return CatalogueEntry(path.stem, path, None, str(error))
