"""A folder of pairs from acquisitions at one dose: each as it is, and as it would be at a part of its dose."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from LowDoseContrastLib import __version__
from LowDoseContrastLib.atomic import atomic_output
from LowDoseContrastLib.dicom import derived_header, write_with_pixels
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.files import read_mammogram
from LowDoseContrastLib.hashing import file_sha256
from LowDoseContrastLib.mammogram import Mammogram
from LowDoseContrastLib.mask import breast_mask
from LowDoseContrastLib.settings import check, setting
from LowDoseContrastLib.steps import Clock

from ..common.file_names import NOISE_MODEL_FILE, REDUCTION_FILE
from ..common.randomness import stream
from ..common.run_folder import open_folder
from ..common.settings_file import read_settings
from .noise_estimation import from_flats, from_image
from .noise_model import NoiseModel, checked_values, chest_wall_side
from .reduction import reduced, saturated

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
        seed: non-negative; the noise follows from it and from each input's identity.
        realisations: independent reduced images of every input, at least 1.
        given: values of the noise model (see :data:`.noise_model.VALUES`) that are known.
        flats: flat fields to estimate the others from; from each input itself if there are none.

    Raises:
        InputError: a value out of its range.
    """

    inputs: tuple[str, ...]
    fraction: float
    seed: int = setting(0, least=0)
    realisations: int = setting(1, least=1)
    given: dict | None = None
    flats: tuple[str, ...] = ()

    def __post_init__(self):
        if not self.inputs:
            raise InputError("", "{inputs}: name at least one mammogram")
        if not 0 < self.fraction < 1:
            raise InputError("", f"{{dose_fraction}} must be between 0 and 1, it is {self.fraction:g}")
        check(self)
        checked_values(self.given or {}, "")

    def settings(self) -> dict:
        """Return the plan as JSON-able values, what a resumed run must agree with; files by their content."""
        return {
            "version": __version__,
            "fraction": self.fraction,
            "seed": self.seed,
            "realisations": self.realisations,
            "given": self.given or {},
            "inputs": {name: file_sha256(path) for name, path in named(self.inputs).items()},
            "flats": [file_sha256(path) for path in self.flats],
        }


def named(inputs) -> dict:
    """Return name -> path: the files' stems, numbered from 2 where several files have the same."""
    names = {}
    for path in inputs:
        stem = Path(path).stem
        number = 1
        while (name := stem if number == 1 else f"{stem}-{number}") in names:
            number += 1
        names[name] = path
    return names


def reduced_path(folder, realisation: int = 0) -> Path:
    """Return where the reduced image of an input's ``folder`` lies."""
    place = Path(folder) / f"realisation-{realisation + 1:02d}" if realisation else Path(folder)
    return place / "reduced.dcm"


def reduce_dose(folder, plan: ReductionPlan):
    """Make ``NAME/full.dcm`` (a copy), ``NAME/reduced.dcm`` and ``NAME/noise-model.json`` for every input.

    All inputs are checked before the first file is written. What is there already is kept, so that an
    interrupted run goes on where it stopped; the same plan gives the same bytes.

    Yields:
        :class:`LowDoseContrastLib.steps.Progress`.

    Returns:
        A dictionary with ``files``, ``arrangements`` (the number of inputs), ``seed``, ``noise_models``
        (one an input) and ``saturated`` (pixels of each breast that were).

    Raises:
        InputError: an input or flat field that will not do, or a folder that :func:`..common.run_folder.open_folder` refuses.
    """
    folder, clock, inputs = Path(folder), Clock(), named(plan.inputs)
    needed = sum(_checked(path).pixels.nbytes for path in inputs.values()) * (plan.realisations + 1)
    flats = [_checked(path) for path in plan.flats]
    settings = plan.settings()
    open_folder(folder, REDUCTION_FILE, settings, needed, "reduced images")
    model = from_flats(flats, plan.given or {}) if flats else None
    steps, done = len(inputs) * (plan.realisations + 1), 0
    for name, path in inputs.items():
        for what in _made(folder / name, path, plan, settings["inputs"][name], model):
            done += 1
            yield clock.progress(done / steps, f"{name}: {what}")
    records = [json.loads((folder / name / NOISE_MODEL_FILE).read_text()) for name in inputs]
    images = [path for name in inputs for path in (folder / name / "full.dcm", *(reduced_path(folder / name, n) for n in range(plan.realisations)))]
    return {
        "files": [str(path) for path in images],
        "arrangements": len(inputs),
        "seed": plan.seed,
        "noise_models": [record["noise_model"] for record in records],
        "saturated": [record["saturated_pixels"] for record in records],
    }


def _made(place, path, plan, digest, model):
    """Make the files of one input; yields what is there."""
    mammogram = read_mammogram(path)
    pixels, mask = mammogram.pixels[0], breast_mask(mammogram.pixels[0], mammogram.sign)
    place.mkdir(exist_ok=True)
    _write_once(place / "full.dcm", lambda temporary: shutil.copyfile(path, temporary))
    model = _model_of(place / NOISE_MODEL_FILE, mammogram, plan, model)
    record = {
        "noise_model": model.as_dict(),
        "dose_fraction": plan.fraction,
        "seed": plan.seed,
        "source_uid": mammogram.uid,
        "source_sha256": digest,
        "saturated_pixels": int((saturated(pixels, mammogram.bits) & mask).sum()),
        "method": METHOD,
    }
    _write_once(place / NOISE_MODEL_FILE, lambda temporary: temporary.write_text(json.dumps(record, indent=1) + "\n"))
    yield "noise model"
    for realisation in range(plan.realisations):
        target = reduced_path(place, realisation)
        if not target.exists():
            rng = stream(plan.seed, "reduction", digest, repr(plan.fraction), realisation)
            image = reduced(pixels, plan.fraction, model, mammogram.spacing[0], rng, mammogram.bits, chest_wall_side(mask))
            target.parent.mkdir(exist_ok=True)
            write_with_pixels(target, _header(mammogram, plan, model, realisation, record), image[None])
        yield f"realisation {realisation + 1}"


def _write_once(path, write):
    if not path.exists():
        with atomic_output(path) as temporary:
            write(temporary)


def _model_of(path, mammogram, plan, model) -> NoiseModel:
    """The model of an earlier run, of the flat fields, as given, or from the image itself."""
    if path.exists():
        kept = read_settings(path)["noise_model"]
        return NoiseModel(**{**kept, "notes": tuple(kept["notes"])})
    given = plan.given or {}
    if model is None and all(name in given for name in _NEEDED):
        return NoiseModel(**given, notes=() if "offset" in given else ("offset was not given: 0 was assumed",))
    return model or from_image(mammogram, given)


def _header(mammogram, plan, model, realisation, record):
    from pydicom.uid import generate_uid

    words = ["LowDoseContrast", "reduction", plan.seed, mammogram.uid, record["source_sha256"], plan.fraction, json.dumps(record["noise_model"], sort_keys=True)]
    # A realisation is an image of the one series of its input's reductions.
    identity = tuple(str(generate_uid(entropy_srcs=[*map(str, words), kind])) for kind in (f"instance {realisation}", "series"))
    description = (
        f"{METHOD}: stands for the exposure times {plan.fraction:g}, dose and exposure tags are scaled by it. Noise model: {model.described()}. "
        f"Seed {plan.seed}, realisation {realisation + 1}. Source {mammogram.uid}. Research use only."
    )
    label = f"at {plan.fraction:g} of the dose"
    header = derived_header(mammogram, description, "Dose reduction", ("LDC-002", "Reduced exposure by noise injection"), label, identity)
    header.InstanceNumber = realisation + 1
    _scale_exposure(header, plan.fraction)
    return header


def _scale_exposure(header, fraction):
    for keywords, text in ((_WHOLE, lambda value: round(value)), (_DECIMAL, lambda value: f"{value:.8g}")):
        for keyword in keywords:
            if header.get(keyword) not in (None, ""):
                setattr(header, keyword, text(float(header[keyword].value) * fraction))


def _checked(path) -> Mammogram:
    """The mammogram in a file; InputError where its dose cannot be reduced, or it is no flat field."""
    mammogram = read_mammogram(path)
    for wrong, reason in _refusals(mammogram):
        if wrong:
            raise InputError(path, reason)
    return mammogram


def _refusals(mammogram):
    """(whether it applies, why it cannot be used and what to do), in the order to say them."""
    header = mammogram.header
    yield header is None, "is not DICOM, which alone says what the pixel values mean; name the For Processing DICOM file"
    yield mammogram.modality != "MG", f"modality is {mammogram.modality or 'not stated'}, not MG; name a mammogram"
    yield (
        mammogram.intent == "FOR PRESENTATION",
        "is For Presentation: its values are no longer linear in the exposure and its noise has been processed; name the For Processing image of this view",
    )
    yield mammogram.intent != "FOR PROCESSING", "does not say that it is For Processing; name the For Processing image of this view"
    yield (
        mammogram.relationship != "LIN",
        f"pixel intensity relationship is {mammogram.relationship or 'not stated'}, not LIN; name an image whose values are linear in the exposure",
    )
    yield mammogram.sign != 1, "higher values do not mean more X-rays (sign +1); name an image as the detector gave it"
    yield len(mammogram.pixels) != 1, f"holds {len(mammogram.pixels)} frames; name a two-dimensional mammogram"
    yield mammogram.pixels.dtype.kind != "u", "has signed pixels; name an image as the detector gave it"
    yield mammogram.spacing is None, "states no pixel spacing, which the colour of the noise needs; name an image with ImagerPixelSpacing"
    yield mammogram.spacing[0] != mammogram.spacing[1], "has pixels that are not square; name an image as the detector gave it"
    missing = [name for name in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID") if not (header and header.get(name))]
    yield bool(missing), f"states no {missing[0] if missing else ''}, so that no derived image can refer to it; name a complete DICOM file"
