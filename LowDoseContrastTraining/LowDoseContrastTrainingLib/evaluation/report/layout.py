"""What a page is made of, without its words and markup: tables and grids of pictures, which the templates write."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

Text = str  # a Markup is HTML already, everything else is escaped


@dataclass(frozen=True)
class Line:
    """A row of a table.

    Attributes:
        name: its first cell.
        cells: the others.
        kind: class for its look.
        last: a cell in words at the end, where the table has such a column.
    """

    name: Text
    cells: Sequence[Text]
    kind: str = ""
    last: Text = ""


@dataclass(frozen=True)
class Body:
    """Rows that belong together, with a title of their own where they have one."""

    lines: Sequence[Line]
    title: Text = ""
    kind: str = ""


@dataclass(frozen=True)
class Heading:
    """Neighbouring columns, and the name above all of them where they are a group."""

    titles: Sequence[Text]
    group: Text = ""


@dataclass(frozen=True)
class Table:
    """A numbered table; its title and its caption are the template's.

    Attributes:
        columns: headings of all columns but the first.
        first: heading of the first.
        last: heading of a last column in words; empty where there is none.
        notes: stand below.
        has_widths: whether all columns but the first are equally wide.
    """

    columns: Sequence[Heading]
    bodies: Sequence[Body]
    first: Text = "method"
    last: Text = ""
    notes: Text = ""
    has_widths: bool = True

    @property
    def count(self) -> int:
        """How many columns there are between the first and the last."""
        return sum(len(column.titles) for column in self.columns)

    @property
    def is_grouped(self) -> bool:
        return any(column.group for column in self.columns)


def ungrouped(titles: Sequence[Text]) -> list[Heading]:
    """Return headings that stand alone."""
    return [Heading([title]) for title in titles]


@dataclass(frozen=True)
class Cell:
    """A picture with a note below it, the head of a column, or a line across all columns."""

    picture: Text = ""
    note: Text = ""
    head: Text = ""
    line: Text = ""


@dataclass(frozen=True)
class Grid:
    """Pictures in columns."""

    across: int
    cells: Sequence[Cell]


@dataclass
class Numbering:
    """Counts the figures and the tables of a page."""

    _count: Counter = field(default_factory=Counter)

    def next(self, kind: str) -> str:
        """Return the title of the next one: ``Figure 1.``"""
        self._count[kind] += 1
        return f"{kind} {self._count[kind]}."
