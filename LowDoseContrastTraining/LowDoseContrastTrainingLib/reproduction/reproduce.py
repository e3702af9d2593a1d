"""The paper from end to end: simulate, prepare, four runs, their losses and CCI, and what the paper does not tell."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from LowDoseContrastLib import __version__
from LowDoseContrastLib.atomic import atomic_output
from LowDoseContrastLib.cci import CciVariant
from LowDoseContrastLib.steps import mapped

from ..baselines.all_baselines import FITTED
from ..common.file_names import GROUPS_FILE, LAST_MODEL_FILE, LOSSES_FILE, NUMBERS_FILE, REPRODUCTION_FILE, RESULTS_FILE
from ..common.run_folder import open_folder
from ..common.stages import Stages
from ..dataset.manifest import open_data_set
from ..dataset.prepare import prepare
from ..evaluation.evaluate import EvaluationSettings, evaluate
from ..simulator.layout import image_path
from ..simulator.simulation import simulate
from ..simulator.workers import default_jobs
from ..training.run_settings import RunSettings
from ..training.train import train
from . import paper
from .comparison import comparison
from .group_means import group_means
from .layout import ACQUISITIONS, EVALUATION, HONEST_EVALUATION, HONEST_PAIRS, HONEST_RUN, PAIRS
from .page import write_page
from .plan import HONEST, RUNS, ReproductionPlan, seconds_of

_BYTES = 3e9  # of disk: images, patches, and the checkpoints of five runs at full width
_OTHER_SECONDS = {"simulate": 100, "prepare": 60, "judge": 150, "group means": 15}


def reproduce(output, plan: ReproductionPlan = ReproductionPlan(), device: str = "auto", told=None):
    """Repeat the paper's experiment in a folder, or go on with one that was interrupted; write its page.

    Args:
        output: folder, new or of an interrupted run of the same plan.
        device: see :func:`LowDoseContrastLib.device.choose_placement`.
        told: called at the beginning with a sentence that says about how long it will take.

    Yields:
        :class:`LowDoseContrastLib.steps.Progress`.

    Returns:
        A dictionary with ``page``, ``numbers`` (see :func:`.comparison.comparison`), ``seconds`` of each part, ``quick``.

    Raises:
        InputError: a folder that holds something else, a full disk, or a training that diverged.
    """
    output = Path(output)
    open_folder(output, REPRODUCTION_FILE, {"version": __version__, "quick": plan.quick, "seed": plan.seed}, _BYTES, "a reproduction")
    work = _Work(output, plan, device)
    if told is not None:
        told(work.estimate())
    yield from work.data()
    yield from work.runs()
    yield from work.judge()
    numbers = comparison(output, plan)
    with atomic_output(output / NUMBERS_FILE, overwrite=True) as temporary:
        temporary.write_text(json.dumps(numbers, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    page = write_page(output, plan, numbers)
    yield work.stages.end("page")
    return {"page": str(page), "quick": plan.quick, "numbers": numbers, "seconds": work.stages.seconds}


class _Work:
    """The parts; each leaves what is there already as it is."""

    def __init__(self, output, plan, device):
        self.output, self.plan, self.device = output, plan, device
        self.places = {**dict.fromkeys(RUNS, PAIRS), HONEST_RUN: HONEST_PAIRS}
        self.recipes = {run: plan.recipe(HONEST if run == HONEST_RUN else run) for run in self.places}
        self.expected = {run: seconds_of(recipe, paper.DATA["pairs for training"], device) for run, recipe in self.recipes.items()}
        self.stages = Stages({name: (self.expected | _OTHER_SECONDS)[name] for name in ("simulate", "prepare", *self.places, "judge", "group means")})

    def estimate(self) -> str:
        """Return about how long it will take, in words; trainings that are partly done count for their rest."""
        left = sum(seconds * (1 - _done(self.output / run, self.recipes[run])) for run, seconds in self.expected.items())
        return f"this takes about {_duration(left + sum(_OTHER_SECONDS.values()))}: {len(RUNS) + 1} trainings of {_duration(min(self.expected.values()))} to {_duration(max(self.expected.values()))} each on this device"

    def data(self):
        """Generator: the images and the patches, those of the paper's split and those without leak."""
        acquisitions = self.output / ACQUISITIONS
        yield from self.stages.run("simulate", _shares(simulate(acquisitions, self.plan.simulation, default_jobs())))
        for folder, settings in ((PAIRS, self.plan.random), (HONEST_PAIRS, self.plan.arrangement)):
            yield from self.stages.run("prepare", _shares(prepare(acquisitions, self.output / folder, settings)))

    def runs(self):
        """Generator: the four runs, and the first once more on patches split by arrangement."""
        for run, folder in self.places.items():
            steps = train(self.output / folder, self.output / run, self.recipes[run], resume=True, settings=RunSettings(device=self.device))
            yield from self.stages.run(run, mapped(steps, lambda progress: progress.done))

    def judge(self):
        """Generator: both data sets judged, and the CCI of whole images."""
        judged = [model_of(self.output, run) for run in RUNS]
        yield from self._judge(EVALUATION, PAIRS, judged, None)
        yield from self._judge(HONEST_EVALUATION, HONEST_PAIRS, [model_of(self.output, HONEST_RUN), model_of(self.output, HONEST)], self.output / PAIRS)
        if not (self.output / GROUPS_FILE).exists():
            means = yield from self.stages.run("group means", group_means(self._groups()))
            with atomic_output(self.output / GROUPS_FILE, overwrite=True) as temporary:
                temporary.write_text(json.dumps(means, indent=1) + "\n", encoding="utf-8")

    def _groups(self):
        """Dose -> images of the arrangements that have both doses: the paper's groups A and B."""
        plan = self.plan.simulation
        both = [number for number in range(plan.arrangements) if set(paper.GROUP_MEANS) <= set(plan.doses_of(number))]
        return {dose: [image_path(self.output / ACQUISITIONS, number, dose) for number in both] for dose in paper.GROUP_MEANS}

    def _judge(self, name, pairs, models, random):
        """Generator: one evaluation, unless it is there."""
        if (self.output / name / RESULTS_FILE).exists():
            return
        data = open_data_set(self.output / pairs)
        variant = CciVariant(f"window:{data.scale.low:g},{data.scale.high:g}")  # the 8 bits of the patches
        settings = EvaluationSettings(baselines=",".join(FITTED), cci=variant, device=self.device, seed=self.plan.seed, random=random and str(random))
        yield from self.stages.run("judge", _shares(evaluate(self.output / pairs, models, self.output / name, settings)))


def model_of(output: Path, run: str) -> Path:
    """Return the generator of a run: the last epoch's, as the paper judged."""
    return output / run / LAST_MODEL_FILE


def _shares(steps):
    return mapped(steps, lambda progress: progress.done)


def _done(folder: Path, recipe) -> float:
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
