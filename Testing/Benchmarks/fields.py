"""What the benchmarks share: images of any size, untrained networks, and paired timing."""

import statistics
import time

import numpy as np
import torch
from LowDoseContrastLib.card import Architecture, ModelCard
from LowDoseContrastLib.generator import UNetGenerator
from LowDoseContrastLib.initialisation import initialise
from LowDoseContrastLib.intensity import Composition, IntensityScale
from LowDoseContrastLib.mammogram import Mammogram
from LowDoseContrastLib.model import Model

FULL_FIELD = (2294, 1914)


def half_breast(shape, seed=0):
    """A 14-bit image of a breast that covers half of the field; air is bright."""
    rng = np.random.default_rng(seed)
    rows, columns = shape
    y, x = np.ogrid[:rows, :columns]
    # Half an ellipse against the chest wall: its area is pi/2 x a x b = half of the field.
    a, b = 0.45 * rows, 0.5 * rows * columns / (0.5 * np.pi * 0.45 * rows)
    inside = ((y - rows / 2) / a) ** 2 + (x / b) ** 2 < 1
    tissue = 367 + 40 * np.sin(y / 37) * np.cos(x / 29) + 4 * rng.standard_normal(shape, dtype=np.float32)
    pixels = np.where(inside, tissue, 11500).astype(np.uint16)
    return Mammogram(pixels[np.newaxis], (0.1, 0.1), 14, "MG", sign=1, source="benchmark")


def untrained_model(ngf, seed=0):
    """unet_256 with ``ngf`` filters, batch norm statistics from noise: timing does not depend on weights."""
    torch.manual_seed(seed)
    generator = initialise(UNetGenerator("unet_256", ngf=ngf)).train()
    with torch.no_grad():
        generator(0.1 * torch.randn(4, 1, 256, 256))
    card = ModelCard(
        f"untrained-{ngf}",
        architecture=Architecture("unet_256", ngf=ngf),
        intensity=IntensityScale("log", 100.0, 16383.0),
        composition=Composition("residual", 3.43, 0.1),
    )
    return Model(card, generator.eval(), sha256="5" * 64)


def paired_seconds(*functions, runs=3):
    """Median seconds of each function, run in turn so that a drift of the machine meets all of them."""
    for function in functions:
        function()
    seconds = [[] for _ in functions]
    for _ in range(runs):
        for kept, function in zip(seconds, functions):
            start = time.perf_counter()
            function()
            kept.append(time.perf_counter() - start)
    return [statistics.median(kept) for kept in seconds]


def matrix_rate(dtype, side=2048):
    """Measured rate of a square matrix product in FLOP/s."""
    matrix = torch.randn(side, side).to(dtype)
    (seconds,) = paired_seconds(lambda: matrix @ matrix, runs=5)
    return 2 * side**3 / seconds
