"""The CCI of a full field against scipy.ndimage.generic_filter(np.std), in one run.

The peer walks a strip of the image and its time is scaled to the whole: its cost is the same for
every pixel. ``--whole`` lets it walk the whole image.
"""

import sys

import numpy as np
from fields import FULL_FIELD, half_breast, paired_seconds
from LowDoseContrastLib.cci import CciVariant, cci, local_moments
from scipy import ndimage

STRIP_ROWS = 64


def main():
    image = half_breast(FULL_FIELD).pixels[0]
    rows = len(image) if "--whole" in sys.argv[1:] else STRIP_ROWS
    start = (len(image) - rows) // 2
    strip = image[start : start + rows].astype(np.float64)
    variant = CciVariant(mask="none", border="reflect")
    peer, ours, moments = paired_seconds(
        lambda: ndimage.generic_filter(strip, np.std, size=3),
        lambda: cci(image, 16383.0, variant),
        lambda: local_moments(image),
        runs=3 if rows == STRIP_ROWS else 1,
    )
    peer *= len(image) / rows
    inside = slice(1, rows - 1)
    expected = ndimage.generic_filter(strip, np.std, size=3)[inside]
    found = local_moments(strip)[0][inside]
    difference = np.abs(found - expected).max() / expected.max()
    print(f"{FULL_FIELD[0]} x {FULL_FIELD[1]}, peer on {rows} rows")
    print(f"generic_filter(np.std)            {peer:8.2f} s")
    print(f"cci: index, norm, map             {ours:8.3f} s, 1/{peer / ours:.0f} of the peer")
    print(f"local_moments: deviation, mean    {moments:8.3f} s, 1/{peer / moments:.0f} of the peer")
    print(f"largest difference, of the largest {difference:7.1e}")
    print("asked: at most 1/200 of the peer, equal within 1e-9")


if __name__ == "__main__":
    main()
