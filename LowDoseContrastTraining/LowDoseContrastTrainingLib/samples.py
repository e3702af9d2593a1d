"""Pictures of what a training has come to: input x gain, output and target side by side."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .patches import write_png


def sample_path(run: Path, epoch: int) -> Path:
    """Return where the picture after an epoch, counted from 1, lies in a run's folder."""
    return run / "samples" / f"epoch-{epoch:04d}.png"


def write_triples(path: Path, low, output, high, sign: int | None = 1) -> None:
    """Write patches as rows of input x fitted gain, output, target: one 8-bit PNG.

    Args:
        low, output, high: pixel values (patches, rows, columns); each row of the picture has one
            window for its three images, the 1st to 99th percentile of the target, on a log scale.
        sign: +1 where air is bright; the picture shows dense tissue bright.
    """
    rows = []
    for source, made, true in zip(low, output, high):
        gain = float(np.median(true) / max(float(np.median(source)), 1e-6))
        bottom, top = np.percentile(np.log(np.maximum(true, 1)), (1, 99))
        row = np.concatenate([_window(image, bottom, top) for image in (source * gain, made, true)], axis=1)
        rows.append(255 - row if sign in (1, None) else row)
    write_png(path, np.concatenate(rows, axis=0))


def _window(image: np.ndarray, bottom: float, top: float) -> np.ndarray:
    unit = (np.log(np.maximum(image, 1)) - bottom) / max(top - bottom, 1e-6)
    return np.clip(np.rint(255 * unit), 0, 255).astype(np.uint8)
