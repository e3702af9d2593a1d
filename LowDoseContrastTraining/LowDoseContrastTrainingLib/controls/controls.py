"""Put methods through every control, on scenes that are simulated from a seed."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
from LowDoseContrastLib import RESEARCH_NOTICE, __version__

from ..baselines.denoising import AnscombeWavelet
from ..baselines.training_pairs import TrainingPairs
from ..common.file_names import TABLE_FILE
from ..common.run_folder import results_folder
from ..common.stages import Stages
from ..dose_reduction.noise_model import NoiseModel
from ..evaluation.methods import BaselineMethod
from . import cheats, contrast_sweep, dose_sweep, one_sided, presence, shifted_pair
from .arrangements import arrangements
from .candidates import Candidate, Remembered, TrueHighDose, identity_and_gain, models_of
from .document import FILES, write_document
from .planted import WITHOUT, Planted, mass_and_cluster, masses
from .rows import summary_of
from .settings import HIGH, LOW, ControlSettings

CONTROLS = (cheats, presence, contrast_sweep, dose_sweep, one_sided, shifted_pair)
_WEIGHTS = {presence.NAME: 4, contrast_sweep.NAME: 3, dose_sweep.NAME: 8, one_sided.NAME: 3, "arrangements": 8, cheats.NAME: 25, shifted_pair.NAME: 6}


def controls(output, models=(), settings: ControlSettings = ControlSettings(), overwrite: bool = False):
    """Judge the identity, the gain, the true high dose and models by every control; write ``controls.json``, ``controls.csv`` and ``controls.md``.

    Args:
        output: folder, made where it is not there.
        models: names or files.

    Yields:
        :class:`LowDoseContrastLib.steps.Progress`.

    Returns:
        What ``controls.json`` holds: what :func:`judged_controls` returns, and ``table`` (path of ``controls.md``).

    Raises:
        InputError: no such model, a model outside of its domain, or an output that cannot be written; nothing is left then.
    """
    output, taken = Path(output), ["identity", "gain", TrueHighDose.name]
    found = models_of(models, settings.device, settings.allow_out_of_domain, taken)
    with results_folder(output, FILES, overwrite):
        document = yield from judged_controls(found, settings)
        document["table"] = str(output / TABLE_FILE)
        write_document(output, document, overwrite)
    return document


def judged_controls(candidates: list[Candidate], settings: ControlSettings = ControlSettings()):
    """Judge the identity, the gain, the true high dose and other methods by every control.

    The true high dose, another exposure than the target, shows that the controls can be passed.

    Args:
        candidates: the other methods; their names must differ.

    Yields:
        :class:`LowDoseContrastLib.steps.Progress`.

    Returns:
        A JSON-able dictionary: ``rows`` (see :meth:`.rows.ControlRow.as_dict`), ``summary`` (see
        :func:`.rows.summary_of`), ``controls`` (name -> what it shows), ``methods``, ``settings``, ``seconds``.

    Raises:
        InputError: a model outside of its domain, or a method whose output is not finite.
    """
    stages = Stages(_WEIGHTS)
    scenes = planted_scenes(settings)
    found = yield from planted_controls(candidates, scenes, stages)
    found |= yield from arranged_controls(candidates, scenes[0], settings, stages)
    rows = [row.as_dict() for control in CONTROLS for row in found[control.NAME]]
    document = {
        "notice": RESEARCH_NOTICE,
        "version": __version__,
        "settings": dataclasses.asdict(settings),
        "controls": {control.NAME: control.WHAT for control in CONTROLS},
        "methods": {each.name: each.method.described for each in candidates},
        "summary": summary_of(rows),
        "rows": rows,
        "seconds": stages.seconds,
    }
    yield stages.end("done")
    return document


def planted_scenes(settings: ControlSettings) -> tuple[Planted, Planted]:
    """Return the phantom of a mass and a cluster at every dose, and that of masses of several contrasts."""
    return Planted(settings, mass_and_cluster(presence.CONTRAST), dose_sweep.FRACTIONS), Planted(settings, masses(contrast_sweep.CONTRASTS))


def planted_controls(candidates: list[Candidate], scenes, stages: Stages | None = None):
    """As :func:`judged_controls`, those with lesions: returns name of a control -> list of :class:`.rows.ControlRow`.

    Args:
        scenes: from :func:`planted_scenes`.
    """
    (pair, sweep), stages = scenes, stages or Stages(_WEIGHTS)
    every = _with_references(candidates, pair, _first_of(pair.high_of, sweep.high_of))
    found = {}
    for control, judge, scene in (
        (presence, presence.presence, pair),
        (contrast_sweep, contrast_sweep.contrast_sweep, sweep),
        (dose_sweep, dose_sweep.dose_sweep, pair),
        (one_sided, one_sided.one_sided, pair),
    ):
        found[control.NAME] = yield from stages.run(control.NAME, judge(every, scene))
    return found


def arranged_controls(candidates: list[Candidate], scene: Planted, settings: ControlSettings, stages: Stages | None = None):
    """As :func:`judged_controls`, those on the arrangements that verdicts rest on; returns as :func:`planted_controls`.

    Args:
        scene: the phantom with ordinary film, to which the denoising baseline is fitted.
    """
    stages = stages or Stages(_WEIGHTS)
    with tempfile.TemporaryDirectory(prefix="lowdosecontrast-controls-") as folder:
        scenes = yield from stages.run("arrangements", arrangements(settings, Path(folder) / "simulation"))
        every = _with_references(candidates, scenes, scenes.high_of)
        opponents = (every[1].method, Remembered(_denoiser(scene, scenes.ratio)))
        of_cheats, judgement = yield from stages.run(cheats.NAME, cheats.cheats(every, opponents, scenes))
        of_shifts = yield from stages.run(shifted_pair.NAME, shifted_pair.shifted_pair(every, scenes, judgement, scene))
    return {cheats.NAME: of_cheats, shifted_pair.NAME: of_shifts}


def _with_references(candidates, scene, high_of):
    """The identity, the gain of a scene, the candidates and the true high dose, none of which makes an output twice."""
    every = [*identity_and_gain(scene.ratio, scene.offset), *candidates, Candidate(TrueHighDose(high_of))]
    return [dataclasses.replace(each, method=Remembered(each.method)) for each in every]


def _first_of(*sources):
    """What gives the first answer of some functions that is not None."""
    return lambda image: next(found for found in (each(image) for each in sources) if found is not None)


def _denoiser(scene, ratio):
    """The denoising baseline, fitted to the phantom without lesions, which no verdict rests on."""
    low, high = (np.stack([scene.image(WITHOUT, dose, number).pixels[0] for number in scene.realisations]) for dose in (LOW, HIGH))
    chain = scene.parameters
    noise = NoiseModel(chain.xi_q, chain.xi_e, chain.offset, source="of the simulation")
    return BaselineMethod(AnscombeWavelet.fit(TrainingPairs(low, high, np.stack([scene.tissue] * len(low)), ratio, noise)))
