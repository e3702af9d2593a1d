"""Peak memory and growth of time with the number of pixels, with the starter model.

Every size runs in a process of its own, so that the peak is its own: 1 to 26 megapixels.
"""

import json
import resource
import subprocess
import sys
import time

SIZES = ((1110, 930), (2294, 1914), (3394, 2832), (5355, 4915))
RUNS = 5


def measure(rows, columns):
    """Enhances a half-filled field in this process; prints seconds and peak memory as JSON.

    The least of the times: what other programs add has nothing to do with the number of pixels.
    """
    from fields import half_breast
    from LowDoseContrastLib.catalogue import DEFAULT_MODEL, find_model
    from LowDoseContrastLib.enhance import Enhancer, Settings
    from LowDoseContrastLib.model import load_model

    mammogram = half_breast((rows, columns))
    enhancer = Enhancer(load_model(find_model(DEFAULT_MODEL)))
    seconds = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        enhancer.run(mammogram, Settings(allow_out_of_domain=True))
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": min(seconds[1:]), "peak": peak}))


def main():
    if len(sys.argv) == 3:
        measure(*map(int, sys.argv[1:]))
        return
    print(f"{'rows x columns':>15}{'megapixels':>12}{'seconds':>9}{'us/pixel':>10}{'peak GB':>9}")
    found = []
    for rows, columns in SIZES:
        result = json.loads(
            subprocess.run(
                [sys.executable, __file__, str(rows), str(columns)], check=True, capture_output=True, text=True
            ).stdout
        )
        pixels = rows * columns / 1e6
        found.append((pixels, result["seconds"]))
        print(
            f"{rows:>7} x {columns:<5}{pixels:>12.1f}{result['seconds']:>9.2f}{result['seconds'] / pixels:>10.3f}{result['peak'] / 1e9:>9.2f}"
        )
    import numpy as np

    pixels, seconds = np.array(found).T
    slopes = np.diff(seconds) / np.diff(pixels)
    print(f"slope between neighbouring sizes, s per megapixel: {', '.join(f'{s:.3f}' for s in slopes)}")
    print(
        f"they differ from their mean by at most {np.abs(slopes / slopes.mean() - 1).max():.0%}; asked: 15%, and "
        "at most 2 GB at the largest size"
    )
    print(
        "(as a power law with its fixed cost: pixels to the power "
        f"{np.polyfit(np.log(pixels), np.log(seconds), 1)[0]:.2f})"
    )


if __name__ == "__main__":
    main()
