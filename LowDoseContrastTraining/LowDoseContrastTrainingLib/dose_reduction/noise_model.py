"""What a detector's noise depends on, as far as changing the dose of an image asks for it.

A pixel of a flat-fielded image that has mean m above the offset, in a column that the heel effect gave
the relative exposure r (mean 1), was r m before flat-fielding divided it by r. So its variance is

    xi_q m / r  +  (xi_e / r)^2  +  (xi_s m)^2

(quanta, coloured; electronics, white; fixed pattern): Borges, Vieira et al. 2016, with the heel effect.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from LowDoseContrastLib.errors import InputError
from LowDoseContrastLib.settings import setting, settings_of, wanted_of

from ..common.settings_file import read_settings


@dataclass(frozen=True)
class NoiseModel:
    """The noise of a detector at its pixel values, and how well that is known.

    Attributes:
        xi_q: quantum noise, variance over mean, pixel values.
        xi_e: electronic noise, standard deviation, pixel values, at the mean exposure of a row.
        offset: pixel value at no exposure.
        noise_f2: (lp/mm)^2; the quantum noise's amplitude falls as 1/(1 + f^2/noise_f2).
        heel_fall: part of the exposure that the heel effect takes from the chest wall to the opposite side.
        xi_s: relative fixed pattern; dose reduction does not need it, telling xi_e does.
        errors: standard error of each value that was estimated; given and assumed ones are not in it.
        source: where the values come from.
        notes: what could not be told from the data, and what was assumed instead.

    Raises:
        InputError: a value that is not a number or out of its range.
    """

    xi_q: float = setting(0.0, unit="pixel values", least=0, most=1e4)
    xi_e: float = setting(0.0, unit="pixel values", least=0, most=1e4)
    offset: float = setting(0.0, unit="pixel values", least=0, most=65535)
    noise_f2: float = setting(5.6, unit="(lp/mm)^2", least=0.1, most=1e6)
    heel_fall: float = setting(0.0, unit="relative", least=0, most=0.9)
    xi_s: float = setting(0.0, unit="relative", least=0, most=0.5)
    errors: dict = field(default_factory=dict)
    source: str = "given"
    notes: tuple[str, ...] = ()

    def __post_init__(self):
        checked_values({name: getattr(self, name) for name in VALUES}, self.source)

    def relative_exposure(self, columns: int, chest_wall: str) -> np.ndarray:
        """Return r of every column, float32 (1, columns) of mean 1; ``chest_wall`` is left or right."""
        ramp = 1 - self.heel_fall * np.linspace(0, 1, columns, dtype=np.float32)
        ramp = ramp / ramp.mean()
        return (ramp if chest_wall == "left" else ramp[::-1])[None, :]

    def variance(self, mean: np.ndarray, relative: np.ndarray) -> np.ndarray:
        """Return the variance of pixels with ``mean`` above the offset, fixed pattern included."""
        return self.xi_q * mean / relative + (self.xi_e / relative) ** 2 + (self.xi_s * mean) ** 2

    def as_dict(self) -> dict:
        """Return all of it, JSON-able."""
        return {**dataclasses.asdict(self), "notes": list(self.notes)}

    def described(self) -> str:
        """Return one line: the values with their standard errors, and the source."""
        return ", ".join(self._value_text(name) for name in VALUES) + f" ({self.source})"

    def _value_text(self, name):
        error = self.errors.get(name)
        return f"{name} {getattr(self, name):.4g}" + (f" +- {error:.2g}" if error is not None else "")


VALUES = tuple(settings_of(NoiseModel))


def given_values(text: str) -> dict:
    """Return the values that a user gives: ``xi_q=0.031,xi_e=2.8``, or a ``.json`` or ``.toml`` file of them.

    A file may be a ``noise-model.json`` of an earlier run: its values are taken, nothing else.

    Raises:
        InputError: the file cannot be read, an unknown name, or a value out of its range.
    """
    if Path(text).suffix.lower() in (".json", ".toml"):
        values = read_settings(text)
        values = values.get("noise_model", values)
        return checked_values({name: v for name, v in values.items() if name not in ("errors", "source", "notes")}, text)
    pairs = [part.split("=") for part in text.split(",") if part.strip()]
    if not pairs or any(len(pair) != 2 for pair in pairs):
        raise InputError("", f"{{noise}}: expected NAME=NUMBER with commas between, or a .json or .toml file, not '{text}'")
    return checked_values({name.strip(): _number(value) for name, value in pairs}, "")


def checked_values(values: dict, source: str) -> dict:
    """Return ``values`` as floats; InputError where a name is unknown or a value does not fit.

    ``source``: the file that they come from; empty for the setting itself.
    """
    lead = "" if source else "{noise}: "
    limits = settings_of(NoiseModel)
    for name, value in values.items():
        if name not in limits:
            raise InputError(source, f"{lead}unknown noise value '{name}'", f"choose from {', '.join(VALUES)}")
        wanted = wanted_of(float, limits[name], value)
        if wanted:
            raise InputError(source, f"{lead}{name} must be {wanted} ({limits[name].unit}), it is {value!r}", field=name)
    return {name: float(value) for name, value in values.items()}


def _number(text):
    try:
        return float(text)
    except ValueError:
        return text.strip()


def chest_wall_side(mask: np.ndarray) -> str:
    """Return left or right: the side of the image along which the breast lies, from its mask (rows, columns)."""
    return "left" if mask[:, :8].sum() >= mask[:, -8:].sum() else "right"
