"""A picture of how a training went: its losses and its validation, epoch by epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from LowDoseContrastLib.atomic import atomic_output

from ..common.file_names import CURVES_FILE

_CHARTS = (
    ("Generator: adversarial", "loss", (("G_GAN_mean", "G_GAN"),)),
    ("Generator: L1, with its weight", "loss", (("G_L1_mean", "G_L1"),)),
    ("Discriminator, before the half", "loss", (("D_real_mean", "D_real"), ("D_fake_mean", "D_fake"))),
    ("Validation: mean abs. error", "pixel values", (("val_l1_model", "model"), ("val_l1_gain", "input x gain"))),
    ("Validation: structural similarity", "SSIM", (("val_ssim_model", "model"), ("val_ssim_gain", "input x gain"))),
    (
        "Validation: finest detail and noise",
        "ratio to the true image",
        (("val_fine_ratio_model", "model"), ("val_fine_ratio_gain", "input x gain")),
    ),
)


def write_curves(folder: str | Path, history: list[dict], gan_from: int = 0, best: int | None = None) -> Path | None:
    """Write ``curves.png`` into a run's folder.

    Args:
        history: rows of ``losses.csv``, whose epoch means are drawn; validation columns may be missing.
        gan_from: epochs before the discriminator joined; its losses are drawn from there on.
        best: index of the row whose model is kept, marked by a line.

    Returns:
        The path; None where matplotlib is not installed.
    """
    try:
        figure = curves_figure(history, gan_from, best)
    except ImportError:
        return None
    path = Path(folder) / CURVES_FILE
    with atomic_output(path, overwrite=True) as temporary:
        figure.savefig(temporary, dpi=110, metadata={"Software": None})
    return path


def curves_figure(
    history: list[dict], gan_from: int = 0, best: int | None = None, inches: float = 11.0, text: float = 10.0
) -> Any:
    """Return the curves as a matplotlib figure.

    Args:
        history, gan_from, best: as in :func:`write_curves`.
        inches: width.
        text: size of the headings, points; all other text is a little smaller.

    Raises:
        ImportError: matplotlib is not installed.
    """
    import matplotlib.figure

    charts = [chart for chart in _CHARTS if chart[2][0][0] in history[-1]]
    down = -(-len(charts) // 3)
    figure = matplotlib.figure.Figure((inches, 3 / 11 * inches * down), layout="constrained")
    axes = figure.subplots(down, 3, squeeze=False).ravel()
    for axis in axes[len(charts) :]:
        axis.set_axis_off()
    for axis, (heading, unit, lines) in zip(axes, charts, strict=False):
        for column, label in lines:
            rows = [row for row in history if gan_from < row["epoch"] or column.startswith(("val_", "G_L1"))]
            axis.plot([row["epoch"] for row in rows], [row[column] for row in rows], label=label)
        if best is not None:
            axis.axvline(history[best]["epoch"], color="0.6", linestyle=":", linewidth=1, label="kept")
        axis.set_title(heading, fontsize=text)
        axis.set_xlabel("epoch", fontsize=text)
        axis.set_ylabel(unit, fontsize=text)
        axis.tick_params(labelsize=text)
        axis.margins(x=0.02)
        axis.legend(fontsize=0.8 * text, frameon=False)
        axis.spines[["top", "right"]].set_visible(False)
    return figure
