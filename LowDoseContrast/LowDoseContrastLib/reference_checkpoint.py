"""Checkpoints of the published pix2pix code (junyanz/pytorch-CycleGAN-and-pix2pix), in and out.

Such a checkpoint is ``latest_net_G.pth``, the bare state_dict of a generator. What network it belongs
to is not in it, but follows from the names and shapes of its tensors.
"""

from __future__ import annotations

import dataclasses
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .atomic import atomic_output
from .card import RUNNING, Architecture, ModelCard
from .errors import InputError, brief
from .intensity import IntensityScale
from .model import check_finite, check_shapes, read_weights
from .quiet import quietly

if TYPE_CHECKING:
    import torch

    from .generator import UNetGenerator

_SAFE_TORCH = (2, 6)  # below it, weights_only could be circumvented (CVE-2025-32434)
_WRAPPERS = ("module", "_orig_mod")  # parts of names that parallel training and torch.compile put in
_RUNNING_STATISTICS = (".running_mean", ".running_var", ".num_batches_tracked")
IMAGE_LIMIT = (
    "Its batch norms use the statistics of each image, as the published test.py does: a pixel depends on the whole "
    "image, and in tiles on its tile, so use mode whole."
)
RUNNING_LIMIT = (
    "Its batch norms use the running statistics of the training; the published test.py uses those of each image and "
    "gives another result."
)
DROPOUT_LIMIT = "Dropout leaves no trace in a checkpoint: it is off here, on in the published test.py without --eval."
GREY_LIMIT = "Folded from a colour network: its output is the mean of three channels, taken before the tanh."
SCALE_LIMIT = "Imported: the intensity scale is what the importer stated, the training data are unknown."


def read_checkpoint(path: str | Path) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint file by name, as the reference code names them.

    Accepts ``.pth`` (loaded with ``weights_only``) and ``.safetensors``; what parallel training (``module.``)
    and torch.compile (``_orig_mod.``) put into names is dropped, and so are the running statistics that
    instance norms had before torch 0.4 and did not use.

    Raises:
        InputError: missing, damaged, something else than tensors by name, or torch older than 2.6.
    """
    import torch

    path = Path(path)
    if not path.is_file():
        raise InputError(path, "there is no such checkpoint")
    if path.suffix == ".safetensors":
        found = read_weights(path)
    else:
        if tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2]) < _SAFE_TORCH:
            raise InputError(
                path,
                f"reading a checkpoint safely needs torch 2.6 or newer, this is {torch.__version__}",
                "update torch",
            )
        try:
            with quietly():
                found = torch.load(path, map_location="cpu", weights_only=True)
        except (
            RuntimeError,
            OSError,
            EOFError,
            ValueError,
            KeyError,
            pickle.UnpicklingError,
            zipfile.BadZipFile,
        ) as error:
            raise InputError(
                path, f"is no checkpoint of weights alone ({brief(error)})", "name a *_net_G.pth"
            ) from error
    if not isinstance(found, dict) or not found or not all(isinstance(v, torch.Tensor) for v in found.values()):
        raise InputError(path, "holds something else than weights by name", "name a *_net_G.pth")
    plain = {_plain(name): tensor for name, tensor in found.items()}
    if len(plain) < len(found):
        raise InputError(path, "holds two networks, one of them wrapped", "save the generator alone")
    return {name: tensor for name, tensor in plain.items() if not _norm_of(name) or f"{_norm_of(name)}.weight" in plain}


def _plain(name: str) -> str:
    return ".".join(part for part in str(name).split(".") if part not in _WRAPPERS)


def _norm_of(name: str) -> str:
    """The norm whose running statistic a tensor is, or nothing."""
    end = next((end for end in _RUNNING_STATISTICS if name.endswith(end)), None)
    return name.removesuffix(end) if end else ""


def architecture_of(weights: Mapping[str, torch.Tensor], source: str | Path) -> Architecture:
    """The :class:`LowDoseContrastLib.card.Architecture` of a generator's tensors.

    Depth from the nesting of names, filters and channels from shapes, the norm from which tensors there
    are: batch norm has running statistics, instance norm leaves a bias to the convolutions, none neither.
    Dropout leaves no trace and is switched off outside of training, so it is taken as off.

    Raises:
        InputError: these are not the tensors of a U-Net generator that this library builds.
    """
    first, last = weights.get("model.model.0.weight"), weights.get("model.model.3.weight")
    if first is None or last is None or first.ndim != 4 or last.ndim != 4:
        raise InputError(
            source,
            "holds no U-Net generator of the reference code (no model.model.0 and .3)",
            "name a *_net_G.pth of a unet_128 or unet_256",
        )
    from .choices import DOWNSAMPLINGS

    downs, prefix = 1, "model.model.1.model."
    while f"{prefix}1.weight" in weights:
        downs, prefix = downs + 1, prefix + "3.model."
    name = next((name for name, depth in DOWNSAMPLINGS.items() if depth == downs), None)
    if name is None:
        raise InputError(
            source,
            f"is a U-Net of {downs} down-samplings",
            f"those of {', '.join(f'{d} ({n})' for n, d in DOWNSAMPLINGS.items())} can be used",
        )
    if any(key.endswith("running_mean") for key in weights):
        norm = "batch"
    else:
        norm = "instance" if "model.model.0.bias" in weights else "none"
    return Architecture(name, int(first.shape[1]), int(last.shape[1]), int(first.shape[0]), norm, dropout=False)


def folded_to_grey(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors of a colour generator as those of a grey one.

    A grey image in all channels is what the first convolution then sees, so its weights are summed
    over the input channels, exactly. The outputs are averaged before the tanh, not after it.
    """
    grey = dict(weights)
    grey["model.model.0.weight"] = weights["model.model.0.weight"].sum(dim=1, keepdim=True)
    grey["model.model.3.weight"] = weights["model.model.3.weight"].mean(dim=1, keepdim=True)
    grey["model.model.3.bias"] = weights["model.model.3.bias"].mean(dim=0, keepdim=True)
    return grey


def read_generator(path: str | Path, norm_statistics: str = RUNNING) -> tuple[UNetGenerator, bool]:
    """The generator in a checkpoint of the reference code, one grey channel in and out.

    ``norm_statistics`` is what its batch norms shall use, if it has any: ``image`` or ``running``.

    Returns:
        (:class:`LowDoseContrastLib.generator.UNetGenerator` in eval mode without dropout, whether it was folded
        from a colour one).

    Raises:
        InputError: as :func:`read_checkpoint` and :func:`architecture_of`; or weights that do not fit or are not
            finite.
    """
    from .generator import UNetGenerator

    weights = read_checkpoint(path)
    architecture = architecture_of(weights, path)
    colour = (architecture.in_channels, architecture.out_channels) != (1, 1)
    if colour:
        weights = folded_to_grey(weights)
        architecture = dataclasses.replace(architecture, in_channels=1, out_channels=1)
    if architecture.norm == "batch":
        architecture = dataclasses.replace(architecture, norm_statistics=norm_statistics)
    generator = UNetGenerator(**dataclasses.asdict(architecture))
    # The counts of batches, which nothing needs, are missing before torch 0.4.1, and some tools give them a dimension.
    expected = generator.state_dict()
    counts = {name: tensor for name, tensor in expected.items() if name.endswith(_RUNNING_STATISTICS[-1])}
    weights = {**counts, **weights}
    weights |= {name: weights[name].reshape(()) for name in counts if weights[name].numel() == 1}
    check_shapes(expected, weights, path)
    check_finite(weights, path)
    generator.load_state_dict(weights)
    return generator.eval(), colour


def import_checkpoint(
    path: str | Path, name: str, low: float, high: float, norm_statistics: str = "image"
) -> tuple[UNetGenerator, ModelCard]:
    """A generator and its card from a checkpoint of the reference code.

    Args:
        name: of the model.
        low, high: the pixel values that were black and white (-1 and 1) in its training images.
        norm_statistics: of batch norms: ``image``, as the published ``test.py`` has it, or ``running``, as it
            has it with ``--eval``.

    Returns:
        (:class:`LowDoseContrastLib.generator.UNetGenerator` in eval mode, :class:`LowDoseContrastLib.card.ModelCard`).

    Raises:
        InputError: as :func:`read_generator`, or a scale that is none.
    """
    generator, folded = read_generator(path, norm_statistics)
    try:
        scale = IntensityScale("linear", float(low), float(high))
    except ValueError as error:
        raise InputError(path, str(error)) from error
    architecture = Architecture(
        generator.architecture,
        ngf=generator.ngf,
        norm=generator.norm,
        dropout=False,
        norm_statistics=generator.norm_statistics,
    )
    limits = [SCALE_LIMIT, DROPOUT_LIMIT, GREY_LIMIT] if folded else [SCALE_LIMIT, DROPOUT_LIMIT]
    if generator.norm == "batch":
        limits.append(IMAGE_LIMIT if norm_statistics == "image" else RUNNING_LIMIT)
    description = "Imported from a checkpoint of the published pix2pix code."
    return generator, ModelCard(
        name,
        architecture=architecture,
        intensity=scale,
        limits=tuple(limits),
        description=description,
        licence="unknown",
    )


def export_checkpoint(path: str | Path, generator: UNetGenerator, overwrite: bool = False) -> Path:
    """Writes a generator as a checkpoint that the reference code loads (``--netG`` and sizes must be named there).

    Raises:
        InputError: the path cannot be written.
    """
    import torch

    weights = {name: tensor.detach().cpu().clone() for name, tensor in generator.state_dict().items()}
    # Into a stream: given a path, torch does not say that the disk is full.
    with atomic_output(path, overwrite) as temporary, open(temporary, "wb") as stream:
        torch.save(weights, stream)
    return Path(path)
