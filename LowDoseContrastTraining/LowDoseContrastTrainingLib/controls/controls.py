"""Put methods through every control, on scenes that are simulated from a seed."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from LowDoseContrastLib.mammogram import Mammogram
from LowDoseContrastLib.steps import Steps

from ..baselines.base import BASELINE
from ..baselines.denoising import AnscombeWavelet
from ..baselines.training_pairs import TrainingPairs
from ..common.file_names import TABLE_FILE
from ..common.run_folder import results_folder
from ..common.stages import Stages
from ..dose_reduction.noise_model import NoiseModel
from ..evaluation.ceiling import TrueHighDose
from . import cheats, contrast_sweep, dose_sweep, one_sided, presence, shifted_pair
from .arrangements import Arrangements, arrangements
from .candidates import Candidate, Remembered, identity_and_gain, models_of
from .document import FILES, write_document
from .planted import WITHOUT, Planted, mass_and_cluster, masses
from .rows import Controlled, ControlRow
from .settings import HIGH, LOW, ControlSettings

CONTROLS = (cheats, presence, contrast_sweep, dose_sweep, one_sided, shifted_pair)
_ARRANGEMENTS = "arrangements"
_WEIGHTS: dict[str, float] = {
    presence.NAME: 4,
    contrast_sweep.NAME: 3,
    dose_sweep.NAME: 8,
    one_sided.NAME: 3,
    _ARRANGEMENTS: 8,
    cheats.NAME: 25,
    shifted_pair.NAME: 6,
}
Scenes = tuple[Planted, Planted]
Rows = dict[str, list[ControlRow]]  # by the name of the control
Answer = Callable[[Mammogram], np.ndarray | None]


def controls(
    output: str | Path,
    models: Iterable[str] = (),
    settings: ControlSettings = ControlSettings(),  # noqa: B008  frozen
    overwrite: bool = False,
) -> Steps[Controlled]:
    """Judge the identity, the gain, the true high dose and models by every control, and write what was found.

    The files are ``controls.json``, ``controls.csv`` and ``controls.md``.

    Args:
        output: folder, made where it is not there.
        models: names or files.

    Raises:
        InputError: no such model, a model outside of its domain, or an output that cannot be written; nothing is left.
    """
    output, taken = Path(output), ["identity", "gain", TrueHighDose.name]
    candidates = models_of(models, settings.device, settings.allow_out_of_domain, taken)
    with results_folder(output, FILES, overwrite):
        judged = yield from judged_controls(candidates, settings)
        found = dataclasses.replace(judged, table=str(output / TABLE_FILE))
        write_document(output, found, overwrite)
    return found


def judged_controls(
    candidates: Sequence[Candidate],
    settings: ControlSettings = ControlSettings(),  # noqa: B008  frozen
) -> Steps[Controlled]:
    """Judge the identity, the gain, the true high dose and other methods by every control.

    The true high dose, another exposure than the target, shows that the controls can be passed.

    Args:
        candidates: the other methods; their names must differ.

    Raises:
        InputError: a model outside of its domain, or a method whose output is not finite.
    """
    stages = Stages(_WEIGHTS)
    scenes = planted_scenes(settings)
    found = yield from planted_controls(candidates, scenes, stages)
    found |= yield from arranged_controls(candidates, scenes[0], settings, stages)
    yield stages.end("done")
    return Controlled(
        settings,
        {control.NAME: control.WHAT for control in CONTROLS},
        {candidate.name: candidate.method.runs[0] for candidate in candidates},
        [row for control in CONTROLS for row in found[control.NAME]],
        stages.seconds,
    )


def planted_scenes(settings: ControlSettings) -> Scenes:
    """Return the phantom of a mass and a cluster at every dose, and that of masses of several contrasts."""
    pair = Planted(settings, mass_and_cluster(presence.CONTRAST), dose_sweep.FRACTIONS)
    return pair, Planted(settings, masses(contrast_sweep.CONTRASTS))


def planted_controls(candidates: Sequence[Candidate], scenes: Scenes, stages: Stages | None = None) -> Steps[Rows]:
    """Judge by the controls with lesions, as :func:`judged_controls`.

    Args:
        scenes: from :func:`planted_scenes`.
    """
    (pair, sweep), stages = scenes, stages or Stages(_WEIGHTS)
    every = _with_references(candidates, pair, pair.high_of, sweep.high_of)
    found = {}
    steps = {
        presence.NAME: presence.presence(every, pair),
        contrast_sweep.NAME: contrast_sweep.contrast_sweep(every, sweep),
        dose_sweep.NAME: dose_sweep.dose_sweep(every, pair),
        one_sided.NAME: one_sided.one_sided(every, pair),
    }
    for name, judging in steps.items():
        found[name] = yield from stages.run(name, judging)
    return found


def arranged_controls(
    candidates: Sequence[Candidate], scene: Planted, settings: ControlSettings, stages: Stages | None = None
) -> Steps[Rows]:
    """Judge by the controls on the arrangements that verdicts rest on, as :func:`judged_controls`.

    Args:
        scene: the phantom with ordinary film, to which the denoising baseline is fitted.
    """
    stages = stages or Stages(_WEIGHTS)
    with tempfile.TemporaryDirectory(prefix="lowdosecontrast-controls-") as folder:
        scenes = yield from stages.run(_ARRANGEMENTS, arrangements(settings, Path(folder) / "simulation"))
        every = _with_references(candidates, scenes, scenes.high_of)
        opponents = (every[1].method, Remembered(_denoiser(scene, scenes.ratio)))
        of_cheats, judgement = yield from stages.run(cheats.NAME, cheats.cheats(every, opponents, scenes))
        shifts = shifted_pair.shifted_pair(every, scenes, judgement, scene)
        of_shifts = yield from stages.run(shifted_pair.NAME, shifts)
    return {cheats.NAME: of_cheats, shifted_pair.NAME: of_shifts}


def _with_references(candidates: Sequence[Candidate], scene: Planted | Arrangements, *highs: Answer) -> list[Candidate]:
    """The identity, the gain of a scene, the candidates and the true high dose, none of which makes an output twice.

    ``highs`` return the high dose of an image they know, and None for any other.
    """

    def high_of(image: Mammogram) -> np.ndarray:
        return next(found for found in (high(image) for high in highs) if found is not None)

    true = Candidate(TrueHighDose(high_of, BASELINE))
    every = [*identity_and_gain(scene.ratio, scene.offset), *candidates, true]
    return [dataclasses.replace(each, method=Remembered(each.method)) for each in every]


def _denoiser(scene: Planted, ratio: float) -> AnscombeWavelet:
    """The denoising baseline, fitted to the phantom without lesions, which no verdict rests on."""
    images = ([scene.image(WITHOUT, dose, number).pixels[0] for number in scene.realisations] for dose in (LOW, HIGH))
    low, high = map(np.stack, images)
    chain = scene.parameters
    noise = NoiseModel(chain.xi_q, chain.xi_e, chain.offset, source="of the simulation")
    return AnscombeWavelet.fit(TrainingPairs(low, high, np.stack([scene.tissue] * len(low)), ratio, noise))
