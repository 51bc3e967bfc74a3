"""The visual language: palette, type, and one helper that turns a Vega-Lite dictionary into SVG."""

from __future__ import annotations

import re
from typing import Any

INK, TEXT2, TEXT3 = "#1b1b1b", "#4a4a4a", "#666666"
MARK, RULE, HAIR = "#858585", "#b8b8b8", "#dedede"
BAND_OUTER, BAND_MIDDLE, BAND_INNER = "#ececea", "#dcdcd8", "#d0d0cb"
PHASE_ODD, PHASE_EVEN = "#ececea", "#d2d2ce"
WOMAN, WOMAN_TINT = "#0b4f8a", "#d3e2f0"
AXIS_HUES = {"Th1": "#a94c06", "Th2": "#087272", "Th17": "#5a1fae", "Treg": "#343c00", "NK number": "#5a1236"}
WHITE = "#ffffff"
PALETTE = frozenset(
    (INK, TEXT2, TEXT3, MARK, RULE, HAIR, BAND_OUTER, BAND_MIDDLE, BAND_INNER, PHASE_EVEN, WOMAN, WOMAN_TINT, WHITE)
) | frozenset(AXIS_HUES.values())
SANS = "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', Arial, sans-serif"
FIGURE_PX = 10  # 7.5 pt

CONFIG: dict[str, Any] = {
    "background": None,
    "font": SANS,
    "view": {"stroke": None},
    "axis": {
        "grid": False,
        "labelColor": TEXT2,
        "labelFontSize": FIGURE_PX,
        "domainColor": MARK,
        "tickColor": MARK,
        "tickSize": 4,
        "title": None,
        "labelFont": SANS,
    },
    "text": {"fontSize": FIGURE_PX, "font": SANS},
    "mark": {"color": INK},
    "point": {"opacity": 1},
    "rule": {"opacity": 1},
}


def draw(spec: dict[str, Any], alt: str, name: str) -> str:
    """Turn a Vega-Lite specification into an SVG that stands alone.

    Parameters
    ----------
    spec : dict
        Without config, padding or autosize.
    alt : str
        One sentence: what, its range of comparison, the value with its interval, the place or the reason.
    name : str
        Unique in the document; prefixes the ids inside the SVG.

    Returns
    -------
    str
        SVG with `role="img"` and the sentence as its title.
    """
    import vl_convert

    whole = {
        "$schema": "vega-lite/v6",
        "autosize": "none",
        "padding": spec.pop("padding", {"left": 4, "right": 4, "top": 2, "bottom": 2}),
        "config": CONFIG,
        **spec,
    }
    svg = vl_convert.vegalite_to_svg(whole, vl_version="6.4")
    svg = re.sub(r"\s(?:role|aria-[a-z]+)=\"[^\"]*\"", "", svg)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    title = alt.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"<svg([^>]*)>", rf'<svg\1 role="img"><title>{title.replace(chr(92), "")}</title>', svg, count=1)


def contrast(foreground: str, background: str) -> float:
    """Return the WCAG contrast of two colours.

    Parameters
    ----------
    foreground, background : str
        ``#rrggbb``.

    Returns
    -------
    float
        1 to 21.
    """
    first, second = sorted((_luminance(foreground), _luminance(background)), reverse=True)
    return (first + 0.05) / (second + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
