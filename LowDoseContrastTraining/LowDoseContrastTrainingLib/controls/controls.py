"""Put methods through every control, on scenes that are simulated from a seed."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np
from LowDoseContrastLib import RESEARCH_NOTICE, __version__

from ..dose_reduction.noise_model import NoiseModel
from ..evaluation.denoising_baselines import AnscombeWavelet
from ..evaluation.methods import BaselineMethod
from ..evaluation.stages import Stages
from ..evaluation.training_pairs import TrainingPairs
from ..run_folder import results_folder
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
        What :func:`judged_controls` returns, which ``controls.json`` holds.

    Raises:
        InputError: no such model, a model outside of its domain, or an output that cannot be written; nothing is left then.
    """
    output, taken = Path(output), ["identity", "gain", TrueHighDose.name]
    found = models_of(models, settings.device, settings.allow_out_of_domain, taken)
    with results_folder(output, FILES, overwrite):
        document = yield from judged_controls(found, settings)
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
    stages, found = Stages(_WEIGHTS), {}
    pair, sweep = _planted(settings)
    every = [*identity_and_gain(pair.ratio(), pair.offset), *candidates, Candidate(TrueHighDose(_first_of(pair.high_of, sweep.high_of)))]
    every = [dataclasses.replace(each, method=Remembered(each.method)) for each in every]
    for control, judge, scene in ((presence, presence.presence, pair), (contrast_sweep, contrast_sweep.contrast_sweep, sweep), (dose_sweep, dose_sweep.dose_sweep, pair), (one_sided, one_sided.one_sided, pair)):
        found[control.NAME] = yield from stages.run(control.NAME, judge(every, scene))
    with tempfile.TemporaryDirectory(prefix="lowdosecontrast-controls-") as folder:
        scenes = yield from stages.run("arrangements", arrangements(settings, Path(folder) / "simulation"))
        every = [*identity_and_gain(scenes.ratio, scenes.offset), *candidates, Candidate(TrueHighDose(scenes.high_of))]
        every = [dataclasses.replace(each, method=Remembered(each.method)) for each in every]
        opponents = (every[1].method, Remembered(_denoiser(pair, scenes)))
        found[cheats.NAME], judgement = yield from stages.run(cheats.NAME, cheats.cheats(every, opponents, scenes))
        found[shifted_pair.NAME] = yield from stages.run(shifted_pair.NAME, shifted_pair.shifted_pair(every, scenes, judgement))
    rows = [row.as_dict() for control in CONTROLS for row in found[control.NAME]]
    document = {
        "notice": RESEARCH_NOTICE,
        "version": __version__,
        "settings": dataclasses.asdict(settings),
        "controls": {control.NAME: control.WHAT for control in CONTROLS},
        "methods": {each.name: each.method.described for each in every},
        "summary": summary_of(rows),
        "rows": rows,
        "seconds": stages.seconds,
    }
    yield stages.end("done")
    return document


def _planted(settings):
    """The phantom of a mass and a cluster at every dose, and that of masses of several contrasts."""
    return Planted(settings, mass_and_cluster(presence.CONTRAST), dose_sweep.FRACTIONS), Planted(settings, masses(contrast_sweep.CONTRASTS))


def _first_of(*sources):
    """What gives the first answer of some functions that is not None."""
    return lambda image: next(found for found in (each(image) for each in sources) if found is not None)


def _denoiser(scene, scenes):
    """The denoising baseline, fitted to the phantom without lesions, which no verdict rests on."""
    low, high = (np.stack([scene.image(WITHOUT, dose, number).pixels[0] for number in scene.realisations]) for dose in (LOW, HIGH))
    chain = scene.parameters
    noise = NoiseModel(chain.xi_q, chain.xi_e, chain.offset, source="of the simulation")
    return BaselineMethod(AnscombeWavelet.fit(TrainingPairs(low, high, np.stack([scene.tissue] * len(low)), scenes.ratio, noise)))
