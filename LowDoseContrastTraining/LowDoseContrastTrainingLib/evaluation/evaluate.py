"""Judge models beside baselines on the held-out patches of a data set."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from LowDoseContrastLib import RESEARCH_NOTICE, __version__
from LowDoseContrastLib.atomic import check_output
from LowDoseContrastLib.cci import CciVariant
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.steps import Clock, mapped

from ..dataset import open_data_set
from ..run_folder import make_folder
from ..splits import LEAK
from .baselines import chosen_baselines
from .ceiling import Ceiling, ceiling_fidelity
from .fidelity import fidelity
from .held_out_views import MASK, SPLITS, held_out_views, shared_arrangements, training_pairs
from .intensity_baselines import Gain
from .methods import BaselineMethod, model_methods
from .report.album import Album
from .report.page import REPORT_FILE, write_report
from .results import CSV_FILE, JSON_FILE, TRUTH_FILE, PatchResult, rows_of, write_results
from .simulated_arrangements import simulated_arrangements
from .statistics import MOST_UNITS, limit_of
from .truth_measures import RULE, truth_results

POST_PROCESSING = "Post-processing adds no X-ray quanta: an image that looks like a higher dose does not show more than the low dose has recorded."


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
        simulation: folder of the simulation that the data set was prepared from, with two realisations or more; what is
            held out is then measured against its truth too.

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

    def __post_init__(self):
        if self.split not in SPLITS:
            raise InputError(f"--split must be one of {', '.join(SPLITS)}, it is {self.split}")


def evaluate(dataset, models, output, settings: EvaluationSettings = EvaluationSettings(), overwrite: bool = False):
    """Judge models and baselines on a prepared data set; write ``results.json``, ``results.csv`` and ``report.html`` into ``output``, with a simulation ``results-truth.csv`` too.

    Args:
        dataset: folder of the data set.
        models: names or files.
        output: folder, made where it is not there.

    Yields:
        :class:`LowDoseContrastLib.steps.Progress`.

    Returns:
        What ``results.json`` holds: ``rows`` (see :func:`.results.rows_of`), ``notes``, ``mask``, ``data_range``,
        with a simulation ``curves`` (see :class:`.truth_curves.MethodCurves`), ``report`` (path of the page), and what was judged by what.

    Raises:
        InputError: no such data set or model, nothing held out, a model outside of its domain, or an output that
            cannot be written, or as :func:`.simulated_arrangements.simulated_arrangements`; nothing is left then.
    """
    output, data, kinds = Path(output), open_data_set(dataset), chosen_baselines(settings.baselines)
    learned = model_methods(models, settings.device, settings.allow_out_of_domain, [kind.name for kind in kinds])
    with _folder_for_results(output, overwrite):
        results, truth, document, pictures = yield from _steps(data, kinds, learned, settings)
        document["report"] = str(write_report(output, document, pictures, overwrite))
        write_results(output, results, document, overwrite, truth)
    return document


@contextlib.contextmanager
def _folder_for_results(output, overwrite):
    """Make the folder; where the block fails, a folder that is new goes again with what was written into it."""
    is_new, names = not output.exists(), (JSON_FILE, CSV_FILE, TRUTH_FILE, REPORT_FILE)
    make_folder(output)
    try:
        for name in names:
            check_output(output / name, overwrite)
        yield
    except BaseException:
        if is_new:
            with contextlib.suppress(OSError):
                for name in names:
                    (output / name).unlink(missing_ok=True)
                output.rmdir()
        raise


def _steps(data, kinds, learned, settings):
    """Generator: yields :class:`Progress`, returns (results of the patches, those against the truth or None, the document, pictures for the report).

    Models come first, for they may be refused.
    """
    clock, (views, skipped) = Clock(), held_out_views(data, settings.split)
    _check_number(views)
    places = simulated_arrangements(settings.simulation, data, [view.number for view in views]) if settings.simulation else []
    training, span, part = training_pairs(data, settings.noise), _span(views), 0.2 if places else 1.0
    album, curves = Album(views), {}
    of_models = yield from mapped(_judged(learned, views, span, settings, album), lambda share: clock.progress(part * 0.4 * share, "models"))
    baselines = yield from mapped(_fitted(kinds, training), lambda share: clock.progress(part * (0.4 + 0.2 * share), "fitting baselines"))
    of_baselines = yield from mapped(_judged(baselines, views, span, settings, album), lambda share: clock.progress(part * (0.6 + 0.39 * share), "baselines"))
    methods, results, truth = [*baselines, *learned], [*of_baselines, *of_models], None
    if places:
        methods = [*methods, Ceiling()]
        results += _of_ceiling(data, views, places, span, settings)
        truth = yield from mapped(truth_results(methods, places, curves), lambda share: clock.progress(part + (0.99 - part) * share, "truth"))
    document = {
        **_origin(data, settings),
        "noise_model": training.noise.as_dict(),
        "dose_ratio": training.gain,
        "mask": MASK,
        "data_range": span,
        "notes": _notes(data, views, skipped, learned) + _notes_of_truth(truth, places),
        "rows": rows_of(results, methods, settings.seed, truth),
        **({"curves": {name: each.as_dict() for name, each in curves.items()}} if curves else {}),
    }
    yield clock.progress(1.0, "table")
    return results, truth, document, album.pictures(results)


def _of_ceiling(data, views, places, span, settings):
    """The second realisation of the high dose on the patches."""
    name = Ceiling.name
    pairs = [(view, ceiling_fidelity(data, view, place, span, settings.cci)) for view, place in zip(views, places)]
    return [PatchResult(name, view.group, patch, measures) for view, found in pairs for patch, measures in zip(view.names, found)]


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


def _check_number(views):
    arrangements = {view.group for view in views}
    if len(arrangements) > MOST_UNITS:
        raise InputError(f"{len(arrangements)} arrangements are held out, the exact test takes {MOST_UNITS}; prepare the data set with a smaller --test")


def _span(views):
    """From the 0.5th to the 99.5th percentile of the target's pixels that are compared."""
    low, high = np.percentile(np.concatenate([view.high[view.mask] for view in views]), (0.5, 99.5))
    return float(high - low) or 1.0


def _fitted(kinds, training):
    """Generator: yields the share done, returns the baselines as methods."""
    made = []
    for kind in kinds:
        yield len(made) / len(kinds)
        made.append(BaselineMethod(kind.fit(training)))
    return made


def _judged(methods, views, span, settings, album):
    """Generator: yields the share done, returns a :class:`PatchResult` for each method and patch; ``album`` keeps what was made of a few."""
    results, total = [], len(methods) * len(views)
    for number, (method, view) in enumerate((method, view) for method in methods for view in views):
        made = yield from mapped(method.steps(view.low), lambda share, first=number: (first + share) / total)
        album.add(method.name, view, made)
        for patch, *images in zip(view.names, view.low.pixels, made, view.high, view.mask):
            results.append(PatchResult(method.name, view.group, patch, fidelity(*images, view.low.full_scale, span, settings.cci)))
    return results


def _origin(data, settings):
    """What was judged, and how."""
    return {
        "notice": RESEARCH_NOTICE,
        "caution": POST_PROCESSING,
        "version": __version__,
        "dataset": str(data.folder),
        "dataset_fingerprint": data.fingerprint,
        "settings": dataclasses.asdict(settings),
    }


def _notes(data, views, skipped, learned):
    """What a reader of the figures must know, one sentence each."""
    shared, arrangements = shared_arrangements(data, views), {view.group for view in views}
    notes = [LEAK] if shared else []
    notes += filter(None, [limit_of(len(arrangements))])
    if skipped:
        notes.append(f"{skipped} held-out patches have too little unsaturated tissue and were left out")
    for each in learned:
        if each.model.card.dataset != data.fingerprint:
            notes.append(f"{each.name} was trained on another data set: whether it has seen what is held out here is not known")
        notes += [f"{each.name} is outside of its domain: {objection}" for objection in each.described["out_of_domain"]]
    return notes
