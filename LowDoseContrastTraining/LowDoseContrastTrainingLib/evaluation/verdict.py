"""A verdict in words by a fixed rule, so that no choice of figures can make one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .statistics import PairedDifference

IMPROVEMENT, APPEARANCE, WORSE = "improvement", "appearance match", "worse"
NO_TRUTH = "no truth"
GAIN, DENOISER = "the gain", "the best denoising baseline"
DETECTABILITY, BIAS, FALSE_CALCIFICATIONS = "detectability", "bias", "false_calcifications"
TRUTH_MEASURES = (DETECTABILITY, BIAS, FALSE_CALCIFICATIONS)
Differences = dict[str, dict[str, "PairedDifference"]]  # opponent -> measure -> model less opponent
# Measure: its name, and 1 where more is better.
LIKENESS = {"cci_ratio_error": ("CCI ratio error", -1), "psnr_matched": ("PSNR after the affine match", 1)}


@dataclass(frozen=True)
class Verdict:
    """``improvement``, ``appearance match`` or ``worse``, and why: one sentence each."""

    word: str
    reasons: tuple[str, ...]


def verdict(differences: Differences) -> Verdict:
    """Return the verdict on a model, by the first of these that holds.

    1. *worse*: detectability is below that of the gain or of the best denoising baseline, bias is above the
       latter's, or false calcifications are above either's: by an interval that excludes zero or, where
       there is no interval, at all.
    2. *improvement*: detectability is above both, each by a 95% interval that excludes zero; the mean bias is no
       more than the best denoising baseline's, the mean false calcifications are no more than either's. (The
       gain, which removes no noise, has no bias to compare with.)
    3. *worse*: it looks less like the high dose than the gain does, by CCI ratio error or by PSNR after the affine
       match, decided as in 1, and by neither of them more.
    4. *appearance match*: everything else.

    Args:
        differences: to ``GAIN`` and ``DENOISER``. What is missing was not measured: without truth that is all of
            ``TRUTH_MEASURES``.
    """
    harm = [*_less_detectable(differences), *_more_harm(differences)]
    if harm:
        return Verdict(WORSE, tuple(harm))
    obstacles = _obstacles(differences)
    if not obstacles:
        shown = "detectability is above that of the gain and of the best denoising baseline"
        return Verdict(IMPROVEMENT, (f"{shown}, at no more bias and no more false calcifications",))
    less, more = _likeness(differences, is_better=False), _likeness(differences, is_better=True)
    return Verdict(WORSE if less and not more else APPEARANCE, (*less, *more, *obstacles))


def _compared(differences: Differences, measure: str, *opponents: str) -> list[tuple[str, PairedDifference]]:
    """(opponent, difference) for those opponents that were measured."""
    return [
        (opponent, differences[opponent][measure]) for opponent in opponents if measure in differences.get(opponent, {})
    ]


def _surely(difference: PairedDifference, sign: int) -> bool:
    """Whether the difference has ``sign``: by its interval, or by its mean where there is no interval."""
    if difference.low is None or difference.high is None:
        return sign * difference.mean > 0
    return sign * (difference.low if sign > 0 else difference.high) > 0


def _less_detectable(differences: Differences) -> list[str]:
    compared = _compared(differences, DETECTABILITY, GAIN, DENOISER)
    return [
        f"detectability is below that of {opponent} {_text(each)}" for opponent, each in compared if _surely(each, -1)
    ]


def _more_harm(differences: Differences) -> list[str]:
    compared = [("bias", *each) for each in _compared(differences, BIAS, DENOISER)]
    compared += [
        ("false calcifications", *each) for each in _compared(differences, FALSE_CALCIFICATIONS, GAIN, DENOISER)
    ]
    return [f"more {name} than {opponent} {_text(each)}" for name, opponent, each in compared if _surely(each, 1)]


def _likeness(differences: Differences, is_better: bool) -> list[str]:
    """The measures by which it looks more, or less, like the high dose than the gain does."""
    sign, word = (1, "better") if is_better else (-1, "worse")
    return [
        f"{name} is {word} than that of {GAIN} {_text(each)}"
        for measure, (name, better) in LIKENESS.items()
        for _, each in _compared(differences, measure, GAIN)
        if _surely(each, sign * better)
    ]


def _obstacles(differences: Differences) -> list[str]:
    """The reasons why it is not an improvement."""
    missing = [each for each in (GAIN, DENOISER) if each not in differences]
    if missing:
        return [f"{missing[0]} was not computed beside it: an improvement cannot be claimed"]
    unknown = [name for name in TRUTH_MEASURES if any(name not in differences[each] for each in (GAIN, DENOISER))]
    if unknown == list(TRUTH_MEASURES):
        without = "without it detectability, bias and false calcifications are unknown"
        return [f"{NO_TRUTH}: {without}, and an improvement cannot be claimed"]
    if unknown:
        names = " and ".join(unknown).replace("_", " ")
        return [f"{names} could not be measured: an improvement cannot be claimed"]
    return list(dict.fromkeys([*_not_shown(differences), *_maybe_more(differences)]))


def _not_shown(differences: Differences) -> Iterator[str]:
    for opponent, each in _compared(differences, DETECTABILITY, GAIN, DENOISER):
        if each.low is None:
            yield f"{each.note}: an improvement cannot be claimed"
        elif each.low <= 0:
            yield f"detectability is not shown to be above that of {opponent} {_text(each)}"


def _maybe_more(differences: Differences) -> Iterator[str]:
    both = ((BIAS, "bias", (DENOISER,)), (FALSE_CALCIFICATIONS, "false calcifications", (GAIN, DENOISER)))
    for measure, name, opponents in both:
        for opponent, each in _compared(differences, measure, *opponents):
            if each.mean > 0:
                yield f"{name} may be more than that of {opponent} {_text(each)}"


def _text(difference: PairedDifference) -> str:
    interval = "no interval"
    if difference.low is not None:
        interval = f"95% {difference.low:.3g} to {difference.high:.3g}"
    return f"(by {difference.mean:+.3g}, {interval})"
