"""From a report to one HTML file that needs nothing else: no script, no font, no picture from outside."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from decidua.reporting import palette
from decidua.reporting.document import Figure, Page, Report, Section
from decidua.reporting.drawing import printable


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of a page: one section over its full width, or sections in two columns."""

    full: Section | None
    left: tuple[Section, ...] = ()
    right: tuple[Section, ...] = ()


def render_html(report: Report) -> str:
    """Write a report as HTML.

    Parameters
    ----------
    report : Report
        Any report.

    Returns
    -------
    str
        One file: its content security policy allows its own style sheet, by hash, and nothing else.
    """
    environment = _environment()
    style = environment.get_template("report.css.j2").render(report=report, palette=palette)
    digest = base64.b64encode(hashlib.sha256(printable(style).encode()).digest()).decode()
    page = environment.get_template("report.html.j2").render(
        report=report,
        style=Markup(style),
        policy=f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
    )
    return printable(page)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("decidua.reporting"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    made.filters |= {"bands": bands, "css_text": css_text, "kind": _kind, "drawing": _drawing, "slug": _slug}
    return made


def bands(page: Page) -> list[Band]:
    """Part a page into stretches of one and of two columns.

    Parameters
    ----------
    page : Page
        A page.

    Returns
    -------
    list of Band
        In reading order; neighbouring sections of the columns share a stretch.
    """
    found: list[Band] = []
    for section in page.sections:
        if section.place == "full":
            found.append(Band(section))
            continue
        columns = found.pop() if found and found[-1].full is None else Band(None)
        left = section.place == "left"
        found.append(
            Band(None, columns.left + ((section,) if left else ()), columns.right + (() if left else (section,)))
        )
    return found


def css_text(text: str) -> Markup:
    """Write text so that it can stand between quotes in a style sheet.

    Parameters
    ----------
    text : str
        From anywhere.

    Returns
    -------
    Markup
        Letters, digits and blanks as they are, all else as hexadecimal escapes, each closed by a blank of its own.
    """
    plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 "
    return Markup("".join(c if c in plain else f"\\{ord(c):x} " for c in printable(text)))


def _kind(block: Any) -> str:
    return type(block).__name__.lower()


def _slug(title: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", title.lower()))


def _drawing(figure: Figure) -> Markup:
    return Markup(figure.svg)
