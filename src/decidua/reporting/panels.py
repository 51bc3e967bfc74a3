"""Figures of a study: one result of every woman over gestation, and one ratio of every visit on one axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from decidua.knowledge import fact, label
from decidua.measurement import Censoring, Measurand, Measurement, Moment
from decidua.reporting.axes import Doubling, across, extent, has_place, natural, spanned
from decidua.reporting.courses import upright
from decidua.reporting.drawing import Pen, Row, View, pixels
from decidua.reporting.numerals import interval_text, unit_of, value_text
from decidua.reporting.palette import BAND1, BAND2, HUES, INK, LETTER, MARK, RULE, TEXT2, TEXT3
from decidua.reporting.rows import has_number
from decidua.reporting.timelines import RULER, Timeline, ruler, time_ticks, timeline, value_axis, week_ticks
from decidua.reporting.wording import counted, full_name
from decidua.timeline.placement import Placement

WIDTH, HEIGHT = 240, 128
MARGIN = (RULER + 6, 43, 18, 38)
NAMED = 4
LANE, FOREST_WIDTH, FOREST_ROWS = 15, 132, 40


@dataclass(frozen=True, slots=True)
class Seen:
    """One result of one visit, with its place."""

    moment: Moment
    measurement: Measurement
    placement: Placement | None


def hue_of(measurand: Measurand, axis: str) -> str:
    """Return the colour of a measurand: its axis's hue, ink where it stands on none.

    Parameters
    ----------
    measurand : Measurand
        Any.
    axis : str
        Where the profile puts it; for a ratio, empty.

    Returns
    -------
    str
        One of the palette.
    """
    if measurand.quantity == "ratio":
        numerator = fact("analytes", measurand.numerator.partition("+")[0])
        axis = numerator["axis"] if numerator else measurand.numerator
    return HUES.get(axis, INK)


def panel(seen: Sequence[Seen], hue: str) -> View | None:
    """Draw one measurand of every woman over gestation.

    Parameters
    ----------
    seen : sequence of Seen
        Its results by woman and day.
    hue : str
        Of its axis.

    Returns
    -------
    View or None
        A thin line a woman, dots with intervals, grey for the central 95 % of the reference where results are
        placed; results of visits that are not dated in a slot of their own. None where nothing can be drawn.
    """
    drawn = _ranked([s for s in seen if has_place(s.measurement)])
    if not drawn:
        return None
    placed = [s for s in drawn if s.placement is not None and s.placement.low and s.placement.high]
    band = [v for s in placed if s.placement for v in (s.placement.low, s.placement.high) if v]
    axis = natural([*extent(s.measurement for s in drawn), *band])
    line = timeline([s.moment for s in drawn], WIDTH)
    pen = Pen(pixels(WIDTH), axis.scale)
    layers = _band(pen, line, placed)
    layers += [*ruler(pen, line, HEIGHT), *value_axis(pen, axis, HEIGHT), *time_ticks(pen, week_ticks(line), HEIGHT)]
    layers += _women(pen, axis, line, drawn, hue)
    what = seen[0].measurement.measurand
    unit = unit_of(seen[0].measurement.quantity.unit).strip()
    lead = full_name(what) + (f", {unit}" if unit else "")
    caption = _caption(seen, drawn, placed)
    alt = f"{lead} by gestational day: {_said(drawn)}; {caption}."
    return View(WIDTH, HEIGHT, MARGIN, tuple(layers), alt, lead, caption)


def _ranked(seen: Sequence[Seen]) -> list[Seen]:
    """Give results of visits that are not dated the rank of their value as their place."""
    undated = sorted(
        (s for s in seen if s.moment.phase == "unknown"), key=lambda s: s.measurement.quantity.value or 0.0
    )
    ranks = {id(s): i for i, s in enumerate(undated)}
    return [replace(s, moment=replace(s.moment, phase_day=ranks[id(s)])) if id(s) in ranks else s for s in seen]


def _band(pen: Pen, line: Timeline, placed: Sequence[Seen]) -> list[dict[str, Any]]:
    first = next((s.placement.reference_id for s in placed if s.placement), "")
    limits: dict[float, tuple[float, float, float]] = {}
    bars: list[Row] = []
    for s in placed:
        p, x = s.placement, line.x(s.moment)
        if p is None or x is None or p.reference_id != first or p.low is None or p.median is None or p.high is None:
            continue
        if s.moment.gestational_day is None:
            bars.append({"x": x - 7, "x2": x + 7, "y": p.low, "y2": p.high, "m": p.median})
        else:
            limits[x] = (p.low, p.median, p.high)
    if len(limits) == 1:
        x, (low, median, high) = next(iter(limits.items()))
        bars.append({"x": x - 7, "x2": x + 7, "y": low, "y2": high, "m": median})
        limits = {}
    area = [{"x": x, "y": low, "y2": high} for x, (low, _, high) in sorted(limits.items())]
    middles = [{"x": x, "y": median} for x, (_, median, _) in sorted(limits.items())]
    medians = [{"x": b["x"], "x2": b["x2"], "y": b["m"]} for b in bars]
    drawn = [
        (area, pen.layer("area", area, color=BAND2)),
        (bars, pen.layer("rect", [{k: b[k] for k in ("x", "x2", "y", "y2")} for b in bars], color=BAND2)),
        (middles, pen.layer("line", middles, color=TEXT3, strokeWidth=1.4)),
        (medians, pen.layer("rule", medians, color=TEXT3, strokeWidth=1.4)),
    ]
    return [layer for rows, layer in drawn if rows]


def _women(pen: Pen, axis: Doubling, line: Timeline, drawn: Sequence[Seen], hue: str) -> list[dict[str, Any]]:
    laid = [(line.x(s.moment) or 0.0, spanned(s.measurement, axis), True) for s in drawn]
    by_woman: dict[str, list[tuple[float, float]]] = {}
    for s, (x, result, _) in zip(drawn, laid, strict=True):
        if result is not None and s.moment.phase != "unknown" and result.at is not None:
            by_woman.setdefault(s.measurement.key.subject, []).append((x, result.at))
    pairs = [pair for points in by_woman.values() for pair in pairwise(points)]
    rules = [{"x": a[0], "y": a[1], "x2": b[0], "y2": b[1]} for a, b in pairs]
    layers = [pen.layer("rule", rules, color=hue, strokeWidth=1, strokeOpacity=0.6)] if rules else []
    layers += upright(pen, axis, laid, hue, size=30)
    if 0 < len(by_woman) <= NAMED:
        names = [
            {"x": min(points[-1][0] + 6, WIDTH), "y": points[-1][1], "text": who} for who, points in by_woman.items()
        ]
        layers.append(pen.layer("text", names, text=True, color=hue, align="left", fontWeight=600))
    return layers


def _caption(seen: Sequence[Seen], drawn: Sequence[Seen], placed: Sequence[Seen]) -> str:
    women = {s.measurement.key.subject for s in seen}
    material = label("materials", seen[0].measurement.measurand.material)
    said = [material] if material else []
    said.append(f"log axis · {counted(len(women), 'woman', 'women')}, {counted(len(seen), 'visit')}")
    if placed and placed[0].placement:
        p = placed[0].placement
        said.append(f"grey: centiles 2.5–97.5 of {p.n_women} women{', indicative' if p.indicative else ''}")
    undated = sum(s.moment.phase == "unknown" for s in drawn)
    if undated:
        said.append(f"{undated} not dated, by value")
    if len(drawn) < len(seen):
        said.append(f"{len(seen) - len(drawn)} without a number above zero not drawn")
    return " · ".join(said)


def _said(drawn: Sequence[Seen], most: int = 6) -> str:
    first = drawn[:most]
    words = "; ".join(
        f"{s.measurement.key} {value_text(s.measurement)} ({interval_text(s.measurement)})" for s in first
    )
    return words + (f"; and {len(drawn) - most} more" if len(drawn) > most else "")


def forests(name: str, results: Sequence[Measurement], hue: str, caption: str) -> list[View]:
    """Draw one ratio of every visit on one axis.

    Parameters
    ----------
    name : str
        Of the ratio, with its parent.
    results : sequence of Measurement
        By visit.
    hue : str
        Of its numerator's axis.
    caption : str
        How many are determined and one-sided.

    Returns
    -------
    list of View
        Forty visits to a drawing, all on the same axis; a one-sided ratio is an arrow from its bound.
    """
    axis = natural([*extent(results), 1.0] if _near_one(results) else extent(results))
    parts = [results[i : i + FOREST_ROWS] for i in range(0, len(results), FOREST_ROWS)]
    return [_forest(name, part, axis, hue, caption if k == 0 else "continued") for k, part in enumerate(parts)]


def _near_one(results: Sequence[Measurement]) -> bool:
    values = [v for v in extent(results) if v > 0]
    return bool(values) and min(values) < 8 and max(values) > 0.125


def _forest(name: str, results: Sequence[Measurement], axis: Doubling, hue: str, caption: str) -> View:
    height = LANE * len(results)
    pen = Pen(axis.scale, pixels(height, downwards=True))
    lanes = [(m, LANE * (i + 0.5)) for i, m in enumerate(results)]
    guides = [{"x": x, "color": BAND1} for x in axis.ticks] + [{"x": 1, "color": RULE}] * (axis.low <= 1 <= axis.high)
    layers = [pen.layer("rule", guides, y=0, y2=height, strokeWidth=1)]
    spans = [(laid, y) for m, y in lanes if (laid := spanned(m, axis)) is not None]
    layers += across(pen, axis, spans, hue)
    names = [{"y": y, "text": _cut(str(m.key), 72)} for m, y in lanes]
    values = [{"y": y, "text": _value(m)} for m, y in lanes]
    words = [{"x": x, "text": text} for x, text in axis.ticks.items() if text]
    layers += [
        pen.layer("text", names, text=True, x=-78, align="left", color=TEXT2),
        pen.layer("text", values, text=True, x=FOREST_WIDTH + 10, align="left", color=INK),
        pen.layer("rule", [{"x": x} for x in axis.ticks], y=height, y2=height + 4, color=MARK, strokeWidth=1),
        pen.layer("text", words, text=True, y=height + 12, color=TEXT2),
    ]
    said = "; ".join(f"{m.key} {value_text(m)} ({interval_text(m)})" for m in results)
    return View(FOREST_WIDTH, height, (2, 111, 18, 78), tuple(layers), f"{name}: {said}.", name, caption)


def _value(m: Measurement) -> str:
    if not has_number(m) or m.quantity.censored is not Censoring.NONE:
        return value_text(m)
    return f"{value_text(m)} ({interval_text(m)})"


def _cut(text: str, width: float) -> str:
    most = int(width / LETTER)
    return text if len(text) <= most else text[: most - 1] + "…"
