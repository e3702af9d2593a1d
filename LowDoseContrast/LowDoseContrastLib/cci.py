"""The Carneiro Contrast Index (CCI) and what must be read beside it.

No public text fixes the normalisation, the border or the degrees of freedom, so this file states
the project's own definition, ``CCI-8F``, and offers the plausible variants. A higher CCI is not
a better image: gain and noise raise it. Closer to the true high dose is better.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError
from .mask import Breast, extent
from .settings import check, setting

if TYPE_CHECKING:
    from .mammogram import Mammogram

SCALE_NAMES = ("full", "12bit", "14bit", "window:LO,HI", "minmax", "percentile", "log")
_ROWS = 64  # rows worked on at a time, so that a stripe stays in the cache
_NEIGHBOURS = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1) if (dy, dx) != (0, 0)]


@dataclass(frozen=True)
class CciVariant:
    """Which CCI.

    Attributes:
        scale: ``full`` (0 to 2^bits - 1), ``12bit``, ``14bit``, ``window:LO,HI``, ``minmax``,
            ``percentile`` (0.5 to 99.5 of the breast) or ``log`` (log(1 + I) of the full scale).
        levels: 255 or 4095, the top of the normalised image.
        ddof: 0 population, 1 sample standard deviation.
        mask: ``breast`` (windows wholly inside its tissue, without the edge of the skin) or ``none``.
        border: ``reflect`` or ``valid`` (windows wholly inside the image).

    Raises:
        InputError: a value that is not one of these.
    """

    scale: str = setting("full", f"what becomes 0 and the top level: {', '.join(SCALE_NAMES)}")
    levels: int = setting(255, "the top level", choices=(255, 4095))
    ddof: int = setting(0, "0 population, 1 sample standard deviation", choices=(0, 1))
    mask: str = setting("breast", "where windows may lie", choices=("breast", "none"))
    border: str = setting("valid", "windows at the border of the image", choices=("reflect", "valid"))

    def __post_init__(self) -> None:
        check(self)
        if self.scale.startswith("window:"):
            self._window()
        elif self.scale not in SCALE_NAMES:
            raise InputError("", f"{{scale}} must be one of {', '.join(SCALE_NAMES)}, it is {self.scale!r}")

    def _window(self) -> tuple[float, float]:
        try:
            low, high = (float(part) for part in self.scale.removeprefix("window:").split(","))
        except ValueError:
            low = high = 0.0
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise InputError(
                "", f"{{scale}} must be window:LO,HI with LO below HI, such as window:0,4095, it is {self.scale!r}"
            )
        return low, high

    def limits(self, image: np.ndarray, mask: np.ndarray, full_scale: float) -> tuple[float, float]:
        """The pixel values (low, high) that become 0 and ``levels``."""
        if self.scale in ("full", "log"):
            return 0.0, full_scale
        if self.scale in ("12bit", "14bit"):
            return 0.0, float(2 ** int(self.scale[:2]) - 1)
        if self.scale.startswith("window:"):
            return self._window()
        values = image[mask]
        if self.scale == "minmax":
            return float(values.min()), float(values.max())
        low, high = np.percentile(values, (0.5, 99.5))
        return float(low), float(high)

    def normalise(self, image: np.ndarray, low: float, high: float) -> np.ndarray:
        """``image`` on the scale 0 to ``levels``, float64, clipped at ``low`` and ``high``."""
        x = np.clip(image, low, high)
        if self.scale == "log":
            return np.log1p(x) * (self.levels / np.log1p(high))
        return (x - low) * (self.levels / (high - low) if high > low else 1.0)


@dataclass(frozen=True)
class CciResult:
    """The index of one image.

    Attributes:
        cci: mean local standard deviation, on the scale 0 to ``variant.levels``.
        cci_norm: mean of local standard deviation over local mean of the raw pixel values (no scale).
        variant: the :class:`CciVariant`.
        low, high: pixel values that became 0 and ``levels``.
        pixels: number of windows averaged.
    """

    cci: float
    cci_norm: float
    variant: CciVariant
    low: float
    high: float
    pixels: int

    def to_dict(self) -> dict[str, Any]:
        """Flat and JSON-able, with the keys of the command line."""
        return {
            "cci": self.cci,
            "cci_norm": self.cci_norm,
            **asdict(self.variant),
            "low": self.low,
            "high": self.high,
            "windows": self.pixels,
        }


def local_moments(image: np.ndarray, ddof: int = 0, border: str = "reflect") -> tuple[np.ndarray, np.ndarray]:
    """Standard deviation and mean of the 3x3 neighbourhood of each pixel.

    ``image``: (rows, columns), any real type. Returns two float64 arrays of that shape. ``border``
    ``reflect`` mirrors at the edge of the pixel (scipy's ``reflect``); ``valid`` leaves NaN in the
    outermost frame. Differences to the centre pixel are summed, so the result is exact for flat
    regions and keeps full precision on a high background.

    Raises:
        InputError: the image is smaller than 3x3 for ``valid``.
    """
    image = np.asarray(image)
    _check_border(image, border)
    deviation, mean = np.empty(image.shape), np.empty(image.shape)

    def fill(rows: slice) -> None:
        deviation[rows], mean[rows] = _stripe_moments(image, rows, ddof)

    _for_each_stripe(image, fill)
    if border == "valid":
        for result in (deviation, mean):
            result[~_inner_frame(image.shape)] = np.nan
    return deviation, mean


def _check_border(image: np.ndarray, border: str) -> None:
    if border == "valid" and min(image.shape) < 3:
        raise InputError(
            "", f"an image of {image.shape[1]}x{image.shape[0]} pixels has no 3x3 window inside", "use {border} reflect"
        )


def _for_each_stripe(image: np.ndarray, work: Callable[[slice], Any]) -> list[Any]:
    """``work`` on every stripe of rows, in threads: numpy lets go of the interpreter inside its loops."""
    stripes = [slice(start, min(start + _ROWS, image.shape[0])) for start in range(0, image.shape[0], _ROWS)]
    with ThreadPoolExecutor() as pool:
        return list(pool.map(work, stripes))


def _inner_frame(shape: tuple[int, int]) -> np.ndarray:
    inner = np.zeros(shape, dtype=bool)
    inner[1:-1, 1:-1] = True
    return inner


def _stripe_moments(
    image: np.ndarray, rows: slice, ddof: int, change: Callable[[np.ndarray], np.ndarray] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(deviation, mean) of the rows ``rows`` of ``image``, after ``change`` of its float64 values."""
    above, below = max(rows.start - 1, 0), min(rows.stop + 1, image.shape[0])
    stripe = image[above:below].astype(np.float64)
    stripe = stripe if change is None else change(stripe)
    missing = (above - (rows.start - 1), rows.stop + 1 - below)
    padded = np.pad(stripe, (missing, (1, 1)), mode="symmetric")
    centre = padded[1:-1, 1:-1]
    count, columns = centre.shape
    first, second, difference = np.zeros_like(centre), np.zeros_like(centre), np.empty_like(centre)
    for dy, dx in _NEIGHBOURS:
        np.subtract(padded[1 + dy : 1 + dy + count, 1 + dx : 1 + dx + columns], centre, out=difference)
        first += difference
        difference *= difference
        second += difference
    mean = first / 9
    first *= mean
    second -= first
    np.maximum(second, 0, out=second)
    second /= 9 - ddof
    mean += centre
    return np.sqrt(second, out=second), mean


def windows_inside(mask: np.ndarray) -> np.ndarray:
    """Where the whole 3x3 window lies inside ``mask`` (outside of the image counts as inside)."""
    grown = np.pad(mask, 1, constant_values=True)
    rows = grown[:-2] & grown[1:-1] & grown[2:]
    return rows[:, :-2] & rows[:, 1:-1] & rows[:, 2:]


def cci(
    image: np.ndarray,
    full_scale: float,
    variant: CciVariant = CciVariant(),
    mask: np.ndarray | None = None,
    sign: int | None = None,
    out: np.ndarray | None = None,
) -> CciResult:
    """The CCI of one image.

    Args:
        image: (rows, columns) pixel values.
        full_scale: highest value of the image's type (``Mammogram.full_scale``).
        variant: :class:`CciVariant`.
        mask: bool (rows, columns), where to average if the variant asks for the breast; found if None.
        sign: of the air, for finding the mask.
        out: float (rows, columns), filled with the local standard deviations, NaN where there is no window.

    Returns:
        :class:`CciResult`.

    Raises:
        InputError: no window lies inside the mask.

    >>> board = np.tile([[0, 100], [100, 0]], (8, 8))
    >>> found = cci(board, 255, CciVariant(mask="none"))
    >>> round(found.cci, 2), found.pixels  # 9 pixels, 4 or 5 of them bright
    (49.69, 196)
    >>> cci(3 * board, 765, CciVariant(mask="none")).cci_norm == found.cci_norm  # a gain does not change it
    True
    """
    image = np.asarray(image)
    _check_border(image, variant.border)
    if variant.mask == "none":
        mask = np.ones(image.shape, dtype=bool)
    elif mask is None:
        mask = Breast(image, sign).tissue
    inside = windows_inside(mask)
    if variant.border == "valid":
        inside &= _inner_frame(image.shape)
    count = int(np.count_nonzero(inside))
    if count == 0:
        raise InputError("", "no 3x3 window lies wholly inside the breast", "measure the whole image ({mask} none)")
    low, high = variant.limits(image, mask, full_scale)
    if out is None:
        region = extent(inside, margin=1)
        image, inside = image[region], inside[region]
    # Where nothing is clipped, normalising is a factor and the work need not be done twice.
    is_factor = variant.scale != "log" and low <= image.min() and image.max() <= high
    factor = variant.levels / (high - low) if high > low else 1.0

    def tally(rows: slice) -> tuple[float, float]:
        raw_deviation, raw_mean = _stripe_moments(image, rows, variant.ddof)
        if is_factor:
            deviation = raw_deviation * factor
        else:
            deviation, _ = _stripe_moments(image, rows, variant.ddof, lambda x: variant.normalise(x, low, high))
        if out is not None:
            out[rows] = deviation
        chosen = inside[rows]
        mean = np.abs(raw_mean[chosen])
        relative = np.divide(raw_deviation[chosen], mean, out=np.zeros_like(mean), where=mean > 0)
        return deviation[chosen].sum(), relative.sum()

    sums = np.sum(_for_each_stripe(image, tally), axis=0)
    if out is not None and variant.border == "valid":
        out[~_inner_frame(image.shape)] = np.nan
    return CciResult(float(sums[0]) / count, float(sums[1]) / count, variant, low, high, count)


def measure(mammogram: Mammogram, variant: CciVariant = CciVariant()) -> tuple[dict[str, Any], np.ndarray]:
    """The CCI of a mammogram, averaged over its slices.

    Returns (dictionary with the keys of ``lowdosecontrast cci``, maps): the maps are float32
    (slices, rows, columns), 0 where there is no window. Errors as :func:`cci`.
    """
    maps = np.empty(mammogram.pixels.shape, dtype=np.float32)
    found = [
        cci(image, mammogram.full_scale, variant, None if variant.mask == "none" else breast.tissue, out=out)
        for image, breast, out in zip(mammogram.pixels, mammogram.breasts, maps, strict=True)
    ]
    result = found[0].to_dict()
    for key in ("cci", "cci_norm"):
        result[key] = float(np.mean([getattr(r, key) for r in found]))
    result["windows"] = sum(r.pixels for r in found)
    result["slices"] = [r.cci for r in found]
    return result, np.nan_to_num(maps, copy=False)
