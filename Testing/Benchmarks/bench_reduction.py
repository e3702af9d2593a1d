"""Dose reduction at full size against direct simulation at the low dose, in one run.

High-dose exposures of a phantom are reduced to its low dose with the noise model given, estimated from
flat fields and estimated from the image itself; mean, variance and noise spectrum in the tissue are set
beside those of exposures simulated at the low dose. Noise is what the difference of two independent
exposures leaves. With ``--survey`` also the self-estimates of three phantoms at three doses on two
detectors, for how good they are depends on the phantom.
"""

import dataclasses
import sys
import time

import numpy as np
from LowDoseContrastLib.cli import table
from LowDoseContrastLib.dicom import mammogram_from_header
from LowDoseContrastLib.mammogram import Mammogram
from LowDoseContrastLib.mask import Breast
from LowDoseContrastTrainingLib.common.randomness import stream
from LowDoseContrastTrainingLib.dose_reduction.noise_estimation import from_flats, from_image
from LowDoseContrastTrainingLib.dose_reduction.noise_model import VALUES, NoiseModel, chest_wall_side
from LowDoseContrastTrainingLib.dose_reduction.reduction import reduced
from LowDoseContrastTrainingLib.measurement.noise_power import blocks_of, periodograms, radial_profile
from LowDoseContrastTrainingLib.simulator import defects
from LowDoseContrastTrainingLib.simulator.acquisition import expose, make_arrangement
from LowDoseContrastTrainingLib.simulator.dicom_exposure import exposure_dataset, oriented
from LowDoseContrastTrainingLib.simulator.parameters import parameters_for

DRAWS = 4
SEED = 20  # not that of the phantoms on which the estimation was set up
FLAT_DOSES = (1.0, 3.359, 8.407, 11.523)  # mGy
BANDS = np.array([0.4, 1.0, 2.0, 3.0, 4.0, 5.0])  # lp/mm
ASKED = [0.5, 3.0] + [5.0] * (len(BANDS) - 1)


def main():
    parameters = parameters_for("essential")
    truth = truth_of(parameters)
    made = make_arrangement(parameters, SEED, 0)
    fraction = made.dose_mgy("low") / made.dose_mgy("high")
    highs = [made.exposure("high", draw).pixels for draw in range(DRAWS)]
    lows = [made.exposure("low", draw).pixels for draw in range(DRAWS)]
    tissue = Breast(lows[0], 1).tissue
    models, seconds = {"given": truth}, {"given": 0.0}
    flats = flat_fields(parameters)
    for name, estimate in (
        ("flat fields", lambda: from_flats(flats, {})),
        ("image itself", lambda: from_image(as_read(made, "high"), {})),
    ):
        start = time.perf_counter()
        models[name] = estimate()
        seconds[name] = time.perf_counter() - start
    print(
        f"{parameters.rows} x {parameters.columns}, dose fraction {fraction:.4f}, {DRAWS} exposures; "
        f"{100 * tissue.mean():.0f}% of the field is tissue\n"
    )
    print(
        table(
            [[name, *(shown(model, value) for value in VALUES)] for name, model in models.items()],
            ["noise model", *VALUES],
        ),
        "\n",
    )
    wanted, rows = measured(lows, tissue), []
    for name, model in models.items():
        start = time.perf_counter()
        less = [
            reduced(image, fraction, model, parameters.pixel_mm, stream(SEED, "bench", draw))
            for draw, image in enumerate(highs)
        ]
        each = (time.perf_counter() - start) / DRAWS
        rows.append(
            [
                name,
                *(f"{100 * (value - 1):+.2f}" for value in measured(less, tissue) / wanted),
                f"{seconds[name]:.1f}",
                f"{each:.2f}",
            ]
        )
    headers = [
        "reduced - direct, %",
        "mean",
        "variance",
        *(f"NNPS {low:g}-{high:g}" for low, high in zip(BANDS, BANDS[1:])),
        "s to estimate",
        "s to reduce",
    ]
    print(table([*rows, ["asked: within", *(f"{limit:g}" for limit in ASKED), "", ""]], headers))
    for name, model in models.items():
        for note in model.notes:
            print(f"{name}: {note}")
    if "--survey" in sys.argv[1:]:
        survey()


def truth_of(parameters):
    return NoiseModel(
        *(getattr(parameters, name) for name in ("xi_q", "xi_e", "offset", "noise_f2", "heel_fall", "xi_s")),
        source="given",
    )


def shown(model, name):
    error = model.errors.get(name)
    return f"{getattr(model, name):.4g}" + (f" +- {error:.2g}" if error is not None else "")


def flat_fields(parameters):
    """One flat field a dose; the header states the dose to the repeatability of the generator."""
    response, images = defects.response(parameters, SEED), []
    for dose in FLAT_DOSES:
        signal = np.full(parameters.shape, parameters.signal_per_mgy * dose, np.float32)
        pixels = expose(parameters, signal, response, stream(SEED, "flat", dose))
        stated = dose * (1 + parameters.exposure_spread * stream(SEED, "stated", dose).standard_normal())
        images.append(
            Mammogram(
                pixels[None],
                (parameters.pixel_mm,) * 2,
                parameters.bits,
                "MG",
                sign=1,
                dose_mgy=stated,
                source=f"flat at {dose} mGy",
            )
        )
    return images


def as_read(made, dose):
    """An exposure as it comes from its file."""
    exposure = made.exposure(dose)
    return mammogram_from_header(exposure_dataset(made, exposure), oriented(exposure.pixels, made.number)[None], dose)


def measured(images, tissue):
    """Mean, variance and NNPS by band, in the tissue."""
    noises = [(a.astype(np.float64) - b) / np.sqrt(2) for a, b in zip(images[::2], images[1::2])]
    mean = np.mean([image[tissue].mean() for image in images])
    blocks = np.concatenate([blocks_of(noise, 64, tissue) for noise in noises])
    return np.array(
        [
            mean,
            np.mean([noise[tissue].var() for noise in noises]),
            *radial_profile(periodograms(blocks, 0.1).mean(axis=0), 0.1, BANDS) / mean**2,
        ]
    )


def survey():
    """How good the self-estimates are."""
    rows = []
    for detector in ("essential", "selenium"):
        parameters = parameters_for(detector)
        for number in range(3):
            made = make_arrangement(parameters, SEED, number)
            rows += [[detector, number + 1, dose, *self_estimate(made, dose)] for dose in parameters.doses_mgy]
    print("\n" + table(rows, ["detector", "phantom", "dose", *VALUES, "variance/true"]))


def self_estimate(made, dose):
    mammogram = as_read(made, dose)
    model, truth = from_image(mammogram, {}), truth_of(made.parameters)
    pixels = mammogram.pixels[0]
    tissue, mean = Breast(pixels, 1).tissue, oriented(made.noise_free(dose), made.number) - np.float32(truth.offset)
    side = chest_wall_side(tissue)
    found, true = (
        dataclasses.replace(m, xi_s=0.0).variance(mean, m.relative_exposure(mean.shape[1], side))[tissue].mean()
        for m in (model, truth)
    )
    return [*(shown(model, name) for name in VALUES), f"{found / true:.3f}"]


if __name__ == "__main__":
    main()
