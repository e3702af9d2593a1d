"""What the modes and overlaps do to the bundled pair, which the starter model has not seen.

For each: seam index, windows, seconds, mean absolute error against the true high dose and mean
absolute difference to one pass over the whole breast, both in pixel values within the tissue.
"""

import numpy as np
from LowDoseContrastLib.catalogue import DEFAULT_MODEL, find_model
from LowDoseContrastLib.enhance import Enhancer, Settings
from LowDoseContrastLib.files import read_mammogram
from LowDoseContrastLib.mask import Breast
from LowDoseContrastLib.model import load_model
from LowDoseContrastLib.resources import resource

CASES = (
    Settings(mode="whole"),
    *(Settings(overlap=overlap) for overlap in (0, 0.05, Settings().overlap, 0.25, 0.5)),
    Settings(mode="paper"),
)


def main():
    low, high = (read_mammogram(resource("SampleData") / f"phantom-{dose}.dcm") for dose in ("low", "high"))
    tissue, target = Breast(low.pixels[0], low.sign).tissue, high.pixels[0].astype(float)
    enhancer = Enhancer(load_model(find_model(DEFAULT_MODEL)))
    enhancer.run(low)
    whole = None
    print(f"{'':24}{'seam':>8}{'windows':>9}{'seconds':>9}{'error':>8}{'to whole':>10}")
    for settings in CASES:
        result = enhancer.run(low, settings)
        report, pixels = result.report, result.mammogram.pixels[0].astype(float)
        whole = pixels if whole is None else whole
        name = f"tiles, overlap {settings.overlap:g}" if settings.mode == "tiles" else settings.mode
        error, difference = (np.abs(pixels - other)[tissue].mean() for other in (target, whole))
        print(
            f"{name:24}{report.seam_index:8.3f}{report.windows:9d}{report.seconds:9.2f}{error:8.2f}{difference:10.2f}"
        )
    gain = float(
        (low.pixels[0][tissue].astype(float) @ target[tissue]) / np.sum(low.pixels[0][tissue].astype(float) ** 2)
    )
    print(
        "error of the low dose x gain fitted to the true high dose: "
        f"{np.abs(gain * low.pixels[0] - target)[tissue].mean():.2f}"
    )


if __name__ == "__main__":
    main()
