"""Fitting the noise of a detector to the spectra of many small blocks of its images.

The periodogram of a block is, at each frequency, exponentially distributed around the spectrum; the
likelihood of Whittle (1953, Ark. Mat. 2:423), sum of log S + P/S, therefore finds what the spectra

    S = A T(f) + xi_q m / r C(f) + (xi_e / r)^2 + xi_s^2 m^2 + 1/12

depend on: C is the quantum noise's colour, 1/12 the rounding to whole pixel values, T the texture's
shape f^-beta MTF^2 and A its amplitude, which each block has of its own (none in a flat field).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from ..measurement.noise_power import blocks_of, periodograms, radial_frequency

_ROUNDING = 1 / 12
_AT_ONCE = 1024  # blocks in memory
_REGIONS = 4  # the field is cut into so many times so many regions for the standard errors
_BOUNDS = {"xi_q": (1e-6, 1e3), "xi_e": (1e-3, 1e3), "xi_s": (1e-6, 0.1), "heel_fall": (-0.9, 0.9), "noise_f2": (0.5, 3000.0)}


@dataclass(frozen=True)
class BlockSpectra:
    """Spectra of blocks, averaged over rings of frequency.

    Attributes:
        power: (blocks, rings) in units of pixel_mm^2: white noise of variance v has v everywhere.
        counts: (rings,) points of the FFT grid in a ring.
        frequency: (rings,) lp/mm.
        mean, square: (blocks,) mean of the pixel values and of their squares, as the window weighs them.
        place: (blocks,) along the columns, 0 at the chest wall (or left) to 1.
        region: (blocks,) number of the part of the field that it lies in.
        grid: (side, side) lp/mm of the FFT grid.
    """

    power: np.ndarray
    counts: np.ndarray
    frequency: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    place: np.ndarray
    region: np.ndarray
    grid: np.ndarray

    def chosen(self, which) -> BlockSpectra:
        """Return the blocks that ``which`` (bool or indices) picks."""
        return dataclasses.replace(self, **{name: getattr(self, name)[which] for name in _PER_BLOCK})

    def above(self, frequency: float) -> BlockSpectra:
        """Return the rings from ``frequency`` in lp/mm on."""
        kept = self.frequency >= frequency
        return dataclasses.replace(self, power=self.power[:, kept], counts=self.counts[kept], frequency=self.frequency[kept])

    def band(self, low: float, high: float) -> np.ndarray:
        """Return each block's mean power between two frequencies in lp/mm."""
        kept = (self.frequency >= low) & (self.frequency < high)
        return self.power[:, kept] @ self.counts[kept] / self.counts[kept].sum()


_PER_BLOCK = ("power", "mean", "square", "place", "region")


def joined(several: list[BlockSpectra]) -> BlockSpectra:
    """Return the blocks of several images of one detector as one."""
    return dataclasses.replace(several[0], **{name: np.concatenate([getattr(each, name) for each in several]) for name in _PER_BLOCK})


def block_spectra(image: np.ndarray, pixel_mm: float, side: int, mask=None, step=None, chest_wall: str = "left") -> BlockSpectra:
    """Return the spectra of the blocks of ``side`` pixels that lie wholly inside ``mask``.

    Args:
        image: (rows, columns) pixel values.
        step: pixels from block to block, ``side`` if None.
    """
    rows, columns = image.shape
    blocks = blocks_of(image, side, mask, step)
    parts = np.array_split(blocks, max(1, len(blocks) // _AT_ONCE))
    rings = [_in_rings(periodograms(part, pixel_mm) / pixel_mm**2) for part in parts]
    window = np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 4
    weights = np.outer(window, window).astype(np.float32) / np.float32(window.sum() ** 2)
    place, down = _places(image.shape, side, mask, step)
    region = np.minimum(_REGIONS * place, _REGIONS - 1).astype(int) * _REGIONS + np.minimum(_REGIONS * down, _REGIONS - 1).astype(int)
    grid = radial_frequency(side, pixel_mm)
    which = _ring_of(grid)
    counts = np.bincount(which.ravel())
    return BlockSpectra(
        power=np.concatenate(rings),
        counts=counts,
        frequency=np.bincount(which.ravel(), grid.ravel()) / counts,
        mean=np.concatenate([np.einsum("bij,ij->b", part, weights, dtype=np.float64) for part in parts]),
        square=np.concatenate([np.einsum("bij,ij->b", np.square(part, dtype=np.float32), weights, dtype=np.float64) for part in parts]),
        place=place if chest_wall == "left" else 1 - place,
        region=region,
        grid=grid,
    )


def _ring_of(grid):
    """Which ring each point of the FFT grid lies in; rings are one step of the grid wide."""
    return np.rint(grid / grid[0, 1]).astype(int)


def _in_rings(power):
    side = power.shape[-1]
    which = _ring_of(radial_frequency(side, 1.0)).ravel()
    chooser = np.zeros((side * side, which.max() + 1))
    chooser[np.arange(side * side), which] = 1
    return power.reshape(len(power), -1) @ (chooser / chooser.sum(axis=0))


def _places(shape, side, mask, step):
    """Where the blocks lie along the columns and along the rows, in [0, 1]."""
    places = []
    for axis in (1, 0):
        line = np.linspace(0, 1, shape[axis], dtype=np.float32)
        field = np.broadcast_to(line if axis else line[:, None], shape)
        places.append(blocks_of(field, side, mask, step).mean(axis=(1, 2), dtype=np.float64))
    return places


def noise_spectrum(spectra: BlockSpectra, values: dict) -> np.ndarray:
    """Return the spectrum of the noise that ``values`` (of a NoiseModel) predict: (blocks, rings)."""
    ramp = (1 - values["heel_fall"] * spectra.place) / (1 - values["heel_fall"] / 2)
    mean = spectra.mean - values["offset"]
    square = spectra.square - 2 * values["offset"] * spectra.mean + values["offset"] ** 2
    white = (values["xi_e"] / ramp) ** 2 + values["xi_s"] ** 2 * square + _ROUNDING
    quantum = values["xi_q"] * np.clip(mean, 0, None) / ramp
    return quantum[:, None] * _colour(spectra, values["noise_f2"]) + white[:, None]


def _colour(spectra, noise_f2):
    """The quantum noise's power over the rings; its mean over the FFT grid is 1."""
    return (1 + spectra.frequency**2 / noise_f2) ** -2 / np.mean((1 + spectra.grid**2 / noise_f2) ** -2)


@dataclass(frozen=True)
class Texture:
    """What lies under the noise: power ~ f^-beta MTF^2, MTF = 1 / (1 + f^2/mtf_f2), mtf_f2 in (lp/mm)^2."""

    beta: float
    mtf_f2: float

    def shape(self, frequency: np.ndarray) -> np.ndarray:
        return frequency**-self.beta / (1 + frequency**2 / self.mtf_f2) ** 2


def spectrum(spectra: BlockSpectra, values: dict, texture: Texture | None) -> np.ndarray:
    """Return the predicted spectrum (blocks, rings): noise, and texture of each block's likeliest amplitude."""
    noise = noise_spectrum(spectra, values)
    if texture is None:
        return noise
    shape, excess = texture.shape(spectra.frequency), spectra.power - noise
    weights = spectra.counts / shape
    for _ in range(8):  # Fisher scoring, from weights of a spectrum that is all texture
        amplitude = np.clip((weights * excess).sum(axis=-1) / (weights * shape).sum(axis=-1), 0, None)
        total = noise + amplitude[:, None] * shape
        weights = spectra.counts * shape / total**2
    return total


def fitted(spectra: BlockSpectra, known: dict, texture: Texture | None = None) -> tuple[dict, dict]:
    """Return the likeliest values of a noise model, and the standard errors of those that were free.

    Args:
        known: values that stay; ``offset`` among them. The others of xi_q, xi_e, xi_s, heel_fall and
            noise_f2 are fitted. A negative ``heel_fall`` says that the exposure rises along the columns.

    The errors are those of neighbouring frequencies, overlapping blocks and places that differ by more
    than chance: the Fisher information is set against the scatter of the scores between regions of the
    field (the sandwich estimator: White 1982, Econometrica 50:1).
    """
    free = [name for name in _BOUNDS if name not in known]
    if not free:
        return dict(known), {}
    scales = np.array([_start(spectra)[name] for name in free])

    def values_of(x):
        return {**known, **dict(zip(free, (float(v) for v in x * scales)))}

    def loss(x):
        predicted = spectrum(spectra, values_of(x), texture)
        return (spectra.counts * (np.log(predicted) + spectra.power / predicted)).sum() / (spectra.counts.sum() * len(spectra.power))

    bounds = [(low / scale, high / scale) for (low, high), scale in zip((_BOUNDS[name] for name in free), scales)]
    # The loss per point is small and smooth: multiplied, so that the optimiser's tolerances mean something.
    found = optimize.minimize(lambda x: 1e4 * loss(x), np.ones(len(free)), method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-12, "maxiter": 500})
    errors = _errors(spectra, found.x, lambda x: np.log(spectrum(spectra, values_of(x), texture))) * scales
    return values_of(found.x), dict(zip(free, errors.tolist()))


def _start(spectra):
    """Values of the right size: half of the power at the higher frequencies is quantum noise."""
    power, mean = np.median(spectra.power.mean(axis=1)), np.median(spectra.mean)
    return {"xi_q": 0.5 * power / mean, "xi_e": np.sqrt(0.3 * power), "xi_s": np.sqrt(0.1 * power) / mean, "heel_fall": 0.2, "noise_f2": 10.0}


def _errors(spectra, x, log_spectrum):
    """Standard errors from the slopes of ``log_spectrum`` at ``x``."""
    steps = 1e-3 * np.maximum(np.abs(x), 0.1)
    slopes = [(log_spectrum(x + step) - log_spectrum(x - step)) / (2 * step.sum()) for step in np.diag(steps)]
    excess = spectra.power / np.exp(log_spectrum(x)) - 1
    fisher = np.array([[(spectra.counts * a * b).sum() for a in slopes] for b in slopes])
    scores = np.array([(spectra.counts * excess * slope).sum(axis=1) for slope in slopes])
    groups = np.array([[row[spectra.region == region].sum() for region in np.unique(spectra.region)] for row in scores])
    inverse = np.linalg.pinv(fisher)
    count = groups.shape[1]
    return np.sqrt(np.diag(inverse @ (groups @ groups.T) @ inverse) * count / max(1, count - 1))
