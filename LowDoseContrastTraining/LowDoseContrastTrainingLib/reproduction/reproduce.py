"""The paper from end to end: simulate, prepare, four runs, their losses and CCI, and what the paper does not tell."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LowDoseContrastLib import __version__
from LowDoseContrastLib.atomic import atomic_output
from LowDoseContrastLib.cci import CciVariant
from LowDoseContrastLib.steps import Steps

from ..baselines.names import chosen_baselines
from ..common.file_names import (
    GROUPS_FILE,
    LAST_MODEL_FILE,
    LOSSES_FILE,
    NUMBERS_FILE,
    REPRODUCTION_FILE,
    RESULTS_FILE,
)
from ..common.run_folder import open_folder
from ..common.stages import Stages
from ..dataset.manifest import open_data_set
from ..dataset.prepare import prepare
from ..evaluation.evaluate import evaluate
from ..evaluation.settings import EvaluationSettings
from ..simulator.layout import image_path
from ..simulator.simulation import simulate
from ..simulator.workers import default_jobs
from ..training.recipe import Recipe
from ..training.run_settings import RunSettings
from ..training.train import train
from . import paper
from .comparison import Number, comparison
from .duration import seconds_of
from .group_means import group_means
from .layout import ACQUISITIONS, EVALUATION, HONEST_EVALUATION, HONEST_PAIRS, HONEST_RUN, PAIRS
from .page import write_page
from .plan import HONEST, RUNS, ReproductionPlan

_BYTES = 3_000_000_000  # of disk: images, patches, and the checkpoints of five runs at full width
_OTHER_SECONDS = {"simulate": 100, "prepare": 60, "judge": 150, "group means": 15}


@dataclass(frozen=True)
class Reproduced:
    """A finished reproduction.

    Attributes:
        page: path of the page.
        quick: whether it is of the quick size.
        numbers: ours beside the paper's.
        seconds: part of the work -> how long it took.
    """

    page: str
    quick: bool
    numbers: Sequence[Number]
    seconds: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "numbers": [each.to_json() for each in self.numbers]}


def reproduce(
    output: str | Path,
    plan: ReproductionPlan = ReproductionPlan(),  # noqa: B008  frozen
    device: str = "auto",
    told: Callable[[str], None] | None = None,
) -> Steps[Reproduced]:
    """Repeat the paper's experiment in a folder, or go on with one that was interrupted; write its page.

    Args:
        output: folder, new or of an interrupted run of the same plan.
        device: see :func:`LowDoseContrastLib.device.choose_placement`.
        told: called at the beginning with a sentence that says about how long it will take.

    Raises:
        InputError: a folder that holds something else, a full disk, or a training that diverged.
    """
    output = Path(output)
    settings = {"version": __version__, "quick": plan.quick, "seed": plan.seed}
    with open_folder(output, REPRODUCTION_FILE, settings, _BYTES, "a reproduction"):
        work = _Work(output, plan, device)
        if told is not None:
            told(work.estimate())
        yield from work.data()
        yield from work.runs()
        yield from work.judge()
        numbers = comparison(output, plan)
        _write_json(output / NUMBERS_FILE, [each.to_json() for each in numbers])
        page = write_page(output, plan, numbers)
        yield work.stages.end("page")
        return Reproduced(str(page), plan.quick, numbers, work.stages.seconds)


def _write_json(path: Path, content: object) -> None:
    with atomic_output(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")


class _Work:
    """The parts; each leaves what is there already as it is."""

    def __init__(self, output: Path, plan: ReproductionPlan, device: str) -> None:
        self.output, self.plan, self.device = output, plan, device
        self.pairs = {**dict.fromkeys(RUNS, PAIRS), HONEST_RUN: HONEST_PAIRS}
        self.recipes = {run: plan.recipe(HONEST if run == HONEST_RUN else run) for run in self.pairs}
        patches = paper.DATA["pairs for training"]
        self.expected = {run: seconds_of(recipe, patches, device) for run, recipe in self.recipes.items()}
        weights = self.expected | _OTHER_SECONDS
        names = ("simulate", "prepare", *self.pairs, "judge", "group means")
        self.stages = Stages({name: weights[name] for name in names})

    def estimate(self) -> str:
        """Return about how long it will take, in words; trainings that are partly done count for their rest."""
        expected = self.expected
        left = sum(seconds * (1 - _done(self.output / run, self.recipes[run])) for run, seconds in expected.items())
        shortest, longest = (_duration(pick(expected.values())) for pick in (min, max))
        total = _duration(left + sum(_OTHER_SECONDS.values()))
        return f"this takes about {total}: {len(expected)} trainings of {shortest} to {longest} each on this device"

    def data(self) -> Steps[None]:
        """Make the images and the patches, those of the paper's split and those without leak."""
        acquisitions = self.output / ACQUISITIONS
        yield from self.stages.run("simulate", simulate(acquisitions, self.plan.simulation, default_jobs()))
        for folder, settings in ((PAIRS, self.plan.random), (HONEST_PAIRS, self.plan.arrangement)):
            yield from self.stages.run("prepare", prepare(acquisitions, self.output / folder, settings))

    def runs(self) -> Steps[None]:
        """Train the four runs, and the first once more on patches split by arrangement."""
        for run, folder in self.pairs.items():
            settings = RunSettings(device=self.device)
            steps = train(self.output / folder, self.output / run, self.recipes[run], resume=True, settings=settings)
            yield from self.stages.run(run, steps)

    def judge(self) -> Steps[None]:
        """Judge on both data sets, and measure the CCI of whole images."""
        yield from self._judge(EVALUATION, PAIRS, RUNS)
        yield from self._judge(HONEST_EVALUATION, HONEST_PAIRS, (HONEST_RUN, HONEST), str(self.output / PAIRS))
        if not (self.output / GROUPS_FILE).exists():
            means = yield from self.stages.run("group means", group_means(self._groups()))
            _write_json(self.output / GROUPS_FILE, means)

    def _groups(self) -> dict[str, list[Path]]:
        """Dose -> images of the arrangements that have both doses: the paper's groups A and B."""
        plan, folder = self.plan.simulation, self.output / ACQUISITIONS
        both = [number for number in range(plan.arrangements) if set(paper.GROUP_MEANS) <= set(plan.doses_of(number))]
        return {dose: [image_path(folder, number, dose) for number in both] for dose in paper.GROUP_MEANS}

    def _judge(self, name: str, pairs: str, runs: Sequence[str], random: str | None = None) -> Steps[None]:
        """Make one evaluation, unless it is there; of a run the last epoch is judged, as in the paper."""
        if (self.output / name / RESULTS_FILE).exists():
            return
        scale = open_data_set(self.output / pairs).scale
        settings = EvaluationSettings(
            baselines=",".join(kind.name for kind in chosen_baselines("all") if not kind.is_trained),
            cci=CciVariant(f"window:{scale.low:g},{scale.high:g}"),  # the 8 bits of the patches
            device=self.device,
            seed=self.plan.seed,
            random=random,
        )
        models = [self.output / run / LAST_MODEL_FILE for run in runs]
        steps = evaluate(self.output / pairs, models, self.output / name, settings)
        yield from self.stages.run("judge", steps)


def _done(folder: Path, recipe: Recipe) -> float:
    """The part of a training that an interrupted run has left behind."""
    try:
        with open(folder / LOSSES_FILE, newline="") as stream:
            return min(1.0, sum(1 for _ in csv.DictReader(stream)) / recipe.total_epochs)
    except OSError:
        return 0.0


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds > 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
