"""Measures of the simulator's physics: the tests take them small, the benchmark at full size.

Each returns a dictionary of figures; what they must be stands in the tests and beside the
benchmark's tables.
"""

import dataclasses

import numpy as np
from LowDoseContrastLib.cci import CciVariant, cci
from LowDoseContrastTrainingLib.common.randomness import stream
from LowDoseContrastTrainingLib.measurement.noise_power import blocks_of, periodograms, radial_profile
from LowDoseContrastTrainingLib.simulator import beam, defects
from LowDoseContrastTrainingLib.simulator.acquisition import expose, primary, unit_signal
from LowDoseContrastTrainingLib.simulator.beam_tables import ATTENUATION_PER_CM
from LowDoseContrastTrainingLib.simulator.blur import mtf
from LowDoseContrastTrainingLib.simulator.heel import heel
from LowDoseContrastTrainingLib.simulator.inserts import Insert, draw

ROUNDING = 1 / 12  # variance of whole numbers
EDGE_BINS = 4  # per pixel across an edge


def noise_power(blocks: np.ndarray, pixel_mm: float) -> np.ndarray:
    """The two-dimensional NPS (side, side) averaged over blocks, value^2 mm^2.

    Raises:
        ValueError: there is no block.
    """
    if len(blocks) == 0:
        raise ValueError("no block to measure noise in")
    return periodograms(blocks, pixel_mm).mean(axis=0)


def slanted_edge_mtf(image: np.ndarray, angle: float, pixel_mm: float, reach_pixels: int = 64):
    """(frequencies in lp/mm, MTF) across a straight edge through the middle of an image.

    ISO 12233; Samei et al. 1998, Med. Phys. 25:102.

    Args:
        image: (rows, columns), one level on each side of the edge.
        angle: of the edge's normal against the columns' direction, radians; small, not zero.
        reach_pixels: how far from the edge the profile goes.
    """
    rows, columns = image.shape
    y = np.arange(rows) - (rows - 1) / 2
    x = np.arange(columns) - (columns - 1) / 2
    distance = x[None, :] * np.cos(angle) + y[:, None] * np.sin(angle)
    bins = np.floor(distance * EDGE_BINS + 0.5).astype(int).ravel() + reach_pixels * EDGE_BINS
    inside = (bins >= 0) & (bins <= 2 * reach_pixels * EDGE_BINS)
    count = np.bincount(bins[inside])
    edge_spread = np.bincount(bins[inside], image.ravel()[inside]) / count
    line_spread = np.diff(edge_spread) * np.hanning(len(edge_spread) - 1)
    frequency = np.fft.rfftfreq(line_spread.size, pixel_mm / EDGE_BINS)
    # Binning and differencing act like apertures one bin wide.
    response = np.abs(np.fft.rfft(line_spread) / line_spread.sum()) / np.sinc(frequency * pixel_mm / EDGE_BINS) ** 2
    return frequency, response


def dose_linearity(made):
    """Mean of the flat breast at every dose: slope (per mGy), intercept, worst deviation (relative)."""
    inside = made.phantom.profile > 0.999
    names = list(made.parameters.doses_mgy)
    doses = [made.dose_mgy(name) for name in names]
    means = [made.exposure(name).pixels[inside].mean() for name in names]
    slope, intercept = np.polyfit(doses, means, 1)
    return {
        "slope": slope,
        "intercept": intercept,
        "deviation": float(np.abs(np.polyval((slope, intercept), doses) / means - 1).max()),
    }


def flat_field(parameters, level, *draw):
    """An exposure of a uniform object whose mean is ``level`` pixel values above the offset, float64."""
    signal = np.full(parameters.shape, level, np.float32)
    return expose(parameters, signal, defects.response(parameters, 0), stream(0, "flat", level, *draw)).astype(
        np.float64
    )


def evenly_exposed(parameters):
    """Slice of the columns where the heel effect leaves the exposure within 2% of its mean."""
    near = np.flatnonzero(np.abs(heel(parameters)[0] - 1) < 0.02)
    return slice(near[0], near[-1] + 1)


def noise_coefficients(parameters, levels=(25, 50, 100, 200, 400, 800, 1600, 3200), pairs=2):
    """xi_q, xi_e and offset from uniform fields: variance against mean, and mean against level.

    Half the variance of the difference of two exposures, in which the fixed pattern cancels.
    """
    columns = evenly_exposed(parameters)
    means, variances = [], []
    for level in levels:
        fields = [
            (flat_field(parameters, level, k, 0)[:, columns], flat_field(parameters, level, k, 1)[:, columns])
            for k in range(pairs)
        ]
        means.append(np.mean([(a + b).mean() / 2 for a, b in fields]))
        variances.append(np.mean([(a - b).var() / 2 for a, b in fields]) - ROUNDING)
    slope, offset = np.polyfit(levels, means, 1, w=1 / np.sqrt(variances))
    xi_q, square = np.polyfit(np.array(means) - offset, variances, 1, w=1 / np.array(variances))
    return {"xi_q": xi_q, "xi_e": float(np.sqrt(max(square, 0))), "offset": offset, "slope": slope}


def nps_shape(parameters, level=2000, side=128, pairs=4):
    """(frequencies, NPS of the quantum noise over MTF^2, scaled to a mean of 1), 0.5 lp/mm to 0.8 Nyquist."""
    parameters = dataclasses.replace(parameters, heel_fall=0.0)
    fields = [(flat_field(parameters, level, k, 0), flat_field(parameters, level, k, 1)) for k in range(pairs)]
    blocks = [blocks_of((a - b) / np.sqrt(2), side, step=side // 2) for a, b in fields]
    power = noise_power(np.concatenate(blocks), parameters.pixel_mm)
    power -= (parameters.xi_e**2 + ROUNDING) * parameters.pixel_mm**2
    nyquist = 0.5 / parameters.pixel_mm
    edges = np.linspace(0.5, 0.8 * nyquist, 12)
    found = radial_profile(power, parameters.pixel_mm, edges)
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(side, parameters.pixel_mm)] * 2))
    expected = radial_profile(mtf(frequency.astype(np.float32), parameters.noise_f2) ** 2, parameters.pixel_mm, edges)
    return (edges[1:] + edges[:-1]) / 2, found / expected / np.mean(found / expected)


def realisation_correlation(made, dose):
    """Correlation of the noise of two realisations over the flat breast, and what chance allows (4 sigma)."""
    inside = made.phantom.profile > 0.999
    expected = made.unit_signal * np.float32(made.dose_mgy(dose)) * made.response + np.float32(made.parameters.offset)
    noise = [(made.exposure(dose, k).pixels - expected)[inside] for k in (0, 1)]
    # Neighbours are correlated, so that there are fewer independent samples than pixels.
    return {"correlation": float(np.corrcoef(*noise)[0, 1]), "chance": 4 * np.sqrt(5 / inside.sum())}


def measured_mtf(parameters, frequencies, side=384):
    """MTF at ``frequencies`` by a slanted edge of thin PMMA, imaged by the whole noise-free chain."""
    angle, fine = np.deg2rad(3.0), 8
    small = dataclasses.replace(parameters, rows=side, columns=side, scatter_to_primary=0.0)
    position = (np.arange(side * fine) + 0.5) / fine - side / 2
    covered = np.empty((side, side), np.float32)
    for row in range(side):
        across = position[None, :] * np.cos(angle) + position[row * fine : (row + 1) * fine, None] * np.sin(angle)
        covered[row] = (across > 0).reshape(fine, side, fine).mean(axis=(0, 2))
    image = unit_signal(small, {"pmma": np.float32(0.05) * covered}, np.zeros_like(covered))
    inner = image[32:-32, 32:-32]
    frequency, response = slanted_edge_mtf(inner, angle, parameters.pixel_mm)
    return np.interp(frequencies, frequency, response)


def texture_exponent(phantom, pixel_mm, low=0.15, high=1.0, side=256):
    """Exponent beta of the film's power spectrum 1/f^beta between two frequencies in lp/mm."""
    edges = np.geomspace(low, high, 9)
    blocks = blocks_of(phantom.thickness_mm["pvc"], side, phantom.profile > 0.999, side // 2)
    power = radial_profile(noise_power(blocks, pixel_mm), pixel_mm, edges)
    known = np.isfinite(power)
    return -np.polyfit(np.log(np.sqrt(edges[1:] * edges[:-1]))[known], np.log(power[known]), 1)[0]


def insert_contrasts(parameters, thickness_mm=2.0):
    """Material -> (contrast drawn and imaged, contrast by Beer-Lambert) before blur and scatter."""
    side, pixel = 160, parameters.pixel_mm
    weights = np.array(beam.spectrum(parameters.beam, parameters.absorber))
    mu = {name: np.array(values) / 10 for name, values in ATTENUATION_PER_CM.items()}
    results = {}
    for material in ("pla", "abs", "nylon", "mass", "hydroxyapatite", "calcium_oxalate"):
        depth = 0.3 if material in ("hydroxyapatite", "calcium_oxalate") else thickness_mm
        layer = np.zeros((side, side), np.float32)
        middle = side * pixel / 2
        draw(
            Insert("circumscribed", material, middle, middle, 8.0, depth),
            layer,
            pixel,
            beam.attenuation(material) - beam.attenuation("paraffin"),
        )
        gel = np.full((side, side), 48.0, np.float32)
        film = np.full((side, side), 2.0, np.float32)
        image = primary(parameters, {"paraffin": gel - layer, "pvc": film, material: layer})
        behind = weights * np.exp(-48.0 * mu["paraffin"] - 2.0 * mu["pvc"])
        expected = (behind * np.exp(-depth * (mu[material] - mu["paraffin"]))).sum() / behind.sum() - 1
        results[material] = (float(image[side // 2, side // 2] / image[0, 0] - 1), float(expected))
    return results


def reference_snr(parameters, dose_mgy):
    """Signal above the offset and SNR behind 5 cm of half glandular tissue, where the exposure is even.

    ``snr`` counts what differs from exposure to exposure, ``snr_of_one_image`` the fixed pattern too.
    """
    columns = evenly_exposed(parameters)
    level = parameters.signal_per_mgy * dose_mgy
    one, other = (flat_field(parameters, level, k)[:, columns] - parameters.offset for k in (0, 1))
    return {
        "signal": one.mean(),
        "snr": one.mean() / ((one - other).std() / np.sqrt(2)),
        "snr_of_one_image": one.mean() / one.std(),
    }


def eight_bit(pixels, low, high):
    """A whole image as 8-bit, the way PNG files are made of 14 bits."""
    return np.clip(np.rint((pixels - np.float64(low)) / (high - low) * 255), 0, 255).astype(np.uint8)


def whole_image_cci(pixels, low, high):
    """CCI of the whole 8-bit image, air included, scaled linearly from ``low`` to ``high``."""
    return cci(eight_bit(pixels, low, high), 255.0, CciVariant("window:0,255", mask="none", border="reflect")).cci
