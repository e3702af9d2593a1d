"""From a low-dose mammogram to its high-dose appearance."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from .cci import CciResult, cci
from .device import is_out_of_memory
from .enhance_settings import MODES, Settings
from .errors import InputError, OutOfDomainError
from .inference import Runner
from .mammogram import Mammogram
from .mask import FEATHER, extent, feather
from .model import Model
from .report import EnhancementReport
from .steps import Clock, Progress, Steps, part, run_to_end, timed
from .tiling import Plan, cut, paper_plan, seam_index, tile_plan, whole_plan

__all__ = ["MODES", "Enhancement", "Enhancer", "Settings"]

_STRIPE = 256  # rows turned into pixel values at a time
_MIN_SIDE = 16
_MOST_CLIPPED = 0.01  # of the tissue; the rim around it saturates in a real high dose too
_ENDS = ("lower", "upper")
_NETWORK, _COMPOSED = 0.85, 0.9  # share of the time after the network, and after its answer is pixel values


@dataclass(frozen=True)
class Enhancement:
    """An enhanced mammogram and what was done to it.

    Attributes:
        mammogram: the input with new pixels, in the same type, range, polarity and geometry.
        report: what was done and measured.
    """

    mammogram: Mammogram
    report: EnhancementReport


class Enhancer:
    """Enhances mammograms with one model, which stays loaded between images.

    Args:
        model: see :func:`LowDoseContrastLib.model.load_model`.
        device, precision: see :func:`LowDoseContrastLib.device.choose_placement`.

    >>> from LowDoseContrastLib.catalogue import find_model
    >>> from LowDoseContrastLib.files import read_mammogram
    >>> from LowDoseContrastLib.model import load_model
    >>> from LowDoseContrastLib.resources import resource
    >>> low = read_mammogram(resource("SampleData") / "phantom-low.dcm")
    >>> enhanced = Enhancer(load_model(find_model("starter")), device="cpu").run(low)
    >>> enhanced.mammogram.pixels.shape == low.pixels.shape, enhanced.report.mode, enhanced.report.out_of_domain
    (True, 'tiles', ())
    >>> 3 < enhanced.report.gain < 4  # the dose ratio that the model has learnt is 3.43
    True
    """

    def __init__(self, model: Model, device: str = "auto", precision: str = "auto") -> None:
        self.model = model
        self._runner = Runner(model, device, precision)

    def run(
        self,
        mammogram: Mammogram,
        settings: Settings = Settings(),
        progress: Callable[[Progress], object] | None = None,
    ) -> Enhancement:
        """Do all of :meth:`steps` at once; ``progress`` is called with each :class:`Progress`."""
        return run_to_end(self.steps(mammogram, settings), progress)

    def steps(self, mammogram: Mammogram, settings: Settings = Settings()) -> Steps[Enhancement]:
        """Enhance ``mammogram``; a step takes a fraction of a second.

        Raises:
            OutOfDomainError: the image is outside of the model's domain and no override is set.
            InputError: the image is smaller than 16 pixels.
        """
        objections = self._admit(mammogram, settings)
        return (yield from timed(self._steps(mammogram, settings, objections)))

    def _admit(self, mammogram: Mammogram, settings: Settings) -> list[str]:
        rows, columns = mammogram.pixels.shape[1:]
        if min(rows, columns) < _MIN_SIDE:
            problem = f"is {columns} x {rows} pixels"
            raise InputError(mammogram.source, problem, f"the smallest side that can be enhanced is {_MIN_SIDE}")
        objections = self.model.card.domain.objections(mammogram)
        if objections and not settings.allow_out_of_domain:
            raise OutOfDomainError(mammogram.source, self.model.name, objections)
        return objections

    def _steps(self, mammogram: Mammogram, settings: Settings, objections: list[str]) -> Steps[Enhancement]:
        clock, notes_before = Clock(), len(self._runner.notes)
        view = self._view(mammogram)
        output, tallies, count = np.empty_like(mammogram.pixels), [], len(mammogram.pixels)
        for index in range(count):
            message = f"Enhancing slice {index + 1} of {count}" if count > 1 else "Enhancing"
            work = _SliceWork(self.model, self._runner, view, settings, mammogram, index, output[index])
            tally = yield from part(timed(work.steps(), message), index / count, (index + 0.95) / count)
            tallies.append(tally)
        damage = self._damage(view, tallies)
        if damage and not settings.allow_out_of_domain:
            raise OutOfDomainError(mammogram.source, self.model.name, damage)
        objections = [*objections, *damage]
        notes = self._notes_before(mammogram, settings, view)
        notes += self._runner.notes[notes_before:] + self._notes_after(view, tallies)
        report = self._report(mammogram, settings, view, tallies, objections, notes, clock.seconds)
        return Enhancement(mammogram.with_pixels(output), report)

    def _view(self, mammogram: Mammogram) -> _View:
        expected = self.model.card.domain.sign
        sign = mammogram.polarity.sign
        flipped = bool(expected and sign and sign != expected)
        return _View(flipped, expected if flipped else sign, mammogram.full_scale, mammogram.value_range)

    def _notes_before(self, mammogram: Mammogram, settings: Settings, view: _View) -> list[str]:
        notes = [*mammogram.notes, *filter(None, [mammogram.polarity.note, mammogram.scale_note])]
        notes += [f"the image does not state its {what}" for what in self.model.card.domain.unknowns(mammogram)]
        if settings.mode != "paper" and self.model.card.recipe.get("crop") == "resize":
            notes.append(
                "the model was trained on patches resampled as the paper's: only mode paper shows it images as it "
                "has learnt them"
            )
        if view.flipped:
            notes.append("polarity differs from the model's: inverted for the network and back")
        return notes

    def _damage(self, view: _View, tallies: Sequence[_Tally]) -> list[str]:
        """Why an enhanced image is no image any more, a sentence each; empty if it is one."""
        found = list(filter(None, (self.model.card.domain.strangeness(tally.level) for tally in tallies)))[:1]
        found += ["all enhanced tissue would have one value"] if any(tally.flattened for tally in tallies) else []
        for end, value in enumerate(view.value_range):
            share = max(tally.tissue_clipped[end] for tally in tallies)
            if share > _MOST_CLIPPED:
                found.append(
                    f"{share:.1%} of the enhanced tissue would be clipped at {value:g}, the {_ENDS[end]} end of "
                    "the value range"
                )
        return found

    def _notes_after(self, view: _View, tallies: Sequence[_Tally]) -> list[str]:
        notes, seen = [], self.model.card.domain.signal
        levels = [tally.level for tally in tallies]
        if seen and not all(seen[0] <= level <= seen[1] for level in levels):
            notes.append(
                f"the median of the tissue is {levels[0]:.4g}, in training values went from {seen[0]:g} to {seen[1]:g}"
            )
        breast = max(1, sum(tally.breast_pixels for tally in tallies))
        clipped = np.sum([tally.clipped for tally in tallies], axis=0)
        for pixels, end, value in zip(clipped, _ENDS, view.value_range, strict=True):
            if pixels:
                share = f"{pixels / breast:.2%} of the breast"
                notes.append(
                    f"{pixels} enhanced pixels ({share}) met the {end} end of the value range, {value:g} as stored"
                )
        return notes

    def _report(
        self, mammogram: Mammogram, settings: Settings, view: _View, tallies: Sequence[_Tally],
        objections: list[str], notes: list[str], seconds: float,
    ) -> EnhancementReport:  # fmt: skip
        placement, first = self._runner.placement, tallies[0].before
        low, high = (int(count) for count in np.sum([tally.clipped for tally in tallies], axis=0))

        def mean(of: Callable[[_Tally], float]) -> float:
            return float(np.mean([of(tally) for tally in tallies]))

        return EnhancementReport(
            input=mammogram.source,
            source_uid=mammogram.uid,
            model=self.model.name,
            model_version=self.model.card.version,
            model_sha256=self.model.sha256,
            mode=tallies[0].mode,
            overlap=settings.overlap,
            mask=settings.mask,
            device=placement.device,
            precision=placement.precision,
            placement=placement.reason,
            windows=sum(tally.windows for tally in tallies),
            breast_share=mean(lambda tally: tally.breast_pixels) / mammogram.pixels[0].size,
            gain=mean(lambda tally: tally.gain),
            seam_index=_worst([tally.seam for tally in tallies]),
            cci_before=mean(lambda tally: tally.before.cci),
            cci_after=mean(lambda tally: tally.after.cci),
            cci_norm_before=mean(lambda tally: tally.before.cci_norm),
            cci_norm_after=mean(lambda tally: tally.after.cci_norm),
            cci_variant={**asdict(settings.cci), "low": first.low, "high": first.high},
            flipped=view.flipped,
            air=view.sign,
            full_scale=view.full_scale,
            clipped=low + high,
            clipped_low=low,
            clipped_high=high,
            out_of_domain=tuple(objections),
            seconds=seconds,
            notes=tuple(notes),
        )


@dataclass(frozen=True)
class _View:
    """How the network sees the stored values of an image: as they are, or as ``full_scale`` minus them.

    ``sign`` is that of the air as the network sees it.
    """

    flipped: bool
    sign: int | None
    full_scale: float
    value_range: tuple[float, float]

    def of(self, values: np.ndarray) -> np.ndarray:
        """Stored values as the network sees them, or back: it is its own inverse."""
        return self.full_scale - values.astype(np.float32) if self.flipped else values


@dataclass(frozen=True)
class _Tally:
    """What was measured on one slice."""

    mode: str
    seam: float
    gain: float
    level: float
    windows: int
    breast_pixels: int
    clipped: np.ndarray
    tissue_clipped: np.ndarray
    flattened: bool
    before: CciResult
    after: CciResult


class _SliceWork:
    """The enhancement of one slice of ``before`` into ``after``; it pauses between any two things that take time."""

    def __init__(
        self,
        model: Model,
        runner: Runner,
        view: _View,
        settings: Settings,
        mammogram: Mammogram,
        index: int,
        after: np.ndarray,
    ) -> None:
        self._card, self._multiple = model.card, model.generator.multiple
        self._runner, self._view, self._settings = runner, view, settings
        self._before, self._after = mammogram.pixels[index], after
        self._breast = mammogram.breasts[index]
        self._image = view.of(self._before)

    def steps(self) -> Steps[_Tally]:
        yield Progress(0.0)
        mask = self._breast.mask if self._settings.mask else ~self._breast.unmeasured
        self._hide_unmeasured()
        tiles = tile_plan(mask, self._settings.overlap, self._multiple)
        yield Progress(0.0)
        mode, plan, answer = yield from part(self._answer(mask, tiles), 0.0, _NETWORK)
        clipped = yield from part(self._compose(mask, answer), _NETWORK, _COMPOSED)
        # Gain and seams are of what the network saw and gave, so in its polarity.
        seen, tissue = self._view.of(self._after), self._breast.tissue
        yield Progress(0.92)
        gain = _fitted_gain(self._image, seen, tissue)
        # A single window has no borders; it is judged where tiles would have had theirs.
        seam = seam_index(self._image, seen, gain, tiles if mode == "whole" else plan, tissue)
        yield Progress(0.94)
        full_scale, variant = self._view.full_scale, self._settings.cci
        cci_before = cci(self._before, full_scale, variant, mask=tissue)
        yield Progress(0.97)
        cci_after = cci(self._after, full_scale, variant, mask=tissue)
        return _Tally(
            mode=mode,
            seam=seam,
            gain=gain,
            level=float(np.median(self._image[tissue][::97])) if tissue.any() else 0.0,
            windows=len(plan.origins),
            breast_pixels=int(np.count_nonzero(mask)),
            clipped=clipped[0],
            tissue_clipped=clipped[1] / max(1, np.count_nonzero(tissue)),
            flattened=bool(tissue.any() and np.ptp(self._image[tissue]) > 0 and np.ptp(seen[tissue]) == 0),
            before=cci_before,
            after=cci_after,
        )

    def _hide_unmeasured(self) -> None:
        """Let the network see tissue of the mean kind where nothing was measured, not the edge of a frame."""
        unmeasured, tissue = self._breast.unmeasured, self._breast.tissue
        if unmeasured.any() and tissue.any():
            self._image = self._image.copy()
            self._image[unmeasured] = np.median(self._image[tissue])

    def _answer(self, mask: np.ndarray, tiles: Plan) -> Steps[tuple[str, Plan, np.ndarray]]:
        """Return (mode and plan that were used, the network's answer)."""
        if self._runner.precision_is_open:
            window = _fullest_window(self._image, mask, tiles)
            yield from part(self._runner.settle_steps(window, self._view.full_scale), 0.0, 0.0)
        other = {"whole": whole_plan, "paper": paper_plan}.get(self._settings.mode)
        plan = other(mask, self._multiple) if other else tiles
        try:
            return self._settings.mode, plan, (yield from self._runner.answer_steps(self._image, plan))
        except (RuntimeError, MemoryError) as error:
            if not (is_out_of_memory(error) and plan.is_whole):
                raise
        self._runner.notes.append("memory ran out for the whole image at once: went on with tiles")
        return "tiles", tiles, (yield from self._runner.answer_steps(self._image, tiles))

    def _compose(self, mask: np.ndarray, answer: np.ndarray) -> Steps[np.ndarray]:
        """Write the enhanced pixels; return what :meth:`_compose_rows` counts."""
        # Air stays as it was to the last bit, whatever its type.
        self._after[...] = self._before
        region = extent(mask, FEATHER)
        parts = (self._image, answer, mask, self._after, self._breast.unmeasured, self._breast.tissue)
        image, answer, mask, after, unmeasured, tissue = (part[region] for part in parts)
        clipped = np.zeros((2, 2), dtype=int)
        for start in range(0, len(image), _STRIPE):
            rows = slice(start, min(start + _STRIPE, len(image)))
            weights = feather(mask, rows=rows)
            weights[unmeasured[rows]] = 0
            clipped += self._compose_rows(image[rows], answer[rows], weights, tissue[rows], after[rows])
            yield Progress(rows.stop / len(image))
        return clipped

    def _compose_rows(
        self, image: np.ndarray, answer: np.ndarray, weights: np.ndarray, tissue: np.ndarray, after: np.ndarray
    ) -> np.ndarray:
        """Fill ``after`` where ``weights`` are above 0.

        Returns:
            How many values were below and above the range in the breast, and in its tissue: int (2, 2).
        """
        low, high = self._view.value_range
        values = image.astype(np.float32)
        enhanced = self._card.composition.compose(self._card.intensity, values, answer)
        values += weights * (enhanced - values)
        is_whole, clipped = after.dtype.kind != "f", np.zeros((2, 2), dtype=int)
        if is_whole:
            np.rint(values, out=values)  # before turning, so that both polarities round alike
        values = self._view.of(values)
        if is_whole:
            for end, beyond in enumerate((values < low, values > high)):
                clipped[:, end] = np.count_nonzero(beyond & (weights == 1)), np.count_nonzero(beyond & tissue)
            np.clip(values, low, high, out=values)
        np.copyto(after, values, where=weights > 0, casting="unsafe")
        return clipped


def _fullest_window(image: np.ndarray, mask: np.ndarray, plan: Plan) -> np.ndarray:
    """The window of ``plan`` with the most breast in it."""
    rows, columns = plan.shape
    covered = [mask[max(r, 0) : r + rows, max(c, 0) : c + columns].sum() for r, c in plan.origins]
    return cut(image, plan.origins[int(np.argmax(covered))], plan.shape)


def _fitted_gain(before: np.ndarray, after: np.ndarray, tissue: np.ndarray) -> float:
    """Least-squares slope through the origin of ``after`` on ``before`` within the tissue."""
    power = cross = 0.0
    for start in range(0, len(before), _STRIPE):
        rows = slice(start, start + _STRIPE)
        x, y = before[rows][tissue[rows]].astype(np.float64), after[rows][tissue[rows]].astype(np.float64)
        power += float(x @ x)
        cross += float(x @ y)
    return cross / power if power else 1.0


def _worst(seams: list[float]) -> float | None:
    """The largest seam index, or None where no window border lies in a breast."""
    return max((seam for seam in seams if seam == seam), default=None)
