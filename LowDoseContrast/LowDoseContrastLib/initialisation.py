"""The four weight initialisations of the pix2pix reference implementation."""

from __future__ import annotations

from torch import nn
from torch.nn import init

from .choices import INITIALISATIONS


def initialise(network: nn.Module, kind: str = "normal", gain: float = 0.02) -> None:
    """Initialises every convolution and batch norm of ``network`` in place and returns it.

    Convolution weights: ``normal`` N(0, gain); ``xavier`` Glorot normal scaled by ``gain``;
    ``kaiming`` He normal over fan-in; ``orthogonal`` scaled by ``gain``. Biases 0. Batch norm
    weights N(1, gain), biases 0. Source: junyanz/pytorch-CycleGAN-and-pix2pix.

    Raises:
        ValueError: ``kind`` is none of :data:`INITIALISATIONS`.
    """
    fill = {
        "normal": lambda weight: init.normal_(weight, 0.0, gain),
        "xavier": lambda weight: init.xavier_normal_(weight, gain=gain),
        "kaiming": lambda weight: init.kaiming_normal_(weight, a=0, mode="fan_in"),
        "orthogonal": lambda weight: init.orthogonal_(weight, gain=gain),
    }.get(kind)
    if fill is None:
        raise ValueError(f"unknown initialisation '{kind}': choose one of {', '.join(INITIALISATIONS)}")
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
            fill(layer.weight.data)
            if layer.bias is not None:
                init.zeros_(layer.bias.data)
        elif isinstance(layer, nn.BatchNorm2d):
            init.normal_(layer.weight.data, 1.0, gain)
            init.zeros_(layer.bias.data)
    return network
