"""What the pixels of a candidate say against its being a pair: other content, mirrored, the same exposure, other doses.

The signal of a linear image is proportional to the dose. So the gain between the two images, by which structure and
thickness differ whatever the offset, must be the ratio of the doses: within a factor of 1.5, and of the square root of
that ratio, so that it is nearer to the ratio than to 1. Doses are estimates and beams may differ a little; the same
exposure twice, or doses the wrong way round, are far outside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .content import Comparison, Exposure, compare_shifted, mirrored
from .pairing import Pair

GAIN_TOLERANCE = 1.5  # factor between the ratio of signals and the ratio of doses


@dataclass(frozen=True)
class Checked:
    """What the pixels say: why a pair is ``refused`` (empty if it is not), and a ``note`` on what remains open."""

    refused: str = ""
    note: str = ""


def check_content(pair: Pair, exposures: tuple[Exposure, Exposure], shift: tuple[float, float]) -> Checked:
    """Check the pixels of a candidate.

    Args:
        exposures: at the low and at the high dose, of one size.
        shift: (rows, columns) by which the high dose seems to be shifted, pixels.
    """
    low, high = exposures
    doses = f"{pair.low.dose_mgy:.4g} and {pair.high.dose_mgy:.4g} mGy"
    if np.array_equal(low.pixels, high.pixels):
        return Checked(f"the two images have the same pixels, though their doses differ: {doses}")
    found = compare_shifted(low, high, shift)
    unknown = ", ".join(pair.unknown)
    if found.same is False:
        if turned := mirrored(low, high):
            return Checked(f"the high dose {turned} against the low dose")
        also = f"; not known to agree: {unknown}" if unknown else ""
        return Checked(f"the two images show different things: {found}{also}")
    if found.same is None and unknown:
        return Checked(f"neither headers nor pixels tell whether the two images show the same: {unknown}; {found}")
    if wrong := _wrong_gain(pair, found, exposures):
        return Checked(wrong)
    if found.same is None:
        return Checked(note=f"paired by the headers alone: too little structure or too much noise ({found})")
    return Checked(note=f"paired by the pixels ({found}), for the headers do not tell: {unknown}" if unknown else "")


def _wrong_gain(pair: Pair, found: Comparison, exposures: tuple[Exposure, Exposure]) -> str:
    """Return how the signals contradict the doses, or ''."""
    if pair.low.dose_mgy is None or pair.high.dose_mgy is None or pair.low.intent == "FOR PRESENTATION":
        return ""
    if pair.low.relationship not in ("LIN", None):
        return ""  # in a logarithmic image the dose is an offset
    expected, gain = pair.high.dose_mgy / pair.low.dose_mgy, found.gain
    if gain is None:
        # Without structure there is the level alone, which an offset falsifies: only the order of the doses shows.
        levels = [float(np.median(each.pixels[each.mask])) for each in exposures if each.mask.any()]
        # The values fall with X-rays where air is dark: levels then tell nothing.
        if len(levels) < 2 or pair.low.sign != 1 or levels[1] > levels[0]:
            return ""
        gain = levels[1] / max(levels[0], 1e-9)
    if pair.low.relationship is None and abs(math.log(max(gain, 1e-9))) < math.log(GAIN_TOLERANCE):
        return ""  # perhaps logarithmic, where structure is the same at all doses
    tolerance = min(GAIN_TOLERANCE, math.sqrt(expected))
    if expected / tolerance <= gain <= expected * tolerance:
        return ""
    figures = f"{gain:.2f} times the signal at {expected:.2f} times the dose"
    if gain * expected <= tolerance and gain < 1:
        return f"the doses of the two images are swapped: {figures}"
    return f"the signals do not fit the doses: {figures}"
