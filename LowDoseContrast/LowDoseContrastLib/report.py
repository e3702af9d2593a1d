"""What an enhancement says about itself."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from . import RESEARCH_NOTICE, __version__


@dataclass(frozen=True)
class EnhancementReport:
    """How an image was enhanced, and what was measured on it before and after.

    Attributes:
        input, source_uid: file or node name, and SOP Instance UID (None without one).
        model, model_version, model_sha256: of the model.
        mode, overlap, mask: see :class:`LowDoseContrastLib.enhance_settings.Settings`; ``mode`` is the one that was
            used.
        device, precision, placement: where the network ran, and why there.
        windows: how many windows the network saw.
        breast_share: part of the image that is breast, in [0, 1].
        gain: fitted slope of output on input within the tissue.
        seam_index: 1 where borders of windows leave no trace; None where no border lies in a breast.
        cci_before, cci_after, cci_norm_before, cci_norm_after: the CCI and the CCI-norm of the tissue.
        cci_variant: the fields of :class:`LowDoseContrastLib.cci.CciVariant`, and ``low`` and ``high`` of its scale.
        flipped: whether the network saw ``full_scale`` minus the stored values; gain and seams are of these.
        air: sign of the air as the network saw it: +1 bright, -1 dark, None without air.
        full_scale: largest pixel value that the bits allow.
        clipped, clipped_low, clipped_high: enhanced pixels that met an end of the value range.
        out_of_domain: what lies outside of the model's domain, a sentence each.
        notes: what a reader should know, a sentence each.
        seconds: all in all.
    """

    input: str
    source_uid: str | None
    model: str
    model_version: str
    model_sha256: str
    mode: str
    overlap: float
    mask: bool
    device: str
    precision: str
    placement: str
    windows: int
    breast_share: float
    gain: float
    seam_index: float | None
    cci_before: float
    cci_after: float
    cci_norm_before: float
    cci_norm_after: float
    cci_variant: dict[str, Any]
    flipped: bool = False
    air: int | None = None
    full_scale: float = 0.0
    clipped: int = 0
    clipped_low: int = 0
    clipped_high: int = 0
    out_of_domain: tuple[str, ...] = ()
    notice: str = RESEARCH_NOTICE
    version: str = __version__
    seconds: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def provenance(self) -> tuple[str, str]:
        """(one line of description, name of the equipment) for file headers."""
        description = (
            f"{RESEARCH_NOTICE} High-dose appearance by model {self.model} (SHA-256 {self.model_sha256}), "
            f"mode {self.mode}, overlap {self.overlap:g}, mask {'on' if self.mask else 'off'}, "
            f"{self.device} {self.precision}, source {self.source_uid or self.input}, LowDoseContrast {self.version}"
        )
        return description, f"LowDoseContrast {self.model}"

    def value_of(self, value: float) -> float:
        """What became of a pixel value, but for noise and structure.

        The fitted gain, in the polarity that the network saw.
        """
        if self.flipped:
            return self.full_scale - self.gain * (self.full_scale - value)
        return self.gain * value

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON-able values."""
        values = dataclasses.asdict(self)
        return {**values, "out_of_domain": list(self.out_of_domain), "notes": list(self.notes)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> EnhancementReport:
        """Return the report that :meth:`to_json` gave; keys of other versions are passed over.

        Raises:
            TypeError: a key without a default is missing.
        """
        known = {each.name for each in dataclasses.fields(cls)}
        found: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if name in known
        }
        return cls(**found)
