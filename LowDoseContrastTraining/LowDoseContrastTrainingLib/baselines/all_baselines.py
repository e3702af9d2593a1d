"""The baselines that any learned model must stand beside, by name.

Each is a frozen dataclass whose fields are its parameters, with ``fit(training)`` to choose them on a
:class:`.training_pairs.TrainingPairs` and ``apply(pixels)`` from low-dose to high-dose pixel values, float32
(rows, columns); but :class:`.unet.UNetL1` is trained. A second realisation of the high dose, the ceiling,
needs a simulation.
"""

from __future__ import annotations

from .contrast import Clahe, UnsharpMask, WaveletEnhancement
from .denoising import AnscombeNonLocalMeans, AnscombeWavelet, WeightedRestoration
from .intensity import Affine, Gain, Gamma, HistogramMatching, Identity
from .names import chosen_names
from .unet import UNetL1

FITTED_DENOISERS = (AnscombeNonLocalMeans, AnscombeWavelet, WeightedRestoration)
FITTED = {
    each.name: each for each in (Identity, Gain, Affine, HistogramMatching, Gamma, Clahe, UnsharpMask, WaveletEnhancement, *FITTED_DENOISERS)
}  # fmt: skip
BASELINES = {**FITTED, UNetL1.name: UNetL1}
DENOISERS = (*FITTED_DENOISERS, UNetL1)


def chosen_baselines(text: str) -> list:
    """Return the classes that ``all`` or a list with commas names, the gain always among them, in the order of the table.

    Raises:
        InputError: an unknown name.
    """
    return [BASELINES[name] for name in chosen_names(text)]
