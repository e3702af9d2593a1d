"""A folder of pairs from acquisitions at one dose: as they are, and as they would be at a fraction of the dose."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from LowDoseContrastLib import __version__
from LowDoseContrastLib.atomic import atomic_output
from LowDoseContrastLib.derived import derived_header, write_with_pixels
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.file_names import stem_of
from LowDoseContrastLib.files import read_mammogram
from LowDoseContrastLib.hashing import file_sha256
from LowDoseContrastLib.mammogram import Mammogram
from LowDoseContrastLib.settings import check, setting
from LowDoseContrastLib.steps import Clock, Steps

from ..common.file_names import NOISE_MODEL_FILE, REDUCTION_FILE
from ..common.randomness import stream
from ..common.run_folder import abandon, open_folder
from ..common.settings_file import read_settings
from .noise_estimation import from_flats, from_image
from .noise_model import NoiseModel, checked_values, chest_wall_side
from .reduction import reduced, saturated

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

METHOD = "Reduced exposure by scaling and noise injection (Borges, Vieira et al. 2016)"
_WHOLE = ("EntranceDose", "Exposure", "ExposureTime", "ExposureInuAs")  # whole numbers in DICOM
_DECIMAL = ("EntranceDoseInmGy", "OrganDose")
_NEEDED = ("xi_q", "xi_e", "noise_f2", "heel_fall")  # to reduce a dose; the fixed pattern scales by itself


@dataclass(frozen=True)
class ReductionPlan:
    """What is to be made.

    Attributes:
        inputs: DICOM files, For Processing, linear, higher values for more X-rays.
        fraction: of the dose, between 0 and 1.
        seed: non-negative; the noise follows from it and from the identity of the input.
        realisations: independent reduced images of every input, at least 1.
        given: known values of the noise model (see :data:`.noise_model.VALUES`).
        flats: flat fields from which the other values are estimated; without any, from the input itself.

    Raises:
        InputError: a value out of its range.
    """

    inputs: tuple[str, ...]
    fraction: float
    seed: int = setting(0, least=0)
    realisations: int = setting(1, least=1)
    given: dict[str, float] | None = None
    flats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.inputs:
            raise InputError("", "{inputs}: name at least one mammogram")
        if not 0 < self.fraction < 1:
            raise InputError("", f"{{dose_fraction}} must be between 0 and 1, it is {self.fraction:g}")
        check(self)
        checked_values(self.given or {}, "")

    def settings(self) -> dict[str, Any]:
        """Return the plan as JSON-able values; a continued run must have the same, and the same file contents."""
        return {
            "version": __version__,
            "fraction": self.fraction,
            "seed": self.seed,
            "realisations": self.realisations,
            "given": self.given or {},
            "inputs": {name: file_sha256(path) for name, path in named_inputs(self.inputs).items()},
            "flats": [file_sha256(path) for path in self.flats],
        }


def named_inputs(inputs: Iterable[str]) -> dict[str, str]:
    """Return name -> path: the names of the files without their endings, numbered from 2 if several are the same."""
    names: dict[str, str] = {}
    for path, stem in ((path, stem_of(path)) for path in inputs):
        number = 1
        while (name := stem if number == 1 else f"{stem}-{number}") in names:
            number += 1
        names[name] = path
    return names


def reduced_path(folder: Path, realisation: int = 0) -> Path:
    """Return the path of a reduced image in the ``folder`` of its input."""
    return (folder / f"realisation-{realisation + 1:02d}" if realisation else folder) / "reduced.dcm"


def reduce_dose(folder: str | Path, plan: ReductionPlan) -> Steps[dict[str, Any]]:
    """Make ``NAME/full.dcm`` (a copy), ``NAME/reduced.dcm`` and ``NAME/noise-model.json`` for every input.

    All inputs are checked before the first file is written. Existing files are kept, so an interrupted run
    continues where it stopped; the same plan gives the same bytes.

    Yields:
        :class:`LowDoseContrastLib.steps.Progress`.

    Returns:
        ``files``, ``arrangements`` (the number of inputs), ``seed``, and for every input ``noise_models``
        and ``saturated`` (number of saturated pixels in the breast).

    Raises:
        InputError: an unsuitable input or flat field, or as :func:`..common.run_folder.open_folder`.
    """
    folder, clock, inputs = Path(folder), Clock(), named_inputs(plan.inputs)
    needed = sum(_checked(path).pixels.nbytes for path in inputs.values()) * (plan.realisations + 1)
    flats = [_checked(path) for path in plan.flats]
    settings = plan.settings()
    with open_folder(folder, REDUCTION_FILE, settings, needed, "reduced images"):
        model = from_flats(flats, plan.given or {}) if flats else None
        steps, done = len(inputs) * (plan.realisations + 1), 0
        for name, path in inputs.items():
            is_new = not (folder / name).exists()
            try:
                for what in _made(folder / name, path, plan, settings["inputs"][name], model):
                    done += 1
                    yield clock.progress(done / steps, f"{name}: {what}")
            except InputError:
                if is_new:  # so that what the message advises can be tried in the same folder
                    shutil.rmtree(folder / name, ignore_errors=True)
                    abandon(folder, REDUCTION_FILE)
                raise
    folders, images = [folder / name for name in inputs], []
    records = [json.loads((place / NOISE_MODEL_FILE).read_text()) for place in folders]
    for place in folders:
        images += [place / "full.dcm", *(reduced_path(place, number) for number in range(plan.realisations))]
    return {
        "files": [str(path) for path in images],
        "arrangements": len(inputs),
        "seed": plan.seed,
        "noise_models": [record["noise_model"] for record in records],
        "saturated": [record["saturated_pixels"] for record in records],
    }


def _made(place: Path, path: str, plan: ReductionPlan, digest: str, model: NoiseModel | None) -> Iterator[str]:
    """Make the files of an input; yield what is done."""
    mammogram = read_mammogram(path)
    assert mammogram.spacing and mammogram.bits  # every input was checked
    pixels, pixel_mm, bits = mammogram.pixels[0], mammogram.spacing[0], mammogram.bits
    breast = mammogram.breasts[0]
    mask = breast.mask
    place.mkdir(exist_ok=True)
    _write_once(place / "full.dcm", lambda temporary: shutil.copyfile(path, temporary))
    model = _model_of(place / NOISE_MODEL_FILE, mammogram, mask, plan, model)
    record = {
        "noise_model": model.as_dict(),
        "dose_fraction": plan.fraction,
        "seed": plan.seed,
        "source_uid": mammogram.uid,
        "source_sha256": digest,
        "saturated_pixels": int((saturated(pixels, bits) & mask).sum()),
        "method": METHOD,
    }
    _write_once(place / NOISE_MODEL_FILE, lambda temporary: temporary.write_text(json.dumps(record, indent=1) + "\n"))
    yield "noise model"
    for realisation in range(plan.realisations):
        target = reduced_path(place, realisation)
        if not target.exists():
            rng = stream(plan.seed, "reduction", digest, repr(plan.fraction), realisation)
            measured = pixels.copy()
            measured[breast.unmeasured] = np.median(pixels[mask])  # so that a frame reaches into no local mean
            image = reduced(measured, plan.fraction, model, pixel_mm, rng, bits, chest_wall_side(mask))
            image[breast.unmeasured] = pixels[breast.unmeasured]
            target.parent.mkdir(exist_ok=True)
            write_with_pixels(target, _header(mammogram, plan, model, realisation, record), image[None])
        yield f"realisation {realisation + 1}"


def _write_once(path: Path, write: Callable[[Path], Any]) -> None:
    if not path.exists():
        with atomic_output(path) as temporary:
            write(temporary)


def _model_of(
    path: Path, mammogram: Mammogram, mask: np.ndarray, plan: ReductionPlan, model: NoiseModel | None
) -> NoiseModel:
    """Return the model of an earlier run, of the flat fields, as given, or from the image itself."""
    if path.exists():
        kept = read_settings(path)["noise_model"]
        return NoiseModel(**{**kept, "notes": tuple(kept["notes"])})
    given: dict[str, Any] = dict(plan.given or {})
    if model is None and all(name in given for name in _NEEDED):
        return NoiseModel(**given, notes=() if "offset" in given else ("offset was not given: 0 was assumed",))
    return model or from_image(mammogram, given, mask)


def _header(
    mammogram: Mammogram, plan: ReductionPlan, model: NoiseModel, realisation: int, record: dict[str, Any]
) -> Dataset:
    from pydicom.uid import generate_uid

    known = json.dumps(record["noise_model"], sort_keys=True)
    words = ["LowDoseContrast", "reduction", plan.seed, mammogram.uid, record["source_sha256"], plan.fraction, known]
    # All realisations of an input are in one series.
    kinds = f"instance {realisation}", "series"
    instance, series = (str(generate_uid(entropy_srcs=[*map(str, words), kind])) for kind in kinds)
    description = (
        f"{METHOD}: stands for the exposure times {plan.fraction:g}, dose and exposure tags are scaled by it. "
        f"Noise model: {model.described()}. Seed {plan.seed}, realisation {realisation + 1}. "
        f"Source {mammogram.uid}. Research use only."
    )
    derivation, label = ("LDC-002", "Reduced exposure by noise injection"), f"at {plan.fraction:g} of the dose"

    def value_of(value: float) -> float:
        return model.offset + plan.fraction * (value - model.offset)

    identity = (instance, series)
    header = derived_header(mammogram, description, "Dose reduction", derivation, label, identity, value_of)
    header.InstanceNumber = realisation + 1
    _scale_exposure(header, plan.fraction)
    return header


def _scale_exposure(header: Dataset, fraction: float) -> None:
    for keyword in (*_WHOLE, *_DECIMAL):
        if header.get(keyword) not in (None, ""):
            value = float(header[keyword].value) * fraction
            setattr(header, keyword, round(value) if keyword in _WHOLE else f"{value:.8g}")


def _checked(path: str) -> Mammogram:
    """Return the mammogram in a file; InputError if it can neither be reduced nor serve as a flat field."""
    mammogram = read_mammogram(path)
    for wrong, problem, remedy in _refusals(mammogram):
        if wrong:
            raise InputError(path, problem, remedy)
    return mammogram


def _refusals(mammogram: Mammogram) -> Iterator[tuple[bool, str, str]]:
    """Yield (whether it applies, why the image cannot be used, what to do), in the order of checking."""
    header = mammogram.header
    this_view, as_read = "name the For Processing image of this view", "name an image as the detector gave it"
    problem = "is not DICOM, which alone says what the pixel values mean"
    yield header is None, problem, "name the For Processing DICOM file"
    problem = f"modality is {mammogram.modality or 'not stated'}, not MG"
    yield mammogram.modality != "MG", problem, "name a mammogram"
    problem = "is For Presentation: its values are no longer linear in the exposure and its noise has been processed"
    yield mammogram.intent == "FOR PRESENTATION", problem, this_view
    yield mammogram.intent != "FOR PROCESSING", "does not say that it is For Processing", this_view
    problem = f"pixel intensity relationship is {mammogram.relationship or 'not stated'}, not LIN"
    yield mammogram.relationship != "LIN", problem, "name an image whose values are linear in the exposure"
    yield bool(mammogram.polarity.note), f"contradicts itself about the sign: {mammogram.polarity.note}", as_read
    yield mammogram.polarity.sign != 1, "higher values do not mean more X-rays (sign +1)", as_read
    problem = f"holds {len(mammogram.pixels)} frames"
    yield len(mammogram.pixels) != 1, problem, "name a two-dimensional mammogram"
    yield mammogram.stored_offset != 0, "has signed pixels", as_read
    problem = "states no pixel spacing, which the colour of the noise needs"
    yield mammogram.spacing is None, problem, "name an image with ImagerPixelSpacing"
    yield len(set(mammogram.spacing or ())) > 1, "has pixels that are not square", as_read
    for name in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID"):
        problem = f"states no {name}, so that no derived image can refer to it"
        yield not header.get(name), problem, "name a complete DICOM file"
