"""Numbers and names as HTML. Templates escape all other text, so that no name of a file or model becomes markup."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable

import numpy as np
from markupsafe import Markup, escape

from ..document import finite

DASH = "–"


def named(value: object) -> Markup:
    """Return a name as HTML that may break after any of its parts."""
    shown = escape(value)
    for mark in ("/", "_", "-", "."):
        shown = shown.replace(mark, Markup(f"{mark}<wbr>"))
    return shown


def decimals(values: Iterable[float | None], digits: int) -> int:
    """Return the decimals that give the typical one of some values so many significant digits."""
    sizes = [abs(value) for value in values if value]
    if not sizes:
        return digits
    return int(min(max(digits - 1 - math.floor(math.log10(np.median(sizes))), 0), digits + 2))


def shown(value: float | None, places: int, signed: bool = False) -> str:
    """Return a number with so many decimals and a true minus, or a dash."""
    if finite(value) is None:
        return DASH
    rounded = round(value, places) or 0.0  # type: ignore[arg-type]  # no -0.00
    return f"{rounded:{'+' if signed and rounded else ''}.{places}f}".replace("-", "−")


def number(value: float | None, places: int, signed: bool = False) -> Markup:
    """Return :func:`shown` as HTML that carries the whole number, or a dash."""
    if finite(value) is None:
        return Markup(DASH)
    return Markup('<data value="{}">{}</data>').format(repr(value), shown(value, places, signed))


def plain(value: object, digits: int = 4) -> str:
    """Return a number of a text to so many significant digits, or a dash."""
    return f"{value:.{digits}g}".replace("-", "−") if finite(value) is not None else DASH


def image(data: bytes, kind: str, description: str) -> Markup:
    """Return an image that the page holds itself; ``kind`` as in ``image/png``."""
    source = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    return Markup('<img alt="{}" src="{}">').format(description, source)


def joined(parts: Iterable[str], between: str = "") -> Markup:
    """Return pieces of text or HTML one after the other."""
    return Markup(between).join(parts)
