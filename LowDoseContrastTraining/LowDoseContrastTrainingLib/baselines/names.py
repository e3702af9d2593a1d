"""The registry of baselines: a name and where its class is, in the order of the table.

The names can be read without importing torch or scikit-image; a class is imported when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from LowDoseContrastLib.errors import InputError

if TYPE_CHECKING:
    from .base import Baseline

BASELINES = {
    "identity": ".intensity:Identity",
    "gain": ".intensity:Gain",
    "affine": ".intensity:Affine",
    "histogram": ".intensity:HistogramMatching",
    "gamma": ".intensity:Gamma",
    "clahe": ".contrast:Clahe",
    "unsharp": ".contrast:UnsharpMask",
    "wavelet": ".contrast:WaveletEnhancement",
    "anscombe-nlm": ".denoising:AnscombeNonLocalMeans",
    "anscombe-wavelet": ".denoising:AnscombeWavelet",
    "weighted-restoration": ".denoising:WeightedRestoration",
    "unet-l1": ".unet:UNetL1",
}


def chosen_names(text: str) -> list[str]:
    """Return what ``all`` or a list with commas names, the gain always among them, in the order of the table.

    Raises:
        InputError: an unknown name.
    """
    names = set(BASELINES) if text == "all" else {name.strip() for name in text.split(",") if name.strip()} | {"gain"}
    unknown = sorted(names - set(BASELINES))
    if unknown:
        raise InputError("", f"{{baselines}}: there is no '{unknown[0]}'", f"choose all or from {', '.join(BASELINES)}")
    return [name for name in BASELINES if name in names]


def baseline_class(name: str) -> type[Baseline]:
    """Return the class of a baseline."""
    module, _, kind = BASELINES[name].partition(":")
    return getattr(import_module(module, __package__), kind)


def chosen_baselines(text: str) -> list[type[Baseline]]:
    """Return the classes of :func:`chosen_names`."""
    return [baseline_class(name) for name in chosen_names(text)]
