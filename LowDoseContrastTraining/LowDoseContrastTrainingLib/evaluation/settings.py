"""How an evaluation judges: every setting with its check, its option and its range; light to import."""

from __future__ import annotations

from dataclasses import dataclass, field

from LowDoseContrastLib.cci import CciVariant
from LowDoseContrastLib.device import DEVICES
from LowDoseContrastLib.settings import check, setting

LEAST_REALISATIONS = 2  # of a simulation that anything is measured against the truth of
SPLITS = {"test": ("test",), "val": ("val",), "all": ("val", "test")}


@dataclass(frozen=True)
class EvaluationSettings:
    """How to judge.

    Attributes:
        baselines: ``all``, or names with commas between; the gain is always among them.
        split: ``test``, ``val`` or ``all`` (both): the patches that are judged.
        noise: known values of the detector's noise model, as text or a file; None to estimate them from training pairs.
        cci: variant of the CCI.
        device: see :func:`LowDoseContrastLib.device.choose_placement`.
        allow_out_of_domain: judge models outside of their domain too; which property does not fit is recorded.
        seed: of the bootstrap.
        simulation: folder of the simulation that the data sets were prepared from, with two realisations or more; what
            is held out is then measured against its truth too. Without a data set, all of its arrangements are.
        random: a data set of the same acquisitions split at random, for the leakage gap.

    Raises:
        InputError: a value that is not one of these.
    """

    baselines: str = setting(
        "all", "which baselines, with commas between; the gain is always among them", metavar="all|LIST"
    )
    split: str = setting("test", "which patches are judged: test, val, or all (both)", choices=tuple(SPLITS))
    noise: str | None = setting(
        None,
        "known values of the detector's noise, as xi_q=0.031,xi_e=2.8,offset=1.9, or .json or .toml",
        metavar="TEXT|FILE",
        default_help="estimated from the training pairs",
    )
    cci: CciVariant = field(default_factory=CciVariant)
    device: str = setting("auto", ", ".join(DEVICES), default_help="auto, a GPU before the CPU")
    allow_out_of_domain: bool = setting(False, "judge a model outside of its domain too")
    seed: int = setting(0, "of the bootstrap", least=0, metavar="S")
    simulation: str | None = setting(
        None,
        "a folder of 'simulate', with --realisations 2 or more: measures against its truth too. With --dataset, the "
        "one that it was prepared from; without, all of its arrangements are judged, baselines fitted on one half for "
        "the other",
        metavar="DIR",
    )
    random: str | None = setting(
        None,
        "a data set of the same acquisitions made with --split random: how much better the --model trained on it looks "
        "on its own test part is the leakage gap",
        metavar="DIR",
    )

    def __post_init__(self) -> None:
        check(self)
