"""Judge models beside baselines on what data sets hold out, or on a simulation with its truth."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

from LowDoseContrastLib import RESEARCH_NOTICE, __version__
from LowDoseContrastLib.cci import CciVariant
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.steps import mapped

from ..baselines.all_baselines import chosen_baselines
from ..baselines.intensity import Gain
from ..baselines.unet import LEAST_SIDE, UNetL1, side_of
from ..common.file_names import PATCHES_FILE, REPORT_FILE, RESULTS_FILE, TRUTH_FILE
from ..common.run_folder import results_folder
from ..common.stages import Stages
from ..dataset.manifest import open_data_set
from ..dataset.splits import LEAK
from .ceiling import Ceiling
from .folds import folds_of, halves_of
from .held_out_views import MASK, SPLITS, training_pairs
from .judging import fitted, judged, judged_ceiling, learned_baseline, span_of
from .leakage import leakage, models_of_random
from .methods import BaselineMethod, folded_models, loaded_models, name_apart
from .report.album import Album
from .report.page import write_report
from .results import rows_of, write_results
from .simulated_arrangements import simulated_arrangements
from .statistics import limit_of
from .truth_measures import RULE, truth_results

POST_PROCESSING = "Post-processing adds no X-ray quanta: an image that looks like a higher dose does not show more than the low dose has recorded."
HALVES_NOTE = "each half of the simulation's arrangements is judged with baselines that were fitted to the other half"
_WEIGHTS = {"pairs": 1, "models": 2, "fitting baselines": 2, "unet-l1": 10, "baselines": 3, "random split": 2, "truth": 40}


@dataclass(frozen=True)
class EvaluationSettings:
    """How to judge.

    Attributes:
        baselines: ``all``, or names with commas between; the gain is always among them.
        split: ``test``, ``val`` or ``all`` (both): the patches that are judged.
        noise: known values of the detector's noise model, as text or a file; estimated from the training pairs if None.
        cci: variant of the CCI.
        device: see :func:`LowDoseContrastLib.device.choose_placement`.
        allow_out_of_domain: judge models outside of their domain too; which property does not fit is recorded.
        seed: of the bootstrap.
        simulation: folder of the simulation that the data sets were prepared from, with two realisations or more; what is
            held out is then measured against its truth too. Without a data set, all of its arrangements are.
        random: a data set of the same acquisitions split at random, for the leakage gap.

    Raises:
        InputError: an unknown split.
    """

    baselines: str = "all"
    split: str = "test"
    noise: str | None = None
    cci: CciVariant = field(default_factory=CciVariant)
    device: str = "auto"
    allow_out_of_domain: bool = False
    seed: int = 0
    simulation: str | None = None
    random: str | None = None

    def __post_init__(self):
        if self.split not in SPLITS:
            raise InputError("", f"{{split}} must be one of {', '.join(SPLITS)}, it is {self.split}")


def evaluate(datasets, models, output, settings: EvaluationSettings = EvaluationSettings(), overwrite: bool = False):
    """Judge models and baselines; write ``results.json``, ``results.csv`` and ``report.html`` into ``output``, with a simulation ``results-truth.csv`` too.

    Args:
        datasets: folders of prepared data sets, or one. Several are folds: each holds out other arrangements, and each is
            judged by the models that were trained on it. None needs ``settings.simulation``.
        models: names or files.
        output: folder, made where it is not there. The patches of a simulation (``pairs``) and the baseline that is
            trained (``unet-l1-...``) stay in it, so that another evaluation need not make them again.

    Yields:
        :class:`LowDoseContrastLib.steps.Progress`.

    Returns:
        What ``results.json`` holds: ``rows`` (see :func:`.results.rows_of`), ``notes``, ``mask``, ``data_range``, ``leakage``
        (see :func:`.leakage.leakage`), ``seconds`` of each part, with a simulation ``curves`` (see
        :class:`.truth_curves.MethodCurves`), ``report`` (path of the page), and what was judged by what.

    Raises:
        InputError: no such data set or model, nothing held out, a model outside of its domain, or an output that
            cannot be written, or as :func:`.simulated_arrangements.simulated_arrangements`; nothing is left then.
    """
    output, datasets = Path(output), [datasets] if isinstance(datasets, (str, Path)) else list(datasets)
    if not datasets and not settings.simulation:
        raise InputError("", "give {dataset}, {simulation}, or both")
    work = _Work(datasets, models, output, settings)
    with results_folder(output, (RESULTS_FILE, PATCHES_FILE, TRUTH_FILE, REPORT_FILE), overwrite):
        results, truth, document, pictures = yield from work.steps()
        document["report"] = str(write_report(output, document, pictures, overwrite))
        write_results(output, results, document, overwrite, truth)
    return document


class _Work:
    """One evaluation; what can be refused without long work is, at once."""

    def __init__(self, datasets, models, output, settings):
        self.output, self.settings, self.kinds = output, settings, chosen_baselines(settings.baselines)
        unused = {"pairs": bool(datasets), "models": not models, UNetL1.name: UNetL1 not in self.kinds, "random split": not settings.random, "truth": not settings.simulation}
        self.stages = Stages({name: weight for name, weight in _WEIGHTS.items() if not unused.get(name)})
        self.datasets = [open_data_set(each) for each in datasets]
        self.random = folds_of([settings.random], settings.split)[0] if settings.random else None
        self.learned, self.of_random = loaded_models(models, settings.device, settings.allow_out_of_domain), []
        if self.random:
            self.of_random, self.learned = models_of_random(self.learned, self.random)
            name_apart(self.of_random, [])

    def steps(self):
        """Generator: yields :class:`Progress`, returns (results of the patches, those against the truth or None, the document, pictures for the report).

        Models come first, for they may be refused.
        """
        settings, run, truth = self.settings, self.stages.run, None
        datasets = self.datasets or (yield from run("pairs", mapped(halves_of(settings.simulation, self.output), lambda progress: progress.done)))
        folds = folds_of(datasets, settings.split)
        views = [view for fold in folds for view in fold.views]
        places = [place for fold in folds for place in self._places(fold)]
        kinds, missing = self._kinds(folds)
        learned = folded_models(self.learned, folds, [kind.name for kind in kinds])
        training, span, album = [training_pairs(fold.data, settings.noise) for fold in folds], span_of(views), Album(views)
        of_models = (yield from run("models", judged(learned, views, span, settings.cci, album))) if learned else []
        baselines = yield from self._baselines(kinds, training, folds)
        of_baselines = yield from run("baselines", judged(baselines, views, span, settings.cci, album))
        methods, results = [*baselines, *learned], [*of_baselines, *of_models]
        leaks = yield from self._leakage(results, learned, span)
        if places:
            methods = [*methods, Ceiling()]
            results += judged_ceiling(folds, places, span, settings.cci)
            truth = yield from run("truth", truth_results(methods, places))
        document = {
            **_origin(self.datasets, folds, training, settings),
            "mask": MASK,
            "data_range": span,
            "notes": [*self._notes(folds, learned), *missing, *_notes_of_truth(truth, places)],
            "rows": rows_of(results, methods, settings.seed, truth),
            "leakage": leaks,
            "seconds": self.stages.seconds,
            **({"curves": {name: each.curves.as_dict() for name, each in truth.items()}} if truth else {}),
        }
        yield self.stages.end("table")
        return results, truth, document, album.pictures(results)

    def _places(self, fold):
        return simulated_arrangements(self.settings.simulation, fold.data, [view.number for view in fold.views]) if self.settings.simulation else []

    def _kinds(self, folds):
        """(kinds of baselines, notes on those that cannot be had)."""
        if UNetL1 in self.kinds and min(side_of(fold.data) for fold in folds) < LEAST_SIDE and self.settings.baselines == "all":
            return [kind for kind in self.kinds if kind is not UNetL1], [f"baseline {UNetL1.name} was left out: it needs patches of {LEAST_SIDE} pixels or more"]
        return self.kinds, []

    def _baselines(self, kinds, training, folds):
        """Generator: yields :class:`Progress`, returns the baselines in the order of ``kinds``."""
        plain = [kind for kind in kinds if kind is not UNetL1]
        found = yield from self.stages.run("fitting baselines", fitted(plain, training, folds))
        if UNetL1 in kinds:
            found.append((yield from self.stages.run(UNetL1.name, learned_baseline(folds, training, self.output, self.settings.device))))
        return found

    def _leakage(self, results, learned, span):
        """Generator: yields :class:`Progress`, returns the entries of the leakage gap."""
        if not self.random:
            return []
        gain = BaselineMethod(Gain.fit(training_pairs(self.random.data, self.settings.noise)))
        found = yield from self.stages.run("random split", judged([gain, *self.of_random], self.random.views, span, self.settings.cci))
        return leakage(results, found, learned, self.of_random, self.random)

    def _notes(self, folds, learned):
        """What a reader of the figures must know, one sentence each."""
        notes = [LEAK] if any(fold.leaks for fold in folds) else []
        notes += [] if self.datasets else [HALVES_NOTE]
        notes += filter(None, [limit_of(sum(len(fold.groups) for fold in folds))])
        skipped, fingerprints = sum(fold.skipped for fold in folds), {fold.data.fingerprint for fold in folds}
        if skipped:
            notes.append(f"{skipped} held-out patches have too little unsaturated tissue and were left out")
        for each in self.learned:
            if each.model.card.dataset not in fingerprints and each in learned:
                notes.append(f"{each.name} was trained on another data set: whether it has seen what is held out here is not known")
            notes += [f"{each.name} is outside of its domain: {objection}" for objection in each.described["out_of_domain"]]
        return notes


def _origin(datasets, folds, training, settings):
    """What was judged, and how; several data sets are lists, halves of a simulation none. The noise and the dose ratio are those of the first fold."""
    folders, fingerprints = [str(data.folder) for data in datasets], [fold.data.fingerprint for fold in folds]
    return {
        "notice": RESEARCH_NOTICE,
        "caution": POST_PROCESSING,
        "version": __version__,
        "dataset": folders[0] if len(folders) == 1 else folders,
        "dataset_fingerprint": fingerprints[0] if len(fingerprints) == 1 else fingerprints,
        "folds": [{"dataset_fingerprint": fold.data.fingerprint, "held_out": fold.groups} for fold in folds],
        "settings": dataclasses.asdict(settings),
        "noise_model": training[0].noise.as_dict(),
        "dose_ratio": training[0].gain,
    }


def _notes_of_truth(truth, places):
    """How the figures against the truth were made; nothing without."""
    if truth is None:
        return []
    notes = [f"{RULE}; {places[0].realisations} realisations of {len(places)} whole image(s)"]
    high, gain = (truth[name].value("detectability") for name in (Ceiling.name, Gain.name))
    if high <= gain:
        notes.append(f"detectability of the high dose is not above that of the gain ({high:.3f} and {gain:.3f}): too few calcifications to tell doses apart; hold out more")
    if any(each.pooled for each in truth.values()):
        notes.append("one arrangement alone has too few clusters of calcifications: detectability is pooled over all, without an interval")
    return notes
