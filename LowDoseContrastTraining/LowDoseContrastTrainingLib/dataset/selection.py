"""Which candidates become pairs: those whose pixels agree too, the next candidate where they do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .content import Exposure, compare_content
from .examination import Examined, examine
from .manifest import SIDES
from .pairing import Pair, left_out, paired
from .prepare_settings import PrepareSettings


class Selection:
    """The pairs that are used, and the fate of every file.

    Args:
        pairs: what there is to choose from.
        table: the rows of :func:`.pairing.find_pairs`, which are kept up to date.
        folder: that they are relative to.

    Attributes:
        found: the pairs that can be used.
        reason: why the last view that cannot be used cannot.
    """

    def __init__(
        self, pairs: Sequence[Pair], table: list[dict[str, Any]], folder: Path, settings: PrepareSettings
    ) -> None:
        self.found: list[Examined] = []
        self.reason = ""
        self._rows = {folder / row["file"]: row for row in table}
        self._settings = settings
        self._used: set[Path] = set()
        self._to_come = Counter(pair.group for pair in pairs)
        self._seen: dict[str, list[tuple[int, Exposure]]] = {}  # low doses of open view, by arrangement

    def take(self, pair: Pair) -> None:
        """Look at a view's candidates in turn until one can be used, and note what becomes of their files."""
        reasons: dict[Path, str] = {}
        for candidate in (pair, *pair.others):
            # Where views are not known, an earlier pair may have taken an image.
            if self._used.intersection(candidate.paths):
                continue
            outcome = self._outcome(candidate)
            if isinstance(outcome, Examined):
                self._accept(outcome)
                break
            for path in candidate.paths:
                reasons.setdefault(path, outcome)
        self._to_come[pair.group] -= 1
        if not self._to_come[pair.group]:
            self._seen.pop(pair.group, None)
        for path, reason in reasons.items():
            if path not in self._used:
                self._leave(path, reason)
                self.reason = f"arrangement {pair.group}: {reason}"

    def finish(self) -> None:
        """Note what was meant for pairs that took other images."""
        for path, row in self._rows.items():
            if row["fate"] == "paired" and path not in self._used:
                self._leave(path, "no image at the other dose is left that may be of its view")

    def _leave(self, path: Path, reason: str) -> None:
        row = self._rows[path]
        row.update(left_out(reason, row["level"], row["dose_from"]))

    def _outcome(self, candidate: Pair) -> Examined | str:
        outcome = examine(candidate, self._settings)
        if isinstance(outcome, str) or outcome.low_dose is None:
            return outcome
        seen = self._seen.setdefault(candidate.group, [])
        for number, low_dose in seen:
            if compare_content(low_dose, outcome.low_dose).same:
                return f"a second exposure of its view by its pixels: arrangement {number}"
        seen.append((candidate.number, outcome.low_dose))
        return replace(outcome, low_dose=None)

    def _accept(self, examined: Examined) -> None:
        self.found.append(examined)
        for level in SIDES.values():
            image = examined.pair.image(level)
            row = self._rows[image.path]
            row.update(paired(image, level))
            if examined.note:
                row["note"] = examined.note
            self._used.add(image.path)
