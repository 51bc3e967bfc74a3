"""The colours, each with its one use: grey is everyone else, blue is this woman, black is what failed."""

from __future__ import annotations

INK, TEXT2, TEXT3 = "#1b1b1b", "#4a4a4a", "#666666"
MARK, RULE, HAIR = "#858585", "#b8b8b8", "#dedede"
BAND1, BAND2, BAND3 = "#ececea", "#dcdcd8", "#d0d0cb"
PHASES = (BAND1, "#d2d2ce")
WOMAN, WOMAN_TINT = "#0b4f8a", "#d3e2f0"
PAPER = "#ffffff"

HUES = {
    "Th1": "#a94c06",
    "Th2": "#087272",
    "Th17": "#5a1fae",
    "Treg": "#343c00",
    "NK number": "#5a1236",
    "NK activity": "#5a1236",
}
"""Of the axes: study reports only, never on a visit report and never in one panel with the woman's blue."""

PALETTE = frozenset(
    (INK, TEXT2, TEXT3, MARK, RULE, HAIR, BAND1, BAND2, BAND3, *PHASES, WOMAN, WOMAN_TINT, PAPER, *HUES.values())
)

FIGURE_TEXT = 10
"""Size of every letter in a figure [px at 96 a inch]; 7.5 pt."""

LETTER = 5.4
"""Width of a letter of that size in the fonts used, on average [px]; a little on the wide side."""


def contrast(ink: str, ground: str) -> float:
    """Return the contrast of two colours as WCAG 2.2 defines it.

    Parameters
    ----------
    ink, ground : str
        ``#rrggbb``.

    Returns
    -------
    float
        From 1 to 21 [1].
    """
    dark, light = sorted((_luminance(ink), _luminance(ground)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    linear = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
