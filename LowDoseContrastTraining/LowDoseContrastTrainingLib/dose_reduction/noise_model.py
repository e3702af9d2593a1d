"""The noise of a detector, as far as it matters for changing the dose of an image.

Consider a pixel of a flat-fielded image with mean m above the offset, in a column with the relative
exposure r (mean 1) due to the heel effect. It was r m before flat-fielding divided it by r, so its
variance is

    xi_q m / r  +  (xi_e / r)^2  +  (xi_s m)^2

(coloured quantum noise, white electronic noise, fixed pattern): Borges, Vieira et al. 2016, with the heel
effect.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.settings import setting, settings_of, wanted_of

from ..common.settings_file import read_settings


@dataclass(frozen=True)
class NoiseModel:
    """The noise of a detector, and how well it is known.

    Attributes:
        xi_q: quantum noise, variance over mean, pixel values.
        xi_e: electronic noise, standard deviation, pixel values, at the mean exposure of a row.
        offset: pixel value at no exposure.
        noise_f2: (lp/mm)^2; the amplitude of the quantum noise falls as 1/(1 + f^2/noise_f2).
        heel_fall: relative fall of the exposure from the chest wall to the opposite side.
        xi_s: relative fixed pattern; not needed to reduce a dose, but to estimate xi_e.
        errors: standard errors of the values that were estimated, not of given and assumed ones.
        source: where the values come from.
        notes: what could not be estimated, and what was assumed instead.

    Raises:
        InputError: a value that is not a number or out of its range.
    """

    xi_q: float = setting(0.0, unit="pixel values", least=0, most=1e4)
    xi_e: float = setting(0.0, unit="pixel values", least=0, most=1e4)
    offset: float = setting(0.0, unit="pixel values", least=0, most=65535)
    noise_f2: float = setting(5.6, unit="(lp/mm)^2", least=0.1, most=1e6)
    heel_fall: float = setting(0.0, unit="relative", least=0, most=0.9)
    xi_s: float = setting(0.0, unit="relative", least=0, most=0.5)
    errors: dict[str, float] = field(default_factory=dict)
    source: str = "given"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        checked_values({name: getattr(self, name) for name in VALUES}, self.source)

    def relative_exposure(self, columns: int, chest_wall: str) -> np.ndarray:
        """Return r of the columns, float32 (1, columns) of mean 1; ``chest_wall`` is left or right."""
        ramp = 1 - self.heel_fall * np.linspace(0, 1, columns, dtype=np.float32)
        ramp = ramp / ramp.mean()
        return (ramp if chest_wall == "left" else ramp[::-1])[None, :]

    def variance(self, mean: np.ndarray, relative: np.ndarray | float) -> np.ndarray:
        """Return the variance of pixels with ``mean`` above the offset, fixed pattern included."""
        return self.xi_q * mean / relative + (self.xi_e / relative) ** 2 + (self.xi_s * mean) ** 2

    def as_dict(self) -> dict[str, Any]:
        """Return the model as JSON-able values."""
        return {**dataclasses.asdict(self), "notes": list(self.notes)}

    def described(self) -> str:
        """Return one line: the values with their standard errors, and the source."""
        return ", ".join(self._value_text(name) for name in VALUES) + f" ({self.source})"

    def _value_text(self, name: str) -> str:
        error = self.errors.get(name)
        return f"{name} {getattr(self, name):.4g}" + (f" +- {error:.2g}" if error is not None else "")


VALUES = tuple(settings_of(NoiseModel))


def given_values(text: str) -> dict[str, float]:
    """Return the values that a user gives: ``xi_q=0.031,xi_e=2.8``, or a ``.json`` or ``.toml`` file of them.

    The file may be the ``noise-model.json`` of an earlier run, of which only the values are used.

    Raises:
        InputError: the file cannot be read, an unknown name, or a value out of its range.
    """
    if Path(text).suffix.lower() in (".json", ".toml"):
        values = read_settings(text)
        values = values.get("noise_model", values)
        known = {name: value for name, value in values.items() if name not in ("errors", "source", "notes")}
        return checked_values(known, text)
    pairs = [part.split("=") for part in text.split(",") if part.strip()]
    if not pairs or any(len(pair) != 2 for pair in pairs):
        wanted = "NAME=NUMBER with commas between, or a .json or .toml file"
        raise InputError("", f"{{noise}}: expected {wanted}, not '{text}'")
    return checked_values({name.strip(): _number(value) for name, value in pairs}, "")


def checked_values(values: Mapping[str, Any], source: str) -> dict[str, float]:
    """Return ``values`` as floats.

    Args:
        source: the file that they come from; empty for the setting itself.

    Raises:
        InputError: an unknown name, or a value that does not fit.
    """
    lead = "" if source else "{noise}: "
    limits = settings_of(NoiseModel)
    for name, value in values.items():
        if name not in limits:
            raise InputError(source, f"{lead}unknown noise value '{name}'", f"choose from {', '.join(VALUES)}")
        wanted = wanted_of(float, limits[name], value)
        if wanted:
            problem = f"{lead}{name} must be {wanted} ({limits[name].unit}), it is {value!r}"
            raise InputError(source, problem, field=name)
    return {name: float(value) for name, value in values.items()}


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text.strip()


def chest_wall_side(mask: np.ndarray) -> str:
    """Return left or right: the side of the image on which the breast is, from its mask (rows, columns)."""
    return "left" if mask[:, :8].sum() >= mask[:, -8:].sum() else "right"
