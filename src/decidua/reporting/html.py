"""Render a report as one HTML file that needs nothing from outside and runs nothing."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from decidua import __version__
from decidua.reporting import look
from decidua.reporting.document import Report

if TYPE_CHECKING:
    from jinja2 import Environment

RESEARCH_USE = "research use only"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("decidua.reporting"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    # only `look.draw` makes SVG, and it escapes every text that enters one
    environment.filters["drawing"] = Markup
    return environment


def render_html(report: Report) -> str:
    """Render a report.

    Parameters
    ----------
    report : Report
        Of any kind.

    Returns
    -------
    str
        One HTML document: autoescaped, no script, no outside address, with a content security policy.
    """
    template = _environment().get_template(f"{report.kind}.html.j2")
    return template.render(report=report, version=__version__, research_use=RESEARCH_USE, look=look)
