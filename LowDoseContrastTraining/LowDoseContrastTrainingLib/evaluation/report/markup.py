"""Small pieces of HTML. All text passes :func:`text`, so that no name of a file or model becomes markup."""

from __future__ import annotations

import base64
import html
import math
from dataclasses import dataclass, field

import numpy as np

DASH = "–"


def text(value) -> str:
    """Return a value as HTML text or the content of an attribute."""
    return html.escape(str(value), quote=True)


def named(value) -> str:
    """Return a name with places where a long one may be broken: after each part of it."""
    shown = text(value)
    for mark in ("/", "_", "-", "."):
        shown = shown.replace(mark, f"{mark}<wbr>")
    return shown


def is_number(value) -> bool:
    """Return whether a value of a row is a finite number; None, ``no truth`` and their like are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def decimals(values, digits: int) -> int:
    """Return the decimals that give the typical one of some values so many significant digits."""
    sizes = [abs(value) for value in values if is_number(value) and value]
    if not sizes:
        return digits
    return int(min(max(digits - 1 - math.floor(math.log10(np.median(sizes))), 0), digits + 2))


def shown(value, places: int, signed: bool = False) -> str:
    """Return a number with so many decimals and a true minus, or a dash."""
    if not is_number(value):
        return DASH
    rounded = round(value, places) or 0.0  # no -0.00
    return f"{rounded:{'+' if signed and rounded else ''}.{places}f}".replace("-", "−")


def number(value, places: int, signed: bool = False) -> str:
    """Return :func:`shown` as HTML that carries the whole number, or a dash."""
    return f'<data value="{value!r}">{shown(value, places, signed)}</data>' if is_number(value) else DASH


def plain(value, digits: int = 4) -> str:
    """Return a number of a text to so many significant digits, or a dash."""
    return f"{value:.{digits}g}".replace("-", "−") if is_number(value) else DASH


def image(data: bytes, kind: str, description: str) -> str:
    """Return an image that the page holds itself; ``kind`` as in ``image/png``."""
    return f'<img alt="{text(description)}" src="data:{kind};base64,{base64.b64encode(data).decode()}">'


def listed(items) -> str:
    """Return a bullet list of HTML items, or nothing."""
    items = [f"<li>{each}</li>" for each in items]
    return f"<ul>{''.join(items)}</ul>" if items else ""


def pairs(items) -> str:
    """Return a list of (term, HTML) pairs."""
    return f"<dl>{''.join(f'<div><dt>{text(term)}</dt><dd>{value}</dd></div>' for term, value in items)}</dl>"


@dataclass
class Numbers:
    """Counts the figures and the tables of a page."""

    _count: dict = field(default_factory=dict)

    def figure(self, body: str, title: str, caption: str) -> str:
        """Return a numbered figure; ``caption`` is HTML."""
        return f'<figure>{body}<figcaption><b>{self._next("Figure")} {text(title)}</b> {caption}</figcaption></figure>'

    def table(self, body: str, title: str, caption: str, notes: str = "") -> str:
        """Return a numbered table, its caption above and its notes below; ``body`` are its rows, ``caption`` and ``notes`` HTML."""
        head = f"<figcaption><b>{self._next('Table')} {text(title)}</b> {caption}</figcaption>"
        return f'<figure class="table">{head}<div class="wide"><table class=figures>{body}</table></div>{f"<div class=notes>{notes}</div>" if notes else ""}</figure>'

    def _next(self, kind):
        self._count[kind] = self._count.get(kind, 0) + 1
        return f"{kind} {self._count[kind]}."
