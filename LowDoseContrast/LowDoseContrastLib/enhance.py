"""From a low-dose mammogram to its high-dose appearance."""

from dataclasses import asdict, dataclass

import numpy as np

from . import RESEARCH_NOTICE, __version__
from .cci import CciResult, cci
from .device import is_out_of_memory
from .enhance_settings import Settings
from .errors import InputError, OutOfDomainError
from .inference import Runner
from .mammogram import Mammogram
from .mask import FEATHER, air_sign, breast_mask, extent, feather, tissue_mask
from .steps import Clock, mapped, run_to_end
from .tiling import cut, paper_plan, seam_index, tile_plan, whole_plan

_STRIPE = 256  # rows turned into pixel values at a time
_MIN_SIDE = 16
_NETWORK_SHARE = 0.85  # of the time that a slice takes


@dataclass(frozen=True)
class Enhancement:
    """An enhanced mammogram and what was done to it.

    Attributes:
        mammogram: the input with new pixels, in the same type, range, polarity and geometry.
        report: a JSON-able dictionary: model, model_sha256, mode, device, precision, seconds,
            seam_index, gain (fitted, output against input), cci_before, cci_after,
            cci_norm_before, cci_norm_after, out_of_domain, notes, version and more. Where ``flipped``
            is true the network saw ``full_scale`` minus the stored values, and gain and seams are of
            these; ``air`` is the sign of the air there (+1 bright, -1 dark, None without air).
    """

    mammogram: Mammogram
    report: dict

    @property
    def provenance(self):
        """(description, equipment) for file headers."""
        return provenance(self.report)


def provenance(report):
    """(one line of description, name of the equipment) from the report of an enhancement."""
    r = report
    description = (
        f"{RESEARCH_NOTICE} High-dose appearance by model {r['model']} (SHA-256 {r['model_sha256']}), mode {r['mode']}, "
        f"overlap {r['overlap']:g}, mask {'on' if r['mask'] else 'off'}, {r['device']} {r['precision']}, "
        f"source {r['source_uid'] or r['input']}, LowDoseContrast {r['version']}"
    )
    return description, f"LowDoseContrast {r['model']}"


class Enhancer:
    """Enhances mammograms with one model, which stays loaded between images."""

    def __init__(self, model, device="auto", precision="auto"):
        self.model = model
        self._runner = Runner(model, device, precision)

    def steps(self, mammogram, settings=Settings()):
        """Generator: yields :class:`LowDoseContrastLib.steps.Progress`, returns an :class:`Enhancement`.

        A step takes a fraction of a second; closing the generator cancels.

        Raises:
            OutOfDomainError: the image is outside of the model's domain and no override is set.
            InputError: the image is smaller than 16 pixels.
        """
        clock = Clock()
        objections = self._admit(mammogram, settings)
        notes = [f"the image does not state its {what}" for what in self.model.card.domain.unknowns(mammogram)]
        polarity = self._polarity(mammogram)
        if settings.mode != "paper" and self.model.card.recipe.get("crop") == "resize":
            notes.append("the model was trained on patches resampled as the paper's: mode paper shows it images as it has learnt them")
        if polarity[0]:
            notes.append("polarity differs from the model's: inverted for the network and back")
        notes_before = len(self._runner.notes)
        output = np.empty_like(mammogram.pixels)
        tallies = []
        count = len(mammogram.pixels)
        for index in range(count):
            label = f"Enhancing slice {index + 1} of {count}" if count > 1 else "Enhancing"
            slice_steps = self._slice_steps(mammogram, index, polarity, settings, output)
            tallies.append((yield from mapped(slice_steps, lambda s, i=index: clock.progress((i + 0.95 * s) / count, label))))
        report = self._report(mammogram, settings, clock, objections, tallies, polarity)
        report["notes"] = notes + self._runner.notes[notes_before:] + self._remarks(mammogram, tallies)
        return Enhancement(mammogram.with_pixels(output), report)

    def run(self, mammogram, settings=Settings(), progress=None):
        """All of :meth:`steps` at once; ``progress`` is called with each :class:`Progress`."""
        return run_to_end(self.steps(mammogram, settings), progress)

    def _admit(self, mammogram, settings):
        if min(mammogram.pixels.shape[1:]) < _MIN_SIDE:
            rows, columns = mammogram.pixels.shape[1:]
            raise InputError(mammogram.source, f"is {columns} x {rows} pixels", f"the smallest side that can be enhanced is {_MIN_SIDE}")
        objections = self.model.card.domain.objections(mammogram)
        if objections and not settings.allow_out_of_domain:
            raise OutOfDomainError(mammogram.source, self.model.name, objections)
        return objections

    def _polarity(self, mammogram):
        """(whether values must be inverted for the model, sign of the air as the model sees it)."""
        expected = self.model.card.domain.sign
        sign = mammogram.sign or air_sign(mammogram.pixels[0])
        flipped = bool(expected and sign and sign != expected)
        return flipped, expected if flipped else sign

    def _slice_steps(self, mammogram, index, polarity, settings, output):
        """Generator: yields the share done; fills ``output[index]`` and returns its :class:`_Tally`.

        It pauses between any two things that take time on a large image, for a window that must stay alive.
        """
        flipped, sign = polarity
        before, after = mammogram.pixels[index], output[index]
        image = mammogram.full_scale - before.astype(np.float32) if flipped else before
        yield 0.0
        mask = breast_mask(image, sign) if settings.mask else np.ones(image.shape, dtype=bool)
        yield 0.0
        mode, plan, answer = yield from mapped(self._answer_steps(mammogram, image, mask, settings), lambda s: _NETWORK_SHARE * s)
        clipped = yield from mapped(
            self._compose_steps(mammogram, before, image, answer, mask, flipped, after), lambda s: _NETWORK_SHARE + (0.9 - _NETWORK_SHARE) * s
        )
        # Gain and seams are of what the network saw and gave, so in its polarity.
        seen = mammogram.full_scale - after.astype(np.float32) if flipped else after
        yield 0.9
        tissue = tissue_mask(image, sign)
        yield 0.92
        gain = _fitted_gain(image, seen, tissue)
        # A single window has no borders; it is judged where tiles would have had theirs.
        borders = tile_plan(mask, settings.overlap, self.model.generator.multiple) if mode == "whole" else plan
        seam = seam_index(image, seen, gain, borders, tissue)
        yield 0.94
        cci_before = cci(before, mammogram.full_scale, settings.cci, mask=tissue)
        yield 0.97
        return _Tally(
            mode=mode,
            seam=seam,
            gain=gain,
            level=float(np.median(image[tissue][::97])),
            windows=len(plan.origins),
            breast=float(mask.mean()),
            clipped=clipped,
            before=cci_before,
            after=cci(after, mammogram.full_scale, settings.cci, mask=tissue),
        )

    def _answer_steps(self, mammogram, image, mask, settings):
        """Generator: yields the share done; returns (mode and plan that were used, the network's answer)."""
        multiple = self.model.generator.multiple
        tiles = tile_plan(mask, settings.overlap, multiple)
        other = {"whole": whole_plan, "paper": paper_plan}.get(settings.mode)
        plan = other(mask, multiple) if other else tiles
        if self._runner.precision_is_open:
            yield from mapped(self._runner.settle_steps(_fullest_window(image, mask, tiles), mammogram.full_scale), lambda _: 0.0)
        try:
            return settings.mode, plan, (yield from self._runner.answer_steps(image, plan))
        except (RuntimeError, MemoryError) as error:
            if not (is_out_of_memory(error) and plan.is_whole):
                raise
        self._runner.notes.append("memory ran out for the whole image at once: went on with tiles")
        return "tiles", tiles, (yield from self._runner.answer_steps(image, tiles))

    def _compose_steps(self, mammogram, before, image, answer, mask, flipped, after):
        """Generator: yields the share done; writes the enhanced pixels into ``after``; returns how many met the (lower, upper) end of the value range.

        ``before`` are the stored values, ``image`` the same with the polarity of the model.
        """
        # Air stays as it was to the last bit, whatever its type.
        after[...] = before
        region = extent(mask, FEATHER)
        image, answer, mask, after = (a[region] for a in (image, answer, mask, after))
        clipped = np.zeros(2, dtype=int)
        for start in range(0, len(image), _STRIPE):
            rows = slice(start, min(start + _STRIPE, len(image)))
            clipped += self._compose_rows(mammogram, image[rows], answer[rows], feather(mask, rows=rows), flipped, after[rows])
            yield rows.stop / len(image)
        return clipped

    def _compose_rows(self, mammogram, image, answer, weights, flipped, after):
        """Fills ``after`` where ``weights`` are above 0; returns how many values were below and above the range."""
        low, high = mammogram.value_range
        values = image.astype(np.float32)
        enhanced = self.model.card.composition.compose(self.model.card.intensity, values, answer)
        values += weights * (enhanced - values)
        integers, clipped = after.dtype.kind != "f", (0, 0)
        if integers:
            np.rint(values, out=values)  # before turning, so that both polarities round alike
        if flipped:
            values = mammogram.full_scale - values
        if integers:
            clipped = [int(np.count_nonzero(beyond & (weights == 1))) for beyond in (values < low, values > high)]
            np.clip(values, low, high, out=values)
        np.copyto(after, values, where=weights > 0, casting="unsafe")
        return clipped

    def _remarks(self, mammogram, tallies):
        """What a reader of the result should know, one sentence each."""
        found = []
        seen, levels = self.model.card.domain.signal, [t.level for t in tallies]
        if seen and not all(seen[0] <= level <= seen[1] for level in levels):
            found.append(f"the median of the tissue is {levels[0]:.4g}, in training values went from {seen[0]:g} to {seen[1]:g}")
        breast = max(1.0, sum(t.breast for t in tallies) * mammogram.pixels[0].size)
        clipped = np.sum([t.clipped for t in tallies], axis=0)
        for count, end, value in zip(clipped, ("lower", "upper"), mammogram.value_range):
            if count:
                found.append(f"{count} enhanced pixels ({count / breast:.2%} of the breast) met the {end} end of the value range, {value:g} as stored")
        return found

    def _report(self, mammogram, settings, clock, objections, tallies, polarity):
        card, placement = self.model.card, self._runner.placement
        clipped = np.sum([t.clipped for t in tallies], axis=0)
        mean = {name: float(np.mean([getattr(t, name) for t in tallies])) for name in ("gain", "breast")}
        before, after = [t.before for t in tallies], [t.after for t in tallies]
        return {
            "input": mammogram.source,
            "source_uid": mammogram.uid,
            "model": self.model.name,
            "model_version": card.version,
            "model_sha256": self.model.sha256,
            "mode": tallies[0].mode,
            "overlap": settings.overlap,
            "mask": settings.mask,
            "device": placement.device,
            "precision": placement.precision,
            "placement": placement.reason,
            "windows": sum(t.windows for t in tallies),
            "breast_share": mean["breast"],
            "gain": mean["gain"],
            "seam_index": _worst([t.seam for t in tallies]),
            "cci_before": float(np.mean([c.cci for c in before])),
            "cci_after": float(np.mean([c.cci for c in after])),
            "cci_norm_before": float(np.mean([c.cci_norm for c in before])),
            "cci_norm_after": float(np.mean([c.cci_norm for c in after])),
            "cci_variant": {**asdict(settings.cci), "low": before[0].low, "high": before[0].high},
            "flipped": polarity[0],
            "air": polarity[1],
            "full_scale": mammogram.full_scale,
            "clipped": int(clipped.sum()),
            "clipped_low": int(clipped[0]),
            "clipped_high": int(clipped[1]),
            "out_of_domain": list(objections),
            "notice": RESEARCH_NOTICE,
            "version": __version__,
            "seconds": clock.seconds,
        }


@dataclass(frozen=True)
class _Tally:
    """What was measured on one slice."""

    mode: str
    seam: float
    gain: float
    level: float
    windows: int
    breast: float
    clipped: np.ndarray
    before: CciResult
    after: CciResult


def _fullest_window(image, mask, plan):
    """The window of ``plan`` with the most breast in it."""
    (rows, columns) = plan.shape
    covered = [mask[max(r, 0) : r + rows, max(c, 0) : c + columns].sum() for r, c in plan.origins]
    return cut(image, plan.origins[int(np.argmax(covered))], plan.shape)


def _fitted_gain(before, after, tissue):
    """Least-squares slope through the origin of ``after`` on ``before`` within the tissue."""
    power = cross = 0.0
    for start in range(0, len(before), _STRIPE):
        rows = slice(start, start + _STRIPE)
        x, y = before[rows][tissue[rows]].astype(np.float64), after[rows][tissue[rows]].astype(np.float64)
        power += float(x @ x)
        cross += float(x @ y)
    return cross / power if power else 1.0


def _worst(seams):
    """The largest seam index, or None where no window border lies in a breast."""
    known = [s for s in seams if s == s]
    return max(known) if known else None
