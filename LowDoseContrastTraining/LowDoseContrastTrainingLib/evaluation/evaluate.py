"""Judge models beside baselines on what data sets hold out, or on a simulation with its truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from LowDoseContrastLib import RESEARCH_NOTICE, __version__
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.steps import Steps

from ..baselines.base import Baseline, Method, Training
from ..baselines.intensity import Gain
from ..baselines.names import chosen_baselines
from ..common.file_names import PATCHES_FILE, REPORT_FILE, RESULTS_FILE, TRUTH_FILE
from ..common.run_folder import results_folder
from ..common.stages import Stages
from ..dataset.manifest import open_data_set
from ..dataset.splits import LEAK
from .ceiling import TrueHighDose, ceiling
from .document import Evaluation, FoldSummary, Leakage
from .folds import Fold, folds_of, halves_of
from .held_out_views import MASK, training_pairs
from .judging import fitted, judged, span_of
from .leakage import leakage, models_of_random
from .methods import loaded, model_methods
from .report.album import Album, Pictures
from .report.page import write_report
from .results import PatchResult, rows_of, write_results
from .settings import EvaluationSettings
from .simulated_arrangements import SimulatedArrangement, simulated_arrangements
from .statistics import limit_of
from .truth_measures import RULE, TruthResult, truth_results

POST_PROCESSING = (
    "Post-processing adds no X-ray quanta: "
    "an image that looks like a higher dose does not show more than the low dose has recorded."
)
HALVES_NOTE = "each half of the simulation's arrangements is judged with baselines that were fitted to the other half"
_PAIRS, _MODELS, _FITTING, _BASELINES = "pairs", "models", "fitting baselines", "baselines"
_RANDOM, _TRUTH = "random split", "truth"


def evaluate(
    datasets: str | Path | Iterable[str | Path],
    models: Iterable[str | Path],
    output: str | Path,
    settings: EvaluationSettings = EvaluationSettings(),  # noqa: B008  frozen
    overwrite: bool = False,
) -> Steps[Evaluation]:
    """Judge models and baselines; write ``results.json``, ``results.csv`` and ``report.html`` into ``output``.

    With a simulation there is ``results-truth.csv`` too.

    Args:
        datasets: folders of prepared data sets, or one. Several are folds: each holds out other arrangements, and each
            is judged by the models that were trained on it. None needs ``settings.simulation``.
        models: names or files.
        output: folder, made where it is not there. The patches of a simulation (``pairs``) and the baseline that is
            trained (``unet-l1-...``) stay in it, so that another evaluation need not make them again.

    Raises:
        InputError: no such data set or model, nothing held out, a model outside of its domain, or an output that
            cannot be written, or as :func:`.simulated_arrangements.simulated_arrangements`; nothing is left then.
    """
    output, folders = Path(output), [datasets] if isinstance(datasets, (str, Path)) else list(datasets)
    if not folders and not settings.simulation:
        raise InputError("", "give {dataset}, {simulation}, or both")
    work = _Work(folders, models, output, settings)
    with results_folder(output, (RESULTS_FILE, PATCHES_FILE, TRUTH_FILE, REPORT_FILE), overwrite):
        found = yield from work.steps()
        report = write_report(output, found.evaluation, found.pictures, overwrite)
        evaluation = replace(found.evaluation, report=str(report))
        write_results(output, found.results, evaluation, overwrite, found.truth)
    return evaluation


class _HeldOut:
    """What is judged.

    Attributes:
        folds: what is held out.
        training: what baselines learn from in each fold.
        simulated: the arrangement of every view in the simulation; empty without one.
        views: of all folds.
        span: data range of their targets, pixel values.
    """

    def __init__(
        self,
        folds: list[Fold],
        training: list[Training],
        simulated: list[SimulatedArrangement],
        span: float | None = None,
    ) -> None:
        self.folds, self.training, self.simulated = folds, training, simulated
        self.views = [view for fold in folds for view in fold.views]
        self.span = span_of(self.views) if span is None else span

    def ceiling(self) -> TrueHighDose:
        """Return the high dose of what is held out."""
        owners = [fold.data for fold in self.folds for _ in fold.views]
        return ceiling(zip(owners, self.views, self.simulated, strict=True))


class _Found(NamedTuple):
    """An evaluation, the results of the patches, those against the truth (None without), pictures for the report."""

    evaluation: Evaluation
    results: list[PatchResult]
    truth: dict[str, TruthResult] | None
    pictures: Pictures


class _Work:
    """One evaluation; whatever can be refused without long work is refused when it is made."""

    def __init__(
        self, datasets: list[str | Path], models: Iterable[str | Path], output: Path, settings: EvaluationSettings
    ) -> None:
        self.output, self.settings = output, settings
        self.kinds = chosen_baselines(settings.baselines)
        self.datasets = [open_data_set(data_set) for data_set in datasets]
        self.random = folds_of([settings.random], settings.split)[0] if settings.random else None
        self.models, self.random_methods = loaded(map(str, models), settings.device), []
        weights = {
            _PAIRS: 0 if datasets else 1,
            _MODELS: 2 if self.models else 0,
            _FITTING: 2,
            **{kind.name: 10 for kind in self.kinds if kind.is_trained},
            _BASELINES: 3,
            _RANDOM: 2 if self.random else 0,
            _TRUTH: 40 if settings.simulation else 0,
        }
        self.stages = Stages({name: weight for name, weight in weights.items() if weight})
        if self.random:
            of_random, self.models = models_of_random(self.models, self.random)
            self.random_methods = model_methods(of_random, [self.random], (), settings.allow_out_of_domain)

    def steps(self) -> Steps[_Found]:
        """Judge; the models come first, because they may be refused."""
        settings = self.settings
        what = yield from self._held_out()
        kinds, left_out = self._kinds(what.folds)
        learned = model_methods(self.models, what.folds, [kind.name for kind in kinds], settings.allow_out_of_domain)
        album = Album(what.views)
        of_models = (yield from self._judged(_MODELS, learned, what, album)) if learned else []
        baselines = yield from self._baselines(kinds, what)
        of_baselines = yield from self._judged(_BASELINES, baselines, what, album)
        methods, results = [*baselines, *learned], [*of_baselines, *of_models]
        leaks = yield from self._leakage(results, learned, what)
        truth = None
        if what.simulated:
            high = what.ceiling()
            methods = [*methods, high]
            results += yield from self._judged(_BASELINES, [high], what)
            truth = yield from self.stages.run(_TRUTH, truth_results(methods, what.simulated))
        evaluation = Evaluation(
            rows=rows_of(results, methods, settings.seed, truth),
            notice=RESEARCH_NOTICE,
            caution=POST_PROCESSING,
            version=__version__,
            datasets=tuple(str(data.folder) for data in self.datasets),
            fingerprints=tuple(fold.data.fingerprint for fold in what.folds),
            folds=tuple(FoldSummary(fold.data.fingerprint, tuple(fold.groups)) for fold in what.folds),
            settings=settings,
            noise_model=what.training[0].pairs.noise,
            dose_ratio=what.training[0].pairs.gain,
            mask=MASK,
            data_range=what.span,
            notes=(*self._notes(what.folds, learned), *left_out, *_notes_of_truth(truth, what.simulated)),
            leakage=leaks,
            seconds=self.stages.seconds,
            curves={name: each.curves.mean() for name, each in truth.items()} if truth else None,
        )
        yield self.stages.end("table")
        return _Found(evaluation, results, truth, album.pictures(results))

    def _judged(
        self, stage: str, methods: Sequence[Method], what: _HeldOut, album: Album | None = None
    ) -> Steps[list[PatchResult]]:
        return (yield from self.stages.run(stage, judged(methods, what.views, what.span, self.settings.cci, album)))

    def _held_out(self) -> Steps[_HeldOut]:
        settings, datasets = self.settings, self.datasets
        found: list[SimulatedArrangement] = []
        if not datasets and settings.simulation:
            datasets = yield from self.stages.run(_PAIRS, halves_of(settings.simulation, self.output))
        folds = folds_of(datasets, settings.split)
        if settings.simulation:
            for fold in folds:
                numbers = [view.number for view in fold.views]
                found += simulated_arrangements(settings.simulation, fold.data, numbers)
        return _HeldOut(folds, [self._training(fold) for fold in folds], found)

    def _training(self, fold: Fold) -> Training:
        pairs = training_pairs(fold.data, self.settings.noise)
        return Training(pairs, fold.data, self.output, self.settings.device)

    def _kinds(self, folds: Sequence[Fold]) -> tuple[list[type[Baseline]], list[str]]:
        """(kinds of baselines, notes on those of ``all`` that do not suit the data)."""
        if self.settings.baselines != "all":
            return self.kinds, []
        objections = {
            kind: next(filter(None, (kind.objection(fold.data) for fold in folds)), "") for kind in self.kinds
        }
        left_out = [f"baseline {kind.name} was left out: {reason}" for kind, reason in objections.items() if reason]
        return [kind for kind, reason in objections.items() if not reason], left_out

    def _baselines(self, kinds: Sequence[type[Baseline]], what: _HeldOut) -> Steps[list[Method]]:
        """Fit the baselines, those that are trained after the others; return them in the order of ``kinds``."""
        stages = [(_FITTING, [kind for kind in kinds if not kind.is_trained])]
        stages += [(kind.name, [kind]) for kind in kinds if kind.is_trained]
        found: dict[str, Method] = {}
        for name, of_stage in stages:
            methods = yield from self.stages.run(name, fitted(of_stage, what.training, what.folds))
            found |= {method.name: method for method in methods}
        return [found[kind.name] for kind in kinds]

    def _leakage(
        self, results: list[PatchResult], learned: Sequence[Method], what: _HeldOut
    ) -> Steps[tuple[Leakage, ...]]:
        if not self.random:
            return ()
        split = _HeldOut([self.random], [self._training(self.random)], [], what.span)
        methods = [Gain.fit(split.training[0].pairs), *self.random_methods]
        found = yield from self._judged(_RANDOM, methods, split)
        return leakage(results, found, learned, self.random_methods, self.random)

    def _notes(self, folds: Sequence[Fold], learned: Sequence[Method]) -> list[str]:
        """What a reader of the figures must know, one sentence each."""
        notes = [LEAK] if any(fold.leaks for fold in folds) else []
        notes += [] if self.datasets else [HALVES_NOTE]
        notes += filter(None, [limit_of(sum(len(fold.groups) for fold in folds))])
        skipped, fingerprints = sum(fold.skipped for fold in folds), {fold.data.fingerprint for fold in folds}
        if skipped:
            notes.append(f"{skipped} held-out patches have too little unsaturated tissue and were left out")
        for version in (version for method in learned for version in method.versions):
            (run,) = version.runs
            if run.dataset not in fingerprints:
                unknown = "whether it has seen what is held out here is not known"
                notes.append(f"{version.name} was trained on another data set: {unknown}")
            notes += [f"{version.name} is outside of its domain: {objection}" for objection in run.out_of_domain]
        return notes


def _notes_of_truth(truth: dict[str, TruthResult] | None, judged: Sequence[SimulatedArrangement]) -> list[str]:
    """How the figures against the truth were made; nothing without."""
    if truth is None:
        return []
    notes = [f"{RULE}; {judged[0].realisations} realisations of {len(judged)} whole image(s)"]
    high, gain = (truth[name].value("detectability") for name in (TrueHighDose.name, Gain.name))
    if high <= gain:
        notes.append(
            f"detectability of the high dose is not above that of the gain ({high:.3f} and {gain:.3f}): "
            "too few calcifications to tell doses apart; hold out more"
        )
    if any(each.pooled for each in truth.values()):
        notes.append(
            "one arrangement alone has too few clusters of calcifications: "
            "detectability is pooled over all, without an interval"
        )
    return notes
