"""Pictures of what a training has come to: input x gain, output and target side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..common.file_names import SAMPLES_FOLDER
from ..dataset.png import write_png


def sample_path(run: Path, epoch: int) -> Path:
    """Return where the picture after an epoch, counted from 1, lies in a run's folder."""
    return run / SAMPLES_FOLDER / f"epoch-{epoch:04d}.png"


def write_triples(path: Path, low: np.ndarray, output: np.ndarray, high: np.ndarray, sign: int | None = 1) -> None:
    """Write patches as rows of input x fitted gain, output, target: one 8-bit PNG.

    Args:
        low, output, high: pixel values (patches, rows, columns); each row of the picture has one
            window for its three images, the 1st to 99th percentile of the target, on a log scale.
        sign: +1 where air is bright; the picture shows dense tissue bright.
    """
    rows = []
    for source, made, true in zip(low, output, high, strict=True):
        gain = float(np.median(true) / max(float(np.median(source)), 1e-6))
        rows.append(np.concatenate(windowed((source * gain, made, true), true, sign), axis=1))
    write_png(path, np.concatenate(rows, axis=0))


def windowed(images: Any, target: np.ndarray, sign: int | None = 1) -> list[np.ndarray]:
    """Return images as they are shown beside each other, uint8, all in the window of ``target``.

    Args:
        images: pixel values (rows, columns).
        target, sign: as in :func:`write_triples`.
    """
    bottom, top = np.percentile(np.log(np.maximum(target, 1)), (1, 99))
    shown = [_window(image, bottom, top) for image in images]
    return [255 - each for each in shown] if sign in (1, None) else shown


def _window(image: np.ndarray, bottom: float, top: float) -> np.ndarray:
    unit = (np.log(np.maximum(image, 1)) - bottom) / max(top - bottom, 1e-6)
    return np.clip(np.rint(255 * unit), 0, 255).astype(np.uint8)
