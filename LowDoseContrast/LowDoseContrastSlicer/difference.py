"""What an enhancement did beyond its gain, as a volume."""

from __future__ import annotations

import numpy as np
import slicer
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.mask import Breast
from LowDoseContrastLib.nodes import NodeImage, fill, report_of
from LowDoseContrastLib.steps import Progress, Steps

_STRIPE = 256  # rows worked on at a time


def differenceSteps(
    target_node: slicer.vtkMRMLVolumeNode,
    source_node: slicer.vtkMRMLVolumeNode,
    enhanced_node: slicer.vtkMRMLVolumeNode,
    image: NodeImage,
) -> Steps[float]:
    """Fill ``target_node`` with enhanced - fitted gain x source, float32, in the values that the network saw.

    Closing the steps leaves ``target_node`` as it is.

    Args:
        image: the :class:`NodeImage` of the source.

    Returns:
        The 99th percentile of the absolute change, for a window.

    Raises:
        InputError: volumes of different sizes, or one that is no enhancement of the other.
    """
    report = report_of(enhanced_node)
    before, after = (slicer.util.arrayFromVolume(n) for n in (source_node, enhanced_node))
    if before.shape != after.shape:
        names = f"{source_node.GetName()} and {enhanced_node.GetName()}"
        raise InputError(names, "differ in size", "choose volumes of the same image")
    if report is None:
        raise InputError(enhanced_node.GetName(), "was not made by this module", "choose an enhanced volume")
    tissue, power, cross = np.zeros(before.shape, dtype=bool), 0.0, 0.0
    stripes = [
        (i, slice(start, start + _STRIPE)) for i in range(len(before)) for start in range(0, before.shape[1], _STRIPE)
    ]
    for index, seen in enumerate(before):
        tissue[index] = Breast(image.seen_values(seen, report), report.air).tissue
        yield _change_progress(0.3 * (index + 1) / len(before))
    for done, stripe in enumerate(stripes, start=1):
        x, y = (image.seen_values(v[stripe][tissue[stripe]], report).astype(np.float64) for v in (before, after))
        power, cross = power + float(x @ x), cross + float(x @ y)
        yield _change_progress(0.3 + 0.3 * done / len(stripes))
    gain = cross / power if power else 1.0
    change, sample = np.zeros(before.shape, dtype=np.float32), []
    for done, stripe in enumerate(stripes, start=1):
        inside = tissue[stripe]
        x, y = (image.seen_values(voxels[stripe][inside], report) for voxels in (before, after))
        found = y - np.float32(gain) * x
        change[stripe][inside] = found
        sample.append(np.abs(found[:: max(1, len(stripes) * found.size // 500_000)]))
        yield _change_progress(0.6 + 0.4 * done / len(stripes))
    fill(target_node, change, source_node, "difference")
    target_node.SetAttribute("LowDoseContrast.fittedGain", f"{gain:.6g}")
    changes = np.concatenate(sample)
    return float(np.percentile(changes, 99)) if changes.size else 1.0


def _change_progress(done: float) -> Progress:
    return Progress(done, "Computing the difference")
