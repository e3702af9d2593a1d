"""What a training needs to know beside its recipe: how long, where and in how much memory."""

from __future__ import annotations

from dataclasses import dataclass

from LowDoseContrastLib.device import DEVICES
from LowDoseContrastLib.settings import check, setting


@dataclass(frozen=True)
class RunSettings:
    """How a training is run; unlike the recipe, nothing here belongs to the result.

    Attributes:
        epochs: replaces the recipe's total, divided in its proportion.
        threads: None leaves torch's choice.
        memory: gigabytes; patches that do not fit are read when they are needed.

    Raises:
        InputError: a value out of its range.
    """

    epochs: int | None = setting(
        None,
        "epochs in all, constant rate and decay in the recipe's proportion",
        least=1,
        metavar="N",
        default_help="the recipe's",
    )
    tensorboard: bool = setting(False, "write event files to OUTDIR/tensorboard (needs the package tensorboard)")
    device: str = setting("auto", "where to train; auto takes a GPU before the CPU", choices=DEVICES)
    threads: int | None = setting(None, "threads of the processor", least=1, metavar="N", default_help="all cores")
    memory: float | None = setting(
        None,
        "memory for decoded patches, in each process; the others are read when needed",
        least=0,
        metavar="GB",
        default_help="a quarter of the computer's",
    )

    def __post_init__(self) -> None:
        check(self)
