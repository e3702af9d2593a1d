"""Fitting the noise of a detector to the spectra of many small blocks of its images.

At every frequency, the periodogram P of a block is exponentially distributed around the spectrum S. The
likelihood of Whittle (1953, Ark. Mat. 2:423), the sum of log S + P/S, therefore gives the parameters of

    S = A T(f) + xi_q m / r C(f) + (xi_e / r)^2 + xi_s^2 m^2 + 1/12

C is the colour of the quantum noise, 1/12 the rounding to whole pixel values, T the shape of the texture,
f^-beta MTF^2, and A its amplitude, which differs from block to block (0 in a flat field).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from ..measurement.noise_power import blocks_of, periodograms, radial_frequency

_ROUNDING = 1 / 12
_AT_ONCE = 1024  # blocks in memory
_REGIONS = 4  # along either side of the field, for the standard errors
_BOUNDS = {
    "xi_q": (1e-6, 1e3),
    "xi_e": (1e-3, 1e3),
    "xi_s": (1e-6, 0.1),
    "heel_fall": (-0.9, 0.9),
    "noise_f2": (0.5, 3000.0),
}


@dataclass(frozen=True)
class BlockSpectra:
    """Spectra of blocks, averaged over rings of frequency.

    Attributes:
        power: (blocks, rings) in units of pixel_mm^2: white noise of variance v has the power v.
        counts: (rings,) points of the FFT grid in a ring.
        frequency: (rings,) lp/mm.
        mean, square: (blocks,) mean of the pixel values and of their squares, weighted by the window.
        place: (blocks,) from the chest wall (or left), 0, to the other side, 1.
        region: (blocks,) number of the region of the field.
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

    def chosen(self, which: np.ndarray) -> BlockSpectra:
        """Return the blocks that ``which`` (bool or indices) selects."""
        return dataclasses.replace(self, **{name: getattr(self, name)[which] for name in _PER_BLOCK})

    def above(self, frequency: float) -> BlockSpectra:
        """Return the rings from ``frequency`` in lp/mm upwards."""
        kept = self.frequency >= frequency
        rings = {"power": self.power[:, kept], "counts": self.counts[kept], "frequency": self.frequency[kept]}
        return dataclasses.replace(self, **rings)

    def band(self, low: float, high: float) -> np.ndarray:
        """Return the mean power of the blocks between two frequencies in lp/mm."""
        kept = (self.frequency >= low) & (self.frequency < high)
        return self.power[:, kept] @ self.counts[kept] / self.counts[kept].sum()


_PER_BLOCK = ("power", "mean", "square", "place", "region")


def joined_spectra(several: Sequence[BlockSpectra]) -> BlockSpectra:
    """Return the blocks of several images of a detector together."""
    blocks = {name: np.concatenate([getattr(each, name) for each in several]) for name in _PER_BLOCK}
    return dataclasses.replace(several[0], **blocks)


def block_spectra(
    image: np.ndarray,
    pixel_mm: float,
    side: int,
    mask: np.ndarray | None = None,
    step: int | None = None,
    chest_wall: str = "left",
) -> BlockSpectra:
    """Return the spectra of the blocks of ``side`` pixels that lie inside ``mask``.

    Args:
        image: (rows, columns) pixel values.
        step: pixels from block to block; None means ``side``.
    """
    blocks = blocks_of(image, side, mask, step)
    parts = np.array_split(blocks, max(1, len(blocks) // _AT_ONCE))
    rings = [_in_rings(periodograms(part, pixel_mm) / pixel_mm**2) for part in parts]
    window = np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 4
    weights = np.outer(window, window).astype(np.float32) / np.float32(window.sum() ** 2)
    place, down = _places(image.shape, side, mask, step)
    across, along = (np.minimum(_REGIONS * at, _REGIONS - 1).astype(int) for at in (place, down))
    grid = radial_frequency(side, pixel_mm)
    which = _ring_of(grid)
    counts = np.bincount(which.ravel())
    squares = [np.square(part, dtype=np.float32) for part in parts]
    return BlockSpectra(
        power=np.concatenate(rings),
        counts=counts,
        frequency=np.bincount(which.ravel(), grid.ravel()) / counts,
        mean=_weighted(parts, weights),
        square=_weighted(squares, weights),
        place=place if chest_wall == "left" else 1 - place,
        region=across * _REGIONS + along,
        grid=grid,
    )


def _weighted(parts: Sequence[np.ndarray], weights: np.ndarray) -> np.ndarray:
    return np.concatenate([np.einsum("bij,ij->b", part, weights, dtype=np.float64) for part in parts])


def _ring_of(grid: np.ndarray) -> np.ndarray:
    """Return the ring of every point of the FFT grid; rings are a step of the grid wide."""
    return np.rint(grid / grid[0, 1]).astype(int)


def _in_rings(power: np.ndarray) -> np.ndarray:
    side = power.shape[-1]
    which = _ring_of(radial_frequency(side, 1.0)).ravel()
    chooser = np.zeros((side * side, which.max() + 1))
    chooser[np.arange(side * side), which] = 1
    return power.reshape(len(power), side * side) @ (chooser / chooser.sum(axis=0))


def _places(
    shape: tuple[int, ...], side: int, mask: np.ndarray | None, step: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return where the blocks are along the columns and along the rows, in [0, 1]."""
    places = []
    for axis in (1, 0):
        line = np.linspace(0, 1, shape[axis], dtype=np.float32)
        field = np.broadcast_to(line if axis else line[:, None], shape)
        places.append(blocks_of(field, side, mask, step).mean(axis=(1, 2), dtype=np.float64))
    return places[0], places[1]


def noise_spectrum(spectra: BlockSpectra, values: Mapping[str, float]) -> np.ndarray:
    """Return the spectrum of the noise for ``values`` of a noise model: (blocks, rings)."""
    ramp = (1 - values["heel_fall"] * spectra.place) / (1 - values["heel_fall"] / 2)
    mean = spectra.mean - values["offset"]
    square = spectra.square - 2 * values["offset"] * spectra.mean + values["offset"] ** 2
    white = (values["xi_e"] / ramp) ** 2 + values["xi_s"] ** 2 * square + _ROUNDING
    quantum = values["xi_q"] * np.clip(mean, 0, None) / ramp
    return quantum[:, None] * _colour(spectra, values["noise_f2"]) + white[:, None]


def _colour(spectra: BlockSpectra, noise_f2: float) -> np.ndarray:
    """Return the power of the quantum noise in the rings; its mean over the FFT grid is 1."""
    return (1 + spectra.frequency**2 / noise_f2) ** -2 / np.mean((1 + spectra.grid**2 / noise_f2) ** -2)


@dataclass(frozen=True)
class Texture:
    """The tissue under the noise: power ~ f^-beta MTF^2, MTF = 1 / (1 + f^2/mtf_f2), mtf_f2 in (lp/mm)^2."""

    beta: float
    mtf_f2: float

    def shape(self, frequency: np.ndarray) -> np.ndarray:
        """Return the relative power at frequencies in lp/mm."""
        return frequency**-self.beta / (1 + frequency**2 / self.mtf_f2) ** 2


def predicted(spectra: BlockSpectra, values: Mapping[str, float], texture: Texture | None) -> np.ndarray:
    """Return the predicted spectrum (blocks, rings): noise, and texture of the most likely amplitudes."""
    noise = noise_spectrum(spectra, values)
    if texture is None:
        return noise
    shape, excess = texture.shape(spectra.frequency), spectra.power - noise
    weights = spectra.counts / shape
    for _ in range(8):  # Fisher scoring, starting as if there were texture only
        amplitude = np.clip((weights * excess).sum(axis=-1) / (weights * shape).sum(axis=-1), 0, None)
        total = noise + amplitude[:, None] * shape
        weights = spectra.counts * shape / total**2
    return total


def fitted_noise(
    spectra: BlockSpectra, known: Mapping[str, float], texture: Texture | None = None
) -> tuple[dict[str, float], dict[str, float]]:
    """Return the most likely values of a noise model, and the standard errors of those that were fitted.

    The errors allow for correlated frequencies, overlapping blocks and systematic differences over the
    field: the Fisher information is compared with the scatter of the scores between regions (sandwich
    estimator, White 1982, Econometrica 50:1).

    Args:
        known: values that are kept, including ``offset``. The others of xi_q, xi_e, xi_s, heel_fall and
            noise_f2 are fitted. With a negative ``heel_fall`` the exposure rises along the columns.
    """
    free = [name for name in _BOUNDS if name not in known]
    if not free:
        return dict(known), {}
    scales = np.array([_start(spectra)[name] for name in free])

    def values_of(x: np.ndarray) -> dict[str, float]:
        return {**known, **dict(zip(free, (x * scales).tolist(), strict=True))}

    def loss(x: np.ndarray) -> float:
        expected = predicted(spectra, values_of(x), texture)
        total = (spectra.counts * (np.log(expected) + spectra.power / expected)).sum()
        return total / (spectra.counts.sum() * len(spectra.power))

    limits = [_BOUNDS[name] for name in free]
    bounds = [(low / scale, high / scale) for (low, high), scale in zip(limits, scales, strict=True)]
    # The loss per point varies little; it is multiplied to suit the tolerances of the optimiser.
    options = {"ftol": 1e-12, "maxiter": 500}
    start = np.ones(len(free))
    found = optimize.minimize(lambda x: 1e4 * loss(x), start, method="L-BFGS-B", bounds=bounds, options=options)
    errors = _errors(spectra, found.x, lambda x: np.log(predicted(spectra, values_of(x), texture))) * scales
    return values_of(found.x), dict(zip(free, errors.tolist(), strict=True))


def _start(spectra: BlockSpectra) -> dict[str, float]:
    """Return values of the right magnitude, as if half of the power were quantum noise."""
    power, mean = np.median(spectra.power.mean(axis=1)), np.median(spectra.mean)
    xi_q, xi_e, xi_s = 0.5 * power / mean, np.sqrt(0.3 * power), np.sqrt(0.1 * power) / mean
    return {"xi_q": xi_q, "xi_e": xi_e, "xi_s": xi_s, "heel_fall": 0.2, "noise_f2": 10.0}


def _errors(spectra: BlockSpectra, x: np.ndarray, log_spectrum: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return standard errors from the slopes of ``log_spectrum`` at ``x``."""
    steps = 1e-3 * np.maximum(np.abs(x), 0.1)
    slopes = [(log_spectrum(x + step) - log_spectrum(x - step)) / (2 * step.sum()) for step in np.diag(steps)]
    excess = spectra.power / np.exp(log_spectrum(x)) - 1
    fisher = np.array([[(spectra.counts * a * b).sum() for a in slopes] for b in slopes])
    scores = np.array([(spectra.counts * excess * slope).sum(axis=1) for slope in slopes])
    inside = [spectra.region == region for region in np.unique(spectra.region)]
    groups = np.array([[row[where].sum() for where in inside] for row in scores])
    inverse = np.linalg.pinv(fisher)
    count = groups.shape[1]
    return np.sqrt(np.diag(inverse @ (groups @ groups.T) @ inverse) * count / max(1, count - 1))
