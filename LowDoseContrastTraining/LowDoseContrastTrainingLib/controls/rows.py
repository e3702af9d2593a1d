"""What a control says of one method, and what all of them say together."""

from __future__ import annotations

from dataclasses import dataclass

from ..evaluation.statistics import number_or_none


@dataclass(frozen=True)
class ControlRow:
    """One check.

    Attributes:
        control: name of the control.
        condition: of the scene, or of what was done to the output.
        method: name of the method.
        figures: name -> number, word, or None where it is not known.
        expected: what must hold, in words.
        passed: whether it does.
        outside: in what the images lie outside of the model's domain, one sentence each.
    """

    control: str
    condition: str
    method: str
    figures: dict
    expected: str
    passed: bool
    outside: tuple[str, ...] = ()

    def as_dict(self) -> dict:
        """Return it JSON-able."""
        return {
            "control": self.control,
            "condition": self.condition,
            "method": self.method,
            "figures": {name: _plain(value) for name, value in self.figures.items()},
            "expected": self.expected,
            "passed": bool(self.passed),
            "out_of_domain": list(self.outside),
        }


def _plain(value):
    if value is None or isinstance(value, (str, bool, int)):
        return value
    return number_or_none(value)


def summary_of(rows: list[dict]) -> list[dict]:
    """Return one JSON-able object a method: how many controls it passed, of how many, and which it failed.

    A control is passed where every check of it is; ``checks_failed`` names the others as ``control: condition``.
    """
    found = []
    for method in dict.fromkeys(row["method"] for row in rows):
        own = [row for row in rows if row["method"] == method]
        controls = list(dict.fromkeys(row["control"] for row in own))
        missed = [row for row in own if not row["passed"]]
        failed = [name for name in controls if any(row["control"] == name for row in missed)]
        found.append(
            {
                "method": method,
                "passed": len(controls) - len(failed),
                "controls": len(controls),
                "failed": failed,
                "checks": len(own),
                "checks_failed": [f"{row['control']}: {row['condition']}" for row in missed],
            }
        )
    return found
