"""A model file: safetensors with the weights of a generator and its card."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .atomic import atomic_output
from .card import ModelCard
from .errors import InputError, brief
from .hashing import file_sha256

if TYPE_CHECKING:
    import torch

    from .generator import UNetGenerator

FORMAT = "LowDoseContrast model"
_HEADER_LIMIT = 100_000_000  # bytes, that of the safetensors library


@dataclass(frozen=True, eq=False)
class Model:
    """A generator ready for use and its card.

    Attributes:
        card: :class:`LowDoseContrastLib.card.ModelCard`.
        generator: :class:`LowDoseContrastLib.generator.UNetGenerator` in eval mode, float32, on the CPU.
        path: the file it came from; None of one that was made in memory.
        sha256: of the file's content.
    """

    card: ModelCard
    generator: UNetGenerator
    path: Path | None = None
    sha256: str = ""

    @property
    def name(self) -> str:
        return self.card.name


def build_generator(card: ModelCard) -> UNetGenerator:
    """Returns the card's generator with fresh weights.

    Raises:
        InputError: the architecture on the card cannot be built.
    """
    from .generator import UNetGenerator

    try:
        return UNetGenerator(**dataclasses.asdict(card.architecture))
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise InputError("model card is not valid", brief(error)) from error


def save_model(
    path: str | Path,
    generator: UNetGenerator,
    card: ModelCard,
    dtype: str = "float16",
    overwrite: bool = False,
) -> Path:
    """Writes ``generator`` and ``card`` as a model file and returns its path.

    ``dtype`` ``float16`` stores the convolution weights in half precision (they are read back as
    float32); norms stay in float32.

    Raises:
        InputError: weights that are not finite (in ``dtype``), or a path that cannot be written.
    """
    import torch
    from safetensors.torch import save_file

    weights = {}
    for name, tensor in generator.state_dict().items():
        tensor = tensor.detach().cpu()
        half = dtype == "float16" and tensor.ndim == 4
        weights[name] = tensor.to(torch.float16 if half else tensor.dtype).contiguous().clone()
    check_finite(weights, path)
    text = card.to_json()
    metadata = {"format": FORMAT, "card": text, "sha256": _content_hash(weights, text)}
    with atomic_output(path, overwrite) as temporary:
        save_file(weights, str(temporary), metadata=metadata)
    return Path(path)


def read_card(path: str | Path) -> ModelCard:
    """Reads the card alone, without the weights; needs neither torch nor safetensors.

    So models can be listed before these packages are installed.

    Raises:
        InputError: the file is missing or no model file.
    """
    return _card(_metadata(Path(path)), path)


def stated_hash(path: str | Path) -> str | None:
    """The SHA-256 over card and weights that a model file states; two files with the same one hold the same model.

    Raises:
        InputError: the file is missing or no model file.
    """
    return _metadata(Path(path)).get("sha256")


def load_model(path: str | Path) -> Model:
    """Loads and checks a model file.

    Checks the format, the card's schema, names and shapes of all weights, the SHA-256 over card
    and weights, and that all weights are finite.

    Raises:
        InputError: naming the file and the first thing that is wrong.
    """
    import torch

    path = Path(path)
    metadata = _metadata(path)
    card = _card(metadata, path)
    weights = read_weights(path)
    if _content_hash(weights, metadata["card"]) != metadata.get("sha256"):
        raise InputError(path, "the model file is damaged (its SHA-256 does not match)", "fetch it again")
    try:
        with torch.device("meta"):  # without memory, for what is on the card may be of any size
            expected = build_generator(card).state_dict()
        check_shapes(expected, weights, path)
        generator = build_generator(card)
    except InputError as error:
        raise (error if error.subject == str(path) else error.about(path)) from error
    check_finite(weights, path)
    generator.load_state_dict({k: w.to(torch.float32) if w.is_floating_point() else w for k, w in weights.items()})
    return Model(card, generator.eval(), path, file_sha256(path))


def is_model_file(path: str | Path) -> bool:
    """Whether a safetensors file is a model of this project's format, rather than any other weights.

    Raises:
        InputError: it is missing or no whole safetensors file.
    """
    return _header(Path(path)).get("format") == FORMAT


def _metadata(path: Path) -> dict[str, str]:
    """The metadata in a model file. Raises InputError where it is none."""
    if not path.is_file():
        raise InputError(path, "there is no such model file", "'lowdosecontrast models list' shows the models at hand")
    metadata = _header(path)
    if metadata.get("format") != FORMAT:
        raise InputError(path, "is a safetensors file but no LowDoseContrast model", "choose another file")
    return metadata


def _header(path: Path) -> dict[str, Any]:
    """The metadata in a safetensors file: 8 bytes of length, that much JSON, then the tensors.

    Loads no tensor but checks that the file is as long as they are.
    """
    try:
        with open(path, "rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if not 0 < length <= _HEADER_LIMIT:
                raise ValueError(f"a header of {length} bytes")
            header = json.loads(stream.read(length))
        metadata = dict(header.pop("__metadata__", None) or {})
        end = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
        if 8 + length + end != path.stat().st_size:
            raise ValueError("its size is not what its header says")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise InputError(path, f"is not a whole safetensors file ({error})", "fetch the model again") from error
    return metadata


def read_weights(path: str | Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file by name. Raises InputError."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(str(path))
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise InputError(path, f"is not a whole safetensors file ({error})", "fetch the model again") from error


def _card(metadata: dict[str, str], path: str | Path) -> ModelCard:
    try:
        return ModelCard.from_dict(json.loads(metadata["card"]))
    except (KeyError, json.JSONDecodeError, TypeError) as error:
        raise InputError(path, "the model card cannot be read", "fetch the model again") from error
    except InputError as error:
        raise error.about(path) from error


def _content_hash(weights: Mapping[str, torch.Tensor], card_text: str) -> str:
    """SHA-256 over the card and every tensor's name, type, shape and bytes, in the order of names."""
    digest = hashlib.sha256(card_text.encode())
    for name in sorted(weights):
        tensor = weights[name].detach().cpu().contiguous()
        digest.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def check_shapes(expected: Mapping[str, torch.Tensor], weights: Mapping[str, torch.Tensor], path: str | Path) -> None:
    """Raises InputError where names or shapes of ``weights`` are not those ``expected``, both tensors by name."""
    missing, unexpected = sorted(expected.keys() - weights.keys()), sorted(weights.keys() - expected.keys())
    if missing or unexpected:
        what = f"lacks {missing[0]}" if missing else f"has an unknown tensor {unexpected[0]}"
        raise InputError(path, f"the weights do not fit the architecture on the card ({what})", "fetch the model again")
    for name, tensor in expected.items():
        if tensor.shape != weights[name].shape:
            have, want = tuple(weights[name].shape), tuple(tensor.shape)
            raise InputError(path, f"{name} has shape {have} instead of {want}", "the file does not fit its card")


def check_finite(weights: Mapping[str, torch.Tensor], path: str | Path) -> None:
    """Raises InputError where a tensor holds NaN or infinite values."""
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise InputError(
                path, f"{name} holds NaN or infinite weights", "the model cannot be used, train or fetch it again"
            )
