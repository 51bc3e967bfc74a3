"""Strips: the women themselves as grey dots, her result in blue beneath them, on one line of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from decidua.reporting.axes import FOLD, Doubling, across, spanned
from decidua.reporting.drawing import Pen, View, pixels
from decidua.reporting.numerals import coarse, interval_text, span, value_text
from decidua.reporting.palette import HAIR, MARK, PAPER, TEXT2, WOMAN
from decidua.reporting.rows import Row
from decidua.reporting.wording import full_name
from decidua.timeline.placement import Women

WIDTH, HEIGHT = 212, 34
EDGE = 8
_WOMEN, _HERS, _STEP, _GAP = 19.0, 27.0, 3.6, 4.4


def fold_strip(row: Row) -> View:
    """Draw a result in multiples of the women's middle value.

    Parameters
    ----------
    row : Row
        With women whose middle value is above zero.

    Returns
    -------
    View
        On the axis that all such rows share.
    """
    assert row.women is not None
    return _strip(row, FOLD, row.women.middle, WIDTH)


def natural_strip(row: Row, axis: Doubling, width: int = WIDTH) -> View:
    """Draw a result in its own unit.

    Parameters
    ----------
    row : Row
        With or without women.
    axis : Doubling
        Shared by the rows of its group.
    width : int
        Of the frame [px].

    Returns
    -------
    View
        On that axis.
    """
    return _strip(row, axis, 1.0, width)


def _strip(row: Row, axis: Doubling, per: float, width: int) -> View:
    pen = Pen(axis.scale, pixels(HEIGHT, downwards=True))
    layers = [_guides(pen, axis, fold=axis is FOLD)]
    if row.women is not None:
        layers.append(_dots(pen, axis, row.women, per, width))
    if row.last is not None and (before := spanned(row.last[1], axis, per)) is not None and before.at is not None:
        ring = [{"x": before.at, "y": _HERS}]
        layers.append(pen.layer("point", ring, color=WOMAN, fill=PAPER, strokeWidth=1.4, size=44, opacity=1))
    hers = spanned(row.measurement, axis, per)
    if hers is not None:
        layers += across(pen, axis, [(hers, _HERS)], WOMAN)
    return View(width, HEIGHT, (0, EDGE, 0, EDGE), tuple(layers), strip_alt(row))


def _guides(pen: Pen, axis: Doubling, *, fold: bool) -> dict[str, Any]:
    rows = [{"x": x, "y": 0, "y2": HEIGHT, "color": MARK if fold and x == 1 else HAIR} for x in axis.ticks]
    return pen.layer("rule", rows, strokeWidth=1)


def _dots(pen: Pen, axis: Doubling, women: Women, per: float, width: int) -> dict[str, Any]:
    values = [axis.inside(max(v, 0.0) / per) for v in women.values]
    heights = dodged([axis.along(v) * width for v in values])
    rows = [{"x": v, "y": _WOMEN - _STEP * h} for v, h in zip(values, heights, strict=True)]
    return pen.layer("circle", rows, color=MARK, size=16, opacity=1)


def dodged(places: Sequence[float], gap: float = _GAP, most: int = 6) -> list[int]:
    """Stack dots that would cover each other.

    Parameters
    ----------
    places : sequence of float
        Along the axis, ascending [px].
    gap : float
        Least distance of two dots of one level [px].
    most : int
        Levels there is room for; beyond them dots cover each other.

    Returns
    -------
    list of int
        Level of each dot, 0 the lowest.
    """
    ends: list[float] = []
    levels = []
    for x in places:
        level = next((i for i, end in enumerate(ends) if x - end >= gap), len(ends))
        if level >= most:
            level = min(range(most), key=lambda i: ends[i])
        if level == len(ends):
            ends.append(x)
        ends[level] = x
        levels.append(level)
    return levels


def strip_axis(axis: Doubling, width: int = WIDTH, caption: str = "") -> View:
    """Draw the axis of some strips, once below them.

    Parameters
    ----------
    axis : Doubling
        The axis.
    width : int
        Of the frame [px].
    caption : str
        What it counts in, for the alternative text.

    Returns
    -------
    View
        Ticks and their words.
    """
    pen = Pen(axis.scale, pixels(16, downwards=True))
    ticks = [{"x": x, "y": 0, "y2": 4} for x in axis.ticks]
    words = [{"x": x, "y": 11, "text": text} for x, text in axis.ticks.items() if text]
    layers = (pen.layer("rule", ticks, color=MARK, strokeWidth=1), pen.layer("text", words, text=True, color=TEXT2))
    alt = f"Axis from {axis.low:.4g} to {axis.high:.4g}, each step doubles{f'; {caption}' if caption else ''}."
    return View(width, 16, (0, EDGE, 0, EDGE), layers, alt)


def standing_strip(row: Row, axis: Doubling, width: int) -> View:
    """Draw a strip with its own axis under it.

    Parameters
    ----------
    row : Row
        With or without women.
    axis : Doubling
        In its own unit.
    width : int
        Of the frame [px].

    Returns
    -------
    View
        Strip, axis line and ticks.
    """
    strip = _strip(row, axis, 1.0, width)
    pen = Pen(axis.scale, pixels(HEIGHT, downwards=True))
    line = [{"x": axis.low, "x2": axis.high, "y": HEIGHT}]
    ticks = [{"x": x, "y": HEIGHT, "y2": HEIGHT + 4} for x in axis.ticks]
    words = [{"x": x, "y": HEIGHT + 11, "text": text} for x, text in axis.ticks.items() if text]
    below = (
        pen.layer("rule", line, color=MARK, strokeWidth=1),
        pen.layer("rule", ticks, color=MARK, strokeWidth=1),
        pen.layer("text", words, text=True, color=TEXT2),
    )
    return View(width, HEIGHT, (0, EDGE, 18, EDGE), (*strip.layers[1:], *below), strip.alt)


def women_text(women: Women) -> tuple[str, str]:
    """Write the women's middle value and their range, two or three significant digits each.

    Parameters
    ----------
    women : Women
        The women drawn.

    Returns
    -------
    tuple of str and str
        Without unit.
    """
    return coarse(women.middle), span(coarse(women.values[0]), coarse(women.values[-1]))


def strip_alt(row: Row) -> str:
    """Say in one sentence what a strip shows.

    Parameters
    ----------
    row : Row
        The row drawn.

    Returns
    -------
    str
        Measurand, value with interval, women, place or reason, last value.
    """
    m = row.measurement
    said = [f"{full_name(m.measurand)} {value_text(m)} ({interval_text(m)})"]
    if row.women is not None:
        middle, ends = women_text(row.women)
        n = len(row.women.values)
        said.append(f"{n} healthy {'woman' if n == 1 else 'women'} {ends}, middle {middle}")
    said.append(place_words(row))
    said.append(f"last {value_text(row.last[1])}" if row.last else "no last value")
    return "; ".join(said) + "."


def place_words(row: Row) -> str:
    """Say where a row stands.

    Parameters
    ----------
    row : Row
        Any row.

    Returns
    -------
    str
        ``above all 34``, ``within``, ``above the limits``, or ``not placed: reason``.
    """
    place = row.place
    if place.reason:
        return f"not placed: {place.reason}"
    if place.women is not None:
        n = len(place.women.values)
        return f"{place.outside} {f'all {n}' if n > 1 else 'the one'}" if place.outside else "within"
    return f"{place.outside} the limits" if place.outside else "within the limits"
