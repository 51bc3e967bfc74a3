"""What a reader or a browser would find in a rendered report."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from decidua.reporting.document import Figure, Gallery, Reading, Report, Table
from decidua.reporting.palette import PALETTE


class Page(HTMLParser):
    """Tags with their attributes, and the words between them, style left out."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._style = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._style = tag == "style"
        self.tags.append((tag, {k: v or "" for k, v in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self._style = False

    def handle_data(self, data: str) -> None:
        if not self._style:
            self.words.append(data)

    @property
    def text(self) -> str:
        """Everything a person sees or hears: words and alternative texts."""
        return " ".join([*self.words, *(a["aria-label"] for _, a in self.tags if "aria-label" in a)])


def addresses(html: str) -> list[str]:
    """What would be fetched, run or followed outside the file."""
    found = re.findall(
        r"(?:https?|ftp|wss?|file|javascript|data):(?=[\w/])[^\s\"'<>)]*|(?<=[\"'\s(])//\w+|@import[^;]*|url\([^)]*\)",
        html,
    )
    links = [v for _, a in Page(html).tags for k, v in a.items() if k in ("src", "href", "action") and v[:1] != "#"]
    return [*found, *links]


def figures(report: Report) -> list[Figure]:
    """Every drawing of a report, axes of tables among them."""
    found: list[Figure] = []
    for block in (b for page in report.pages for section in page.sections for b in section.blocks):
        if isinstance(block, Gallery):
            found += block.figures
        elif isinstance(block, Reading) and block.figure:
            found.append(block.figure)
        elif isinstance(block, Table):
            for group in block.groups:
                found += [cell.figure for row in group.rows for cell in row if cell.figure]
                found += [group.axis] if group.axis else []
    return found


def strange_colours(svg: str) -> set[str]:
    """Colours that are not in the palette."""
    used = set(re.findall(r'(?:fill|stroke|stop-color|color)="([^"]+)"', svg)) - {"none"}
    return {c for c in used if c.lower() not in PALETTE}


def small_letters(svg: str, css: str = "") -> list[float]:
    """Sizes of letters below 7 pt, in points."""
    drawn = [0.75 * float(s) for s in re.findall(r'font-size="([\d.]+)(?:px)?"', svg)]
    written = [float(s) for s in re.findall(r"font(?:-size)?:[^;{}]*?([\d.]+)pt", css)]
    return [size for size in (*drawn, *written) if size < 7]
