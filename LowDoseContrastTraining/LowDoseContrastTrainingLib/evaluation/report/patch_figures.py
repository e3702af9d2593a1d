"""Held-out patches beside each other: what went in, what each model made of it, what was wanted, and what differs."""

from __future__ import annotations

import io

import numpy as np
from scipy import ndimage

from ...baselines.intensity import Gain
from ...dose_reduction.noise_model import NoiseModel
from ...training.samples import windowed
from .album import CHOICE, PatchPicture, Pictures, detail
from .charts import WIDTH, chart
from .markup import image, named, plain, text
from .methods_shown import MODEL, arrangement_names, best_denoiser, rows_of_kind

_SIDE = 160  # pixels of a patch that are shown, from its middle, for the size of the page
_DETAIL = 40  # pixels of a detail
_MANY = 20  # patches of all models together, for the same
_LIMIT = 3.0  # of the colours, in units of predicted noise
_COLOURS, _LEVELS = "RdBu_r", 64
_SMOOTHING = 9  # pixels over which the signal is averaged for its predicted noise


def patch_figures(document: dict, pictures: Pictures, numbers) -> str:
    """Return the figures of every model as HTML; nothing without patches."""
    models = [row["method"] for row in rows_of_kind(document, MODEL)]
    patches = pictures.patches[: max(1, _MANY // max(1, len(models)))]
    if not patches:
        return ""
    denoiser, noise, groups = best_denoiser(document), _noise(document), arrangement_names(document)
    made = [name for name in models if all(name in patch.outputs and Gain.name in patch.outputs for patch in patches)]
    return "".join(_rows(name, denoiser, patches, groups, numbers) + _details(name, denoiser, patches, groups, numbers) + _maps(name, patches, noise, numbers) for name in made)


def _columns(name, denoiser, patches):
    """Heading -> method of the images of a row before its target."""
    with_denoiser = denoiser is not None and all(denoiser in patch.outputs for patch in patches)
    return {"input × gain": Gain.name, **({f"best denoiser: {denoiser}": denoiser} if with_denoiser else {}), f"output: {name}": name}


def _rows(name, denoiser, patches, groups, numbers):
    columns = _columns(name, denoiser, patches)
    heads = [*columns, "target"]
    cells = [_cell(f'<span class="head">{named(each)}</span>') for each in heads]
    for patch in patches:
        ccis = [*(patch.cci.get(each) for each in columns.values()), patch.cci_high]
        shown = windowed([_middle(each) for each in _images(patch, columns)], _middle(patch.high), patch.sign)
        cells.append(f'<div class="row">{_place(patch, groups)}; CCI of the input itself {plain(patch.cci_low)}</div>')
        names = [f"{head}, {patch.arrangement}, {patch.patch}" for head in heads]
        cells += [_cell(f"{_grey(each, name)}<small>CCI {plain(cci)}</small>") for each, name, cci in zip(shown, names, ccis)]
    caption = (
        f"Each row has one window, the 1st to 99th percentile of its target on a logarithmic scale, dense tissue bright. {CHOICE} "
        "The gain alone raises CCI as well; nearer to the target's is better, higher is not."
    )
    return numbers.figure(_grid(len(heads), cells), f"Patches: {name}.", caption)


def _images(patch, columns):
    return [*(patch.outputs[each] for each in columns.values()), patch.high]


def _details(name, denoiser, patches, groups, numbers):
    columns = _columns(name, denoiser, patches)
    heads, side = ["× gain", *(["denoiser"] if len(columns) > 2 else []), "output", "target"], min(_DETAIL, *patches[0].high.shape)
    cells = []
    for patch in patches:
        top, left = _strongest(patch, side)
        shown = [each[top : top + side, left : left + side] for each in _images(patch, columns)]
        shown = windowed(shown, shown[-1], patch.sign)
        images = "".join(_cell(f"{_grey(each, f'{head}, detail of {patch.patch}')}<small>{head}</small>") for each, head in zip(shown, heads))
        place = f'<div class="row">{_where(patch, groups)}, at row {top}, column {left}</div>'
        cells.append(_grid(len(heads), [place, images]))
    caption = (
        f"The {side} × {side} pixels of each patch where its target has the strongest fine detail, each with one window. "
        "What a method smooths away or makes up is seen here first."
    )
    return numbers.figure(f'<div class="details">{"".join(cells)}</div>', f"Details: {name}.", caption)


def _strongest(patch, side):
    """(top, left) of the square of the target with the most detail."""
    energy = ndimage.uniform_filter(np.where(patch.mask, detail(patch.high), 0) ** 2, side, origin=-(side // 2), mode="constant")
    rows, columns = (size - side + 1 for size in energy.shape)
    return np.unravel_index(np.argmax(energy[:rows, :columns]), (rows, columns))


def _maps(name, patches, noise, numbers):
    limit, unit = (_LIMIT, "predicted noise") if noise else (_typical(name, patches), "pixel values")
    rows = [("output − fitted gain × input", _residual), ("output − target", _error)]
    cells = []
    for title, measure in rows:
        maps = [measure(patch, name, noise) for patch in patches]
        cells.append(f'<div class="row">{text(title)}</div>')
        for patch, (values, note) in zip(patches, maps):
            cells.append(_cell(f"{_coloured(values, limit, f'{title}, {patch.arrangement}, {patch.patch}')}<small>{note}</small>"))
    cells.append(f'<div class="row">{_colour_bar(limit, unit, WIDTH * len(patches) / 4)}</div>')
    units = (
        f"In standard deviations of the noise that the model of the detector ({text(noise.source)}) predicts, above for gain × input, "
        "below for the difference of gain × input and target, which holds the noise of both. "
        "Above, removed noise has no pattern; structure is what was lost or made up. Below, gain × input itself would have SD 1."
        if noise
        else "No noise of the detector is known, so that the maps are in pixel values."
    )
    caption = f"The same patches, from left to right. The gain of each is fitted to its output by least squares. {units}"
    return numbers.figure(f'<div class="maps" style="max-width:{25 * len(patches)}%">{_grid(len(patches), cells)}</div>', f"What differs: {name}.", caption)


def _residual(patch, name, noise):
    """(output less the fitted gain times the input, its note)."""
    low, made, gain = _above_offset(patch, patch.outputs[name], noise)
    mask, unit = patch.mask, np.sqrt(_predicted(low, noise)) * gain if noise else 1.0
    values = np.where(mask, (made - gain * low) / unit, np.nan)
    return values, f"gain {gain:.3f}; SD {plain(float(np.nanstd(values)), 3)}"


def _error(patch, name, noise):
    """(output less target, its note)."""
    low, high, gain = _above_offset(patch, patch.high, noise)
    unit = np.sqrt(_predicted(high, noise) + gain**2 * _predicted(low, noise)) if noise else 1.0
    values = np.where(patch.mask, (patch.outputs[name] - patch.high) / unit, np.nan)
    return values, f"mean {plain(float(np.nanmean(values)), 2)}; SD {plain(float(np.nanstd(values)), 3)}"


def _above_offset(patch, other, noise):
    """(input, another image, both above the offset; the gain between them by least squares)."""
    offset, mask = noise.offset if noise else 0.0, patch.mask
    low, other = patch.low.astype(np.float64) - offset, other.astype(np.float64) - offset
    return low, other, float((low * other)[mask].sum() / ((low * low)[mask].sum() or 1.0))


def _predicted(signal, noise):
    """The variance that the noise model gives to pixels of this mean above the offset."""
    mean = np.maximum(ndimage.uniform_filter(signal, _SMOOTHING), 0)
    return np.maximum(noise.variance(mean, 1.0), 1e-12)


def _noise(document):
    """The noise model of the results, or None where there is none that says anything."""
    try:
        model = NoiseModel(**document["noise_model"])
    except (LookupError, TypeError, ValueError):
        return None
    return model if model.xi_q or model.xi_e else None


def _typical(name, patches):
    """A limit in pixel values: three standard deviations of the errors."""
    return 3 * float(np.median([np.std((patch.outputs[name] - patch.high)[patch.mask]) for patch in patches])) or 1.0


def _middle(values):
    top, left = (max(0, (side - _SIDE) // 2) for side in values.shape)
    return values[top : top + _SIDE, left : left + _SIDE]


def _grid(across, cells):
    return f'<div class="grid" style="grid-template-columns:repeat({across},1fr)">{"".join(cells)}</div>'


def _cell(body):
    return f"<div>{body}</div>"


def _where(patch: PatchPicture, groups):
    return f"Arrangement {named(groups.get(patch.arrangement, patch.arrangement))}, {named(patch.patch)}"


def _place(patch, groups):
    rows, columns = (side * min(size, _SIDE) for side, size in zip(patch.spacing, patch.high.shape))
    return f"{_where(patch, groups)}, {rows:.0f} × {columns:.0f} mm"


def _grey(values, description):
    return _png(values, None, description)


def _coloured(values, limit, description):
    """Values from -limit to +limit in colours; what is not compared is grey."""
    import matplotlib

    step = np.clip(np.nan_to_num((_middle(values) / limit + 1) / 2) * _LEVELS, 0, _LEVELS - 1).astype(np.uint8)
    step[~np.isfinite(_middle(values))] = _LEVELS
    colours = matplotlib.colormaps[_COLOURS](np.linspace(0, 1, _LEVELS), bytes=True)[:, :3]
    return _png(step, [*colours.ravel().tolist(), 205, 205, 205], description)


def _png(values, palette, description):
    import PIL.Image  # comes with matplotlib

    picture = PIL.Image.fromarray(np.ascontiguousarray(values))
    if palette:
        picture.putpalette(palette)
    stream = io.BytesIO()
    picture.save(stream, "png", optimize=True)
    return image(stream.getvalue(), "image/png", description)


def _colour_bar(limit, unit, width):
    def draw(figure):
        axis = figure.add_axes((0.25, 0.72, 0.5, 0.22))
        axis.imshow(np.linspace(0, 1, _LEVELS)[None], cmap=_COLOURS, aspect="auto", extent=(-limit, limit, 0, 1))
        axis.set_yticks([])
        axis.set_xlabel(f"difference ({unit})", labelpad=1)
        axis.spines[["left", "bottom"]].set_visible(False)

    return chart(0.5, draw, f"colours from {-limit:.3g} to {limit:.3g} {unit}", width)
