"""Failures that callers are expected to handle."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_SETTING = re.compile(r"\{(\w+)\}")


def brief(error: BaseException) -> str:
    """Return the first line of what another library says of its failure, without the full stop, to put in brackets."""
    return (str(error).strip() or type(error).__name__).splitlines()[0][:160].rstrip(".")


class InputError(ValueError):
    """The input or the usage is wrong, and the user can put it right.

    ``problem`` and ``remedy`` name settings in braces, as ``{overlap}``: the command line shows
    ``--overlap`` there, the panel the label of the widget, and Python the name itself.

    Attributes:
        subject: what is wrong: a file, a folder or a name; empty where the problem is a whole sentence.
        problem: what is wrong with it.
        remedy: what to do; empty where the problem says it.
        field: name of the setting to change; by default the first that problem or remedy names, else empty.

    >>> error = InputError("low.dcm", "exists already", "choose another name or allow {overwrite}")
    >>> str(error), error.field
    ('low.dcm: exists already; choose another name or allow overwrite', 'overwrite')
    >>> error.told(lambda field: "--" + field)
    'low.dcm: exists already; choose another name or allow --overwrite'
    """

    def __init__(self, subject: object, problem: str, remedy: str = "", field: str = "") -> None:
        super().__init__(subject, problem, remedy, field)
        named = _SETTING.search(problem) or _SETTING.search(remedy)
        self.subject, self.problem, self.remedy = str(subject), problem, remedy
        self.field = field or (named[1] if named else "")

    def told(self, name_of: Callable[[str], str] = str) -> str:
        """Return one line; ``name_of`` turns the name of a setting into what the reader knows it by."""
        text = _SETTING.sub(lambda found: name_of(found[1]), "; ".join(filter(None, (self.problem, self.remedy))))
        return f"{self.subject}: {text}" if self.subject else text

    def about(self, subject: object) -> InputError:
        """Return the same problem, said of ``subject``."""
        problem = f"{self.subject}: {self.problem}" if self.subject else self.problem
        return type(self)(subject, problem, self.remedy, self.field)

    def __str__(self) -> str:
        return self.told()


class OutOfDomainError(InputError):
    """The image lies outside of what the model was made for.

    Attributes:
        reasons: one short sentence for each property that does not fit.
    """

    def __init__(self, subject: object, model: str, reasons: Iterable[str]) -> None:
        reasons = tuple(reasons)
        problem = f"outside of the domain of model {model}: {'; '.join(reasons)}"
        super().__init__(subject, problem, "choose a fitting model or allow it explicitly ({allow_out_of_domain})")
        self.args = (subject, model, reasons)  # what a copy in another process is made from
        self.reasons = reasons


class Cancelled(Exception):
    """The user stopped the work; nothing was written."""
