"""The folder of an evaluation, read for people."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _


@dataclass(frozen=True)
class Interval:
    """By how much a method differs from the gain.

    ``low`` and ``high`` are those of the 95% interval, None where there is none.
    """

    mean: float
    low: float | None
    high: float | None


class EvaluationResults:
    """What an evaluation has written; any of its files may be missing, and a later version may state more or less.

    Attributes:
        folder: a Path.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    @property
    def report(self) -> Path:
        """The page for a browser."""
        return self.folder / "report.html"

    def exist(self) -> bool:
        """Whether the folder holds results."""
        return self.folder.is_absolute() and os.path.isfile(self._path)

    def hasReport(self) -> bool:
        """Whether there is a page for a browser."""
        return self.folder.is_absolute() and os.path.isfile(self.report)

    def state(self) -> Any:
        """Something that differs when other results are there; None without any."""
        try:
            return (str(self.folder), self._path.stat().st_mtime_ns) if self.folder.is_absolute() else None
        except OSError:
            return None

    @property
    def _path(self) -> Path:
        return self.folder / "results.json"

    def read(self) -> EvaluationTable | None:
        """The results as an :class:`EvaluationTable`; None where there are none or the file is damaged."""
        try:
            return EvaluationTable(json.loads(self._path.read_text(encoding="utf-8"))) if self.exist() else None
        except (OSError, ValueError, KeyError, TypeError):
            return None


class EvaluationTable:
    """The rows of an evaluation, one a method.

    Attributes:
        rows: as the command writes them.
        methods: their names.
        hasTruth: whether detectability was measured.

    Raises:
        KeyError, TypeError: the document is of no evaluation.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self.rows = list(document["rows"])
        self.methods = [str(row["method"]) for row in self.rows]
        self.hasTruth = any(_number(row.get("detectability")) is not None for row in self.rows)

    def columns(self) -> list[str]:
        """The headings."""
        return [_("Row"), _("Method"), _("Verdict"), *(title for _key, title in self._measures())]

    def _measures(self) -> tuple[tuple[str, str], ...]:
        return (
            ("cci_output", _("CCI")), ("cci_norm_output", _("CCI-norm")), ("cci_ratio_error", _("CCI error")),
            ("psnr_matched", _("PSNR matched")), ("ssim_matched", _("SSIM matched")),
            ("psnr", _("PSNR")), ("ssim", _("SSIM")),
            ("slope", _("Slope")), ("offset", _("Offset")),
            ("detectability", _("Detectability")), ("bias", _("Bias")),
            ("false_calcifications", _("False calc. / cm2")),
        )  # fmt: skip

    def cells(self) -> list[list[str]]:
        """The texts of the table, one list a row; empty where a measure was not taken."""
        return [self._cellsOf(number, row) for number, row in enumerate(self.rows, start=1)]

    def _cellsOf(self, number: int, row: dict[str, Any]) -> list[str]:
        return [
            str(number),
            str(row["method"]),
            str(row.get("verdict", "")),
            *(_text(row.get(key)) for key, _title in self._measures()),
        ]

    def reasons(self) -> list[str]:
        """Why each verdict is as it is, one text a row."""
        return ["; ".join(map(str, row.get("reasons", []))) for row in self.rows]

    def lines(self) -> list[str]:
        """The verdicts on the models and what a reader must know, a sentence each."""
        verdicts = [
            f"{row['method']}: {row.get('verdict', '')}. {why}."
            for row, why in zip(self.rows, self.reasons(), strict=True)
            if row.get("kind") == "model"
        ]
        notes = [_("Note: {text}").format(text=text) for text in self._document.get("notes", [])]
        return (
            verdicts + notes + [text for text in (self._document.get("caution"), self._document.get("notice")) if text]
        )

    def intervals(self, measure: str) -> Any:
        """``{place of the row: Interval}`` of the methods that were compared with the gain by ``measure``."""
        from LowDoseContrastTrainingLib.evaluation.verdict import GAIN

        found = {}
        for place, row in enumerate(self.rows):
            stated = row.get("against", {}).get(GAIN, {}).get(measure) or {}
            mean, low, high = (_number(stated.get(name)) for name in ("mean", "low", "high"))
            if mean is not None:
                found[place] = Interval(mean, low, high)
        return found

    def isModel(self, place: int) -> bool:
        """Whether the row at ``place`` is a model, not a baseline."""
        return self.rows[place].get("kind") == "model"


def _number(value: Any) -> float | None:
    """``value`` if it is a finite number, else None."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) else None


def _text(value: Any) -> str:
    number = _number(value)
    return f"{number:.4g}" if number is not None else str(value or "")
