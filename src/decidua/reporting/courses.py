"""Courses: one result over a woman's visits, with her medicines below; and every woman of a study over gestation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from decidua.measurement import Dose, Measurement, Moment
from decidua.reporting.axes import Doubling, Span, extent, has_place, natural, spanned
from decidua.reporting.drawing import Pen, View, pixels
from decidua.reporting.numerals import interval_text, limit_text, near_background, unit_of, value_text
from decidua.reporting.palette import BAND2, BAND3, INK, LETTER, MARK, PAPER, TEXT3, WOMAN
from decidua.reporting.rows import comparable
from decidua.reporting.sentences import weeks_of
from decidua.reporting.strips import women_text
from decidua.reporting.timelines import RULER, Timeline, apart, ruler, time_ticks, value_axis
from decidua.reporting.wording import full_name, moment_text
from decidua.timeline.placement import Women

WIDTH, HEIGHT = 240, 104
LEFT, RIGHT, BELOW = 38, 43, 18


@dataclass(frozen=True, slots=True)
class Point:
    """One result of a course: when, what, and how its tick reads."""

    moment: Moment
    measurement: Measurement

    @property
    def tick(self) -> str:
        """Weeks and days of gestation, or after its end."""
        return moment_text(self.moment).removesuffix(" post partum").removesuffix(" after loss")


def course(points: Sequence[Point], line: Timeline, women: Women | None) -> View:
    """Draw one measurand over a woman's visits.

    Parameters
    ----------
    points : sequence of Point
        By day, dated; the last is this visit's.
    line : Timeline
        The time axis that all her courses share.
    women : Women or None
        Those this visit's result is drawn among.

    Returns
    -------
    View
        Filled dots with intervals, open where not comparable; a solid line from the last comparable result to this
        one, dotted before; grey for the women of this phase. No wedge: no reliability of a measurand is known yet.
    """
    now = points[-1]
    axis = natural([*extent(p.measurement for p in points), *(women.values if women else ())])
    pen = Pen(pixels(WIDTH), axis.scale)
    layers = _women_block(pen, axis, line, now.moment, women) if women else []
    layers += [*ruler(pen, line, HEIGHT), *value_axis(pen, axis, HEIGHT)]
    layers += time_ticks(pen, apart([(line.x(p.moment) or 0.0, p.tick) for p in points], keep=-1), HEIGHT)
    laid = [(line.x(p.moment) or 0.0, spanned(p.measurement, axis), comparable(p.measurement)) for p in points]
    layers += _segments(pen, laid) + upright(pen, axis, laid, WOMAN)
    if laid[-1][1] is not None and (height := laid[-1][1].at or laid[-1][1].bound) is not None:
        words = [{"x": max(WIDTH, laid[-1][0] + 4) + 4, "y": height, "text": _number(now.measurement)}]
        layers.append(pen.layer("text", words, text=True, color=WOMAN, align="left", fontWeight=600))
    caption = "more than usual variation: cannot say"
    unit = unit_of(now.measurement.quantity.unit).strip()
    lead = full_name(now.measurement.measurand) + (f", {unit}" if unit else "")
    margin = (RULER + 6, RIGHT, BELOW, LEFT)
    return View(WIDTH, HEIGHT, margin, tuple(layers), _alt(points, women), lead, caption)


def _number(m: Measurement) -> str:
    value = value_text(m) if not near_background(m) or m.quantity.upper is None else limit_text(m)
    return value.removesuffix(unit_of(m.quantity.unit))


def _women_block(pen: Pen, axis: Doubling, line: Timeline, moment: Moment, women: Women) -> list[dict[str, Any]]:
    reach = line.reach(moment.phase, (women.from_day, women.to_day))
    if reach is None or women.values[-1] <= 0:
        return []
    block = [{"x": reach[0], "x2": reach[1], "y": axis.inside(women.values[0]), "y2": women.values[-1]}]
    layers = [pen.layer("rect", block, color=BAND2)]
    if women.middle > 0:
        middle = [{"x": reach[0], "x2": reach[1], "y": women.middle}]
        layers.append(pen.layer("rule", middle, color=TEXT3, strokeWidth=1))
    return layers


def _segments(pen: Pen, laid: Sequence[tuple[float, Span | None, bool]]) -> list[dict[str, Any]]:
    """Join neighbours by dots, and the last comparable result to this one by a line."""
    known = [(x, s.at, fit) for x, s, fit in laid if s is not None and s.at is not None]
    now_is_known = bool(known) and known[-1][0] == laid[-1][0]
    last = max((i for i, point in enumerate(known[:-1]) if point[2]), default=None)
    whole = last is not None and now_is_known and known[-1][2]
    dotted = known[: last + 1] if whole and last is not None else known
    rows = [{"x": a[0], "y": a[1], "x2": b[0], "y2": b[1]} for a, b in pairwise(dotted)]
    layers = [pen.layer("rule", rows, color=WOMAN, strokeWidth=1.4, strokeDash=[2, 3])] if rows else []
    if whole and last is not None:
        a, b = known[last], known[-1]
        solid = [{"x": a[0], "y": a[1], "x2": b[0], "y2": b[1]}]
        layers.append(pen.layer("rule", solid, color=WOMAN, strokeWidth=2))
    return layers


def upright(
    pen: Pen, axis: Doubling, laid: Sequence[tuple[float, Span | None, bool]], colour: str, size: int = 45
) -> list[dict[str, Any]]:
    """Draw results along a vertical axis: interval, value, or an arrow from the end that is known.

    Parameters
    ----------
    pen : Pen
        With pixels on x and the axis's scale on y.
    axis : Doubling
        The axis.
    laid : sequence of (float, Span or None, bool)
        Place [px], result, and whether it is drawn filled.
    colour : str
        Of all of them.
    size : int
        Area of a dot [px²].

    Returns
    -------
    list of dict
        Layers.
    """
    spans = [(x, s, filled) for x, s, filled in laid if s is not None]
    bars = [{"x": x, "y": s.low, "y2": s.high} for x, s, _ in spans if s.high > s.low]
    bounds = [{"x": x - 4, "x2": x + 4, "y": s.bound} for x, s, _ in spans if s.bound is not None]
    down = [{"x": x, "y": axis.low} for x, s, _ in spans if "<" in s.arrows]
    up = [{"x": x, "y": axis.high} for x, s, _ in spans if ">" in s.arrows]
    full = [{"x": x, "y": s.at} for x, s, filled in spans if s.at is not None and filled]
    rings = [{"x": x, "y": s.at} for x, s, filled in spans if s.at is not None and not filled]
    arrow: dict[str, Any] = {"color": colour, "size": 40, "filled": True, "opacity": 1}
    drawn = [
        (bars, pen.layer("rule", bars, color=colour, strokeWidth=2)),
        (bounds, pen.layer("rule", bounds, color=colour, strokeWidth=2)),
        (down, pen.layer("point", down, shape="triangle-down", **arrow)),
        (up, pen.layer("point", up, shape="triangle-up", **arrow)),
        (full, pen.layer("point", full, fill=colour, color=PAPER, strokeWidth=1, size=size, opacity=1)),
        (rings, pen.layer("point", rings, fill=PAPER, color=colour, strokeWidth=1.4, size=size, opacity=1)),
    ]
    return [layer for rows, layer in drawn if rows]


def _alt(points: Sequence[Point], women: Women | None) -> str:
    results = (f"{moment_text(p.moment)} {value_text(p.measurement)} ({interval_text(p.measurement)})" for p in points)
    among = ""
    if women is not None:
        middle, ends = women_text(women)
        n = len(women.values)
        when = weeks_of([women]) or "of this phase"
        among = f"; {n} healthy {'woman' if n == 1 else 'women'} {when} {ends}, middle {middle}"
    what = full_name(points[-1].measurement.measurand)
    said = "; ".join(results)
    return f"{what} over {len(points)} visits: {said}{among}; more than usual variation: cannot say."


def medicine_bars(visits: Sequence[tuple[Moment, tuple[Dose, ...] | None]], line: Timeline) -> View | None:
    """Draw the medicines stated at her visits, on the time axis of her courses.

    Parameters
    ----------
    visits : sequence of (Moment, tuple of Dose or None)
        By day; None where medicines were not asked for.
    line : Timeline
        The time axis.

    Returns
    -------
    View or None
        A bar over neighbouring visits that state it; None where no medicine is stated.
    """
    stated = [(line.x(moment), [_dose(d) for d in doses or ()]) for moment, doses in visits]
    names = list(dict.fromkeys(dose for _, doses in stated for dose in doses))
    bars = [(name, _runs(name, stated)) for name in names]
    drawn = [(name, runs) for name, runs in bars if runs]
    if not drawn:
        return None
    height = 15 * len(drawn)
    pen = Pen(pixels(WIDTH), pixels(height, downwards=True))
    rects = [
        {"x": a, "x2": b, "y": 15 * i + 1, "y2": 15 * i + 13} for i, (_, runs) in enumerate(drawn) for a, b in runs
    ]
    going = [
        {"x": runs[-1][1], "y": 15 * i + 7} for i, (_, runs) in enumerate(drawn) if runs[-1][1] - 5 == stated[-1][0]
    ]
    layers = [pen.layer("rect", rects, color=BAND3)]
    for i, (text, runs) in enumerate(drawn):
        word, side = _word(text, *runs[-1], 15 * i + 7)
        layers.append(pen.layer("text", [word], text=True, color=INK, align=side))
    layers.append(pen.layer("point", going, shape="triangle-right", color=MARK, filled=True, size=40, opacity=1))
    alt = f"Medicines stated at her visits: {'; '.join(name for name, _ in drawn)}."
    return View(WIDTH, height, (2, RIGHT, 2, LEFT), tuple(layers), alt)


def _runs(name: str, stated: Sequence[tuple[float | None, list[str]]]) -> list[tuple[float, float]]:
    """Join neighbouring visits at which a medicine is stated."""
    runs: list[tuple[float, float]] = []
    open_run = False
    for x, doses in stated:
        if x is not None and name in doses:
            runs = [*runs[:-1], (runs[-1][0], x + 5)] if open_run else [*runs, (x - 5, x + 5)]
        open_run = name in doses
    return runs


def _dose(dose: Dose) -> str:
    return f"{dose.drug} {dose.dose}".strip()


def _word(text: str, start: float, end: float, y: float) -> tuple[dict[str, Any], str]:
    wide = len(text) * LETTER
    if wide < end - start - 6:
        return {"x": start + 4, "y": y, "text": text}, "left"
    if start - 4 - wide > -LEFT:
        return {"x": start - 4, "y": y, "text": text}, "right"
    return {"x": end + 6, "y": y, "text": text}, "left"


def drawable(points: Sequence[Point]) -> list[Point]:
    """Keep the points that have a number and a date.

    Parameters
    ----------
    points : sequence of Point
        Of one measurand.

    Returns
    -------
    list of Point
        In the same order.
    """
    return [p for p in points if has_place(p.measurement) and p.moment.phase != "unknown"]
