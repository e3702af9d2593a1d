"""A verdict in words by a fixed rule, so that no choice of figures can make one."""

from __future__ import annotations

from dataclasses import dataclass

from .statistics import PairedDifference

IMPROVEMENT, APPEARANCE, WORSE = "improvement", "appearance match", "worse"
NO_TRUTH = "no truth"
GAIN, DENOISER = "the gain", "the best denoising baseline"
DETECTABILITY, BIAS, FALSE_CALCIFICATIONS = "detectability", "bias", "false_calcifications"
TRUTH_MEASURES = (DETECTABILITY, BIAS, FALSE_CALCIFICATIONS)
LIKENESS = {"cci_ratio_error": ("CCI ratio error", -1), "psnr_matched": ("PSNR after the affine match", 1)}  # whether more is better


@dataclass(frozen=True)
class Verdict:
    """``improvement``, ``appearance match`` or ``worse``, and why: one sentence each."""

    word: str
    reasons: tuple[str, ...]


def verdict(differences: dict[str, dict[str, PairedDifference]]) -> Verdict:
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
        differences: opponent (``GAIN``, ``DENOISER``) -> measure -> model less opponent. What is missing
            was not measured: without truth that is all of ``TRUTH_MEASURES``.
    """
    harm = [*_less_detectable(differences), *_more_harm(differences)]
    if harm:
        return Verdict(WORSE, tuple(harm))
    obstacles = _obstacles(differences)
    if not obstacles:
        reason = "detectability is above that of the gain and of the best denoising baseline, at no more bias and no more false calcifications"
        return Verdict(IMPROVEMENT, (reason,))
    less, more = _likeness(differences)
    return Verdict(WORSE if less and not more else APPEARANCE, (*less, *more, *obstacles))


def _compared(differences, measure, *opponents):
    """(opponent, difference) for those opponents that were measured."""
    return [(each, differences[each][measure]) for each in opponents if measure in differences.get(each, {})]


def _surely(difference, sign):
    """Whether the difference has ``sign``: by its interval, or by its mean where there is no interval."""
    nearest = difference.mean if difference.low is None else difference.low if sign > 0 else difference.high
    return sign * nearest > 0


def _less_detectable(differences):
    return [f"detectability is below that of {opponent} {_text(each)}" for opponent, each in _compared(differences, DETECTABILITY, GAIN, DENOISER) if _surely(each, -1)]


def _more_harm(differences):
    compared = [("bias", each) for each in _compared(differences, BIAS, DENOISER)]
    compared += [("false calcifications", each) for each in _compared(differences, FALSE_CALCIFICATIONS, GAIN, DENOISER)]
    return [f"more {name} than {opponent} {_text(each)}" for name, (opponent, each) in compared if _surely(each, 1)]


def _likeness(differences):
    """(by what it looks less, by what it looks more like the high dose than the gain does)."""
    sides = []
    for sign, word in ((-1, "worse"), (1, "better")):
        found = [(name, each) for measure, (name, better) in LIKENESS.items() for _, each in _compared(differences, measure, GAIN) if _surely(each, sign * better)]
        sides.append([f"{name} is {word} than that of {GAIN} {_text(each)}" for name, each in found])
    return sides


def _obstacles(differences):
    """Why it is no improvement."""
    missing = [each for each in (GAIN, DENOISER) if each not in differences]
    if missing:
        return [f"{missing[0]} was not computed beside it: an improvement cannot be claimed"]
    unknown = [name for name in TRUTH_MEASURES if any(name not in differences[each] for each in (GAIN, DENOISER))]
    if unknown == list(TRUTH_MEASURES):
        return [f"{NO_TRUTH}: without it detectability, bias and false calcifications are unknown, and an improvement cannot be claimed"]
    if unknown:
        return [f"{' and '.join(unknown).replace('_', ' ')} could not be measured: an improvement cannot be claimed"]
    found = []
    for opponent, each in _compared(differences, DETECTABILITY, GAIN, DENOISER):
        if each.low is None:
            found.append(f"{each.note}: an improvement cannot be claimed")
        elif each.low <= 0:
            found.append(f"detectability is not shown to be above that of {opponent} {_text(each)}")
    for measure, name, opponents in ((BIAS, "bias", (DENOISER,)), (FALSE_CALCIFICATIONS, "false calcifications", (GAIN, DENOISER))):
        found += [f"{name} may be more than that of {opponent} {_text(each)}" for opponent, each in _compared(differences, measure, *opponents) if each.mean > 0]
    return list(dict.fromkeys(found))


def _text(difference):
    interval = "no interval" if difference.low is None else f"95% {difference.low:.3g} to {difference.high:.3g}"
    return f"(by {difference.mean:+.3g}, {interval})"
