"""From Vega-Lite dictionaries to drawings that stand alone: all views of a document in one call, then parted."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from decidua.reporting.document import Figure
from decidua.reporting.palette import FIGURE_TEXT, PAPER

SVG = "http://www.w3.org/2000/svg"
FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif"
_DROPPED = ("class", "role", "pointer-events", "font-family", "stroke-miterlimit")
_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")
_UNPRINTABLE = re.compile("[^\\t\\n\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")

Row = dict[str, Any]
Scale = dict[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """A figure before it is drawn.

    Attributes
    ----------
    width, height : int
        Of the frame [px].
    margin : tuple of int
        Room for text above, right, below and left of the frame [px].
    layers : tuple of dict
        Vega-Lite layers, each with its own rows.
    alt : str
        What it shows, in one sentence.
    lead, caption : str
        Bold measurand and grey method above it.
    """

    width: int
    height: int
    margin: tuple[int, int, int, int]
    layers: tuple[dict[str, Any], ...]
    alt: str
    lead: str = ""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Pen:
    """Makes layers that all share one pair of scales, so that no layer can drop the scale of another.

    Attributes
    ----------
    x, y : dict
        Vega-Lite scales.
    """

    x: Scale
    y: Scale

    def layer(self, mark: str, rows: Sequence[Row], *, text: bool = False, **look: Any) -> dict[str, Any]:
        """Draw rows with one mark.

        Parameters
        ----------
        mark : str
            A Vega-Lite mark.
        rows : sequence of dict
            Fields ``x``, ``y`` and, where they are there, ``x2``, ``y2``, ``color`` and ``text``.
        text : bool
            Whether the rows carry words.
        **look
            Properties of the mark.

        Returns
        -------
        dict
            The layer.
        """
        channels: dict[str, Any] = {}
        present = set().union(*rows) if rows else {"x", "y"}
        for name, scale in (("x", self.x), ("y", self.y)):
            if name in present:
                channels[name] = {"field": name, "type": "quantitative", "scale": scale, "axis": None}
            if f"{name}2" in present:
                channels[f"{name}2"] = {"field": f"{name}2"}
        if text:
            channels["text"] = {"field": "text", "type": "nominal"}
        if "color" in present:
            channels["color"] = {"field": "color", "type": "nominal", "scale": None}
        return {"data": {"values": [_clean(row) for row in rows]}, "mark": {"type": mark, **look}, "encoding": channels}


def pixels(length: float, *, downwards: bool = False) -> Scale:
    """Return a scale on which a number is a place in the frame.

    Parameters
    ----------
    length : float
        Of the frame [px].
    downwards : bool
        For heights counted from the top.

    Returns
    -------
    dict
        A Vega-Lite scale.
    """
    return {"domain": [length, 0] if downwards else [0, length], "nice": False, "zero": False}


def printable(text: str) -> str:
    """Take out what no document may hold: control characters and halves of characters.

    Parameters
    ----------
    text : str
        From a file name or a sheet, perhaps.

    Returns
    -------
    str
        With the replacement character in their place.
    """
    return _UNPRINTABLE.sub("\ufffd", text)


def draw(views: Iterable[View]) -> list[Figure]:
    """Draw views, in one call of the compiler.

    Parameters
    ----------
    views : iterable of View
        Of one document.

    Returns
    -------
    list of Figure
        In the same order; each SVG stands alone and carries its alternative text.
    """
    wanted = list(views)
    if not wanted:
        return []
    import vl_convert  # starts a JavaScript engine: only where something is drawn

    spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "bounds": "flush",
        "spacing": 0,
        "padding": 0,
        "config": {"view": {"stroke": None}, "background": PAPER, "text": {"fontSize": FIGURE_TEXT}},
        "vconcat": [{"width": v.width, "height": v.height, "layer": list(v.layers)} for v in wanted],
    }
    root = ET.fromstring(vl_convert.vegalite_to_svg(spec, vl_version="6.4"))
    parts = {
        int(found[1]): group
        for group in root.iter(f"{{{SVG}}}g")
        if (found := re.search(r"\bconcat_(\d+)_group\b", group.get("class", "")))
    }
    return [_figure(view, parts[i][0]) for i, view in enumerate(wanted)]


def _figure(view: View, group: ET.Element) -> Figure:
    top, right, below, left = view.margin
    width, height = view.width + left + right, view.height + top + below
    size = {"width": str(width), "height": str(height), "viewBox": f"{-left} {-top} {width} {height}"}
    alt = printable(view.alt)
    svg = ET.Element("svg", {**size, "role": "img", "aria-label": alt, "font-family": FONT, "fill": "none"})
    for child in group:
        _copy(child, svg)
    return Figure(ET.tostring(svg, encoding="unicode"), alt, printable(view.lead), printable(view.caption))


def _copy(element: ET.Element, into: ET.Element) -> None:
    """Copy what is seen: frames, labels for machines and other scaffolding are left behind."""
    tag = element.tag.rpartition("}")[2]
    if tag == "path" and element.get("class") in ("background", "foreground"):
        return
    kept = {
        name: _NUMBER.sub(lambda n: f"{float(n[0]):.2f}".rstrip("0").rstrip("."), value)
        for name, value in element.attrib.items()
        if not name.startswith("aria-") and name not in _DROPPED and (name, value) != ("opacity", "1")
    }
    target = into
    if tag != "g" or kept:
        target = ET.SubElement(into, tag, kept)
        target.text = element.text
    for child in element:
        _copy(child, target)


def _clean(row: Row) -> Row:
    return {k: printable(v) if isinstance(v, str) else v for k, v in row.items()}
