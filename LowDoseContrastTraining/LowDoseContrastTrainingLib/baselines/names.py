"""The names of the baselines, for whoever checks a choice without computing anything."""

from __future__ import annotations

from LowDoseContrastLib.errors import InputError

NAMES = (
    "identity", "gain", "affine", "histogram", "gamma", "clahe", "unsharp", "wavelet", "anscombe-nlm", "anscombe-wavelet", "weighted-restoration", "unet-l1",
)  # fmt: skip


def chosen_names(text: str) -> list[str]:
    """Return what ``all`` or a list with commas names, the gain always among them, in the order of the table.

    Raises:
        InputError: an unknown name.
    """
    names = set(NAMES) if text == "all" else {name.strip() for name in text.split(",") if name.strip()} | {"gain"}
    unknown = sorted(names - set(NAMES))
    if unknown:
        raise InputError("", f"{{baselines}}: there is no '{unknown[0]}'", f"choose all or from {', '.join(NAMES)}")
    return [name for name in NAMES if name in names]
