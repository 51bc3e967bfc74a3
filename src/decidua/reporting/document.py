"""A document as ordered plain data: pages of sections, sections of blocks, and a hash of all of it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing that stands alone.

    Attributes
    ----------
    svg : str
        One `svg` element with its alternative text.
    alt : str
        What it shows, in one sentence from the same data.
    lead, caption : str
        Bold measurand and grey method above it; empty within a table.
    """

    svg: str
    alt: str
    lead: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph.

    Attributes
    ----------
    text : str
        Its words.
    lead : str
        Words in bold before them.
    role : str
        ``body``, ``note``, ``finding``, ``plain``, ``line`` or ``group``.
    """

    text: str
    lead: str = ""
    role: str = "body"


def note(text: str, lead: str = "") -> Text:
    """Return a paragraph in small print.

    Parameters
    ----------
    text, lead : str
        Its words, and words in bold before them.

    Returns
    -------
    Text
        Of role ``note``.
    """
    return Text(text, lead, "note")


@dataclass(frozen=True, slots=True)
class Card:
    """A large word with small lines under it."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Pairs of a grey name and what is so."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Gallery:
    """Figures side by side, two to a row where the page allows."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One result above its own strip: name, value, interval with place, a note, the drawing where there is one."""

    name: str
    value: str
    interval: str
    note: str
    figure: Figure | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    Attributes
    ----------
    text : str
        Its words.
    note : str
        Smaller words under them, or after them in a value.
    mark : str
        Words in bold under them.
    figure : Figure or None
        A drawing in place of words.
    """

    text: str = ""
    note: str = ""
    mark: str = ""
    figure: Figure | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its head, its style class, and the one-line key of its marks."""

    title: str
    role: str = ""
    key: tuple[tuple[str, str, str], ...] = ()


def cells(*texts: str) -> tuple[Cell, ...]:
    """Return a row of plain cells.

    Parameters
    ----------
    *texts : str
        A text a cell.

    Returns
    -------
    tuple of Cell
        The row.
    """
    return tuple(Cell(text) for text in texts)


def columns(*heads: tuple[str, str]) -> tuple[Column, ...]:
    """Return the columns of a table.

    Parameters
    ----------
    *heads : tuple of str and str
        Head and style class of each.

    Returns
    -------
    tuple of Column
        The columns.
    """
    return tuple(Column(title, role) for title, role in heads)


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of a table under a common head.

    Attributes
    ----------
    title, note : str
        What the rows share; empty for a table without groups.
    rows : tuple of tuple of Cell
        A cell a column; a row of one cell spans them all and belongs to the row above it.
    axis : Figure or None
        The axis that the figures of these rows share, drawn once below them.
    axis_note : str
        What that axis shows.
    """

    title: str
    note: str
    rows: tuple[tuple[Cell, ...], ...]
    axis: Figure | None = None
    axis_note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: columns, and groups of rows. `role` is its style class."""

    columns: tuple[Column, ...]
    groups: tuple[Group, ...]
    role: str = ""


Block = Text | Card | Facts | Gallery | Reading | Table


@dataclass(frozen=True, slots=True)
class Section:
    """Blocks under a heading.

    Attributes
    ----------
    title : str
        Its heading; empty where the blocks speak for themselves.
    blocks : tuple
        In the order they are read.
    role : str
        Style class.
    place : str
        ``full``, or ``left`` and ``right`` of two columns.
    """

    title: str
    blocks: tuple[Block, ...]
    role: str = ""
    place: str = "full"


@dataclass(frozen=True, slots=True)
class Page:
    """Sections that begin on a page of their own when printed."""

    sections: tuple[Section, ...]
    title: str = ""


@dataclass(frozen=True)
class Report:
    """A document.

    Attributes
    ----------
    kind : str
        ``Visit report`` or ``Study report``.
    id : str
        Of this report.
    status : tuple of str
        Its standing, and what that means.
    foot : tuple of str
        Left and middle of every page's foot; the page number is added when it is printed.
    research_use : str
        What it may be used for.
    pages : tuple of Page
        In the order they are read.
    """

    kind: str
    id: str
    status: tuple[str, str]
    foot: tuple[str, str]
    research_use: str
    pages: tuple[Page, ...]

    def as_data(self) -> dict[str, Any]:
        """Return the document as dictionaries, lists and text.

        Returns
        -------
        dict
            Ready to be written as JSON.
        """
        return dataclasses.asdict(self)

    @cached_property
    def content_hash(self) -> str:
        """Hash of the content: equal findings give equal hashes."""
        text = json.dumps(self.as_data(), ensure_ascii=True, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()
