"""Everything that a simulated acquisition depends on, except the seed."""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.settings import Setting, defaults_of, setting, settings_of, wanted_of

from ..common.settings_file import read_settings
from .beam_tables import ABSORPTION, FLUENCE

Range = tuple[float, float]  # from which values are drawn
DOSES_MGY = {"low": 3.359, "automatic": 8.407, "high": 11.523}

_PAPER = "Brenha, Carneiro and Patrocinio: the published data set"
_LISTS = ("densities",)  # the other tuples are ranges
_KINDS = {str: "a name", int: "a whole number", float: "a number", dict: "names with numbers"}
_ESSENTIAL = "GE Senographe Essential, as its data sheet and headers state"
_PRISTINA = "measured on a GE Senographe Pristina, as a surrogate"
_PHANTOM = "chosen to look like the phantom of Sousa, Matheus and Schiabel 2018"


def _field(default: Any, unit: str, source: str, low: float = 0.0, high: float = math.inf) -> Any:
    return setting(default, unit=unit, source=source, least=low, most=high)


@dataclass(frozen=True)
class AcquisitionParameters:
    """A phantom, a beam and a detector; the defaults are a GE Senographe Essential.

    Every field has its unit, source and range in its metadata (see :func:`documented`). Pairs of
    numbers are ranges from which arrangements, layers and inserts are drawn.

    Raises:
        InputError: a value of the wrong kind or out of its range.
    """

    # --- exposure
    doses_mgy: dict[str, float] = _field(DOSES_MGY, "mGy mean entrance dose", _PAPER, 1e-3, 1e3)
    dose_spread: float = _field(0.03, "relative, between arrangements", "a few per cent", 0, 0.2)
    exposure_spread: float = _field(
        0.003, "relative, between exposures of an arrangement", "repeatability of a generator", 0, 0.1
    )
    beam: str = _field("Rh/Rh 29 kVp", "anode/filter and tube voltage", "SpekPy: HVL 0.405 mm Al")
    mas_per_mgy: float = _field(12.0, "mAs per mGy entrance dose", "typical of Rh/Rh at 29 kVp", 1e-3)
    glandular_dose_per_mgy: float = _field(
        0.22, "mGy mean glandular per mGy entrance dose", "about, 5 cm at HVL 0.40 mm Al, Dance et al. 2000", 0.01, 1
    )
    source_detector_mm: float = _field(660.0, "mm", _ESSENTIAL, 100)
    support_mm: float = _field(
        20.0, "mm from the phantom's lower side to the detector", "breast support and grid", 0, 100
    )

    # --- phantom
    thickness_mm: float = _field(50.0, "mm compressed", "reference thickness", 10, 120)
    edge_mm: float = _field(22.0, "mm of rim where the thickness falls to zero", "about half of the thickness", 1, 100)
    densities: tuple[float, ...] = _field(
        (0.15, 0.38, 0.60, 0.82), "glandular fraction", "BI-RADS a, b, c, d in turn", 0, 1
    )
    density_spread: float = _field(0.06, "glandular fraction, half width", "within a class", 0, 0.1)
    texture_beta: float = _field(3.2, "exponent of the power spectrum 1/f^beta", "mammograms: 3.2 +- 0.24", 1.5, 4.5)
    texture_largest_mm: Range = _field((25.0, 100.0), "mm, where the power law ends", _PHANTOM, 1)
    film_layers: int = _field(9, "layers of film pieces", _PHANTOM, 1, 100)
    crease_layers: int = _field(6, "layers of film creases", _PHANTOM, 0, 100)
    film_whole: float = _field(0.40, "part of the film in whole sheets", _PHANTOM, 0, 1)
    film_creases: float = _field(0.010, "part of the film in creases", _PHANTOM, 0, 0.5)
    film_coverage: float = _field(2.0, "standard deviations that thresholds fall from density 0 to 1", _PHANTOM, 0, 5)
    film_wrinkle: float = _field(0.16, "relative standard deviation of film thickness", _PHANTOM, 0, 1)
    nodules: Range = _field((3, 5), "circumscribed nodules on a 19 x 23 cm field", _PHANTOM)
    nodule_mm: Range = _field((6.0, 14.0), "mm diameter", _PHANTOM, 0.1)
    spiculated: Range = _field((2, 4), "spiculated nodules on a 19 x 23 cm field", _PHANTOM)
    spiculated_mm: Range = _field((6.0, 12.0), "mm diameter", _PHANTOM, 0.1)
    fibres: Range = _field((6, 11), "nylon fibres on a 19 x 23 cm field", _PHANTOM)
    fibre_mm: Range = _field((6.0, 16.0), "mm long", _PHANTOM, 0.1)
    fibre_diameter_mm: Range = _field((0.4, 1.0), "mm", "sizes of accreditation phantoms", 0.05)
    clusters: Range = _field((5, 9), "clusters of hydroxyapatite grains on a 19 x 23 cm field", _PHANTOM)
    grains: Range = _field((6, 20), "grains in a cluster", _PHANTOM, 1)
    grain_mm: Range = _field((0.1, 0.6), "mm diameter", "calcifications, 0.1-0.6 mm", 0.01)

    # --- detector
    detector: str = _field("GE Senographe Essential (simulated)", "name", "for the header")
    absorber: str = _field("CsI", "what absorbs the quanta", _ESSENTIAL)
    rows: int = _field(2294, "pixels", "19 x 23 cm field", 64, 20000)
    columns: int = _field(1914, "pixels", "19 x 23 cm field", 64, 20000)
    pixel_mm: float = _field(0.1, "mm", _ESSENTIAL, 0.02, 1)
    bits: int = _field(14, "bits of a raw pixel", _ESSENTIAL, 8, 16)
    signal_per_mgy: float = _field(
        109.26, "pixel values per mGy behind 5 cm of half glandular tissue", "367 at 3.359 mGy", 1e-3
    )
    offset: float = _field(1.9, "pixel values at no exposure", _PRISTINA, 0, 1000)
    scatter_to_primary: float = _field(0.10, "behind the grid", "0.07-0.15 with a grid", 0, 2)
    scatter_sigma_mm: float = _field(10.0, "mm, Gaussian", "5-15 mm", 1, 50)
    heel_fall: float = _field(0.28, "relative, from chest wall to nipple", "0.16-0.40", 0, 0.9)
    mtf_f2: float = _field(
        5.6,
        "(lp/mm)^2 in MTF = 1/(1 + f^2/mtf_f2)",
        "fit to 0.85, 0.59, 0.24 at 1, 2, 4 lp/mm, Ghetti et al. 2008",
        0.1,
    )
    noise_f2: float = _field(
        5.6, "(lp/mm)^2, as mtf_f2 for the colour of the quantum noise", "light spreads signal and quanta alike", 0.1
    )
    xi_q: float = _field(0.031, "pixel values; variance over mean of the quantum noise", _PRISTINA)
    xi_e: float = _field(2.8, "pixel values; standard deviation of the electronic noise", _PRISTINA)
    xi_s: float = _field(0.002, "relative fixed-pattern noise after flat-fielding", "0.002-0.005", 0, 0.1)
    bad_pixels: int = _field(8, "pixels of too little response", "a few", 0, 10000)

    def __post_init__(self) -> None:
        defaults = defaults_of(type(self))
        for name, described in settings_of(type(self)).items():
            object.__setattr__(self, name, _checked(name, described, defaults[name], getattr(self, name)))
        for name, known in (("beam", FLUENCE), ("absorber", ABSORPTION)):
            if getattr(self, name) not in known:
                problem = f"parameter {name} must be one of {', '.join(known)}, it is {getattr(self, name)!r}"
                raise InputError("", problem, field=name)

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of the image."""
        return self.rows, self.columns

    @property
    def field_mm(self) -> tuple[float, float]:
        """Size of the detector in mm: (height, width)."""
        return self.rows * self.pixel_mm, self.columns * self.pixel_mm

    @property
    def magnification(self) -> float:
        """Of the middle of the phantom."""
        return self.source_detector_mm / (self.source_detector_mm - self.support_mm - self.thickness_mm / 2)


def _checked(name: str, described: Setting, like: Any, value: Any) -> Any:
    """Return ``value`` in the type of its field's default; InputError where it does not fit."""
    try:
        if isinstance(like, str):
            return _fitting(value, like, described)
        if isinstance(like, dict):
            fitting: Any = {str(key): _fitting(v, 1.0, described) for key, v in value.items()}
        elif isinstance(like, tuple):
            fitting = tuple(_fitting(v, like[0], described) for v in value)
            if name not in _LISTS and (len(fitting) != 2 or fitting[0] > fitting[1]):
                raise ValueError
        else:
            return _fitting(value, like, described)
        if not fitting:
            raise ValueError
        return fitting
    except (TypeError, ValueError, AttributeError) as error:
        limits = "" if isinstance(like, str) else f" of {described.limits}"
        kind = _KINDS.get(type(like), "numbers, the lower first,") + limits
        problem = f"parameter {name} must be {kind} ({described.unit}), it is {value!r}"
        raise InputError("", problem, field=name) from error


def _fitting(value: Any, like: Any, described: Setting) -> Any:
    if isinstance(like, int) and isinstance(value, float) and value == int(value):
        value = int(value)
    if wanted_of(type(like), described, value):
        raise ValueError
    return type(like)(value)


DETECTORS = {
    "essential": AcquisitionParameters(),
    "essential-large": AcquisitionParameters(rows=3062, columns=2394),
    "selenium": AcquisitionParameters(
        detector="Amorphous selenium, direct (simulated)",
        absorber="a-Se",
        beam="W/Rh 28 kVp",
        rows=3518,
        columns=2800,
        pixel_mm=0.085,
        # A quantum leaves its charge in one pixel: sharp, and nearly white noise.
        mtf_f2=35.0,
        noise_f2=400.0,
        mas_per_mgy=19.0,
        glandular_dose_per_mgy=0.27,
        source_detector_mm=655.0,
        support_mm=17.0,
        bad_pixels=12,
    ),
    "small": AcquisitionParameters(detector="Small test field (simulated)", rows=768, columns=640, bad_pixels=1),
}


def parameters_for(
    detector: str = "essential", overrides: Mapping[str, Any] | str | Path | None = None
) -> AcquisitionParameters:
    """Return the parameters of a named detector, changed as ``overrides`` says.

    Args:
        overrides: fields by name, or a ``.json`` or ``.toml`` file of them. An entry may be the value or
            an object with a ``value``, as in ``simulation.json``.

    Raises:
        InputError: an unknown detector or field, or a value that does not fit.
    """
    if detector not in DETECTORS:
        raise InputError("", f"{{detector}}: choose from {', '.join(DETECTORS)}, not '{detector}'")
    if overrides is None:
        return DETECTORS[detector]
    if isinstance(overrides, Mapping):
        source, values = "parameters", overrides
    else:
        source, values = str(overrides), read_settings(overrides)
    known = [each.name for each in dataclasses.fields(AcquisitionParameters)]
    for name in values:
        if name not in known:
            close = difflib.get_close_matches(str(name), known, 1)
            raise InputError(source, f"unknown parameter '{name}'", f"did you mean {close[0]}?" if close else "")
    plain = {name: v["value"] if isinstance(v, dict) and "value" in v else v for name, v in values.items()}
    try:
        return dataclasses.replace(DETECTORS[detector], **plain)
    except InputError as error:
        raise error.about(source) from error


def documented(parameters: AcquisitionParameters) -> dict[str, dict[str, Any]]:
    """Return name -> {value, unit, source} of every parameter, JSON-able."""
    return {
        name: {"value": getattr(parameters, name), "unit": each.unit, "source": each.source}
        for name, each in settings_of(AcquisitionParameters).items()
    }
