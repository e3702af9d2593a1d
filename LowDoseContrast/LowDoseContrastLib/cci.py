"""The Carneiro Contrast Index (CCI) and what must be read beside it.

No public text fixes the normalisation, the border or the degrees of freedom, so this file states
the project's own definition, ``CCI-8F``, and offers the plausible variants. A higher CCI is not
a better image: gain and noise raise it. Closer to the true high dose is better.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

import numpy as np

from .errors import InputError
from .mask import tissue_mask

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

    scale: str = "full"
    levels: int = 255
    ddof: int = 0
    mask: str = "breast"
    border: str = "valid"

    def __post_init__(self):
        choices = {"levels": (255, 4095), "ddof": (0, 1), "mask": ("breast", "none"), "border": ("reflect", "valid")}
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise InputError(f"CCI {name} is {getattr(self, name)}: choose one of {', '.join(map(str, allowed))}")
        if self.scale.startswith("window:"):
            self._window()
        elif self.scale not in SCALE_NAMES:
            raise InputError(f"CCI scale is {self.scale}: choose one of {', '.join(SCALE_NAMES)}")

    def _window(self):
        try:
            low, high = (float(part) for part in self.scale.removeprefix("window:").split(","))
        except ValueError:
            low = high = 0.0
        if not (np.isfinite(low) and np.isfinite(high) and low < high):
            raise InputError(f"CCI scale is {self.scale}: write window:LO,HI with LO below HI, such as window:0,4095")
        return low, high

    def limits(self, image, mask, full_scale):
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
        return tuple(float(v) for v in np.percentile(values, (0.5, 99.5)))

    def normalise(self, image, low, high):
        """``image`` on the scale 0 to ``levels``, float64, clipped at ``low`` and ``high``."""
        x = np.clip(image.astype(np.float64), low, high)
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

    def to_dict(self):
        """Flat and JSON-able, with the keys of the command line."""
        return {"cci": self.cci, "cci_norm": self.cci_norm, **asdict(self.variant), "low": self.low, "high": self.high, "windows": self.pixels}


def local_moments(image, ddof=0, border="reflect"):
    """Standard deviation and mean of the 3x3 neighbourhood of each pixel.

    ``image``: (rows, columns), any real type. Returns two float64 arrays of that shape. ``border``
    ``reflect`` mirrors at the edge of the pixel (scipy's ``reflect``); ``valid`` leaves NaN in the
    outermost frame. Differences to the centre pixel are summed, so the result is exact for flat
    regions and keeps full precision on a high background.

    Raises:
        InputError: the image is smaller than 3x3 for ``valid``.
    """
    image = np.asarray(image, dtype=np.float64)
    if border == "valid" and min(image.shape) < 3:
        raise InputError(f"an image of {image.shape[1]}x{image.shape[0]} pixels has no 3x3 window inside; use --border reflect")
    padded = np.pad(image, 1, mode="symmetric")
    deviation, mean = np.empty_like(image), np.empty_like(image)

    def fill(start):
        rows = slice(start, start + _ROWS)
        _stripe_moments(padded[start : start + _ROWS + 2], ddof, deviation[rows], mean[rows])

    # numpy lets go of the interpreter inside its loops, so threads help.
    with ThreadPoolExecutor() as pool:
        list(pool.map(fill, range(0, image.shape[0], _ROWS)))
    if border == "valid":
        for result in (deviation, mean):
            result[[0, -1], :] = np.nan
            result[:, [0, -1]] = np.nan
    return deviation, mean


def _stripe_moments(padded, ddof, deviation, mean):
    """Fills ``deviation`` and ``mean`` (rows, columns) from ``padded`` (rows + 2, columns + 2)."""
    rows, columns = mean.shape
    centre = padded[1:-1, 1:-1]
    first, second, difference = np.zeros_like(mean), np.zeros_like(mean), np.empty_like(mean)
    for dy, dx in _NEIGHBOURS:
        np.subtract(padded[1 + dy : 1 + dy + rows, 1 + dx : 1 + dx + columns], centre, out=difference)
        first += difference
        difference *= difference
        second += difference
    np.multiply(first, 1 / 9, out=mean)
    first *= mean
    second -= first
    np.maximum(second, 0, out=second)
    second /= 9 - ddof
    np.sqrt(second, out=deviation)
    mean += centre


def windows_inside(mask):
    """Where the whole 3x3 window lies inside ``mask`` (outside of the image counts as inside)."""
    grown = np.pad(mask, 1, constant_values=True)
    rows = grown[:-2] & grown[1:-1] & grown[2:]
    return rows[:, :-2] & rows[:, 1:-1] & rows[:, 2:]


def cci(image, full_scale, variant=CciVariant(), mask=None, sign=None):
    """The CCI of one image and its map.

    Args:
        image: (rows, columns) pixel values.
        full_scale: highest value of the image's type (``Mammogram.full_scale``).
        variant: :class:`CciVariant`.
        mask: bool (rows, columns), where to average if the variant asks for the breast; found if None.
        sign: of the air, for finding the mask.

    Returns:
        (:class:`CciResult`, map): the map holds the local standard deviations, float64
        (rows, columns), NaN where there is no window.

    Raises:
        InputError: no window lies inside the mask.
    """
    image = np.asarray(image)
    if variant.mask == "none":
        mask = np.ones(image.shape, dtype=bool)
    elif mask is None:
        mask = tissue_mask(image, sign)
    raw_deviation, raw_mean = local_moments(image, variant.ddof, variant.border)
    low, high = variant.limits(image, mask, full_scale)
    if variant.scale != "log" and low <= image.min() and image.max() <= high:
        # Nothing is clipped, so normalising is a factor and the work need not be done twice.
        deviation = raw_deviation * (variant.levels / (high - low) if high > low else 1.0)
    else:
        deviation, _ = local_moments(variant.normalise(image, low, high), variant.ddof, variant.border)
    inside = windows_inside(mask) & ~np.isnan(deviation)
    count = int(np.count_nonzero(inside))
    if count == 0:
        raise InputError("no 3x3 window lies wholly inside the breast; use --mask none")
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(raw_mean != 0, raw_deviation / np.abs(raw_mean), 0.0)
    result = CciResult(float(deviation[inside].mean()), float(relative[inside].mean()), variant, low, high, count)
    return result, deviation


def measure(mammogram, variant=CciVariant()):
    """The CCI of a mammogram, averaged over its slices.

    Returns (dictionary with the keys of ``lowdosecontrast cci``, maps): the maps are float32
    (slices, rows, columns), 0 where there is no window. Errors as :func:`cci`.
    """
    found = [cci(image, mammogram.full_scale, variant, sign=mammogram.sign) for image in mammogram.pixels]
    result = found[0][0].to_dict()
    for key in ("cci", "cci_norm"):
        result[key] = float(np.mean([getattr(r, key) for r, _ in found]))
    result["windows"] = sum(r.pixels for r, _ in found)
    result["slices"] = [r.cci for r, _ in found]
    return result, np.stack([np.nan_to_num(m, nan=0.0).astype(np.float32) for _, m in found])
