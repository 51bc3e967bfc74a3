"""A report as ordered plain data with a content hash; rendering adds nothing to it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing, the sentence that says it in words, and what stands above it."""

    svg: str
    alt: str
    caption: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: heads and cells as text.

    Attributes
    ----------
    columns : tuple of str
        Heads.
    rows : tuple of tuple of str
        Cells.
    numeric : tuple of int
        Columns set to the right.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part: paragraphs, then pairs of name and text, then a table, then figures."""

    title: str
    paragraphs: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    grid: Grid | None = None
    figures: tuple[Figure, ...] = ()
    kind: str = "plain"


@dataclass(frozen=True, slots=True)
class StripRow:
    """One result on page 1 of a visit report."""

    name: str
    value: str
    interval: str
    women: str
    place: str
    last: str
    variation: str
    figure: Figure | None = None


@dataclass(frozen=True, slots=True)
class StripGroup:
    """Results of one tube and parent."""

    title: str
    note: str
    rows: tuple[StripRow, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A document of one kind.

    Attributes
    ----------
    kind : str
        ``visit`` or ``study``.
    title, heading, status, foot, sentence : str
        Document title; its kind in words; preliminary or final; identity in the foot; its finding.
    identity : tuple of (str, str)
        Name and text pairs of the head.
    groups : tuple of StripGroup
        Page 1 of a visit report.
    axis : Figure or None
        Axis shared by the strips.
    first, second, appendix : tuple of Section
        Page 1, page 2 and what follows.
    fixed : tuple of str
        The four lines in their frame.
    """

    kind: str
    title: str
    heading: str
    status: str
    foot: str
    sentence: str
    identity: tuple[tuple[str, str], ...] = ()
    groups: tuple[StripGroup, ...] = ()
    axis: Figure | None = None
    first: tuple[Section, ...] = ()
    fixed: tuple[str, ...] = ()
    second: tuple[Section, ...] = ()
    appendix: tuple[Section, ...] = ()

    @property
    def content_hash(self) -> str:
        """Eight digits of the hash of everything the report says and draws."""
        return hashlib.sha256(json.dumps(asdict(self), ensure_ascii=False).encode()).hexdigest()[:8]
