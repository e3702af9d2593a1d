"""Held-out patches beside each other: what went in, what each model made of it, what was wanted, and what differs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from scipy import ndimage

from ...baselines.intensity import Gain
from ...dose_reduction.noise_model import NoiseModel
from ...training.samples import windowed
from ..document import Evaluation
from .album import PatchPicture, Pictures, detail
from .charts import WIDTH, Canvas, chart
from .layout import Cell, Grid
from .markup import image, named, plain
from .methods_shown import arrangement_names, best_denoiser

_SIDE = 160  # pixels of a patch that are shown, from its middle, for the size of the page
_DETAIL = 40  # pixels of a detail
_MANY = 20  # patches of all models together, for the same
_LIMIT = 3.0  # of the colours, in units of predicted noise
_COLOURS, _LEVELS = "RdBu_r", 64
_SMOOTHING = 9  # pixels over which the signal is averaged for its predicted noise
Patches = Sequence[PatchPicture]


@dataclass(frozen=True)
class ModelPatches:
    """What is shown of one model.

    Attributes:
        name: of the model.
        rows: a row of pictures for each patch.
        details: a grid for each patch, of the ``side`` pixels with the most detail.
        maps: of what differs, over the ``noise`` that a model predicts, or in pixel values where it is None.
    """

    name: str
    rows: Grid
    details: Sequence[Grid]
    maps: Grid
    side: int
    noise: NoiseModel | None


def patch_figures(evaluation: Evaluation, pictures: Pictures) -> list[ModelPatches]:
    """Return the pictures of every model; none without patches."""
    models = [row.method for row in evaluation.rows if row.is_model]
    patches = pictures.patches[: max(1, _MANY // max(1, len(models)))]
    groups, noise = arrangement_names(evaluation), evaluation.noise_model
    noise = noise if noise and (noise.xi_q or noise.xi_e) else None  # one that says nothing is none
    found = []
    for name in models if patches else ():
        if all(name in patch.outputs and Gain.name in patch.outputs for patch in patches):
            columns = _columns(name, best_denoiser(evaluation), patches)
            side = min(_DETAIL, *patches[0].high.shape)
            details = [_details(patch, columns, groups, side) for patch in patches]
            found.append(
                ModelPatches(name, _rows(columns, patches, groups), details, _maps(name, patches, noise), side, noise)
            )
    return found


def _columns(name: str, denoiser: str | None, patches: Patches) -> dict[str, str]:
    """Heading -> method of the images of a row before its target."""
    columns = {"input × gain": Gain.name}
    if denoiser is not None and all(denoiser in patch.outputs for patch in patches):
        columns[f"best denoiser: {denoiser}"] = denoiser
    return {**columns, f"output: {name}": name}


def _rows(columns: dict[str, str], patches: Patches, groups: dict[str, str]) -> Grid:
    heads = [*columns, "target"]
    cells = [Cell(head=named(head)) for head in heads]
    for patch in patches:
        ccis = [*(patch.cci.get(column) for column in columns.values()), patch.cci_high]
        shown = windowed([_middle(each) for each in _images(patch, columns)], _middle(patch.high), patch.sign)
        cells.append(Cell(line=_place(patch, groups) + f"; CCI of the input itself {plain(patch.cci_low)}"))
        for head, values, cci in zip(heads, shown, ccis, strict=True):
            picture = _png(values, f"{head}, {patch.arrangement}, {patch.patch}")
            cells.append(Cell(picture, f"CCI {plain(cci)}"))
    return Grid(len(heads), cells)


def _images(patch: PatchPicture, columns: dict[str, str]) -> list[np.ndarray]:
    return [*(patch.outputs[column] for column in columns.values()), patch.high]


def _details(patch: PatchPicture, columns: dict[str, str], groups: dict[str, str], side: int) -> Grid:
    heads = ["× gain", *(["denoiser"] if len(columns) > 2 else []), "output", "target"]
    top, left = _strongest(patch, side)
    shown = [each[top : top + side, left : left + side] for each in _images(patch, columns)]
    cells = [Cell(line=_where(patch, groups) + f", at row {top}, column {left}")]
    for head, values in zip(heads, windowed(shown, shown[-1], patch.sign), strict=True):
        cells.append(Cell(_png(values, f"{head}, detail of {patch.patch}"), head))
    return Grid(len(heads), cells)


def _strongest(patch: PatchPicture, side: int) -> tuple[int, int]:
    """(top, left) of the square of the target with the most detail."""
    power = np.where(patch.mask, detail(patch.high), 0) ** 2
    energy = ndimage.uniform_filter(power, side, origin=-(side // 2), mode="constant")
    rows, columns = (size - side + 1 for size in energy.shape)
    top, left = np.unravel_index(np.argmax(energy[:rows, :columns]), (rows, columns))
    return int(top), int(left)


def _maps(name: str, patches: Patches, noise: NoiseModel | None) -> Grid:
    limit, unit = (_LIMIT, "predicted noise") if noise else (_typical(name, patches), "pixel values")
    cells = []
    for title, measure in (("output − fitted gain × input", _residual), ("output − target", _error)):
        cells.append(Cell(line=title))
        for patch in patches:
            values, note = measure(patch, name, noise)
            cells.append(Cell(_coloured(values, limit, f"{title}, {patch.arrangement}, {patch.patch}"), note))
    cells.append(Cell(line=_colour_bar(limit, unit, WIDTH * len(patches) / 4)))
    return Grid(len(patches), cells)


def _residual(patch: PatchPicture, name: str, noise: NoiseModel | None) -> tuple[np.ndarray, str]:
    """(output less the fitted gain times the input, its note)."""
    low, made, gain = _above_offset(patch, patch.outputs[name], noise)
    mask, unit = patch.mask, np.sqrt(_predicted(low, noise)) * gain if noise else 1.0
    values = np.where(mask, (made - gain * low) / unit, np.nan)
    return values, f"gain {gain:.3f}; SD {plain(float(np.nanstd(values)), 3)}"


def _error(patch: PatchPicture, name: str, noise: NoiseModel | None) -> tuple[np.ndarray, str]:
    """(output less target, its note)."""
    low, high, gain = _above_offset(patch, patch.high, noise)
    unit = np.sqrt(_predicted(high, noise) + gain**2 * _predicted(low, noise)) if noise else 1.0
    values = np.where(patch.mask, (patch.outputs[name] - patch.high) / unit, np.nan)
    return values, f"mean {plain(float(np.nanmean(values)), 2)}; SD {plain(float(np.nanstd(values)), 3)}"


def _above_offset(
    patch: PatchPicture, other: np.ndarray, noise: NoiseModel | None
) -> tuple[np.ndarray, np.ndarray, float]:
    """(input, another image, both above the offset; the gain between them by least squares)."""
    offset, mask = noise.offset if noise else 0.0, patch.mask
    low, other = patch.low.astype(np.float64) - offset, other.astype(np.float64) - offset
    return low, other, float((low * other)[mask].sum() / ((low * low)[mask].sum() or 1.0))


def _predicted(signal: np.ndarray, noise: NoiseModel) -> np.ndarray:
    """The variance that the noise model gives to pixels of this mean above the offset."""
    mean = np.maximum(ndimage.uniform_filter(signal, _SMOOTHING), 0)
    return np.maximum(noise.variance(mean, 1.0), 1e-12)


def _typical(name: str, patches: Patches) -> float:
    """A limit in pixel values: three standard deviations of the errors."""
    errors = [np.std((patch.outputs[name] - patch.high)[patch.mask]) for patch in patches]
    return 3 * float(np.median(errors)) or 1.0


def _middle(values: np.ndarray) -> np.ndarray:
    top, left = (max(0, (side - _SIDE) // 2) for side in values.shape)
    return values[top : top + _SIDE, left : left + _SIDE]


def _where(patch: PatchPicture, groups: dict[str, str]) -> Markup:
    group = groups.get(patch.arrangement, patch.arrangement)
    return Markup("Arrangement {}, {}").format(named(group), named(patch.patch))


def _place(patch: PatchPicture, groups: dict[str, str]) -> Markup:
    rows, columns = (side * min(size, _SIDE) for side, size in zip(patch.spacing, patch.high.shape, strict=True))
    return _where(patch, groups) + f", {rows:.0f} × {columns:.0f} mm"


def _coloured(values: np.ndarray, limit: float, description: str) -> Markup:
    """Values from -limit to +limit in colours; what is not compared is grey."""
    import matplotlib

    step = np.clip(np.nan_to_num((_middle(values) / limit + 1) / 2) * _LEVELS, 0, _LEVELS - 1).astype(np.uint8)
    step[~np.isfinite(_middle(values))] = _LEVELS
    colours = matplotlib.colormaps[_COLOURS](np.linspace(0, 1, _LEVELS), bytes=True)[:, :3]
    return _png(step, description, [*colours.ravel().tolist(), 205, 205, 205])


def _png(values: np.ndarray, description: str, palette: Sequence[int] = ()) -> Markup:
    import PIL.Image  # comes with matplotlib

    picture = PIL.Image.fromarray(np.ascontiguousarray(values))
    if palette:
        picture.putpalette(palette)
    stream = io.BytesIO()
    picture.save(stream, "png", optimize=True)
    return image(stream.getvalue(), "image/png", description)


def _colour_bar(limit: float, unit: str, width: float) -> Markup:
    def draw(figure: Canvas) -> None:
        axis = figure.add_axes((0.25, 0.72, 0.5, 0.22))
        axis.imshow(np.linspace(0, 1, _LEVELS)[None], cmap=_COLOURS, aspect="auto", extent=(-limit, limit, 0, 1))
        axis.set_yticks([])
        axis.set_xlabel(f"difference ({unit})", labelpad=1)
        axis.spines[["left", "bottom"]].set_visible(False)

    return chart(0.5, draw, f"colours from {-limit:.3g} to {limit:.3g} {unit}", width)
