"""Pages from templates: each is one file that fetches nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

from .layout import Numbering
from .markup import DASH, named

TEMPLATES = Path(__file__).parent / "templates"


def rendered(template: str, folder: Path = TEMPLATES, **values: Any) -> str:
    """Return a page; its template lies in ``folder`` and may extend ``page.html``, the look of all pages."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, TEMPLATES]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"named": named, "basename": lambda path: Path(str(path)).name or DASH}
    environment.globals["numbers"] = Numbering()
    environment.globals["style"] = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    return environment.get_template(template).render(**values)
